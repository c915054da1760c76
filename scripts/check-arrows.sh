#!/bin/sh
# Fails on any dependency between the crates of the house but those that docs/architecture.md draws, on a crate named
# outside the rooms it is kept to, and on anything in the domain's tree that could reach the world.
#
#   scripts/check-arrows.sh              checks this workspace; needs cargo and nothing else
#   scripts/check-arrows.sh --self-test  proves on a copy that each kind of forbidden arrow is caught
#
# `cargo tree -i NAME` fails alike for "no arrow" and for a misspelt name. So nothing is asked that way: the arrows that
# exist are listed and compared, and every name in the tables below must be one that the workspace knows.
set -eu
LC_ALL=C
export LC_ALL
root=$(cd "$(dirname "$0")/.." && pwd)

# room: the rooms that it may name ("*": any). A room in brackets comes with a later issue and may be absent.
rooms() {
  cat <<'TABLE'
auth-domain
auth-storage     auth-domain
auth-redis       auth-domain
auth-blacklist   auth-domain auth-redis
auth-limits      auth-domain auth-redis
auth-mail        auth-domain
auth-service     auth-domain auth-storage auth-blacklist auth-limits auth-mail
auth-api         auth-domain auth-service
keyward          auth-domain auth-storage auth-redis auth-blacklist auth-limits auth-mail auth-service auth-api
tests            *
properties       *
bench            *
TABLE
}

# crate: the rooms that may name it, besides tests and bench.
kept_to() {
  cat <<'TABLE'
diesel             auth-storage
libsqlite3-sys     auth-storage
pq-sys             auth-storage
openssl-sys        auth-storage
redis              auth-redis
lettre             auth-mail
actix-web          auth-api keyward properties
TABLE
}

# What the domain's tree must not hold: sockets, files, databases, runtimes, chance. The first group is in the house and
# must be in Cargo.lock under that name; the second is not, and must not come in by this door.
banned_and_here='tokio mio socket2 futures-executor diesel r2d2 libsqlite3-sys pq-sys openssl-sys redis actix-web
  actix-http actix-rt hyper reqwest rustls aws-lc-rs getrandom rand tempfile tracing-subscriber clap'
banned_elsewhere='rusqlite sqlx postgres tokio-postgres sled async-std smol async-io ureq isahc curl curl-sys native-tls
  openssl ring fastrand oorandom notify memmap2 walkdir'

problems=
problem() {
  problems=yes
  printf 'arrows: %s\n' "$*" >&2
}

