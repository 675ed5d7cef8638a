#!/bin/bash
# Sets up, builds and passes every test; ctest's own summary comes last.
# Further arguments go to ctest:  scripts/test.sh -R contact
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh --broker
scripts/build.sh release
exec ctest --preset release --no-tests=error --parallel "${CTEST_PARALLEL_LEVEL:-$(nproc)}" "$@"
