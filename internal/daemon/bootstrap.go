package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gatewarden/gatewarden/config"
	"github.com/gatewarden/gatewarden/internal/stream"
)

// BootstrapOptions say how an external cluster is set up.
type BootstrapOptions struct {
	File        *config.File
	Credentials string        // a file: of credentials, or of an nkey's seed; empty: what the configuration says
	Wait        time.Duration // how long a cluster that is not ready is waited for
	Logger      *zap.Logger   // nil: silent
}

// Bootstrapped is what a Bootstrap did.
type Bootstrapped struct {
	Layout   int           `json:"layout"`
	Replicas int           `json:"replicas"`
	Steps    []stream.Step `json:"steps"`
}

// Bootstrap sets up streams, buckets and consumers of all roles on an external cluster, or
// brings them to the layout of this version. Doing it twice changes nothing.
func Bootstrap(ctx context.Context, o BootstrapOptions) (Bootstrapped, error) {
	n := o.File.NATS
	out := Bootstrapped{Layout: stream.Layout, Replicas: n.Replicas}
	if !n.External() {
		return out, configError{errors.New("nothing to set up: nats.store is a server of the daemon's own, which sets itself up; bootstrap is for nats.url")}
	}
	credentials, err := bootstrapCredentials(n, o.Credentials)
	if err != nil {
		return out, configError{err}
	}
	dial := dialOf(n, credentials, bootstrapInbox(n.Prefix), cmp.Or(o.Logger, zap.NewNop()))
	dial.Name = "gatewarden bootstrap"
	done := map[stream.Step]stream.Did{}
	err = patiently(ctx, o.Wait, cmp.Or(o.Logger, zap.NewNop()), func() error {
		conn, err := stream.Connect(dial)
		if err != nil {
			return err
		}
		defer conn.Close()
		out.Steps, err = stream.Bootstrap(ctx, conn, stream.Options{Prefix: n.Prefix, Replicas: n.Replicas}, together(Roles()).Work...)
		for i, s := range out.Steps { // what an earlier attempt did was done, too
			what := s
			what.Did = ""
			if s.Did == stream.Kept && done[what] != "" {
				out.Steps[i].Did = done[what]
			}
			done[what] = out.Steps[i].Did
		}
		return err
	})
	if err != nil {
		return out, fmt.Errorf("set up the streams: %w", err)
	}
	return out, nil
}

// bootstrapCredentials are those of the flag, or of nats.bootstrap, or of the daemon where the
// cluster knows but one user.
func bootstrapCredentials(n config.NATS, file string) (config.NATSCredentials, error) {
	switch {
	case file == "" && !n.Bootstrap.IsZero():
		return n.Bootstrap, nil
	case file == "":
		return n.Credentials, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return config.NATSCredentials{}, fmt.Errorf("read the credentials: %w", err)
	}
	if strings.HasPrefix(strings.TrimSpace(string(text)), "SU") {
		return config.NATSCredentials{NKey: config.Source{File: file}}, nil
	}
	return config.NATSCredentials{File: file}, nil
}

// NATSPermissions are the users of a cluster as its configuration has them: one for each
// set of roles, and that of Bootstrap.
func NATSPermissions(prefix string, sets ...[]Role) string {
	var b strings.Builder
	b.WriteString(`# The users that Gatewarden needs in its account, each with exactly what it does. Written by
# gatewarden bootstrap --permissions; not to be edited.
# Each $GW_NATS_… is a public nkey, from the environment of nats-server.
users: [
`)
	for _, roles := range sets {
		name, what := "ALL", "every role in one process"
		if len(roles) != len(Roles()) {
			name, what = strings.ToUpper(joined(roles, "_")), "gatewarden run --roles "+joined(roles, ",")
		}
		writeUser(&b, what, "GW_NATS_"+name, together(roles).Permissions(prefix, inbox(prefix, roles)))
	}
	writeUser(&b, "gatewarden bootstrap", "GW_NATS_BOOTSTRAP", stream.BootstrapPermissions(prefix, bootstrapInbox(prefix)))
	b.WriteString("]\n")
	return b.String()
}

func writeUser(b *strings.Builder, what, key string, p stream.Permissions) {
	fmt.Fprintf(b, "  # %s\n  {nkey: $%s, permissions: {\n    subscribe: {allow: [", what, key)
	for i, s := range p.Subscribe {
		fmt.Fprintf(b, "%s%q", strings.Repeat(", ", min(i, 1)), s)
	}
	b.WriteString("]}\n    publish: {allow: [\n")
	for _, s := range p.Publish {
		fmt.Fprintf(b, "      %q\n", s)
	}
	b.WriteString("    ]}\n  }}\n")
}

// EachRole are the sets of roles of processes that run one each.
func EachRole() (out [][]Role) {
	for _, r := range Roles() {
		out = append(out, []Role{r})
	}
	return out
}
