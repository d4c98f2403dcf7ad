# Every target works from a fresh clone; `make help` lists them.

GO  ?= go
BIN := bin
DEMO_DIR ?= var/demo

# PC/SC needs cgo and the libpcsclite headers on Linux. Without them everything still builds; a config that asks for
# PC/SC is then refused with a sentence that says so.
ifeq ($(shell $(GO) env GOOS),linux)
ifneq ($(shell pkg-config --exists libpcsclite 2>/dev/null && echo yes),yes)
TAGS := -tags nopcsc
endif
endif

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -ldflags "-X tally/cmd/internal/cli.Version=$(VERSION)"

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

.PHONY: build
build: ## tallyd, tally and tally-central into bin/
	$(GO) build $(TAGS) $(LDFLAGS) -o $(BIN)/ ./cmd/tallyd ./cmd/tally ./cmd/tally-central

.PHONY: run
run: build ## the demo: counter page, simulated cards and meters, broker and centre in one process
	$(BIN)/tallyd demo --dir $(DEMO_DIR)

.PHONY: run-clean
run-clean: build ## the demo from the beginning, with fresh data
	$(BIN)/tallyd demo --dir $(DEMO_DIR) --fresh

.PHONY: deps
deps: ## what the tests need from the system (apt, as root or with sudo)
	@bash .ci/deps

.PHONY: check
check: build ## build, vet, staticcheck, architecture and unit tests, under two minutes
	$(GO) vet $(TAGS) ./...
	$(GO) tool staticcheck $(TAGS) ./...
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi
	$(GO) test $(TAGS) -short -p 2 ./...

.PHONY: test
test: deps check cross ## everything, with real parts and the race detector
	$(GO) test $(TAGS) -race -p 2 -timeout 30m ./...

.PHONY: cross
cross: ## the platforms that are shipped
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -o /dev/null ./...
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./...
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=7 $(GO) build -o /dev/null ./...
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./...

FUZZTIME ?= 60s

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each
	@for pkg in $$($(GO) list $(TAGS) ./...); do \
	  for f in $$($(GO) test $(TAGS) -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz'); do \
	    echo "== $$pkg $$f"; $(GO) test $(TAGS) -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

# The campaigns of `make faults`: how often processes are killed, and how many random histories are tried.
KILLS  ?= 1000
CHECKS ?= 4000

.PHONY: faults
faults: ## long campaigns: kills, power cuts at every write, faults at every APDU, the books under random acts
	TALLY_KILLS=$(KILLS) TALLY_ALL_CUTS=1 $(GO) test $(TAGS) -count=1 -timeout 3h -v -run 'Kill|Cut' ./storage ./cmd/internal/daemon | grep -vE '^=== '
	TALLY_FAULTS=1 $(GO) test $(TAGS) -count=1 -timeout 1h -v -run 'Fault' ./cmd/internal/daemon ./sync/... | grep -vE '^=== |no test'
	TALLY_FAULTS=1 $(GO) test $(TAGS) -count=1 -timeout 1h -v -run 'ThreeWeeks' ./cmd/internal/daemon | grep -vE '^=== '
	TALLY_KILLS=$$(( ($(KILLS)+4)/5 )) $(GO) test $(TAGS) -count=1 -timeout 3h -v -run 'Kill|Fault|Restored' ./sync/... ./cmd/internal/centre | grep -vE '^=== |no test'
	TALLY_ALL_POINTS=1 $(GO) test $(TAGS) -count=1 -timeout 3h -v -run 'EveryAPDU|EveryFault|Faults|EveryStep|EveryCardStep|EveryPowerCut|Promise6' ./cardreader/... ./counter | grep -vE '^=== |no test'
	$(GO) test $(TAGS) -count=1 -timeout 3h -v -run 'Law|Books' ./counter ./cardreader/purse ./meter/quality -rapid.checks=$(CHECKS) | grep -vE '^=== '

.PHONY: bench
bench: ## the figures of docs/figures.md
	$(GO) test $(TAGS) -run '^$$' -bench . -benchtime 2s -p 1 ./...

.PHONY: clean
clean: ## bin/ and the demo's data
	rm -rf $(BIN) var
