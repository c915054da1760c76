# Every target is one line of what a person would type; `make` alone lists them.

CARGO ?= cargo
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test chaos check fmt lint arrows migrate bench coverage

help: ## List these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: ## Serve on 127.0.0.1:8080 with data in ./data (more flags: make run ARGS='--bind 127.0.0.1:9090')
	$(CARGO) run --release -p keyward -- serve $(ARGS)

# Built first, and all at once: the process tests run the binary, and one resolution of features means one build.
test: ## Run every test on SQLite, PostgreSQL and Redis (throwaway servers, brought up and taken down)
	$(CARGO) build --workspace --lib --bins --tests --features tests/services
	scripts/with-services.sh $(CARGO) test --workspace --features tests/services $(ARGS)

chaos: ## Crash everything a hundred times under load, and all the faults; prints a table (docs/reliability.md)
	$(CARGO) build --workspace --lib --bins --tests --features tests/services
	scripts/with-services.sh $(CARGO) test --workspace --features tests/services --test chaos -- --ignored --nocapture $(ARGS)

check: lint ## The quick look before a commit: lint, and the tests that need nothing installed
	$(CARGO) test --workspace $(ARGS)

fmt: ## Format the code
	$(CARGO) fmt --all

lint: ## Format check, clippy with warnings as errors, arrows, shellcheck where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features tests/services -- -D warnings
	scripts/check-arrows.sh
	if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh deploy/*.sh .ci/run; fi

arrows: ## Check which crate may name which
	scripts/check-arrows.sh

migrate: ## Apply the migrations to DATABASE_URL (default: SQLite in ./data; others: make migrate ARGS=status)
	$(CARGO) run --release -p keyward -- migrate $(or $(ARGS),up)

bench: ## Measure what the domain's decisions, a hash and a token cost (criterion)
	$(CARGO) bench -p auth-domain -p auth-service $(ARGS)

coverage: ## Print the line coverage of auth-domain; fails under 95 %
	scripts/coverage.sh
