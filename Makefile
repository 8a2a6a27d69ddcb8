.PHONY: check quick
check: ## every check, as CI runs it
	@scripts/check

quick: ## the inner loop: no race detector, cached tests
	@scripts/check tools format vet
	@go test ./...
