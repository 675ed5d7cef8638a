#!/bin/bash
# Configures and builds:  scripts/build.sh [preset] [target…]
# Presets: release (default), debug, asan, tsan. CMAKE_BUILD_PARALLEL_LEVEL limits the compilers at work.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset="${1:-release}"
shift || true
targets=()
(($#)) && targets=(--target "$@")

log="build/$preset.configure.log"
mkdir -p build
if ! cmake --preset "$preset" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
echo "build: $preset, into build/$preset"
exec cmake --build --preset "$preset" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}" "${targets[@]}"
