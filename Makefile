# Each target is what a person would type in a line or two; `make` alone lists the targets.

CARGO ?= cargo
ARGS ?=
# The features of the tests that need PostgreSQL and Redis. Every target uses the same ones: others would rebuild dependencies, OpenSSL
# among them.
SERVICES := tests/services,bench/services
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The program of the development profile. It is built with the features of the tests, so that `make test` builds nothing of it again.
BUILD_PROGRAM = $(CARGO) build --workspace --bin keyward --features $(SERVICES)

.DEFAULT_GOAL := help
.PHONY: help run release test test-browser test-interop check fmt lint arrows migrate model chaos rolling fuzz bench microbench coverage

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{ printf "  make %-13s %s\n", $$1, $$2 }'

run: ## Serve a development build on 127.0.0.1:8080 with data in ./data (options: make run ARGS='--bind 127.0.0.1:9090')
	@[ -x $(TARGET)/debug/keyward ] || echo 'make run: the first build compiles SQLite, libpq, OpenSSL and some 300 crates: a few minutes on two cores.'
	@echo 'make run: this builds and serves a development build, for trying Keyward out. `make release` builds the program to install.'
	$(BUILD_PROGRAM)
	$(TARGET)/debug/keyward serve $(ARGS)

release: ## Build the program to install, optimised as a whole: target/release/keyward (some minutes)
	$(CARGO) build --release --locked -p keyward
	@echo 'make release: $(TARGET)/release/keyward'

# What is missing is named before anything is built. Then everything is built at once: the process tests run the binary, and one resolution of features means one build.
test: ## Run every test on SQLite, PostgreSQL and Redis (it starts and stops throwaway servers; one program: make test ARGS='--test e2e')
	scripts/with-services.sh --check
	$(CARGO) build --workspace --lib --bins --tests --features $(SERVICES)
	scripts/with-services.sh $(CARGO) test --workspace --features $(SERVICES) $(ARGS)

test-browser: ## Test the pages in Chromium (make test-browser ARGS=--keep-screenshots renews docs/screenshots)
	scripts/test-browser.sh $(ARGS)

test-interop: ## Generate clients from /openapi.json with three generators, and make a call with each
	scripts/test-interop.sh

chaos: ## Crash every server a hundred times under load, and cause every fault; prints a table (docs/reliability.md)
	$(CARGO) build --workspace --lib --bins --tests --features $(SERVICES)
	scripts/with-services.sh $(CARGO) test --workspace --features $(SERVICES) --test chaos -- --ignored --skip rolling:: --nocapture $(ARGS)

check: lint ## Run the lints and the tests that need nothing installed; for before a commit
	$(CARGO) test --workspace $(ARGS)

fmt: ## Format the code
	$(CARGO) fmt --all

lint: ## Check the format, clippy (warnings are errors), the dependencies between crates, and shellcheck where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features $(SERVICES) -- -D warnings
	scripts/check-arrows.sh
	if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh deploy/*.sh .ci/run; fi

arrows: ## Check which crate may depend on which
	scripts/check-arrows.sh

migrate: ## Apply the migrations to DATABASE_URL (default: SQLite in ./data; other commands: make migrate ARGS=status)
	$(BUILD_PROGRAM)
	$(TARGET)/debug/keyward migrate $(or $(ARGS),up)

# Optimised: this package alone, not its dependencies.
model: ## Check every state of the rotation and revocation protocols at the large sizes (minutes, some GB)
	KEYWARD_MODEL=large $(CARGO) test --config 'profile.dev.package.auth-blacklist.opt-level=3' -p auth-blacklist --test model -- --nocapture --test-threads=1 $(ARGS)

bench: ## Measure every route against its limit, and write docs/benchmarks.md (more: make bench ARGS=growth, ARGS=flood, ARGS=sweep)
	scripts/bench.sh $(ARGS)

microbench: ## Measure the cost of the domain's decisions, a hash and a token (criterion)
	$(CARGO) bench -p auth-domain -p auth-service $(ARGS)

rolling: ## Replace older versions with this one, and back, under load (docs/upgrading.md); the first run builds them from git
	scripts/rolling.sh $(ARGS)

coverage: ## Print the line coverage of auth-domain; fails under 95 %
	scripts/coverage.sh

# A longer or another run: make fuzz SECONDS_EACH=300 KEYWARD_FUZZ_EXAMPLES=1000 KEYWARD_FUZZ_SEED=7
SECONDS_EACH ?= 20
fuzz: export KEYWARD_FUZZ_EXAMPLES ?= 100
fuzz: ## Fuzz every parser (libFuzzer) and the whole API (schemathesis) for minutes
	scripts/fuzz.sh $(SECONDS_EACH) $(ARGS)
	$(CARGO) build --workspace --lib --bins --tests --features $(SERVICES)
	scripts/with-services.sh $(CARGO) test --workspace --features $(SERVICES) --test process api_fuzz -- --nocapture --test-threads 1
