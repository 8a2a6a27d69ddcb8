package slackfake

import (
	"context"
	"net"
	"sync"
)

// Memory is a listener without a network, for Options.Listener, and the dialer of its
// clients: http.Transport.DialContext and websocket.Dialer.NetDialContext. In a
// synctest bubble it lets the bubble's time pass.
func Memory() (net.Listener, func(ctx context.Context, network, addr string) (net.Conn, error)) {
	m := &memory{conns: make(chan net.Conn), done: make(chan struct{})}
	return m, m.dial
}

type memory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "slack.invalid:80" }

func (m *memory) Addr() net.Addr { return memoryAddr{} }

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
