# Every target is one line of what a person would type; `make` alone lists them.

CARGO ?= cargo
ARGS ?=
# What needs PostgreSQL and Redis. The same everywhere: other features build other crates anew, OpenSSL among them.
SERVICES := tests/services,bench/services

.DEFAULT_GOAL := help
.PHONY: help run test test-browser test-interop check fmt lint arrows migrate model chaos rolling fuzz bench microbench coverage

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{ printf "  make %-13s %s\n", $$1, $$2 }'

run: ## Serve on 127.0.0.1:8080 with data in ./data (more flags: make run ARGS='--bind 127.0.0.1:9090')
	$(CARGO) run --release -p keyward -- serve $(ARGS)

# Built first, and all at once: the process tests run the binary, and one resolution of features means one build.
test: ## Run every test on SQLite, PostgreSQL and Redis (throwaway servers, brought up and taken down)
	$(CARGO) build --workspace --lib --bins --tests --features $(SERVICES)
	scripts/with-services.sh $(CARGO) test --workspace --features $(SERVICES) $(ARGS)

test-browser: ## Walk through the pages with a Chromium (make test-browser ARGS=--keep-screenshots renews docs/screenshots)
	scripts/test-browser.sh $(ARGS)

test-interop: ## Let whole programs of others use it: the generators of clients take /openapi.json, and a call with each works
	scripts/test-interop.sh

chaos: ## Crash everything a hundred times under load, and all the faults; prints a table (docs/reliability.md)
	$(CARGO) build --workspace --lib --bins --tests --features $(SERVICES)
	scripts/with-services.sh $(CARGO) test --workspace --features $(SERVICES) --test chaos -- --ignored --skip rolling:: --nocapture $(ARGS)

check: lint ## The quick look before a commit: lint, and the tests that need nothing installed
	$(CARGO) test --workspace $(ARGS)

fmt: ## Format the code
	$(CARGO) fmt --all

lint: ## Format check, clippy with warnings as errors, arrows, shellcheck where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features $(SERVICES) -- -D warnings
	scripts/check-arrows.sh
	if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh deploy/*.sh .ci/run; fi

arrows: ## Check which crate may name which
	scripts/check-arrows.sh

migrate: ## Apply the migrations to DATABASE_URL (default: SQLite in ./data; others: make migrate ARGS=status)
	$(CARGO) run --release -p keyward -- migrate $(or $(ARGS),up)

# Optimised: this one package, not all that it stands on.
model: ## Check every state of the rotation and revocation protocols at the large sizes (minutes, some GB)
	KEYWARD_MODEL=large $(CARGO) test --config 'profile.dev.package.auth-blacklist.opt-level=3' -p auth-blacklist --test model -- --nocapture --test-threads=1 $(ARGS)

bench: ## Measure every route beside its limit, and write docs/benchmarks.md (others: make bench ARGS=growth, ARGS=flood, ARGS=sweep)
	scripts/bench.sh $(ARGS)

microbench: ## Measure what the domain's decisions, a hash and a token cost (criterion)
	$(CARGO) bench -p auth-domain -p auth-service $(ARGS)

rolling: ## Replace older versions by this one, and back, under load (docs/upgrading.md); builds them from git the first time
	scripts/rolling.sh $(ARGS)

coverage: ## Print the line coverage of auth-domain; fails under 95 %
	scripts/coverage.sh

# Longer and otherwise: make fuzz SECONDS_EACH=300 KEYWARD_FUZZ_EXAMPLES=1000 KEYWARD_FUZZ_SEED=7
SECONDS_EACH ?= 20
fuzz: export KEYWARD_FUZZ_EXAMPLES ?= 100
fuzz: ## Fuzz every parser (libFuzzer) and the whole API (schemathesis) for minutes
	scripts/fuzz.sh $(SECONDS_EACH) $(ARGS)
	$(CARGO) build --workspace --lib --bins --tests --features $(SERVICES)
	scripts/with-services.sh $(CARGO) test --workspace --features $(SERVICES) --test process api_fuzz -- --nocapture --test-threads 1
