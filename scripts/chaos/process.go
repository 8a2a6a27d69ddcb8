package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is one that is kept running: whatever ends it, it is started again unless it is held down.
type process struct {
	name   string
	argv   []string
	env    []string
	health string // URL that answers 200 when it is well

	log *os.File

	mu     sync.Mutex
	cmd    *exec.Cmd
	held   bool // it is to stay down
	closed bool
	starts int
	over   chan struct{} // the keeper has ended
}

const restartPause = 300 * time.Millisecond

// keep starts a process and its keeper.
func keep(dir, name, health string, env []string, argv ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, argv: argv, env: env, health: health, log: log, over: make(chan struct{})}
	go p.run()
	return p, nil
}

func (p *process) run() {
	defer close(p.over)
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return
		}
		var cmd *exec.Cmd
		if !p.held {
			cmd = exec.Command(p.argv[0], p.argv[1:]...)
			cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), p.env...), p.log, p.log
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is ours to pass on
			if err := cmd.Start(); err != nil {
				fmt.Fprintln(p.log, "chaos: start:", err)
				cmd = nil
			}
			p.cmd = cmd
			p.starts++
		}
		p.mu.Unlock()
		if cmd != nil {
			_ = cmd.Wait() // however it ended, it is started again
			p.mu.Lock()
			p.cmd = nil
			p.mu.Unlock()
		}
		<-time.After(restartPause)
	}
}

func (p *process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(s) // one that has just ended needs none
	}
}

// down kills it and keeps it down until up.
func (p *process) down() { p.hold(true); p.signal(syscall.SIGKILL) }
func (p *process) up()   { p.hold(false) }

func (p *process) hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = on
}

func (p *process) started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts
}

// well reports whether it answers that it is.
func (p *process) well() bool { return p.ails() == "" }

// ails is what it says is wrong with it; empty: nothing.
func (p *process) ails() string {
	c := http.Client{Timeout: 2 * time.Second}
	r, err := c.Get(p.health)
	if err != nil {
		return fmt.Sprintf("it does not answer after %d starts: %v", p.started(), err)
	}
	defer r.Body.Close()
	if r.StatusCode == http.StatusOK {
		return ""
	}
	says, err := io.ReadAll(io.LimitReader(r.Body, 2000))
	if err != nil {
		return fmt.Sprintf("%s, and then %v", r.Status, err)
	}
	return fmt.Sprintf("%s: %s", r.Status, bytes.TrimSpace(says))
}

// stop ends it for good, first politely.
func (p *process) stop() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.over:
	case <-time.After(10 * time.Second):
		p.signal(syscall.SIGKILL)
		<-p.over
	}
	_ = p.log.Close() // nobody writes to it any more
}

// addresses are free at this moment, and of no port that the system gives to whoever asks for any:
// while a process is down, nobody else gets its own.
func addresses(n int) (out []string, err error) {
	const from, to = 15000, 30000 // below the range that Linux gives out
	for tries := 0; len(out) < n; tries++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", from+rand.IntN(to-from)))
		if err != nil && tries < 100*n {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().String())
	}
	return out, nil
}

// tail is the end of its log.
func (p *process) tail() string {
	raw, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2000):])
}
