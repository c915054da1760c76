#!/usr/bin/env bash
# Tests the pages in a headless Chromium (tests/browser), against servers that the tests start themselves. Screenshots of all pages
# are written to target/browser/screenshots.
#
#   scripts/test-browser.sh [--keep-screenshots] [TEST-FILE...]
#
#   --keep-screenshots  also writes the README's screenshots to docs/screenshots; libfaketime gives them a day of history
#   KEYWARD_BIN         the server to test; default: a new build
#   CHROMIUM            the browser; default: chromium-headless-shell, chromium, or Google Chrome
#
# The script looks for Node and Chromium on the PATH and where macOS installs them; as root on Debian it installs them. It downloads
# the two modules that the tests need from npm once, into target/.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${here%/*}
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target/browser"
target=$(cd "$target" && pwd)

die() {
  printf 'test-browser: %s\n' "$*" >&2
  exit 1
}

screenshots=
if [ "${1:-}" = --keep-screenshots ]; then
  screenshots=$root/docs/screenshots
  shift
fi
tests=("$@")
if [ "${#tests[@]}" -eq 0 ]; then
  tests=("$root"/tests/browser/*.test.js)
  rm -rf "$target/browser/screenshots"
fi

# --- The programs ---------------------------------------------------------------------------------------------------

find_chromium() {
  local candidate
  for candidate in ${CHROMIUM:+"$CHROMIUM"} chromium-headless-shell chromium chromium-browser google-chrome \
    '/Applications/Chromium.app/Contents/MacOS/Chromium' '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
    if command -v "$candidate"; then return; fi
  done
}

# Debian 12 has Node 18.20, so playwright-core is 1.61: from 1.62 on it needs Node 20. node:test has the options from 18.19 on.
node_is_new_enough() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 18 || (a === 18 && b >= 19) ? 0 : 1)'
}

find_programs() {
  missing=()
  chromium=$(find_chromium)
  [ -n "$chromium" ] || missing+=(chromium)
  command -v node >/dev/null && node_is_new_enough || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  command -v openssl >/dev/null || missing+=(openssl)
}

# The headless shell renders pages as Chromium does, without windows, in a third of the time.
if [ -z "${CHROMIUM:-}" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  command -v chromium-headless-shell >/dev/null || "$here/install-packages.sh" chromium-headless-shell || true
fi
find_programs
if [ "${#missing[@]}" -gt 0 ]; then
  if "$here/install-packages.sh" "${missing[@]}"; then find_programs; fi
  [ "${#missing[@]}" -eq 0 ] || die "missing: ${missing[*]} (Node 18.19 or later). Install them and run this again:
  Debian, Ubuntu  sudo apt-get install chromium nodejs npm openssl
  Fedora          sudo dnf install chromium nodejs npm openssl
  macOS           brew install node openssl; brew install --cask chromium"
fi

modules=$("$here/node-modules.sh" browser tests/browser)

if [ -z "${KEYWARD_BIN:-}" ]; then
  # With the features of every other build, so that nothing is built twice.
  (cd "$root" && "${CARGO:-cargo}" build --workspace --lib --bins --features tests/services,bench/services)
  KEYWARD_BIN=$target/debug/keyward
fi
# The servers run in another working folder.
KEYWARD_BIN=$(cd "$(dirname "$KEYWARD_BIN")" && pwd)/${KEYWARD_BIN##*/}
[ -x "$KEYWARD_BIN" ] || die "KEYWARD_BIN is not a program: $KEYWARD_BIN"

# --- The tests ------------------------------------------------------------------------------------------------------

# Servers and browsers write only to this folder. Each ends with the test that started it, and the tests end with this script, however
# it ends.
folder=$(mktemp -d "${TMPDIR:-/tmp}/keyward-browser.XXXXXX")
guardian=

# shellcheck disable=SC2317 # Called by a trap.
leave() {
  trap '' INT TERM HUP
  exec 9>&-
  if [ -n "$guardian" ]; then wait "$guardian" || true; else rm -rf "$folder"; fi
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Ends the tests, which end their browsers, and then removes the folder.
stop_all() {
  local group tries
  if [ -s "$folder/tests.pid" ]; then
    group=$(cat "$folder/tests.pid")
    kill -TERM -- "-$group" || true
    for tries in 1 2 3 4 5 6 7 8 9 10; do
      kill -0 -- "-$group" || break
      [ "$tries" -lt 10 ] || kill -KILL -- "-$group" || true
      sleep 0.5
    done
  fi
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$folder" && break
    sleep 0.2
  done
} >/dev/null 2>&1

# The guardian waits for this script's end of a pipe to close, which happens also when the script is killed outright, and no
# signal meant for the script or its terminal reaches it. The tests close descriptor 9, because the guardian waits until
# every process has closed it.
mkfifo "$folder/alive"
exec 9<>"$folder/alive"
set -m
(
  trap '' INT TERM HUP
  exec 8<"$folder/alive" 9>&-
  cat <&8 >/dev/null || true
  stop_all || true
) &
guardian=$!
set +m

faketime=
for candidate in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1; do
  if [ -e "$candidate" ]; then faketime=$candidate; fi
done

# In a process group of their own, so that one signal ends all of them.
set -m
env TMPDIR="$folder" KEYWARD_BIN="$KEYWARD_BIN" CHROMIUM="$chromium" KEYWARD_BROWSER_MODULES="$modules" \
  KEYWARD_BROWSER_SCREENSHOTS="$target/browser/screenshots" KEYWARD_SCREENSHOTS="${screenshots:-${KEYWARD_SCREENSHOTS:-}}" \
  KEYWARD_TEST_FAKETIME="$faketime" \
  node --test --test-reporter=spec --test-concurrency=3 "${tests[@]}" </dev/null 9>&- &
tests_pid=$!
set +m
echo "$tests_pid" >"$folder/tests.pid"
wait "$tests_pid" && code=0 || code=$?
exit "$code"
