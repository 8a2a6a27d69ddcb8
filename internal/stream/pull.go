package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	pullExpiry    = 5 * time.Minute // of one request for a message
	pullHeartbeat = 30 * time.Second

	// Of a cluster: a request is lost with the node that led the consumer, which only its silence tells.
	clusterHeartbeat = 5 * time.Second
)

// The statuses by which the server answers a request for a message without one (ADR-37).
const (
	statusHeartbeat = "100"
	statusExpired   = "408"
)

// puller asks for the messages of one consumer, one at a time. (The client library's iterator is not
// used: with a batch of one it can go to sleep for two heartbeats without having asked, when a
// message came faster than its bookkeeping.)
type puller struct {
	nc      *nats.Conn
	request *nats.Msg
	sub     *nats.Subscription
	msgs    chan *nats.Msg
	status  chan nats.Status
	silence time.Duration // after which the request counts as lost
	asked   bool          // the server has a request of ours
	plain   bool          // nothing is acknowledged, or given back
}

func newPuller(nc *nats.Conn, stream, consumer string, heartbeat time.Duration) (*puller, error) {
	body, err := json.Marshal(map[string]any{"batch": 1, "expires": pullExpiry, "idle_heartbeat": heartbeat})
	if err != nil {
		panic("stream: a pull request does not encode: " + err.Error()) // unreachable: three plain values
	}
	p := &puller{nc: nc, msgs: make(chan *nats.Msg, 16), silence: 2 * heartbeat}
	p.request = &nats.Msg{Subject: "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer, Reply: nc.NewInbox(), Data: body}
	if p.sub, err = nc.ChanSubscribe(p.request.Reply, p.msgs); err != nil {
		return nil, err
	}
	p.status = nc.StatusChanged(nats.CONNECTED)
	return p, nil
}

// next waits for a message. It asks again when a request expired, and when server or connection
// seem to have forgotten it; any other word of the server is an error.
func (p *puller) next(ctx context.Context) (*nats.Msg, error) {
	for {
		if err := p.ask(); err != nil {
			return nil, err
		}
		silence := time.NewTimer(p.silence)
		select {
		case msg := <-p.msgs:
			silence.Stop()
			if done, err := p.take(msg); done || err != nil {
				return msg, err
			}
		case <-p.status: // connected again: the request went with the former connection
			silence.Stop()
			p.asked = false
		case <-silence.C:
			p.asked = false
		case <-ctx.Done():
			silence.Stop()
			return nil, ctx.Err()
		}
	}
}

func (p *puller) ask() error {
	if p.asked {
		return nil
	}
	if err := p.nc.PublishMsg(p.request); err != nil {
		return err
	}
	p.asked = true
	return nil
}

// take reports whether msg is a message, and not a word of the server about the request.
func (p *puller) take(msg *nats.Msg) (bool, error) {
	if msg == nil {
		return false, errors.New("the connection was closed")
	}
	status := msg.Header.Get("Status")
	if status == "" || len(msg.Data) > 0 {
		p.asked = false
		return true, nil
	}
	if status == statusHeartbeat {
		return false, nil
	}
	p.asked = false
	if status == statusExpired {
		return false, nil
	}
	return false, fmt.Errorf("the server answers %s %s", status, msg.Header.Get("Description"))
}

// stop gives back a message that came meanwhile. One still on its way comes again after
// AckWait, to whoever asks then.
func (p *puller) stop() {
	_ = p.sub.Unsubscribe() // an error is a connection that is closed anyway
	p.nc.RemoveStatusListener(p.status)
	for {
		select {
		case msg := <-p.msgs:
			if msg == nil {
				return
			}
			if !p.plain && msg.Header.Get("Status") == "" {
				_ = msg.Nak() // else it comes again after AckWait, too
			}
		default:
			return
		}
	}
}
