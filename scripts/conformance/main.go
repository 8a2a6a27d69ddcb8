// Command conformance runs the second client, which is written in Python's standard
// library and shares nothing with ours, against the simulated Atlas: whole lives of every
// resource, with every request made from the official OpenAPI document.
//
//	go run ./scripts/conformance [-json FILE] [-only NAME] [-allow-unserved]
//
// It exits as the client does: 0 when all holds, 1 when something does not. 2 is a wrong
// call, 3 says that there is no python3.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/gatewarden/gatewarden/internal/atlas/sim"
)

// haste is how much faster the simulated clock goes: what Atlas does in its own time
// takes minutes.
const haste = 300

//go:embed world.yaml
var worldFile []byte

func main() { os.Exit(start()) }

func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout, func(h http.Handler) http.Handler { return h })
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
	}
	return code
}

// options are what the command takes; what it does not know goes to the client.
type options struct {
	spec   string
	client []string
}

func parse(args []string) (options, error) {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.spec, "spec", "", "the official document in JSON; empty: it is made from the SDK's module")
	report := flags.String("json", "", "where the client writes its report")
	only := flags.String("only", "", "only resources whose name contains this")
	patience := flags.Duration("patience", 10*time.Second, "time for what the service does by itself")
	allow := flags.Bool("allow-unserved", false, "operations that are not served are no failure")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	o.client = []string{"--patience", fmt.Sprint(patience.Seconds())}
	if *report != "" {
		o.client = append(o.client, "--json", *report)
	}
	if *only != "" {
		o.client = append(o.client, "--only", *only)
	}
	if *allow {
		o.client = append(o.client, "--allow-unserved")
	}
	return o, nil
}

// run serves what through makes of the simulated Atlas, and runs the client against it.
func run(ctx context.Context, args []string, out io.Writer, through func(http.Handler) http.Handler) (int, error) {
	o, err := parse(args)
	if err != nil {
		return 2, err
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return 3, errors.New("there is no python3 on the path: the second client needs Python 3.11 and nothing else")
	}
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return 2, err
	}
	defer os.RemoveAll(dir)
	if o.spec == "" {
		o.spec = filepath.Join(dir, "atlas.json")
		if err := writeSpec(ctx, o.spec); err != nil {
			return 2, err
		}
	}
	atlas, orgs, err := world()
	if err != nil {
		return 2, err
	}
	server := httptest.NewServer(through(atlas))
	defer server.Close()
	return client(ctx, python, o, server.URL, orgs, out)
}

// client runs the client to its end and passes its exit code on.
func client(ctx context.Context, python string, o options, url string, orgs []sim.Org, out io.Writer) (int, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return 2, err
	}
	org, partner := orgs[0], orgs[1]
	owner, key, other := org.ServiceAccounts[0], org.APIKeys[0], partner.ServiceAccounts[0]
	args := append([]string{
		filepath.Join(root, "scripts", "conformance", "lifecycle.py"), "--base-url", url, "--spec", o.spec, "--org", org.ID,
		"--client-id", owner.ClientID, "--client-secret", owner.Secret, "--public-key", key.PublicKey, "--private-key", key.PrivateKey,
		"--partner-org", partner.ID, "--partner-id", other.ClientID, "--partner-secret", other.Secret,
	}, o.client...)
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 2, fmt.Errorf("run the second client: %w", err)
	}
	return 0, nil
}

// world is the Atlas that the client finds, with its organisation and that of its partner.
func world() (*sim.Atlas, []sim.Org, error) {
	w, err := sim.ParseWorld("world.yaml", worldFile)
	if err != nil {
		return nil, nil, err
	}
	start := time.Now()
	now := func() time.Time { return start.Add(haste * time.Since(start)) }
	atlas, err := sim.New(sim.Options{World: w, Seed: 1, Now: now})
	if err != nil {
		return nil, nil, err
	}
	return atlas, atlas.Snapshot().Orgs, nil
}

func moduleRoot(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(mod))), nil
}

// writeSpec writes the official document, which comes with the SDK's module in YAML, as
// JSON: Python's standard library reads no YAML.
func writeSpec(ctx context.Context, to string) error {
	dir, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "go.mongodb.org/atlas-sdk/v20250312020").Output()
	if err != nil {
		return fmt.Errorf("find the SDK's module: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "openapi", "atlas-api.yaml"))
	if err != nil {
		return fmt.Errorf("read the official document: %w", err)
	}
	var doc any
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("read the official document: %w", err)
	}
	out, err := json.Marshal(withText(doc))
	if err != nil {
		return fmt.Errorf("write the official document as JSON: %w", err)
	}
	return os.WriteFile(to, out, 0o600)
}

// withText makes every key a string, as JSON wants them.
func withText(v any) any {
	switch v := v.(type) {
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[fmt.Sprint(key)] = withText(value)
		}
		return out
	case map[string]any:
		for key, value := range v {
			v[key] = withText(value)
		}
	case []any:
		for i := range v {
			v[i] = withText(v[i])
		}
	}
	return v
}
