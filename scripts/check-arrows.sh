#!/bin/sh
# Fails on any dependency between the crates of the workspace that docs/architecture.md does not draw, on an external crate that
# is used outside the crates that may use it, and on anything in the domain's dependency tree that could do I/O. Inside some crates
# it also fails on files that import each other in a circle and, in the crates of the table of folders, on a folder that imports from
# a folder that it may not use.
#
#   scripts/check-arrows.sh              checks this workspace; needs cargo and nothing else
#   scripts/check-arrows.sh --self-test  proves on a copy that each kind of forbidden dependency is found
#
# `cargo tree -i NAME` fails for "no dependency" and for a misspelt name alike. So the script lists the dependencies that exist and
# compares them. Every name in the tables below must be one that the workspace knows.
set -eu
LC_ALL=C
export LC_ALL
root=$(cd "$(dirname "$0")/.." && pwd)

# crate: the crates of the workspace that it may depend on ("*": any). A crate in brackets is planned and may be absent.
members() {
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

# external crate: the crates that alone may use it, besides tests and bench.
used_only_by() {
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

# crate, folder: the folders of the crate that it may use. "." is the files beside lib.rs, which itself may use them all.
folders() {
  cat <<'TABLE'
auth-service  parts
auth-service  delivery  parts
auth-service  .         parts delivery
auth-service  sessions  parts .
auth-service  sign_in   parts . sessions
auth-service  account   parts .
auth-service  admin     parts .
auth-service  clients   parts . sessions
auth-api      http
auth-api      openapi   http
auth-api      views     http
auth-api      api       http openapi views
auth-api      oauth     http views
auth-api      pages     http views
auth-api      app       http openapi api oauth pages
keyward       config    .
keyward       logging   config .
keyward       .         config
keyward       cli       config .
keyward       commands  config logging cli .
TABLE
}

# The crates whose files may not import each other in a circle. The queries of auth-storage are compiled once for each database, by
# `#[path]`. So the script sees what a query imports, and not that a method of `Storage` calls it.
without_circles='auth-service auth-api auth-storage keyward'

# What the domain's dependency tree must not contain: sockets, files, databases, runtimes, randomness. The crates of the first group
# are used elsewhere in the workspace, so they must be in Cargo.lock under that name. Those of the second are not used at all.
banned_and_here='tokio mio socket2 futures-executor diesel r2d2 libsqlite3-sys pq-sys openssl-sys redis actix-web
  actix-http actix-rt hyper reqwest rustls aws-lc-rs getrandom rand tempfile tracing-subscriber clap'
banned_elsewhere='rusqlite sqlx postgres tokio-postgres sled async-std smol async-io ureq isahc curl curl-sys native-tls
  openssl ring fastrand oorandom notify memmap2 walkdir'

problems=
problem() {
  problems=yes
  printf 'arrows: %s\n' "$*" >&2
}

# One line for each dependency: crate, dependency, kind (normal, build or dev); and one "crate . member" for each crate itself.
# `cargo metadata --no-deps` shows optional dependencies and those of other platforms too, and fetches nothing.
list_dependencies() {
  cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" | sed 's/{"name":"/\
/g' | awk -F '"' '
    $2 == "," && $3 == "version" { crate = $1; print crate, ".", "member"; next }
    $2 == "," && $3 == "source" {
      kind = "normal"
      if (match($0, /"kind":("dev"|"build"|null)/)) {
        found = substr($0, RSTART + 7, RLENGTH - 7)
        if (found != "null") { gsub(/"/, "", found); kind = found }
      }
      print crate, $1, kind
    }'
}

# Reads the paths of a crate's files, below its src, and prints "FILE OTHER" for each other file that it imports. Files are
# named as modules, `lib` is the root. Imports of a module's own submodules are left out.
list_imports() {
  awk -v src="$1" '
    function longest_known(path,   cut) {
      for (;;) {
        if (path in known) return path
        cut = match(path, /::[^:]*$/)
        if (!cut) return "lib"
        path = substr(path, 1, cut - 1)
      }
    }
    function parent_of(module,   cut) {
      cut = match(module, /::[^:]*$/)
      return cut ? substr(module, 1, cut - 1) : ""
    }
    # An import of `path` as it is written in `module`; in a `mod tests { … }`, `super` is the module itself.
    function import(module, path, inline,   base, other) {
      gsub(/[ \t\n]/, "", path)
      if (module == "lib") {
        sub(/^(crate|self)::/, "", path)
        base = path
        sub(/::.*/, "", base)
        if (!(base in known)) return
        base = path
      } else if (sub(/^crate::/, "", path)) {
        base = path
      } else if (path ~ /^super::/) {
        base = module
        if (inline) sub(/^super::/, "", path)
        while (sub(/^super::/, "", path)) base = parent_of(base)
        base = (base == "") ? path : base "::" path
      } else {
        return
      }
      other = longest_known(base)
      if (other != module && index(other "::", module "::") != 1) print module, other
    }
    # Each path of the tree of a `use`.
    function expand(module, prefix, tree, inline,   open, depth, i, c, item) {
      open = index(tree, "{")
      if (!open) { import(module, prefix tree, inline); return }
      prefix = prefix substr(tree, 1, open - 1)
      depth = 0
      item = ""
      for (i = open + 1; i <= length(tree); i++) {
        c = substr(tree, i, 1)
        if (c == "{") depth++
        if (c == "}" && --depth < 0) break
        if (c == "," && depth == 0) { if (item ~ /[a-z*]/) expand(module, prefix, item, inline); item = "" }
        else item = item c
      }
      if (item ~ /[a-zA-Z*]/) expand(module, prefix, item, inline)
    }
    function read(file, module,   line, statement, inline) {
      statement = ""
      inline = 0
      while ((getline line < (src "/" file)) > 0) {
        sub(/\/\/.*/, "", line)
        if (line ~ /^(pub(\([a-z]+\))? )?mod [a-z_0-9]+ \{$/) inline = 1
        if (line ~ /^\}/) inline = 0
        if (statement == "" && line ~ /^ *(pub(\([a-z]+\))? )?use /) { sub(/^.*use /, "", line); statement = " " }
        if (statement != "") {
          sub(/^ */, "", line)
          gsub(/ as [A-Za-z_]+/, "", line)
          statement = statement line
          if (line ~ /;/) {
            sub(/;.*/, "", statement)
            sub(/^ */, "", statement)
            expand(module, "", statement, inline)
            statement = ""
          }
          continue
        }
        while (match(line, /(crate|super)(::[A-Za-z_0-9]+)+/)) {
          import(module, substr(line, RSTART, RLENGTH), inline)
          line = substr(line, RSTART + RLENGTH)
        }
      }
      close(src "/" file)
    }
    {
      module = $0
      sub(/\.rs$/, "", module)
      sub(/\/mod$/, "", module)
      gsub(/\//, "::", module)
      known[module] = 1
      file[module] = $0
    }
    END { for (module in file) read(file[module], module) }' | sort -u
}

# Prints what is wrong between the folders and the files of a crate.
check_inside() {
  { folders | awk -v crate="$1" '$1 == crate { $1 = "folder"; print }'
    sed 's/^/file /' "$2"
    list_imports "$root/crates/$1/src" <"$2" | sed 's/^/import /'; } | awk -v crate="$1" '
    function folder_of(module,   cut) {
      cut = index(module, "::")
      if (cut) return substr(module, 1, cut - 1)
      return (module in holds) ? module : "."
    }
    # Walks along the imports; prints the first circle that it meets.
    function walk(module, depth,   i, n, next_ones, start) {
      state[module] = "open"
      trail[depth] = module
      n = split(imports[module], next_ones, " ")
      for (i = 1; i <= n && !circle; i++) {
        if (!(next_ones[i] in state)) {
          walk(next_ones[i], depth + 1)
        } else if (state[next_ones[i]] == "open") {
          for (start = depth; trail[start] != next_ones[i]; start--) ;
          circle = ""
          for (; start <= depth; start++) circle = circle trail[start] " -> "
          circle = circle next_ones[i]
          print crate ": files import each other in a circle: " circle
        }
      }
      state[module] = "done"
    }
    $1 == "folder" { has_lines = 1; line[$2] = 1; for (i = 3; i <= NF; i++) may[$2, $i] = 1 }
    $1 == "file" && $2 ~ /\// { name = $2; sub(/\/.*/, "", name); holds[name] = 1 }
    $1 == "import" { imports[$2] = imports[$2] " " $3; from[++count] = $2; to[count] = $3 }
    END {
      for (name in holds) if (has_lines && !(name in line)) print crate ": the folder " name " has no line in the table of scripts/check-arrows.sh"
      for (name in line) if (name != "." && !(name in holds)) print crate ": the table has a folder " name " that the crate lacks"
      for (i = 1; i <= count; i++) {
        a = folder_of(from[i]); b = folder_of(to[i])
        if (has_lines && from[i] != "lib" && to[i] != "lib" && a != b && !((a, b) in may))
          print crate ": the folder " a " may not use " b ": " from[i] " imports " to[i]
      }
      for (i = 1; i <= count && !circle; i++) if (!(from[i] in state)) walk(from[i], 1)
    }'
}

known() { grep -qxF "name = \"$1\"" "$root/Cargo.lock"; }

check() {
  dependencies=$(list_dependencies)
  found=$(printf '%s\n' "$dependencies" | awk '$2 == "." { print $1 }')
  [ -n "$found" ] || { problem "cargo metadata showed no member of the workspace"; return; }

  # The names first.
  for name in $(members | awk '{ print $1 }'); do
    case $name in
      \[*) ;;
      *) printf '%s\n' "$found" | grep -qxF -e "$name" || problem "the table has a crate $name that the workspace lacks" ;;
    esac
  done
  for name in $found; do
    members | awk '{ gsub(/[][]/, "", $1); print $1 }' | grep -qxF -e "$name" ||
      problem "the crate $name has no line in the table of scripts/check-arrows.sh"
  done
  for name in $(used_only_by | awk '{ print $1 }') $banned_and_here; do
    known "$name" || problem "$name is not in Cargo.lock: misspelt in scripts/check-arrows.sh, or no longer used"
  done

  # Then the dependencies.
  forbidden=$(
    { members | sed 's/^/member /'; used_only_by | sed 's/^/only /'; printf '%s\n' "$dependencies" | sed 's/^/found /'; } | awk '
      $1 == "member" { gsub(/[][]/, "", $2); member[$2] = 1; for (i = 3; i <= NF; i++) may[$2, $i] = 1 }
      $1 == "only" { only[$2] = ""; for (i = 3; i <= NF; i++) { only[$2] = only[$2] " " $i; allowed[$2, $i] = 1 } }
      $1 == "found" && ($4 == "normal" || $4 == "build") && !(($2, "*") in may) {
        if ($3 in member && !(($2, $3) in may)) print $2 " may not depend on " $3
        if ($3 in only && !(($3, $2) in allowed)) print $2 " may not use " $3 ", which may be used only by" only[$3]
      }'
  )
  if [ -n "$forbidden" ]; then
    problem "$forbidden"
  fi

  # Then the domain's dependencies: the whole tree, as a build of the domain alone would have it.
  tree=$(cargo tree --quiet --manifest-path "$root/Cargo.toml" -p auth-domain -e normal,build --prefix none --format '{p}' |
    awk '{ print $1 }' | sort -u)
  printf '%s\n' "$tree" | grep -qxF auth-domain || problem "cargo tree did not show auth-domain"
  for name in $banned_and_here $banned_elsewhere; do
    if printf '%s\n' "$tree" | grep -qxF -e "$name"; then
      problem "auth-domain's tree contains $name (cargo tree -p auth-domain -e normal,build -i $name shows why)"
    fi
  done

  # Then the folders and files inside the crates.
  listing=$(mktemp)
  for crate in $without_circles; do
    (cd "$root/crates/$crate/src" && find . -name '*.rs' | sed 's/^\.\///' | sort) >"$listing"
    inside=$(check_inside "$crate" "$listing")
    [ -z "$inside" ] || problem "$inside"
  done
  rm -f "$listing"

  [ -n "$problems" ] || printf 'arrows: %s crates, %s dependencies between them, %s dependencies of the domain: all as drawn\n' \
    "$(printf '%s\n' "$found" | wc -l | tr -d ' ')" \
    "$(printf '%s\n' "$dependencies" | awk '$2 ~ /^(auth-|keyward$)/ && $3 != "dev"' | wc -l | tr -d ' ')" \
    "$(($(printf '%s\n' "$tree" | wc -l) - 1))"
}

# --- The self-test --------------------------------------------------------------------------------------------------

copy=
fresh_copy() {
  rm -rf "$copy/workspace"
  mkdir -p "$copy/workspace/scripts" "$copy/workspace/fuzz"
  cp -R "$root/Cargo.toml" "$root/Cargo.lock" "$root/crates" "$root/tests" "$root/bench" "$copy/workspace/"
  cp -R "$root/fuzz/properties" "$copy/workspace/fuzz/"
  cp "$root/scripts/check-arrows.sh" "$copy/workspace/scripts/"
}

edit() {
  sed "$2" "$copy/workspace/$1" >"$copy/edited"
  cat "$copy/edited" >"$copy/workspace/$1"
}

expect() {
  if "$copy/workspace/scripts/check-arrows.sh" >"$copy/said" 2>&1; then
    problem "self-test: not found: $1"
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
  expect 'an optional, renamed dependency' 'auth-storage may not depend on auth-blacklist'
  fresh_copy
  edit crates/auth-service/Cargo.toml 's/^\[dependencies\]$/&\
diesel.workspace = true/'
  expect 'diesel in the service' 'auth-service may not use diesel, which may be used only by auth-storage'
  fresh_copy
  edit crates/auth-limits/Cargo.toml 's/^\[dependencies\]$/&\
redis.workspace = true/'
  expect 'redis in the limits' 'auth-limits may not use redis, which may be used only by auth-redis'
  fresh_copy
  edit crates/auth-domain/Cargo.toml 's/^\[dependencies\]$/&\
getrandom.workspace = true/'
  expect 'randomness in the domain' "auth-domain's tree contains getrandom"
  fresh_copy
  edit scripts/check-arrows.sh 's/^diesel  /deisel  /'
  expect 'a misspelt name in the table' 'deisel is not in Cargo.lock'
  fresh_copy
  edit scripts/check-arrows.sh '/^auth-blacklist  /d'
  expect 'a crate without a line' 'the crate auth-blacklist has no line in the table'
  fresh_copy
  edit crates/auth-service/src/parts/entropy.rs 's/^pub struct EntropyFailed;$/&\
use crate::{\
    service::{self as above, Service as _},\
};/'
  expect 'a part that uses the service' 'auth-service: the folder parts may not use .: parts::entropy imports service'
  fresh_copy
  edit crates/auth-service/src/sessions/refresh.rs 's/^impl Service {$/use super::browser as _;\
&/'
  edit crates/auth-service/src/sessions/browser.rs 's/^impl Service {$/type Circle = crate::sessions::refresh::Circle;\
&/'
  expect 'two files that import each other' 'auth-service: files import each other in a circle: sessions::'
  fresh_copy
  edit crates/auth-storage/src/storage/mod.rs 's/^use writing::Writes;$/&\
use crate::sweep::Swept as _;/'
  expect 'a store that imports a noun of its own' 'auth-storage: files import each other in a circle: '
  fresh_copy
  edit crates/auth-api/src/pages/login.rs 's/^use askama::Template;$/&\
use crate::api::login as _;/'
  expect 'a page that uses a route' 'auth-api: the folder pages may not use api: pages::login imports api::login'
  fresh_copy
  edit crates/keyward/src/schema.rs 's/^use auth_storage::{$/use crate::wiring as _;\
&/'
  expect 'a circle through the wiring' 'keyward: files import each other in a circle'
  fresh_copy
  edit scripts/check-arrows.sh '/^auth-service  clients  /d'
  expect 'a folder without a line' 'auth-service: the folder clients has no line in the table'
  [ -n "$problems" ] || echo 'arrows: the self-test found all twelve'
}

case ${1:-} in
  '') check ;;
  --self-test) self_test ;;
  *) echo "usage: $0 [--self-test]" >&2; exit 2 ;;
esac
[ -z "$problems" ]
