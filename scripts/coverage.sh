#!/usr/bin/env bash
# Prints the line coverage of auth-domain by its own tests for each file, and fails below the floor.
#
#   scripts/coverage.sh [FLOOR]     default 95 (per cent)
#
# The compiler instruments the code. Reading the results needs llvm-profdata and llvm-cov of the compiler's LLVM version: rustup's
# component llvm-tools, or the system's packages (as root on Debian the script installs them).
# Lines of test modules are not counted: running them covers them, which says nothing about the code.
set -euo pipefail

floor=${1:-95}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin

# The path of an LLVM tool that can read what this compiler writes, or nothing.
find_tool() {
  if [ -x "$tools/$1" ]; then
    echo "$tools/$1"
  elif command -v "$1-$llvm"; then
    :
  elif "$1" --version 2>/dev/null | grep -q "LLVM version $llvm\."; then
    command -v "$1"
  fi
}

if [ -z "$(find_tool llvm-profdata)" ] || [ -z "$(find_tool llvm-cov)" ]; then
  scripts/install-packages.sh "llvm-$llvm" || {
    echo "coverage needs llvm-profdata and llvm-cov $llvm: rustup component add llvm-tools, or the package llvm-$llvm" >&2
    exit 1
  }
fi
profdata=$(find_tool llvm-profdata)
cov=$(find_tool llvm-cov)

# A compiler wrapper instruments only the crates of the workspace. Global flags would rebuild every dependency and slow it down.
work=${CARGO_TARGET_DIR:-target}/coverage
rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
printf '#!/bin/sh\nexec "$@" -C instrument-coverage\n' >"$work/rustc"
chmod +x "$work/rustc"
export RUSTC_WORKSPACE_WRAPPER=$work/rustc LLVM_PROFILE_FILE=$work/%p-%m.profraw

cargo test --quiet -p auth-domain --tests >&2
binaries=$(
  cargo test --quiet -p auth-domain --tests --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p'
)
objects=()
while read -r binary; do objects+=(-object "$binary"); done <<<"$binaries"

"$profdata" merge -sparse "$work"/*.profraw -o "$work/all.profdata"
"$cov" export -format=lcov -instr-profile "$work/all.profdata" "${objects[@]}" |
  awk -v floor="$floor" -v root="$PWD/" '
    # Where the test module of a file begins; it is always last.
    function first_test_line(path,   line, number, previous) {
      number = 0
      while ((getline line < path) > 0) {
        number++
        if (previous ~ /#\[cfg\(test\)\]/ && line ~ /^[[:space:]]*(pub )?mod [a-z_]+ *\{/) { close(path); return number - 1 }
        if (line !~ /^[[:space:]]*#!?\[/ || line ~ /#\[cfg\(test\)\]/) previous = line
      }
      close(path)
      return number + 1
    }
    /^SF:/ {
      path = substr($0, 4)
      name = path; sub(root, "", name)
      counted = name ~ /^crates\/auth-domain\/src\// && name !~ /(^|\/)tests(\/|\.rs$)/
      if (counted) end = first_test_line(path)
      next
    }
    /^DA:/ && counted {
      split(substr($0, 4), part, ",")
      if (part[1] + 0 >= end) next
      lines[name]++; total++
      if (part[2] + 0 > 0) { hit[name]++; covered++ }
      else missed[name] = missed[name] " " part[1]
    }
    END {
      if (!total) { print "coverage: no line of auth-domain was seen" > "/dev/stderr"; exit 1 }
      for (name in lines) {
        printf "%6.2f %%  %4d lines  %s%s\n", 100 * hit[name] / lines[name], lines[name], name,
          (name in missed) ? "  missed:" missed[name] : "" | "sort -n"
      }
      close("sort -n")
      share = 100 * covered / total
      printf "auth-domain: %d of %d lines covered, %.2f %%; the floor is %s %%\n", covered, total, share, floor
      exit share < floor
    }'
