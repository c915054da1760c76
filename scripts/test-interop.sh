#!/usr/bin/env bash
# Tests that other tools understand Keyward (tests/interop): common generators create clients from /openapi.json, and a call with each
# client works.
#
#   scripts/test-interop.sh
#
#   KEYWARD_BIN  the server to test; default: a new build
#
# The script looks for Python and Node on the PATH; as root on Debian it installs them. It downloads the generators from PyPI and npm
# once, into target/.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${here%/*}
target=${CARGO_TARGET_DIR:-$root/target}

die() {
  printf 'test-interop: %s\n' "$*" >&2
  exit 1
}

missing=()
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
command -v curl >/dev/null || missing+=(curl)
if [ "${#missing[@]}" -gt 0 ]; then
  "$here/install-packages.sh" "${missing[@]}" || die "missing: ${missing[*]}. Install them and run this again:
  Debian, Ubuntu  sudo apt-get install python3-venv nodejs npm curl
  Fedora          sudo dnf install python3 nodejs npm curl
  macOS           brew install python node curl"
fi
python=$("$here/python-environment.sh" interop tests/interop/requirements.txt python)
modules=$("$here/node-modules.sh" interop tests/interop)

if [ -z "${KEYWARD_BIN:-}" ]; then
  # With the features of every other build, so that nothing is built twice.
  (cd "$root" && "${CARGO:-cargo}" build --workspace --lib --bins --tests --features tests/services,bench/services)
  KEYWARD_BIN=$target/debug/keyward
fi
keyward=$(cd "$(dirname "$KEYWARD_BIN")" && pwd)/${KEYWARD_BIN##*/}
unset KEYWARD_BIN # The server refuses unknown variables.

# --- The server -----------------------------------------------------------------------------------------------------

folder=$(mktemp -d "${TMPDIR:-/tmp}/keyward-interop.XXXXXX")
server=
# shellcheck disable=SC2317 # Called by a trap.
leave() {
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$folder"
"$keyward" serve --bind 127.0.0.1:0 --data-dir data >server.log 2>&1 </dev/null &
server=$!
origin=
while [ -z "$origin" ]; do
  kill -0 "$server" 2>/dev/null || die "the server did not start: $(cat server.log)"
  origin=$(sed -n 's/.*listening on \(http:[^ "]*\).*/\1/p' server.log)
  [ -n "$origin" ] || read -rt 0.05 <> <(:) || true
done
curl -sSf "$origin/openapi.json" >openapi.json

# --- The generators -------------------------------------------------------------------------------------------------

bin=${python%/*}
PATH=$bin:$PATH # openapi-python-client runs the ruff beside it.
"$bin/openapi-generator-cli" validate -i openapi.json
"$bin/openapi-generator-cli" generate -i openapi.json -g python -o openapi_generator \
  --additional-properties=packageName=generated_by_openapi_generator >generator.log 2>&1 || die "$(tail -n 40 generator.log)"
mkdir openapi_python_client
"$bin/openapi-python-client" generate --path openapi.json --meta none \
  --output-path openapi_python_client/generated_by_openapi_python_client --fail-on-warning
"$python" "$root/tests/interop/generated_python.py" "$origin" "$folder"

ln -s "$modules/node_modules" node_modules
echo '{"type":"module"}' >package.json
node_modules/.bin/openapi-typescript openapi.json -o schema.ts
cp "$root/tests/interop/generated_typescript.ts" .
node_modules/.bin/tsc --strict --target es2022 --module nodenext --moduleResolution nodenext --skipLibCheck generated_typescript.ts
node generated_typescript.js "$origin"
