#!/bin/bash
# Measures the shipped binary against its ceilings; prints a table and writes build/bench.json.
# Further arguments go to the program that measures against ceilings. The four services together come after it:
# imports and folds, the 360 view (build/bench_services.json), send decisions (CRM_BENCH_CONTACTS x 10 steps).
# Then crm-contact over a Kafka of its own (3.9.1, one broker): build/bench_kafka.json.
#
#   scripts/bench.sh --kafka [--quick] [--only create|rebuild|token|failover]     that last part alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kafka_alone=false
if [[ "${1:-}" == --kafka ]]; then kafka_alone=true; shift; fi

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

scripts/setup.sh
if $kafka_alone; then
  scripts/build.sh release crm-contact crm_kafka_bench
  over_kafka "$@"
  exit
fi
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
over_kafka "${quick[@]}"
python3 - build/bench.json build/bench_kafka.json <<'PYTHON'
import json, sys
fields = {"name", "value", "unit", "ceiling_name", "ceiling", "ratio", "aim"}
for name in sys.argv[1:]:
    results = json.load(open(name, encoding="utf-8"))["results"]
    faulty = [row for row in results if set(row) != fields]
    if faulty or not results:
        sys.exit(f"bench: {name} lacks results or fields: {faulty[:3]}")
    print(f"bench: {len(results)} results in {name}")
PYTHON
