# tally: see README.md. Every target works from a fresh clone.
GO ?= go
BIN := bin

.PHONY: build
build:
	$(GO) build -o $(BIN)/ ./cmd/...
