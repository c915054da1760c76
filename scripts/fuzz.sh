#!/usr/bin/env bash
# Fuzzes the parsers with libFuzzer (cargo-fuzz), each target in turn for some seconds, starting from the inputs of fuzz/corpus.
#
#   scripts/fuzz.sh [--domain] [--keep] [SECONDS [TARGET...]]     default: 10 seconds each of all targets
#
#   --domain  only the parsers of auth-domain; the build takes one minute instead of ten
#   --keep    keep inputs that reached new code in fuzz/corpus (then minimise: cargo fuzz cmin); otherwise they are discarded
#
# The toolchain is that of rust-toolchain.toml: without a sanitizer, cargo-fuzz needs only stable flags. The code is safe Rust, in
# which a sanitizer would find nothing that an assertion does not; overflow checks and debug assertions are on.
# An input that fails is written to fuzz/artifacts. Fix the code, and move the file to fuzz/corpus/<target>, where `cargo test` tries
# it from then on.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seed=${KEYWARD_FUZZ_SEED:-1}
features=()
keep=
while [ "${1:-}" != "${1#--}" ]; do
  case $1 in
    --domain) features=(--no-default-features) ;;
    --keep) keep=yes ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
  esac
  shift
done
seconds=${1:-10}
[ "$#" -eq 0 ] || shift

command -v c++ >/dev/null || scripts/install-packages.sh g++ || {
  echo 'fuzz: libFuzzer needs a C++ compiler: install g++ or clang' >&2
  exit 1
}
command -v cargo-fuzz >/dev/null || cargo install cargo-fuzz --locked --version 0.13.2

# The targets of the manifest. A target that needs more than the domain has a required-features line.
targets() {
  awk -v domain="${#features[@]}" '
    /^\[\[bin\]\]/ { if (name != "" && !(domain && needs)) print name; name = ""; needs = 0; bin = 1; next }
    /^\[/ { if (name != "" && !(domain && needs)) print name; name = ""; bin = 0 }
    bin && /^name = / { split($0, part, "\""); name = part[2] }
    bin && /^required-features/ { needs = 1 }' fuzz/Cargo.toml
}
[ "$#" -gt 0 ] || mapfile -t chosen < <(targets)
[ "$#" -eq 0 ] || chosen=("$@")

options=(--sanitizer none --codegen-units 16 ${features[@]+"${features[@]}"})
begin=$SECONDS
cargo fuzz build "${options[@]}"
printf 'fuzz: built in %s s; %s targets, %s s each, seed %s\n' "$((SECONDS - begin))" "${#chosen[@]}" "$seconds" "$seed"

found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
total=0
for target in "${chosen[@]}"; do
  # libFuzzer writes what is new into the first of the folders that it is given.
  new=$found/$target
  mkdir -p "$new"
  [ -z "$keep" ] || new=fuzz/corpus/$target
  if ! cargo fuzz run "${options[@]}" "$target" "$new" "fuzz/corpus/$target" -- \
    -seed="$seed" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$found/log" 2>&1; then
    tail -n 60 "$found/log" >&2
    printf 'fuzz: %s failed; the input is in fuzz/artifacts/%s\n' "$target" "$target" >&2
    exit 1
  fi
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/log")
  # A target that hardly ran proves nothing.
  [ "${executed:-0}" -gt 100 ] || { cat "$found/log" >&2; printf 'fuzz: %s hardly ran\n' "$target" >&2; exit 1; }
  total=$((total + executed))
  printf '  %-14s %10s executions\n' "$target" "$executed"
done
printf 'fuzz: %s executions, nothing found\n' "$total"
