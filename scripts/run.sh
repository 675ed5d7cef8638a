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

journey=examples/complete_journey
source=(--source complete-journey)
story=complete-journey/2261
currency=USD
analysis_date=2017-12-31

heading() { printf '\n\033[1m%s\033[0m\n' "$1"; }
[[ -t 1 ]] || heading() { printf '\n%s\n' "$1"; }

heading "Customers: the 2,379 households of the Complete Journey, a year of a real grocer, with what is known of them as tags"
crmctl --actor service:loyalty-program import contacts "$journey/households.csv" "${source[@]}" \
  --key-column household_id --tags-columns age,income,home_ownership,marital_status,household_size,household_comp,kids_count

heading "Purchases: 75,000 lines in 47,243 orders"
gzip -dc "$journey/cj_transactions_sample.csv.gz" |
  crmctl --actor service:tills import orders - "${source[@]}" --key-column basket_id \
    --contact-column household_id --time-column transaction_timestamp --product-column product_id \
    --quantity-column quantity --amount-column sales_value --place-column store_id --currency "$currency"

heading "Campaigns of the year: 27, with 6,589 sends and 2,102 redemptions"
crmctl import campaigns "$journey/cj_campaign_descriptions.csv" "${source[@]}" --key-column campaign_id \
  --category-column campaign_type --start-column start_date --end-column end_date
crmctl import sends "$journey/sends.csv" "${source[@]}" --campaign-column campaign_id \
  --contact-column household_id --time-column sent_date --channel post
crmctl import responses "$journey/cj_coupon_redemptions.csv" "${source[@]}" --campaign-column campaign_id \
  --contact-column household_id --time-column redemption_date --kind redemption \
  --key-columns household_id,coupon_upc,campaign_id,redemption_date
crmctl wait

heading "How each type of campaign did"
crmctl campaign compare

heading "Stages of the life cycle, moved by the orders"
crmctl stages

heading "Who is worth what: recency, frequency and monetary value; then expected value and P(alive)"
crmctl score run --model rfm --date "$analysis_date" --currency "$currency" --request-id "journey-rfm"
crmctl score run --model value --date "$analysis_date" --currency "$currency" --request-id "journey-value"

heading "How unevenly sales are spread over the customers"
crmctl concentration --currency "$currency"

heading "The ten most valuable customers"
crmctl score list --order-by "value.lifetime_value_minor desc"

heading "A live campaign: consents first (every household with an odd number agreed to e-mail)"
awk -F, 'NR == 1 || $1 % 2 == 1' "$journey/households.csv" |
  crmctl --actor service:website import consents - "${source[@]}" --contact-column household_id \
    --channel email --wording "2017-12" --evidence "sign-up form"
crmctl wait

field() { python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())[sys.argv[1]])' "$1"; }
segment="$(crmctl --json segment create --name "loyal and alive" --request-id journey-loyal \
  --filter 'rfm.recency >= 4 AND rfm.frequency >= 4 AND value.alive_probability > 0.9' | field name)"
crmctl wait
heading "The target group, kept up as scores and orders change: $segment"
crmctl segment members "$segment"
campaign="$(crmctl --json campaign create --name "Thank you" --type loyalty --segment "$segment" \
  --step thanks:email:marketing --cap 1/30 --subject "Thank you for a good year" \
  --body "A voucher for your next visit is waiting." --request-id journey-thanks | field name)"
crmctl campaign launch "$campaign" >/dev/null
crmctl wait
heading "Launched: one decision for each member, with the consent it relied on"
crmctl campaign statistics | awk 'NR == 1 || /Thank you/'
crmctl campaign refusals "$campaign" --show 3
echo "$(find "$data_dir/outbox" -type f -name '[!.]*' | wc -l) messages in $data_dir/outbox, one file each; one of them:"
cat "$(find "$data_dir/outbox" -type f -name '[!.]*' | sort | sed -n 1p)"
echo

heading "One customer's whole story, out of four services"
crmctl customer360 --key "$story" --entries 5
echo
crmctl contact history --key "$story"
created="$(crmctl --json contact get --key "$story" | field createTime)"

crmctl report build/report.html --currency "$currency" --key "$story" --title "A year of a grocer's customers" >/dev/null
heading "The same as a page with charts: build/report.html"

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
  examples/python/call.py$target crm.contact.v1.ContactService
  examples/python/call.py$target crm.contact.v1.ContactService/CreateContact \\
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
