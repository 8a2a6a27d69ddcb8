package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// token is that of this program for the daemons' admin API: no secret of anybody's.
const token = "gwt_chaos-0000000000000000000000000000000000000"

func tokenHash() string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// chain is what a verification of the audit says.
type chain struct {
	Entries     int `json:"entries"`
	Facts       int `json:"facts"`
	Checkpoints int `json:"checkpoints"`
	Sources     []struct {
		Name    string `json:"name"`
		Waiting uint64 `json:"waiting"`
	} `json:"sources"`
	Unknown  []any `json:"unknown"`
	Problems []any `json:"problems"`
}

// audited has every daemon verify the chain by its own book, until nothing waits to be recorded, and looks
// for the action of every effect in what the chain exports.
func (sc *scene) audited(ctx context.Context, l *ledger) error {
	for i, d := range sc.daemons {
		var c chain
		err := sc.until(ctx, 2*time.Minute, func() string {
			out, err := sc.ask(ctx, i, "audit", "verify", "-o", "json")
			var said struct{ Result chain }
			if jsonErr := json.Unmarshal(out, &said); jsonErr != nil {
				return fmt.Sprintf("the audit of %s is not verified: %v %s", d.name, err, out)
			}
			c = said.Result
			if len(c.Problems) > 0 {
				return ""
			}
			for _, s := range c.Sources {
				if s.Waiting > 0 {
					return fmt.Sprintf("%d facts of %s are not recorded", s.Waiting, s.Name)
				}
			}
			if err != nil || c.Facts < len(l.decisions) || c.Checkpoints == 0 {
				return fmt.Sprintf("%s: %v: %v; %d facts, %d checkpoints", d.name, err, c.Unknown, c.Facts, c.Checkpoints)
			}
			return ""
		})
		if err != nil {
			l.broken("audit: %v", err)
		}
		for _, p := range c.Problems {
			l.broken("audit, by the book of %s: %v", d.name, p)
		}
		l.sum.Audit = fmt.Sprintf("%d facts in %d entries, %d checkpoints in the last book", c.Facts, c.Entries, c.Checkpoints)
	}
	export, err := sc.ask(ctx, 0, "audit", "export")
	if err != nil {
		return fmt.Errorf("export the audit: %w", err)
	}
	for _, x := range l.effects {
		if x.ByHTTP && !strings.Contains(string(export), x.ActionID) {
			l.broken("effect %d of action %s is not in the audit", x.Seq, x.ActionID)
		}
	}
	return nil
}

// ask runs a command of the program against one daemon.
func (sc *scene) ask(ctx context.Context, daemon int, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(sc.dir, "gatewarden"), append(args, "--server", "http://"+sc.admin[daemon])...)
	cmd.Env = append(os.Environ(), "GATEWARDEN_TOKEN="+token)
	return cmd.Output()
}
