#!/usr/bin/env bash
# Prints a folder whose node_modules are installed once, below target/, from the package-lock.json of a folder. It is named after
# that file, so that a newer one makes a new folder. Two runs at a time wait for one another.
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
    echo "the modules could not be installed: npm has to reach its registry once (the versions of ${list#"$root/"})" >&2
    exit 1
  fi
  touch "$modules/complete"
fi
echo "$modules"
