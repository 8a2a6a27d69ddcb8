SEED    ?= 20261122
CHANGES ?= 2000
KILLS   ?= 100

.PHONY: check quick faults kills chaos soak conformance mutants bench-rules accept-2 accept-3 accept-4 accept-5 accept-6 build
check: ## every check, as CI runs it
	@scripts/check

quick: ## the inner loop: no race detector, cached tests, no demo
	@scripts/check tools format vet
	@go test $$(go list ./... | grep -v -e /internal/daemon$$ -e /internal/importtest$$)
	@go test -count=1 ./internal/importtest
	@go test ./internal/daemon -args -every=12 -kills=3 -changes=60

build: ## the daemon, as the image carries it
	@scripts/build bin/gatewarden

faults: ## random changes under faults at 20 %, in process and under fake time, against an oracle
	go test ./internal/daemon -run '^TestFaults$$' -count=1 -v -timeout 60m -args -seed=$(SEED) -changes=$(CHANGES)

kills: ## kill -9 of the real daemon at chosen and random instants
	go test ./internal/daemon -run '^TestKill$$' -count=1 -v -timeout 60m -args -seed=$(SEED) -kills=$(KILLS)

chaos: CHANGES = 300
chaos: FOR = 30s
chaos: ## three daemons on three NATS servers as processes, all of it killed and stopped at random, against an oracle
	@go run ./scripts/chaos -seed $(SEED) -changes $(CHANGES) -for $(FOR)

soak: CHANGES = 9000
soak: FOR = 30m
soak: ## the same for half an hour
	@go run ./scripts/chaos -seed $(SEED) -changes $(CHANGES) -for $(FOR)

conformance: ## the simulator against the official document, and whole life cycles by a second client
	go test ./internal/atlas/sim -run '^TestConformance$$' -count=1 -v
	go run ./scripts/conformance

mutants: ## planted breakages, each of which a test must notice
	@go run ./scripts/mutants

accept-2: ## everything that the spine promised, as a table
	@go run ./scripts/accept 2 -seed $(SEED) -changes $(CHANGES) -kills $(KILLS)

accept-4: ## everything that the rule book promised, as a table
	@go run ./scripts/accept 4 -seed $(SEED)

accept-5: ## everything that decisions promised, as a table
	@go run ./scripts/accept 5 -seed $(SEED)

accept-6: ## everything that Slack promised, as a table
	@go run ./scripts/accept 6

bench-rules: ## how fast the rules are judged and loaded, beside OPA in the same run
	@go run -C scripts/benchrules .

accept-3: ## everything that the faithful Atlas promised, as a table
	@go run ./scripts/accept 3
