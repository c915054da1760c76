#!/usr/bin/env bash
# Creates a virtual environment once, below target/, from a list of pinned versions with hashes, and prints the path of one of its
# programs. The name depends on the list's content, so a changed list gets a new environment. Concurrent runs wait for each other.
#
#   scripts/python-environment.sh NAME LIST PROGRAM [OPTION-OF-VENV...]
#
#   PYTHON  the Python to use; default: python3
set -euo pipefail

[ "$#" -ge 3 ] || { echo "usage: $0 NAME LIST PROGRAM [OPTION-OF-VENV...]" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=$1 list=$root/$2 program=$3
shift 3
python=${PYTHON:-python3}
home=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$home"
home=$(cd "$home" && pwd)/$name-$("$python" -c 'import hashlib, sys
print(hashlib.sha256(open(sys.argv[1], "rb").read() + sys.version.encode()).hexdigest()[:16])' "$list")
exec 7>"$home.lock"
if command -v flock >/dev/null; then flock 7; fi
if [ ! -e "$home/complete" ]; then
  echo "installing $name with pip into $home" >&2
  rm -rf "$home"
  if ! { "$python" -m venv "$@" "$home" &&
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$list" &&
    "$home/bin/$program" --version >/dev/null; } >&2; then
    echo "$name could not be installed: pip has to reach PyPI once (for the versions in ${list#"$root/"})" >&2
    exit 1
  fi
  touch "$home/complete"
fi
echo "$home/bin/$program"
