#!/bin/bash
# The CRM as eight processes over a real Apache Kafka: sets up, builds, starts a broker and two replicas of each
# service, plays the same year of a grocer as scripts/run.sh, kills one replica on the way with kill -9, shows that
# it goes on, and compares every total with the same year on the embedded engine. Serves until Ctrl-C.
#
#   scripts/run-kafka.sh [--once] [--version V] [--port P]
#
#   --once       ends by itself once it has compared
#   --version V  of Kafka (default 3.9.1; 4.1.0 is tried as well)
#   --port P     gRPC on 127.0.0.1:P to P+8 (default 50061), admin ports on P+10 to P+18
#
# All it writes lies in build/run-kafka and is made anew each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

once=false
version=3.9.1
port=50061

usage() {
  echo "run-kafka: $1; usage: scripts/run-kafka.sh [--once] [--version V] [--port P]" >&2
  exit 2
}

while (($#)); do
  case "$1" in
    --once) once=true ;;
    --version)
      version="${2:-}"
      [[ "$version" =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || usage "--version needs a version such as 3.9.1"
      shift ;;
    --port)
      port="${2:-}"
      [[ "$port" =~ ^[0-9]+$ ]] && ((port >= 1 && port <= 65517)) || usage "--port needs a number from 1 to 65517"
      shift ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done

services=(contact interaction campaign analytics)
session_seconds=6

scripts/setup.sh
scripts/build.sh release crm-all crm-contact crm-interaction crm-campaign crm-analytics crmctl

home=build/run-kafka
kafka=(scripts/kafka.sh --dir "$home/kafka" --version "$version")
# What an earlier run that was killed left behind.
[[ ! -d "$home/kafka" ]] || "${kafka[@]}" down >/dev/null
rm -rf "$home"
mkdir -p "$home"

# --- processes, each by its pid ----------------------------------------------------------------------

declare -A pid_of
broker_up=false
killer=""

# The process's log, to say why it ended.
log_of() { echo "$home/$1.log"; }

# Processes are no jobs of this shell, which would tell of each that is killed.
await_gone() {
  while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
}

stop_all() {
  trap '' INT TERM
  local name deadline=$((SECONDS + 30))
  [[ -z "$killer" ]] || kill "$killer" 2>/dev/null || true
  for name in "${!pid_of[@]}"; do kill -TERM "${pid_of[$name]}" 2>/dev/null || true; done
  for name in "${!pid_of[@]}"; do
    while kill -0 "${pid_of[$name]}" 2>/dev/null; do
      ((SECONDS < deadline)) || kill -9 "${pid_of[$name]}" 2>/dev/null || true
      sleep 0.05
    done
  done
  pid_of=()
  ! $broker_up || "${kafka[@]}" down >/dev/null || true
}
trap stop_all EXIT
trap 'exit 0' INT TERM

fail() {
  echo "run-kafka: $1" >&2
  [[ -z "${2:-}" ]] || { echo "The end of $(log_of "$2"):" >&2; tail -n 20 "$(log_of "$2")" >&2; }
  exit 1
}

# NAME BINARY PORT FLAGS…
start() {
  local name="$1" binary="$2" api="$3"
  shift 3
  "$binary" --listen "127.0.0.1:$api" --admin-listen "127.0.0.1:$((api + 10))" --data-dir "$home/$name" \
    --memory-budget 128MiB --secret-file "$home/secret" "$@" >>"$(log_of "$name")" 2>&1 </dev/null &
  pid_of[$name]=$!
  disown "$!"
}

# API port of a replica.
port_of() {
  local i
  for i in "${!services[@]}"; do
    [[ "${services[$i]}" != "$1" ]] || echo $((port + 2 * i + $2 - 1))
  done
}

start_replica() {
  start "$1-$2" "build/release/services/$1/crm-$1" "$(port_of "$1" "$2")" --engine kafka \
    --kafka-bootstrap "$(cat "$home/kafka/bootstrap")" --kafka-session-timeout "${session_seconds}s" \
    --instance "$1-$2" --outbox-dir "$home/outbox" --create-topics
}

ready() {
  python3 - "$1" <<'PYTHON'
import sys, urllib.request
try:
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/readyz", timeout=2)
except OSError:
    sys.exit(1)
PYTHON
}

# NAME PORT
await_ready() {
  local deadline=$((SECONDS + 60))
  until ready $(($2 + 10)); do
    kill -0 "${pid_of[$1]}" 2>/dev/null || fail "$1 ended before it was ready." "$1"
    ((SECONDS < deadline)) || fail "$1 was not ready within 60 s." "$1"
    sleep 0.1
  done
}

# --- a broker, and two replicas of each service ------------------------------------------------------

head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$home/secret"
chmod 600 "$home/secret"
broker_up=true
"${kafka[@]}" up
bootstrap="$(cat "$home/kafka/bootstrap")"

replicas=""
for service in "${services[@]}"; do
  for n in 1 2; do
    start_replica "$service" "$n"
    replicas+="${replicas:+,}$service=127.0.0.1:$(port_of "$service" "$n")"
  done
done
for service in "${services[@]}"; do
  for n in 1 2; do await_ready "$service-$n" "$(port_of "$service" "$n")"; done
done

target="$replicas"
crmctl() { build/release/tools/crmctl/crmctl --target "$target" "$@"; }
outbox="$home/outbox"
source scripts/journey.sh

heading "Eight processes, two replicas of each service, over Kafka $version at $bootstrap"
crmctl status

# --- the year, and a death in the middle of it -------------------------------------------------------

# The sum over services of the replicas that answer: partitions that take commands.
owned() {
  { crmctl --json status 2>/dev/null || true; } | python3 -c '
import json, sys
status = json.loads(sys.stdin.read())
print(sum(1 for s in status["services"] if s["service"].startswith(sys.argv[1])
            for p in s["partitions"] if p.get("owned")))' "$1" 2>/dev/null || echo 0
}

records() {
  { crmctl --json status 2>/dev/null || true; } | python3 -c '
import json, sys
status = json.loads(sys.stdin.read())
print(max(sum(int(p.get("endOffset", 0)) for p in s["partitions"])
          for s in status["services"] if s["service"].startswith(sys.argv[1])))' "$1" 2>/dev/null || echo 0
}

# Once some thousand orders are in: SERVICE-1 is killed, and how long its partitions take no commands is noted.
kill_on_the_way() {
  local service="$1" victim="$2" begun
  until (($(records "$service") > 8000)); do sleep 0.1; done
  kill -9 "$victim"
  begun=$(date +%s%N)
  # Of the replica that is left, without a look for the other.
  target="$service=127.0.0.1:$(port_of "$service" 2)"
  until (($(owned "$service") == 16)); do
    (($(date +%s%N) - begun < 60000000000)) || return 1
    sleep 0.02
  done
  echo $((($(date +%s%N) - begun) / 1000000)) >"$home/failover"
}

await_owned() {
  local service deadline=$((SECONDS + 60))
  for service in "${services[@]}"; do
    until (($(owned "$service") == 16)); do
      ((SECONDS < deadline)) || fail "not every partition of $service has an owner within 60 s." "$service-1"
      sleep 0.2
    done
  done
}

await_owned
journey_customers
kill_on_the_way interaction "${pid_of[interaction-1]}" &
killer=$!
journey_purchases
wait "$killer" || fail "nobody took over the partitions of interaction-1." interaction-2
killer=""
await_gone "${pid_of[interaction-1]}"
unset 'pid_of[interaction-1]'
heading "In the middle of that import interaction-1 was killed (kill -9): its partitions took commands again after $(cat "$home/failover") ms (session time-out ${session_seconds} s)"
# Says too that one replica does not answer.
{ crmctl status || true; } | awk '/^SERVICE +TOPIC/ || /^interaction@.*events/'
start_replica interaction 1
await_ready interaction-1 "$(port_of interaction 1)"
echo "It is back, and has caught up."
journey_campaigns
journey_figures
journey_live_campaign
journey_one_customer

# --- the same year on the embedded engine ------------------------------------------------------------

# Rows of what services hold: what they mean, without positions, event ids and recorded times.
totals() {
  local each
  # Of replicas the first.
  for each in contact/core interaction/core; do
    echo "$each"
    crmctl projection dump --service "${each%/*}" --projection "${each#*/}" --business --hashes
  done
  crmctl campaign compare
  crmctl campaign statistics
  crmctl stages
  # The runs of before, with cuts and parameters.
  crmctl score run --model rfm --date "$analysis_date" --currency "$currency" --request-id "journey-rfm"
  crmctl score run --model value --date "$analysis_date" --currency "$currency" --request-id "journey-value"
  crmctl score list --order-by "value.lifetime_value_minor desc" --page-size 1000
  crmctl concentration --currency "$currency"
  crmctl segment members "$segment"
  (cd "$outbox" && find . -type f -name '[!.]*' | sort)
}

heading "The same year on the embedded engine, in one process"
totals >"$home/totals-kafka"
start embedded build/release/services/all/crm-all $((port + 8)) --outbox-dir "$home/outbox-embedded"
await_ready embedded $((port + 8))
target="127.0.0.1:$((port + 8))"
outbox="$home/outbox-embedded"
for part in customers purchases campaigns figures live_campaign; do "journey_$part" >>"$home/embedded.txt"; done
totals >"$home/totals-embedded"
target="$replicas"
outbox="$home/outbox"
if ! diff "$home/totals-embedded" "$home/totals-kafka" >"$home/totals.diff"; then
  head -n 20 "$home/totals.diff" >&2
  fail "totals differ between the engines: $home/totals.diff"
fi
echo "All $(wc -l <"$home/totals-kafka") lines of totals are equal: customers, orders, campaigns, stages, scores, figures, members, messages."

heading "Replicas agree with each other: the hashes of their stores"
for service in "${services[@]}"; do
  for n in 1 2; do
    crmctl projection dump --service "$service@127.0.0.1:$(port_of "$service" "$n")" --hashes >"$home/hashes-$n"
  done
  cmp -s "$home/hashes-1" "$home/hashes-2" || fail "the replicas of $service differ: $home/hashes-1, $home/hashes-2"
  echo "$service: equal"
done
echo "Partitions without an owner after the kill: $(cat "$home/failover") ms."

$once && exit 0
cat <<NEXT

Try next, in another terminal in this folder
  export PATH="\$PATH:\$PWD/build/release/tools/crmctl" CRMCTL_TARGET=$replicas
  crmctl status
  crmctl customer360 --key $story
  crmctl log tail --valid --topic crm.contact.events
  kill -9 ${pid_of[contact-1]}     # and see the other replica take over

Serving until Ctrl-C.
NEXT
while true; do sleep 1; done