# One line for each dependency: room, crate, kind (normal, build or dev); and one "room . room" for each member itself.
# `cargo metadata --no-deps` shows the optional ones and those of other platforms too, and fetches nothing.
list_arrows() {
  cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" | sed 's/{"name":"/\
/g' | awk -F '"' '
    $2 == "," && $3 == "version" { room = $1; print room, ".", "room"; next }
    $2 == "," && $3 == "source" {
      kind = "normal"
      if (match($0, /"kind":("dev"|"build"|null)/)) {
        found = substr($0, RSTART + 7, RLENGTH - 7)
        if (found != "null") { gsub(/"/, "", found); kind = found }
      }
      print room, $1, kind
    }'
}

known() { grep -qxF "name = \"$1\"" "$root/Cargo.lock"; }

check() {
  arrows=$(list_arrows)
  members=$(printf '%s\n' "$arrows" | awk '$2 == "." { print $1 }')
  [ -n "$members" ] || { problem "cargo metadata showed no member of the workspace"; return; }

  # The names first.
  for name in $(rooms | awk '{ print $1 }'); do
    case $name in
      \[*) ;;
      *) printf '%s\n' "$members" | grep -qxF -e "$name" || problem "the table has a room $name, the workspace has not" ;;
    esac
  done
  for name in $members; do
    rooms | awk '{ gsub(/[][]/, "", $1); print $1 }' | grep -qxF -e "$name" ||
      problem "the room $name has no line in the table of scripts/check-arrows.sh"
  done
  for name in $(kept_to | awk '{ print $1 }') $banned_and_here; do
    known "$name" || problem "$name is not in Cargo.lock: misspelt in scripts/check-arrows.sh, or gone from the house"
  done

  # Then the arrows.
  forbidden=$(
    { rooms | sed 's/^/rooms /'; kept_to | sed 's/^/kept /'; printf '%s\n' "$arrows" | sed 's/^/arrow /'; } | awk '
      $1 == "rooms" { gsub(/[][]/, "", $2); room[$2] = 1; for (i = 3; i <= NF; i++) may[$2, $i] = 1 }
      $1 == "kept" { kept[$2] = ""; for (i = 3; i <= NF; i++) { kept[$2] = kept[$2] " " $i; home[$2, $i] = 1 } }
      $1 == "arrow" && ($4 == "normal" || $4 == "build") && !(($2, "*") in may) {
        if ($3 in room && !(($2, $3) in may)) print $2 " may not depend on " $3
        if ($3 in kept && !(($3, $2) in home)) print $2 " may not name " $3 ", which is kept to" kept[$3]
      }'
  )
  if [ -n "$forbidden" ]; then
    problem "$forbidden"
  fi

  # Then what stands behind the domain: the whole tree, as a build of the domain alone would have it.
  tree=$(cargo tree --quiet --manifest-path "$root/Cargo.toml" -p auth-domain -e normal,build --prefix none --format '{p}' |
    awk '{ print $1 }' | sort -u)
  printf '%s\n' "$tree" | grep -qxF auth-domain || problem "cargo tree did not show auth-domain"
  for name in $banned_and_here $banned_elsewhere; do
    if printf '%s\n' "$tree" | grep -qxF -e "$name"; then
      problem "auth-domain's tree holds $name (cargo tree -p auth-domain -e normal,build -i $name shows by which way)"
    fi
  done

  [ -n "$problems" ] || printf 'arrows: %s rooms, %s arrows between them, %s crates behind the domain: all as drawn\n' \
    "$(printf '%s\n' "$members" | wc -l | tr -d ' ')" \
    "$(printf '%s\n' "$arrows" | awk '$2 ~ /^(auth-|keyward$)/ && $3 != "dev"' | wc -l | tr -d ' ')" \
    "$(($(printf '%s\n' "$tree" | wc -l) - 1))"
}

# --- The self-test --------------------------------------------------------------------------------------------------

copy=
fresh_copy() {
  rm -rf "$copy/house"
  mkdir -p "$copy/house/scripts" "$copy/house/fuzz"
  cp -R "$root/Cargo.toml" "$root/Cargo.lock" "$root/crates" "$root/tests" "$root/bench" "$copy/house/"
  cp -R "$root/fuzz/properties" "$copy/house/fuzz/"
  cp "$root/scripts/check-arrows.sh" "$copy/house/scripts/"
}

edit() {
  sed "$2" "$copy/house/$1" >"$copy/edited"
  cat "$copy/edited" >"$copy/house/$1"
}

expect() {
  if "$copy/house/scripts/check-arrows.sh" >"$copy/said" 2>&1; then
    problem "self-test: not caught: $1"
  elif ! grep -qF -e "$2" "$copy/said"; then
    problem "self-test: $1 was refused for another reason: $(cat "$copy/said")"
  fi
}

self_test() {
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  fresh_copy
  edit crates/auth-api/Cargo.toml 's/^\[dependencies\]$/&\
auth-storage.workspace = true/'
  expect 'the API on storage' 'auth-api may not depend on auth-storage'
  fresh_copy
  edit crates/auth-storage/Cargo.toml 's/^\[dependencies\]$/&\
inner = { package = "auth-blacklist", path = "..\/auth-blacklist", optional = true }/'
  expect 'an optional, renamed arrow' 'auth-storage may not depend on auth-blacklist'
  fresh_copy
  edit crates/auth-service/Cargo.toml 's/^\[dependencies\]$/&\
diesel.workspace = true/'
  expect 'diesel in the service' 'auth-service may not name diesel, which is kept to auth-storage'
  fresh_copy
  edit crates/auth-limits/Cargo.toml 's/^\[dependencies\]$/&\
redis.workspace = true/'
  expect 'redis in the limits' 'auth-limits may not name redis, which is kept to auth-redis'
  fresh_copy
  edit crates/auth-domain/Cargo.toml 's/^\[dependencies\]$/&\
getrandom.workspace = true/'
  expect 'chance in the domain' "auth-domain's tree holds getrandom"
  fresh_copy
  edit scripts/check-arrows.sh 's/^diesel  /deisel  /'
  expect 'a misspelt name in the table' 'deisel is not in Cargo.lock'
  fresh_copy
  edit scripts/check-arrows.sh '/^auth-blacklist  /d'
  expect 'a room without a line' 'the room auth-blacklist has no line in the table'
  [ -n "$problems" ] || echo 'arrows: the self-test caught all seven'
}

case ${1:-} in
  '') check ;;
  --self-test) self_test ;;
  *) echo "usage: $0 [--self-test]" >&2; exit 2 ;;
esac
[ -z "$problems" ]
