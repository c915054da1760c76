#!/usr/bin/env bash
# Measures the release binary beside the limits of this machine, and writes bench/results.json and docs/benchmarks.{md,svg}:
#
#   scripts/bench.sh                 every route beside its limit (some ten minutes)
#   scripts/bench.sh growth          10,000, a million and ten million users (some twenty minutes, 20 GB of disk)
#   scripts/bench.sh flood           sign-ins at ten times what can be made (some three minutes)
#   scripts/bench.sh sweep           a million expired rows, swept while the service runs (some five minutes)
#   scripts/bench.sh report          writes the documents from the results that are there
#   scripts/bench.sh --help          what else may be said, such as --dir or --dry
#
# Servers of its own come up for the run and go with it. Programs that are missing are installed by root on Debian.
# It ends with 3 if the machine was too noisy for its figures to mean much; the results say why.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${here%/*}

missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v h2load >/dev/null || missing+=(nghttp2-client)
PATH=$PATH:/usr/sbin command -v redis-server >/dev/null || missing+=(redis-server)
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then missing+=(postgresql); fi
if [ "${#missing[@]}" -gt 0 ]; then
  # What can't be installed, the harness names once more.
  "$here/install-packages.sh" "${missing[@]}" || true
fi

cd "$root"
cargo=${CARGO:-cargo}
"$cargo" build --release -p keyward
exec "$cargo" run --release -p bench -- "$@"
