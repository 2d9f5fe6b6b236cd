# Hearth: `make` alone prints the targets.

BIN      := bin/hearth
GO       ?= go
GOFLAGS  += -trimpath
LDFLAGS  := -s -w
GOLANGCI := $(GO) tool -modfile=tools/go.mod golangci-lint
export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: help build test race root check lint fmt bench demo dev sim fuzz generate compat tidy clean

help: ## print the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: generate ## build bin/hearth
	$(GO) build $(GOFLAGS) -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/hearth

generate: ## build what is embedded (the sandboxes' init), write docs/compat.md
	$(GO) generate ./internal/sandbox/namespace
	$(GO) generate ./internal/compat

test: generate ## the tests that need no root, in under 3 minutes
	$(GO) test -short ./...

race: generate ## the same under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -short -race ./internal/...

root: build ## the tests with real sandboxes; run as root
	@test "$$(id -u)" = 0 || { echo "make root needs root: sudo make root"; exit 1; }
	HEARTH_ROOT_TESTS=1 $(GO) test -count=1 -p 1 -timeout 30m ./internal/sandbox/... ./internal/worker/... ./test/...

lint: ## golangci-lint, pinned in tools/go.mod
	$(GOLANGCI) run ./...

fmt: ## format the code
	$(GOLANGCI) fmt ./...

check: build lint race root demo ## all that CI runs; run as root
	@$(GO) mod tidy -diff || { echo "run make tidy"; exit 1; }

bench: build ## the figures of SPECIFICATION.md, beside their floors
	$(GO) run ./test/bench

demo: build ## build, start Hearth, run the examples cold and warm, stop
	$(BIN) demo

dev: build ## run Hearth on 127.0.0.1:4566 with a data directory of its own
	$(BIN) up --data-dir $(CURDIR)/.hearth

sim: ## a simulated fleet with faults: 2,000 seeds, or SEED=n alone and in full
	$(GO) test -count=1 -run 'TestInvariants' -v ./internal/sim $(if $(SEED),-seed $(SEED),-seeds 2000) | grep -v '^=== \|^    --- PASS'

fuzz: generate ## fuzz every parser of outside input for a short while
	@for pkg in $$($(GO) list ./internal/...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s $$pkg || exit 1; \
	  done; done

compat: build ## AWS SDKs, the aws CLI and Terraform against bin/hearth
	$(GO) test -count=1 ./test/compat/...

tidy: ## tidy go.mod
	$(GO) mod tidy

clean: ## remove what was built
	rm -rf bin
