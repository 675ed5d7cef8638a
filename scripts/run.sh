#!/bin/bash
# The whole CRM in one process, on real data: sets up, builds, starts crm-all, plays a grocer's year (the
# Complete Journey data set) through all four services, shows what came of it, and serves until Ctrl-C.
#
#   scripts/run.sh [--once] [--data-dir D] [--port P]
#
#   --once        ends by itself once it has shown what is in
#   --data-dir D  where log and projections lie (default data/demo); kept between runs, and a repeated
#                 import changes nothing
#   --port P      gRPC on 127.0.0.1:P (default 50051), the admin port on P + 1 (default 8081)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

once=false
data_dir="data/demo"
port=50051
admin_port=8081

usage() {
  echo "run: $1; usage: scripts/run.sh [--once] [--data-dir D] [--port P]" >&2
  exit 2
}

while (($#)); do
  case "$1" in
    --once) once=true ;;
    --data-dir)
      data_dir="${2:-}"
      [[ -n "$data_dir" ]] || usage "--data-dir needs a directory"
      shift ;;
    --port)
      port="${2:-}"
      [[ "$port" =~ ^[0-9]+$ ]] && ((port >= 1 && port <= 65534)) || usage "--port needs a number from 1 to 65534"
      admin_port=$((port + 1))
      shift ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done

scripts/setup.sh
scripts/build.sh release crm-all crmctl

crmctl() { build/release/tools/crmctl/crmctl --target "127.0.0.1:$port" "$@"; }

server=""
server_log="build/crm-all.log"

stop_server() {
  [[ -n "$server" ]] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=""
}
trap stop_server EXIT
# Ctrl-C is how this is meant to end.
trap 'exit 0' INT TERM

fail() {
  echo "run: $1. The end of $server_log:" >&2
  tail -n 20 "$server_log" >&2
  exit 1
}

ready() {
  python3 - "$admin_port" <<'PYTHON'
import sys, urllib.request
try:
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=2)
except OSError:
    sys.exit(1)
PYTHON
}

mkdir -p "$data_dir"
build/release/services/all/crm-all --listen "127.0.0.1:$port" --admin-listen "127.0.0.1:$admin_port" \
  --data-dir "$data_dir" >"$server_log" 2>&1 </dev/null &
server=$!

deadline=$((SECONDS + 60))
until ready; do
  kill -0 "$server" 2>/dev/null || fail "crm-all ended before it was ready"
  ((SECONDS < deadline)) || fail "crm-all was not ready within 60 s"
  sleep 0.1
done
# Something else may answer on the port while ours could not take it.
kill -0 "$server" 2>/dev/null || fail "crm-all ended before it was ready"
echo "crm-all serves gRPC on 127.0.0.1:$port and metrics on http://127.0.0.1:$admin_port/metrics"

outbox="$data_dir/outbox"
source scripts/journey.sh
journey_customers
journey_purchases
journey_campaigns
journey_figures
journey_live_campaign
journey_one_customer

again="scripts/run.sh"
[[ "$data_dir" == data/demo ]] || again+=" --data-dir $data_dir"
target=""
if ((port != 50051)); then
  again+=" --port $port"
  target=" --target 127.0.0.1:$port"
fi

if $once; then
  stop_server
  where="start it again to keep it ($again), and in another terminal in this folder"
  kill=""
else
  where="in another terminal in this folder"
  kill="
Pull the plug: nothing that was answered is lost
  kill -9 $server; $again"
fi

cat <<NEXT

Try next: $where
  export PATH="\$PATH:\$PWD/build/release/tools/crmctl"${target:+ CRMCTL_TARGET=127.0.0.1:$port}
  crmctl customer360 --key $story
  crmctl contact get --key $story --as-of $created
  crmctl consent withdraw --key $story --channel email
  crmctl send list --key $story
  crmctl segment create --filter 'orders.count >= 50' --name "comes every week"
  crmctl log tail --valid --topic crm.contact.events     # events as they come, until Ctrl-C
  crmctl projection verify                               # folds the log anew and compares
  crmctl projection rebuild                              # builds the stores anew, then serves them
  crmctl --help

Call it by gRPC: reflection is on, so no stubs are needed
  examples/quickstart/python/call.py$target crm.contact.v1.ContactService
  examples/quickstart/python/call.py$target crm.contact.v1.ContactService/CreateContact \\
    '{"contact": {"display_name": "Ada King", "emails": ["ada@example.org"]}, "request_id": "first"}'
Repeat the last line: it gets the same answer, and nothing is recorded twice.
$kill
Log and projections are in $data_dir. Another run imports the same files and adds no event.
NEXT

$once && exit 0
echo
echo "Serving until Ctrl-C."
result=0
wait "$server" || result=$?
server=""
# 137: killed by SIGKILL, as proposed above.
((result != 137)) || { echo "crm-all was killed. Start it again: $again"; exit 1; }
((result == 0)) || fail "crm-all ended with $result"
