#!/usr/bin/env bash
# Installs the node modules of a folder's package-lock.json once, below target/, and prints where. The name depends on that file's
# content, so a changed file gets a new folder. Concurrent runs wait for each other.
#
#   scripts/node-modules.sh NAME FOLDER
set -euo pipefail

[ "$#" -eq 2 ] || { echo "usage: $0 NAME FOLDER" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
list=$root/$2/package-lock.json
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target"
modules=$(cd "$target" && pwd)/$1-$(node -p 'require("crypto").createHash("sha256").update(require("fs").readFileSync(process.argv[1])).digest("hex").slice(0, 16)' "$list")
exec 7>"$modules.lock"
if command -v flock >/dev/null; then flock 7; fi
if [ ! -e "$modules/complete" ]; then
  echo "installing the modules of $2 with npm into $modules" >&2
  rm -rf "$modules"
  mkdir "$modules"
  cp "$list" "$root/$2/package.json" "$modules"
  if ! (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund >&2); then
    echo "the modules could not be installed: npm has to reach its registry once (for the versions in ${list#"$root/"})" >&2
    exit 1
  fi
  touch "$modules/complete"
fi
echo "$modules"
