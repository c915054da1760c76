#!/usr/bin/env bash
# Starts a PostgreSQL and a Redis on free ports of 127.0.0.1, in a temporary folder, runs a command, and stops both when the command
# ends, however it or this script ends. The exit code is the command's.
#
#   scripts/with-services.sh COMMAND [ARGUMENT...]
#   scripts/with-services.sh --check    starts nothing: installs or names what is missing
#
# The command finds in its environment:
#   KEYWARD_TEST_POSTGRES      the URL of a superuser, postgres://…, on the database `postgres`
#   KEYWARD_TEST_REDIS         redis://127.0.0.1:PORT/0
#   KEYWARD_TEST_PG_BIN        the folder of initdb, pg_ctl and postgres, for tests that stop and start a server of their own
#   KEYWARD_TEST_PG_USER       only for root: the user to run those as, because PostgreSQL refuses root
#   KEYWARD_TEST_REDIS_SERVER  the redis-server program
#   KEYWARD_TEST_NGINX         the nginx program
#   KEYWARD_TEST_PYTHON        a Python with PyJWT, for the example that checks tokens
#   KEYWARD_TEST_SCHEMATHESIS  the API fuzzer, which pip installs under target/ in the first run
#   KEYWARD_TEST_SMTP_PYTHON   a Python with aiosmtpd, for tests/smtp/server.py; pip installs it under target/, too
#   KEYWARD_TEST_FAKETIME      libfaketime, for servers with a wrong clock; on Linux
# The script looks for programs on the PATH and where Debian and Homebrew install them; as root on Debian it installs them.
set -euo pipefail

[ "$#" -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT...]" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
  printf 'with-services: %s\n' "$*" >&2
  exit 1
}

# --- The programs ---------------------------------------------------------------------------------------------------

find_postgres_folder() {
  local initdb candidate
  if initdb=$(command -v initdb); then
    initdb=$(readlink -f "$initdb")
    if [ -x "${initdb%/*}/pg_ctl" ]; then
      echo "${initdb%/*}"
      return
    fi
  fi
  for candidate in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin; do
    if [ -x "$candidate/initdb" ]; then echo "$candidate"; fi
  done | sort -V | tail -n 1
}

