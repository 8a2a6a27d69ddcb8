package natsd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap/zaptest"
)

// TestMain is also the second process of TestASecondProcessIsRefused.
func TestMain(m *testing.M) {
	if dir := os.Getenv("NATSD_TEST_START"); dir != "" {
		s, err := Start(Options{Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Shutdown(context.Background()))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(Options{Dir: dir, Logger: zaptest.NewLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shutdown(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fill makes a stream of n messages, and a few deletions.
func fill(t *testing.T, dir string, n int) {
	t.Helper()
	s := start(t, dir)
	defer shutdown(t, s)
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "FACTS", Subjects: []string{"facts"}, MaxBytes: 1 << 24})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		ack, err := js.Publish(t.Context(), "facts", fmt.Appendf(nil, "fact %d %s", i, strings.Repeat("x", 200)))
		if err == nil && i%5 == 1 {
			err = st.DeleteMsg(t.Context(), ack.Sequence)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func block(t *testing.T, dir string) string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(streamsDir(dir), "FACTS", "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("blocks %v, %v", blocks, err)
	}
	return blocks[0]
}

func TestStoreOutlivesRestartsAndIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	for range 3 {
		fill(t, dir, 20)
	}
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v; want 0700", fi.Mode(), err)
	}
	s := start(t, dir)
	defer shutdown(t, s)
	if err := s.Err(); err != nil {
		t.Errorf("a sound store is reported: %v", err)
	}
}

// TestNothingListens compares the sockets of this process with the kernel's lists of TCP sockets
// that listen.
func TestNothingListens(t *testing.T) {
	s := start(t, t.TempDir())
	defer shutdown(t, s)
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	listening := make(map[string]string)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"} {
		b, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 9 && (f[3] == "0A" || strings.Contains(table, "udp")) {
				listening["socket:["+f[9]+"]"] = f[1]
			}
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil || len(fds) == 0 {
		t.Fatalf("own files: %v, %v", fds, err)
	}
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && listening[target] != "" {
			t.Errorf("a socket is bound to %s", listening[target])
		}
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	second := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "NATSD_TEST_START="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := second()
	if want := fmt.Sprintf("in use by process %d: stop that one first", os.Getpid()); err == nil || !strings.Contains(out, want) {
		t.Errorf("the second process said %q, %v; want %q", out, err, want)
	}
	shutdown(t, s)
	if out, err := second(); err != nil {
		t.Errorf("after the first one's end: %q, %v", out, err)
	}
}

func TestDamageIsRefused(t *testing.T) {
	flip := func(at func(size int64) int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := block(t, dir)
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b[at(int64(len(b)))] ^= 0x40
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	meta := filepath.Join("jetstream", "$G", "streams", "FACTS", "meta.inf")
	cases := map[string]struct {
		harm func(*testing.T, string)
		want string
	}{
		"a bit in the middle":            {flip(func(n int64) int64 { return n / 2 }), "is damaged"},
		"a bit in the first length":      {flip(func(int64) int64 { return 2 }), "is damaged"},
		"a bit in a low length":          {flip(func(n int64) int64 { return 1 }), "is damaged"},
		"a bit in the last record":       {flip(func(n int64) int64 { return n - 12 }), "is damaged"},
		"a stream's description":         {write(meta, "{}"), "FACTS is on disk but was not recovered"},
		"a stream's description is gone": {remove(meta), "FACTS is on disk but was not recovered"},
		"the marker":                     {write(markerName, "?"), "is damaged"},
		"the marker is gone":             {remove(markerName), "not a store of ours"},
		"a newer format":                 {write(markerName, `{"program":"gatewarden","format":9}`), "a newer version wrote it"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, 50)
			c.harm(t, dir)
			before, _ := os.ReadFile(block(t, dir))
			s, err := Start(Options{Dir: dir})
			if err == nil {
				shutdown(t, s)
				t.Fatal("it started")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "backup") {
				t.Errorf("error %v; want %q and how to recover", err, c.want)
			}
			if after, _ := os.ReadFile(block(t, dir)); string(after) != string(before) {
				t.Error("the damaged block was changed: the evidence is gone")
			}
		})
	}
}

func TestAForeignFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("error %v; want a refusal that names the file", err)
	}
	if _, err := Start(Options{}); err == nil {
		t.Error("no folder was accepted")
	}
	empty := t.TempDir()
	if err := os.Mkdir(filepath.Join(empty, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	shutdown(t, start(t, empty)) // the root of a fresh volume
}

// TestInterruptedWritesAreNoDamage leaves behind what a kill in the middle of a write, or of the
// creation of a stream, does.
func TestInterruptedWritesAreNoDamage(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, 50)
	path := block(t, dir)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{10, 50} { // inside the head of a copy of the first record, and inside its body
		if err := os.WriteFile(path, append(b[:len(b):len(b)], b[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		shutdown(t, start(t, dir))
	}
	if err := os.MkdirAll(filepath.Join(streamsDir(dir), "HALF", "msgs"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	defer shutdown(t, s)
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	facts, err := js.Stream(t.Context(), "FACTS")
	if err != nil || facts.CachedInfo().State.Msgs != 40 {
		t.Errorf("%d messages, %v; want 40", facts.CachedInfo().State.Msgs, err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "HALF", Subjects: []string{"half"}, MaxBytes: 1 << 20}); err != nil {
		t.Errorf("a stream whose creation was interrupted cannot be created: %v", err)
	}
}

func TestDamageWhileRunningIsReported(t *testing.T) {
	l := &serverLog{log: zaptest.NewLogger(t)}
	l.Warnf("Filestore [X] %s", "Stream state outdated, last block has additional entries, will rebuild")
	if err := l.err(); err != nil {
		t.Errorf("a rebuild after a kill is no damage: %v", err)
	}
	for _, line := range []string{"Filestore [X] indexCacheBuf corrupt state in 1.blk", "Critical write error: no space left on device"} {
		l := &serverLog{log: zaptest.NewLogger(t)}
		l.Errorf("%s", line)
		l.Warnf("later")
		if err := l.err(); err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("%q is reported as %v", line, err)
		}
	}
}

func TestShutdownIsBounded(t *testing.T) {
	s := start(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("shutdown: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("waiting for it: %v", err)
	}
}
