#!/bin/bash
# A PostgreSQL cluster to measure against, on a unix socket of its own and no port. Needs the packages of
# `scripts/setup.sh --bench`. Stops just what it started.
#
#   scripts/postgres.sh up DIR     makes and starts one in DIR, which must not be there; the socket is in DIR/socket
#   scripts/postgres.sh down DIR   stops it
#   scripts/postgres.sh tool NAME  where one of PostgreSQL's programs lies
#
# PostgreSQL refuses to run as root: then it runs as the user `postgres`, whom DIR must be open to (a folder
# below /tmp is).
set -euo pipefail

fail() { echo "postgres: $*" >&2; exit 1; }

# The newest that is installed; the yardstick is 15.
tool() {
  local found
  found="$(ls -d /usr/lib/postgresql/15/bin/"$1" /usr/lib/postgresql/*/bin/"$1" 2>/dev/null | head -1)"
  [[ -n "$found" ]] || fail "there is no $1; scripts/setup.sh --bench installs it"
  echo "$found"
}

# A command as someone whom PostgreSQL serves.
unprivileged() {
  if [[ $EUID -ne 0 ]]; then "$@"; else setpriv --reuid postgres --regid postgres --clear-groups "$@"; fi
}

# Where the pid stands that the server wrote, if it is the pid of this folder's server.
pid_of() {
  local pid
  pid="$(head -1 "$1/data/postmaster.pid" 2>/dev/null)" || return 1
  [[ -n "$pid" && "$(readlink "/proc/$pid/cwd")" == "$1/data" ]] && echo "$pid"
}

up() {
  local dir="$1"
  mkdir "$dir" || fail "$dir is there already"
  mkdir "$dir/data" "$dir/socket"
  [[ $EUID -ne 0 ]] || chown postgres: "$dir" "$dir/data" "$dir/socket"
  cd "$dir"
  unprivileged "$(tool initdb)" -D "$dir/data" -U bench --auth trust --locale C.UTF-8 >"$dir.initdb.log" ||
    fail "no cluster came to be, see $dir.initdb.log"
  # Its defaults, and room for 64 clients and for what is measured.
  cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir/socket'
max_connections = 150
shared_buffers = 512MB
max_wal_size = 4GB
synchronous_commit = on
fsync = on
CONF
  unprivileged "$(tool pg_ctl)" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >/dev/null ||
    fail "it does not start, see $dir/server.log"
}

down() {
  local dir="$1" pid
  pid="$(pid_of "$dir")" || { echo "postgres: none runs in $dir"; return 0; }
  kill -INT "$pid"
  while [[ -d "/proc/$pid" ]]; do sleep 0.05; done
}

[[ $# -eq 2 ]] || { sed -n '2,/^set -euo/{/^set/d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 2; }
case "$1" in
  up) up "$(realpath -m "$2")" ;;
  down) down "$(realpath -m "$2")" ;;
  tool) tool "$2" ;;
  *) fail "unknown command '$1'" ;;
esac
