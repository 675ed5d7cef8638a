#!/bin/bash
# Measures the shipped binary against its ceilings; prints a table and writes build/bench.json.
# Further arguments go to the program that measures against ceilings. The four services together come after it:
# imports and folds, the 360 view (build/bench_services.json), send decisions (CRM_BENCH_CONTACTS x 10 steps).
# Then crm-contact over a Kafka of its own (3.9.1, one broker): build/bench_kafka.json; and beside PostgreSQL and a
# thin Node server before it: build/bench_postgres.json.
#
#   scripts/bench.sh --kafka [--quick] [--only create|rebuild|token|failover]     that part alone
#   scripts/bench.sh --postgres [--quick]                                         that part alone
#   scripts/bench.sh --import [--quick] [--contacts N]                            a million contacts: import, lists,
#                                                         searches, memory (build/bench_import.json); that part alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

alone=""
case "${1:-}" in --kafka | --postgres | --import) alone="${1#--}"; shift ;; esac

# A broker with nothing on it, down again afterwards.
over_kafka() {
  local broker=build/kafka-bench
  scripts/kafka.sh up --fresh --dir "$broker"
  trap 'scripts/kafka.sh down --dir build/kafka-bench >/dev/null' EXIT
  rm -f build/bench_kafka.json
  echo "bench: load average $(cut -d' ' -f1-3 /proc/loadavg) before"
  build/release/tests/bench/crm_kafka_bench --server build/release/services/contact/crm-contact \
    --bootstrap "$(cat "$broker/bootstrap")" --broker-data "$broker" --json build/bench_kafka.json "$@"
  echo "bench: load average $(cut -d' ' -f1-3 /proc/loadavg) after"
}

# A cluster of its own in a temporary folder, where the data of all that is compared lie too, and a Node server before
# it. Down again afterwards.
beside_postgres() {
  local work
  work="$(mktemp -d)"
  trap "scripts/postgres.sh down '$work/cluster'; rm -rf '$work'" EXIT
  # PostgreSQL may run as another user.
  chmod 711 "$work"
  scripts/postgres.sh up "$work/cluster"
  mkdir "$work/node"
  cp tests/bench/yardstick/{package.json,package-lock.json,server.mjs,*.sql} "$work/node"
  (cd "$work/node" && npm ci --ignore-scripts --no-audit --no-fund >"$work/npm.log" 2>&1) ||
    { cat "$work/npm.log" >&2; return 1; }
  rm -f build/bench_postgres.json
  echo "bench: load average $(cut -d' ' -f1-3 /proc/loadavg) before"
  build/release/tests/bench/yardstick_bench --server build/release/services/contact/crm-contact \
    --all-server build/release/services/all/crm-all --json build/bench_postgres.json --work-dir "$work/ours" \
    --postgres-socket "$work/cluster/socket" --pgbench "$(scripts/postgres.sh tool pgbench)" \
    --psql "$(scripts/postgres.sh tool psql)" --yardstick tests/bench/yardstick \
    --node "$(command -v node)" --wrk "$(command -v wrk)" --node-server "$work/node/server.mjs" "$@"
  echo "bench: load average $(cut -d' ' -f1-3 /proc/loadavg) after"
}

a_million() {
  rm -f build/bench_import.json
  echo "bench: load average $(cut -d' ' -f1-3 /proc/loadavg) before"
  build/release/tests/bench/import_bench --server build/release/services/contact/crm-contact \
    --json build/bench_import.json "$@"
  echo "bench: load average $(cut -d' ' -f1-3 /proc/loadavg) after"
}

scripts/setup.sh
case "$alone" in
  import)
    scripts/build.sh release crm-contact import_bench
    a_million "$@"
    exit ;;
  kafka)
    scripts/build.sh release crm-contact crm_kafka_bench
    over_kafka "$@"
    exit ;;
  postgres)
    scripts/setup.sh --bench
    scripts/build.sh release crm-contact crm-all yardstick_bench
    beside_postgres "$@"
    exit ;;
esac
scripts/setup.sh --bench
scripts/build.sh release

program=build/release/tests/bench/crm_bench
rm -f build/bench.json
"$program" --server build/release/services/all/crm-all --json build/bench.json "$@"
/usr/bin/python3 tests/bench/services_bench.py --server build/release/services/all/crm-all \
  --crmctl build/release/tools/crmctl/crmctl --stubs build/release/python-stubs \
  --json build/bench_services.json
build/release/tests/bench/campaign_bench --server build/release/services/all/crm-all \
  --contacts "${CRM_BENCH_CONTACTS:-100000}" --steps 10
quick=()
[[ " $* " != *" --quick "* ]] || quick=(--quick)
(over_kafka "${quick[@]}")
(beside_postgres "${quick[@]}")
a_million "${quick[@]}"
python3 - build/bench.json build/bench_kafka.json build/bench_postgres.json build/bench_import.json <<'PYTHON'
import json, sys
fields = {"name", "value", "unit", "ceiling_name", "ceiling", "ratio", "aim"}
for name in sys.argv[1:]:
    results = json.load(open(name, encoding="utf-8"))["results"]
    faulty = [row for row in results if set(row) != fields]
    if faulty or not results:
        sys.exit(f"bench: {name} lacks results or fields: {faulty[:3]}")
    print(f"bench: {len(results)} results in {name}")
PYTHON
