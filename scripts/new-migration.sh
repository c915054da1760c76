#!/bin/sh
# Creates the folders of a new migration, one for each database, with the same timestamp and name.
#
#   scripts/new-migration.sh VERB_NOUN        e.g. add_device_names
set -eu

name=${1:-}
if [ "$#" -ne 1 ] || ! printf '%s' "$name" | LC_ALL=C grep -Eqx '[a-z]+(_[a-z0-9]+)+'; then
  echo "usage: $0 VERB_NOUN, in small letters, e.g. add_device_names" >&2
  exit 2
fi

cd "$(dirname "$0")/../migrations"
for folder in sqlite/*_"$name" postgres/*_"$name"; do
  if [ -e "$folder" ]; then
    echo "a migration of that name exists: migrations/$folder" >&2
    exit 1
  fi
done

stamp=$(date -u +%Y-%m-%d-%H%M%S)
newest=$(for folder in sqlite/* postgres/*; do [ ! -d "$folder" ] || echo "${folder#*/}"; done | sort | tail -n 1)
if [ "$(printf '%s\n%s\n' "$newest" "${stamp}_$name" | sort | tail -n 1)" != "${stamp}_$name" ]; then
  echo "the newest migration, $newest, has a later timestamp than now, ${stamp}: the new one would run before it" >&2
  exit 1
fi

for database in sqlite postgres; do
  folder=$database/${stamp}_$name
  mkdir -p "$folder"
  printf -- '-- expand\n-- %s: what changes, and why. The migration of the other database creates the same schema.\n' "$name" >"$folder/up.sql"
  echo "-- Reverts exactly what up.sql does." >"$folder/down.sql"
  echo "migrations/$folder/up.sql"
  echo "migrations/$folder/down.sql"
done
