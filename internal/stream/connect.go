package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/internal/access"
)

// Of a connection to an external cluster. A server that is stopped but not dead is given up
// after three pings.
const (
	dialTimeout   = 5 * time.Second
	pingEvery     = 3 * time.Second
	pingsLost     = 2
	reconnectWait = 250 * time.Millisecond
)

// Dial says how an external cluster is reached.
type Dial struct {
	URL   string // servers, parted by commas
	Name  string // of the connection, as the cluster lists it
	Inbox string // what answers are sent to: a prefix of its own for each set of permissions

	Credentials string                 // a credentials file; read at every connection
	Seed        func() (string, error) // of an nkey, asked at every connection; nil: none

	CA, Cert, Key string // files of PEM; empty: the system's, and no certificate of ours

	Logger *zap.Logger // nil: silent
}

// Connect connects, and from then on reconnects for ever. An error that another attempt may
// mend wraps access.ErrTemporary; a refusal of our credentials does not.
func Connect(d Dial) (*nats.Conn, error) {
	opts, err := d.options()
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(d.URL, opts...)
	switch {
	case err == nil:
		return nc, nil
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return nil, fmt.Errorf("connect to NATS at %s: it does not know this process: %w: correct nats.credentials, or add its user to the servers", d.URL, err)
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return nil, fmt.Errorf("connect to NATS at %s: %w: correct nats.tls.ca, or the servers' certificates", d.URL, err)
	}
	return nil, temporary("connect to NATS at "+d.URL, err)
}

func (d Dial) options() ([]nats.Option, error) {
	log := d.Logger
	if log == nil {
		log = zap.NewNop()
	}
	opts := []nats.Option{
		nats.Name(d.Name), nats.Timeout(dialTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(reconnectWait), nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(pingsLost),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("the connection to NATS is lost and is made again", zap.Error(err))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("connected to NATS again", zap.String("server", nc.ConnectedUrl())) }),
	}
	if d.Inbox != "" {
		opts = append(opts, nats.CustomInboxPrefix(d.Inbox))
	}
	if d.Credentials != "" {
		opts = append(opts, nats.UserCredentials(d.Credentials))
	}
	if d.CA != "" {
		opts = append(opts, nats.RootCAs(d.CA))
	}
	if d.Cert != "" {
		opts = append(opts, nats.ClientCert(d.Cert, d.Key))
	}
	if d.Seed == nil {
		return opts, nil
	}
	public, err := d.public()
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return append(opts, nats.Nkey(public, d.sign)), nil
}

func (d Dial) pair() (nkeys.KeyPair, error) {
	seed, err := d.Seed()
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return nil, errors.New("nats.credentials.nkey is not the seed of an nkey: it begins with SU and is made by nsc or nk") // and nothing of it is shown
	}
	return pair, nil
}

func (d Dial) public() (string, error) {
	pair, err := d.pair()
	if err != nil {
		return "", err
	}
	defer pair.Wipe()
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return "", errors.New("nats.credentials.nkey is the seed of another kind of nkey than a user's, which begins with SU")
	}
	return public, nil
}

func (d Dial) sign(nonce []byte) ([]byte, error) {
	pair, err := d.pair()
	if err != nil {
		return nil, err
	}
	defer pair.Wipe()
	return pair.Sign(nonce)
}

// asyncError takes what the client library says outside any call. What the server denies is
// never granted by another attempt: it ends everything, since the request itself would only time out.
func (s *Stream) asyncError(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) {
		s.deny(fmt.Errorf("NATS denies this process what it needs: %w: %w: give its user the permissions of its roles, which gatewarden bootstrap --permissions prints, or start it with the roles of its user", access.ErrForbidden, err))
		return
	}
	s.o.Logger.Warn("NATS reports", zap.Error(err))
}

// request is the context of one request to the server. It ends when the server has denied us anything.
func (s *Stream) request(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	stop := context.AfterFunc(s.allowed, cancel)
	return ctx, func() { stop(); cancel() }
}

// denied is what the server denied us, nil while it denied nothing.
func (s *Stream) denied() error { return context.Cause(s.allowed) }

// trouble words an error of a request.
func (s *Stream) trouble(doing string, err error) error {
	if denied := s.denied(); denied != nil {
		return fmt.Errorf("stream: %s: %w", doing, denied)
	}
	return temporary(doing, err)
}
