#!/bin/bash
# Measures the shipped binary against its ceilings; prints a table and writes build/bench.json.
# Further arguments go to the program that measures against ceilings. The four services together come after it:
# imports and folds, the 360 view (build/bench_services.json), send decisions (CRM_BENCH_CONTACTS x 10 steps).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
scripts/build.sh release

program=build/release/tests/bench/crm_bench
rm -f build/bench.json
"$program" --server build/release/services/all/crm-all --json build/bench.json "$@"
/usr/bin/python3 tests/bench/services_bench.py --server build/release/services/all/crm-all \
  --crmctl build/release/tools/crmctl/crmctl --stubs build/release/python-stubs \
  --json build/bench_services.json
build/release/tests/bench/campaign_bench --server build/release/services/all/crm-all \
  --contacts "${CRM_BENCH_CONTACTS:-100000}" --steps 10
python3 - build/bench.json <<'PYTHON'
import json, sys
fields = {"name", "value", "unit", "ceiling_name", "ceiling", "ratio", "aim"}
results = json.load(open(sys.argv[1], encoding="utf-8"))["results"]
faulty = [row for row in results if set(row) != fields]
if faulty or not results:
    sys.exit(f"bench: {sys.argv[1]} lacks results or fields: {faulty[:3]}")
print(f"bench: {len(results)} results in {sys.argv[1]}")
PYTHON