find_program() { PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" || true; }

# The system's packages may belong to another Python than the one on the PATH.
find_python_with_jwt() {
  local candidate
  for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import cryptography, jwt; jwt.PyJWK' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
}

find_faketime() {
  local candidate
  for candidate in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1; do
    if [ -e "$candidate" ]; then
      echo "$candidate"
      return
    fi
  done
}

find_programs() {
  pg_bin=$(find_postgres_folder)
  redis_server=$(find_program redis-server)
  redis_cli=$(find_program redis-cli)
  nginx=$(find_program nginx)
  missing=()
  [ -n "$pg_bin" ] || missing+=(postgresql)
  [ -n "$redis_server" ] && [ -n "$redis_cli" ] || missing+=(redis-server)
  [ -n "$nginx" ] || missing+=(nginx)
  python=$(find_python_with_jwt)
  [ -n "$python" ] || missing+=(python3-jwt python3-cryptography)
  [ -z "$python" ] || "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  command -v curl >/dev/null || missing+=(curl)
  command -v wrk >/dev/null || missing+=(wrk)
  command -v h2load >/dev/null || missing+=(nghttp2-client)
  faketime=$(find_faketime)
  [ -n "$faketime" ] || [ "$(uname)" != Linux ] || missing+=(libfaketime)
}

find_programs
if [ "${#missing[@]}" -gt 0 ]; then
  if "$here/install-packages.sh" "${missing[@]}"; then find_programs; fi
  [ "${#missing[@]}" -eq 0 ] || die "missing: ${missing[*]}. Install them and run this again:
  Debian, Ubuntu  sudo apt-get install postgresql redis-server nginx curl python3-jwt python3-cryptography python3-venv libfaketime wrk nghttp2-client
  Fedora          sudo dnf install postgresql-server redis nginx curl python3-jwt python3-cryptography libfaketime wrk nghttp2
  macOS           brew install postgresql redis nginx wrk nghttp2; pip3 install pyjwt cryptography"
fi

# No system package has the API fuzzer and the mail server. The mail server uses the Python with cryptography, for the certificates of
# a throwaway CA.
export PYTHON=$python
schemathesis=$("$here/python-environment.sh" schemathesis tests/api_fuzz/requirements.txt schemathesis)
smtp_python=$("$here/python-environment.sh" aiosmtpd tests/smtp/requirements.txt python --system-site-packages)
unset PYTHON
if [ "$1" = --check ]; then exit; fi

# --- The folder, and the guardian that empties it -------------------------------------------------------------------

# PostgreSQL refuses root. A Redis without a password that runs as root would let every local user become root.
run_as=(env)
if [ "$(id -u)" -eq 0 ]; then
  server_user=nobody
  if id postgres >/dev/null 2>&1; then server_user=postgres; fi
  run_as=(setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --clear-groups --)
  export KEYWARD_TEST_PG_USER=$server_user
fi

folder=
guardian=

# shellcheck disable=SC2317 # Called by a trap.
leave() {
  trap '' INT TERM HUP
  exec 9>&-
  if [ -n "$guardian" ]; then wait "$guardian" || true; elif [ -n "$folder" ]; then rm -rf "$folder"; fi
}

# shellcheck disable=SC2317 # Called by a trap.
interrupted() {
  if [ -s "$folder/command.pid" ]; then kill "-$1" -- "-$(cat "$folder/command.pid")" 2>/dev/null || true; fi
  exit "$2"
}
trap leave EXIT
trap 'interrupted INT 130' INT
trap 'interrupted TERM 143' TERM
trap 'interrupted HUP 129' HUP

make_folder() {
  folder=$(mktemp -d "$1/keyward-services.XXXXXX")
  chmod 755 "$folder"
}
make_folder "${TMPDIR:-/tmp}"
if ! "${run_as[@]}" test -x "$folder"; then
  rmdir "$folder"
  make_folder /tmp
fi

# Stops every server in the folder by its process id, and removes the folder. The end is not graceful: a server that a test has frozen
# would not react.
stop_all() {
  local pid
  if [ -s "$folder/command.pid" ]; then kill -KILL -- "-$(cat "$folder/command.pid")"; fi
  if [ -s "$folder/redis.pid" ]; then kill -KILL "$(cat "$folder/redis.pid")"; fi
  if [ -s "$folder/postgres/postmaster.pid" ]; then
    pid=$(head -n 1 "$folder/postgres/postmaster.pid")
    kill -CONT "$pid"
    "${run_as[@]}" "$pg_bin/pg_ctl" stop -s -w -t 20 -m immediate -D "$folder/postgres" || kill -KILL "$pid"
  fi
  rm -rf "$folder"
} >/dev/null 2>&1

# The guardian waits for this script's end of a pipe to close, which happens also when the script is killed outright,
# and no signal meant for the script or its terminal reaches it. Whatever is started below closes descriptor 9 first:
# the guardian waits until every process has closed it.
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

# --- The servers ----------------------------------------------------------------------------------------------------

# Below the ports that the kernel gives to outgoing connections, so that no such connection uses the port. A clash is retried.
random_port() { echo $((10000 + (RANDOM * 32768 + RANDOM) % 22000)); }

start_postgres() {
  local password port
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  mkdir "$folder/postgres"
  printf '%s' "$password" >"$folder/postgres.password"
  : >"$folder/postgres.log"
  if [ -n "${server_user:-}" ]; then chown "$server_user" "$folder"/postgres{,.password,.log}; fi
  chmod 700 "$folder/postgres"
  chmod 600 "$folder/postgres.password"
  cd "$folder"
  "${run_as[@]}" "$pg_bin/initdb" --no-sync -D postgres -U postgres --auth=scram-sha-256 --pwfile=postgres.password \
    --encoding=UTF8 --locale=C >initdb.log 2>&1 9>&- || die "initdb failed: $(cat initdb.log)"
  # Data must survive a killed server, but not a power cut.
  "${run_as[@]}" tee -a postgres/postgresql.conf >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = off
full_page_writes = off
timezone = 'UTC'
CONF
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$(random_port)
    if "${run_as[@]}" "$pg_bin/pg_ctl" start -s -w -t 60 -D postgres -l postgres.log -o "-p $port" >/dev/null 2>&1 9>&-; then
      export KEYWARD_TEST_POSTGRES="postgres://postgres:$password@127.0.0.1:$port/postgres"
      return
    fi
    grep -q 'Address already in use' postgres.log || break
  done
  die "PostgreSQL did not start: $(tail -n 20 postgres.log)"
}

# Checks that the server that answers on the port is the one that was started, and not another one that used the port before.
redis_answers() {
  local tries=0
  while kill -0 "$1" 2>/dev/null && [ "$((tries += 1))" -le 200 ]; do
    if "$redis_cli" -h 127.0.0.1 -p "$2" info server 2>/dev/null | tr -d '\r' | grep -qx "process_id:$1"; then return 0; fi
    sleep 0.05
  done
  return 1
}

start_redis() {
  local pid port
  mkdir "$folder/redis"
  if [ -n "${server_user:-}" ]; then chown "$server_user" "$folder/redis"; fi
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$(random_port)
    # In a process group of its own, so that Ctrl-C in the command does not end it.
    set -m
    "${run_as[@]}" "$redis_server" --bind 127.0.0.1 --port "$port" --dir "$folder/redis" --save '' --appendonly no \
      --maxmemory-policy noeviction >"$folder/redis.log" 2>&1 </dev/null 9>&- &
    pid=$!
    set +m
    disown "$pid"
    echo "$pid" >"$folder/redis.pid"
    if redis_answers "$pid" "$port"; then
      export KEYWARD_TEST_REDIS="redis://127.0.0.1:$port/0"
      return
    fi
    kill -KILL "$pid" 2>/dev/null || true
    grep -q 'Address already in use' "$folder/redis.log" || break
  done
  die "Redis did not start: $(tail -n 20 "$folder/redis.log")"
}

back=$PWD
start_postgres
start_redis
cd "$back"
export KEYWARD_TEST_PG_BIN=$pg_bin KEYWARD_TEST_REDIS_SERVER=$redis_server KEYWARD_TEST_NGINX=$nginx KEYWARD_TEST_PYTHON=$python
export KEYWARD_TEST_SCHEMATHESIS=$schemathesis KEYWARD_TEST_SMTP_PYTHON=$smtp_python
export KEYWARD_TEST_FAKETIME=$faketime

# --- The command ----------------------------------------------------------------------------------------------------

# At a terminal the command keeps it, so that it can be a shell and Ctrl-C reaches it. Elsewhere it gets a process group
# of its own, so that a signal to this script ends all of it at once.
if [ -t 0 ]; then
  "$@" 9>&- && code=0 || code=$?
else
  set -m
  "$@" <&0 9>&- &
  command_pid=$!
  set +m
  echo "$command_pid" >"$folder/command.pid"
  wait "$command_pid" && code=0 || code=$?
fi
exit "$code"
