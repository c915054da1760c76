#!/usr/bin/env bash
# Measures the release binary against the limits of this machine, and writes bench/results.json and docs/benchmarks.{md,svg}:
#
#   scripts/bench.sh                 every route against its limit (some ten minutes)
#   scripts/bench.sh growth          10,000, a million and ten million users (some twenty minutes, 20 GB of disk)
#   scripts/bench.sh flood           sign-ins at ten times the capacity (some three minutes)
#   scripts/bench.sh sweep           a million expired rows, swept while the service runs (some five minutes)
#   scripts/bench.sh report          writes the documents from the existing results
#   scripts/bench.sh --help          all options, such as --dir or --dry
#
# The script starts servers of its own and stops them at the end. As root on Debian it installs missing programs.
# It exits with 3 if the machine was too noisy for the figures to mean much; the results say why.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${here%/*}

missing=()
command -v wrk >/dev/null || missing+=(wrk)
command -v h2load >/dev/null || missing+=(nghttp2-client)
PATH=$PATH:/usr/sbin command -v redis-server >/dev/null || missing+=(redis-server)
if ! command -v initdb >/dev/null && ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then missing+=(postgresql); fi
if [ "${#missing[@]}" -gt 0 ]; then
  # The harness names once more what can't be installed.
  "$here/install-packages.sh" "${missing[@]}" || true
fi

cd "$root"
cargo=${CARGO:-cargo}
"$cargo" build --release -p keyward
exec "$cargo" run --release -p bench -- "$@"
