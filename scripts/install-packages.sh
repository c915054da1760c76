#!/usr/bin/env bash
# Installs Debian packages with apt-get without starting their servers: no cluster is created, no daemon runs, and none is enabled at
# boot. The script restores every file that it changes for this.
#
#   scripts/install-packages.sh PACKAGE...
#
# It needs root and apt-get. Without them it names the missing packages and fails, so the caller can say more.
set -euo pipefail

[ "$#" -gt 0 ] || { echo "usage: $0 PACKAGE..." >&2; exit 2; }
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed, because that needs root and apt-get: $*" >&2
  exit 1
fi

# One installation at a time: two would overwrite each other's changes to the files below.
exec 8>/var/lock/keyward-install-packages.lock
flock 8

policy=/usr/sbin/policy-rc.d
cluster_rule=/etc/postgresql-common/createcluster.d/keyward-no-cluster.conf
log=$(mktemp)
saved_policy=$policy.before-keyward

put_back() {
  rm -f "$policy" "$cluster_rule" "$log"
  rmdir "${cluster_rule%/*}" 2>/dev/null || true
  [ ! -e "$saved_policy" ] || mv -f "$saved_policy" "$policy"
}

# If a saved policy exists, an earlier run was killed, and the policy in place is that run's.
if [ -e "$policy" ] && [ ! -e "$saved_policy" ]; then mv "$policy" "$saved_policy"; fi
trap put_back EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
printf '#!/bin/sh\n# Created by scripts/install-packages.sh for its own run: installing a package starts no server.\nexit 101\n' >"$policy"
chmod 755 "$policy"
mkdir -p "${cluster_rule%/*}"
echo 'create_main_cluster = false' >"$cluster_rule"

daemons=() # PostgreSQL's unit starts clusters, of which there is none.
for package in "$@"; do
  case $package in
    redis-server | nginx) dpkg -s "$package" >/dev/null 2>&1 || daemons+=("$package") ;;
  esac
done

echo "installing with apt-get: $*" >&2
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null 8>&-; then
  tail -n 30 "$log" >&2
  echo "apt-get could not install: $*" >&2
  exit 1
fi
for daemon in ${daemons[@]+"${daemons[@]}"}; do
  update-rc.d "$daemon" disable >/dev/null 2>&1 || echo "note: $daemon is enabled at boot" >&2
done
