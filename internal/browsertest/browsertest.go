// Package browsertest gives tests a real browser. It is imported by tests only.
package browsertest

import (
	"context"
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// Start is one headless Chromium for all pages of a test, which ends with it. flags are set beside
// those that every test needs: no sandbox (tests may run as root), and nothing that asks a network.
func Start(t *testing.T, flags ...string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("chromium is missing: install it (Debian package: chromium) and run again: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()))
	for _, f := range append([]string{"no-sandbox", "disable-gpu", "disable-quic", "disable-component-update"}, flags...) {
		options = append(options, chromedp.Flag(f, true))
	}
	all, stop := chromedp.NewExecAllocator(context.Background(), options...) // it outlives the test until the clean-up
	ctx, quit := chromedp.NewContext(all)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("end the browser: %v", err)
		}
		quit()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}
