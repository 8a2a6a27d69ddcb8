module github.com/gatewarden/gatewarden

go 1.26.0

require (
	cel.dev/cel-go v0.33.2 // rule expressions, typed and bounded
	github.com/cedar-policy/cedar-go v1.9.0 // the simulator's resource policies are Cedar
	github.com/charmbracelet/lipgloss v1.1.0 // colours and tables of the terminal
	github.com/charmbracelet/x/term v0.2.1 // the width of the terminal
	github.com/chromedp/cdproto v0.159.0 // tests: what the browser is told, for chromedp
	github.com/chromedp/chromedp v0.23.0 // tests: the report in a headless Chromium
	github.com/coreos/go-oidc/v3 v3.21.0 // tokens of an OpenID Connect provider
	github.com/getkin/kin-openapi v0.152.0 // tests: the simulator against the official spec, the admin API against its own
	github.com/go-jose/go-jose/v4 v4.1.4 // tests: a provider that signs tokens
	github.com/google/go-cmp v0.7.0 // tests: readable differences
	github.com/gorilla/websocket v1.5.3 // the sockets of the Slack fake
	github.com/klauspost/compress v1.20.3 // zstd of stored documents
	github.com/minio/highwayhash v1.0.4 // verifies the store's message blocks, by the server's own checksum
	github.com/nats-io/nats-server/v2 v2.15.2 // the embedded JetStream server
	github.com/nats-io/nats.go v1.55.0 // JetStream client
	github.com/nats-io/nkeys v0.4.16 // who a process is to an external NATS cluster
	github.com/nats-io/nuid v1.0.1 // unique names of a large document's parts
	github.com/owenrumney/go-sarif/v3 v3.3.1 // tests: holds the official SARIF schema
	github.com/prometheus/client_golang v1.25.0 // metrics
	github.com/robfig/cron/v3 v3.0.1 // schedules
	github.com/rogpeppe/go-internal v1.16.0 // tests: the command line, as scripts
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // tests: the configuration's schema, and reports against theirs
	github.com/schollz/progressbar/v3 v3.19.1 // the progress of a scan
	github.com/slack-go/slack v0.35.0 // Slack: the Web API, Socket Mode, Block Kit
	github.com/spf13/cobra v1.10.2 // command line
	go.mongodb.org/atlas-sdk/v20250312020 v20250312020.0.0 // Atlas's own types; its module holds the official spec
	go.uber.org/zap v1.28.0 // structured logs
	go.yaml.in/yaml/v4 v4.0.0 // strict YAML with positions
	golang.org/x/sync v0.24.0 // errgroup
	golang.org/x/time v0.16.0 // rate limits of the admin API, and of what is said in Slack
	golang.org/x/tools v0.51.0 // tests: txtar archives
	pgregory.net/rapid v1.3.0 // tests: properties
)

require (
	cel.dev/expr v0.25.1 // indirect
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/aymanbagabas/go-osc52/v2 v2.0.1 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/charmbracelet/colorprofile v0.2.3-0.20250311203215-f60798e515dc // indirect
	github.com/charmbracelet/x/ansi v0.8.0 // indirect
	github.com/charmbracelet/x/cellbuf v0.0.13-0.20250311204145-2c3ea96c31dd // indirect
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	github.com/go-openapi/jsonpointer v0.22.5 // indirect
	github.com/go-openapi/swag/jsonname v0.25.5 // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/kylelemons/godebug v1.1.0 // indirect
	github.com/lucasb-eyer/go-colorful v1.2.0 // indirect
	github.com/mattn/go-isatty v0.0.22 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/mongodb-forks/digest v1.1.0 // indirect
	github.com/muesli/termenv v0.16.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/oasdiff/yaml v0.1.1 // indirect
	github.com/oasdiff/yaml3 v0.0.14 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
	github.com/xeipuuv/gojsonschema v1.2.0 // indirect
	github.com/xo/terminfo v0.0.0-20220910002029-abceb7e1c41e // indirect
	go.uber.org/multierr v1.10.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/exp v0.0.0-20240823005443-9b4947da3948 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20240826202546-f6391c0de4c7 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20240826202546-f6391c0de4c7 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool honnef.co/go/tools/cmd/staticcheck
