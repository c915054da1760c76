#!/usr/bin/env bash
# Runs three versions side by side under load, on one PostgreSQL and Redis (tests/chaos/rolling.rs): the commit before schemas had a
# floor, the first commit that knows the floor, and this one. Each older program is built from git once and kept in target/rolling.
#
#   scripts/rolling.sh [ARGUMENT...]        passes the arguments to the test program
#
#   KEYWARD_ROLLING_FROM   the older commit to upgrade from without downtime (default: the one before schema floors)
#   KEYWARD_ROLLING_BACK   the older commit to go back to (default: the first that knows the floor)
#   KEYWARD_CHAOS_SEED     decides which calls are made, and when
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target/rolling"
target=$(cd "$target" && pwd)
features=tests/services,bench/services

die() {
  printf 'rolling: %s\n' "$*" >&2
  exit 1
}

# One test target is built with the program, so the features are those of every other build and no dependency is rebuilt.
build() {
  cargo build --workspace --bins --test model --features "$features"
}

# Builds the program of a commit and prints its path.
program_of() {
  local commit kept folder
  commit=$(git rev-parse --verify --quiet "$1^{commit}") || die "there is no commit $1 (a shallow clone? git fetch --unshallow)"
  kept=$target/rolling/$commit/keyward
  if [ ! -x "$kept" ]; then
    folder=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "git worktree remove --force '$folder/tree' 2>/dev/null; rm -rf '$folder'" EXIT
    git worktree add --quiet --detach "$folder/tree" "$commit"
    (cd "$folder/tree" && CARGO_TARGET_DIR=$target build) >&2
    mkdir -p "${kept%/*}"
    cp "$target/debug/keyward" "$kept.part"
    mv "$kept.part" "$kept"
    git worktree remove --force "$folder/tree"
    rm -rf "$folder"
    trap - EXIT
  fi
  echo "$kept"
}

before_floors=67a2825
first_floor=$(git log --diff-filter=A --format=%H -1 -- crates/auth-storage/src/migrations/mod.rs)
from=$(program_of "${KEYWARD_ROLLING_FROM:-$before_floors}")
back=$(program_of "${KEYWARD_ROLLING_BACK:-$first_floor}")

cargo build --workspace --bins --test chaos --features "$features"
KEYWARD_ROLLING_FROM=$from KEYWARD_ROLLING_BACK=$back exec scripts/with-services.sh \
  cargo test --workspace --features "$features" --test chaos -- rolling:: --ignored --nocapture "$@"
