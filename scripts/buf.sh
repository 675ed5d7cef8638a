#!/bin/bash
# Checks the protos with buf, by the rules of buf.yaml.
#
#   scripts/buf.sh --install     fetches buf through npm into build/buf, where it is not there yet
#   scripts/buf.sh lint
#   scripts/buf.sh breaking REF  against the protos of another commit
#   scripts/buf.sh --self-test   plants a fault of each kind in a copy and expects it found
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=1.75.0
buf="build/buf/node_modules/.bin/buf"
jar=/usr/share/java/proto-google-common-protos.jar

install_buf() {
  [[ "$("$buf" --version 2>/dev/null)" == "$version" ]] && return 0
  echo "buf: installing $version"
  mkdir -p build/buf
  # A prefix of its own: without a package file npm would look for one in the folders above.
  npm install --prefix build/buf --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
    "@bufbuild/buf@$version" && return 0
  echo "buf: npm could not install @bufbuild/buf; it needs npm (scripts/setup.sh --gate) and a registry" >&2
  return 1
}

# What ours import of Google's.
google_protos() {
  [[ -f build/google-protos/google/rpc/status.proto ]] && return 0
  /usr/bin/python3 - "$jar" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as jar:
    for name in ('api/annotations', 'api/client', 'api/http', 'api/resource', 'longrunning/operations', 'rpc/status'):
        jar.extract(f'google/{name}.proto', 'build/google-protos')
PY
}

# A workspace of its own in FOLDER for the protos that were unpacked there.
workspace() {
  mkdir -p "$1/build"
  cp buf.yaml "$1/"
  cp -r build/google-protos "$1/build/"
}

before() {
  rm -rf build/buf/before
  mkdir -p build/buf/before
  git -c safe.directory='*' archive "$1" proto | tar -x -C build/buf/before
  workspace build/buf/before
}

# Expects `buf ARGUMENTS…` to find RULE in the copy.
expect_fault() {
  local rule="$1"
  shift
  local found
  found="$("$buf" "$@" --error-format json || true)"
  grep -q "\"type\":\"$rule\"" <<<"$found" && return 0
  echo "buf: a planted $rule was not found" >&2
  return 1
}

self_test() {
  local copy=build/buf/planted
  rm -rf "$copy"
  mkdir -p "$copy"
  cp -r proto "$copy/"
  workspace "$copy"
  local events="$copy/proto/crm/contact/v1/contact_events.proto"
  sed -i 's/\bContactDeleted\b/contact_gone/' "$events"
  expect_fault MESSAGE_PASCAL_CASE lint "$copy"
  expect_fault PACKAGE_MESSAGE_NO_DELETE breaking "$copy" --against .
  sed -i '0,/repeated string changed_fields = \([0-9]*\)/s//repeated bytes changed_fields = \1/' "$events"
  expect_fault FIELD_SAME_TYPE breaking "$copy" --against .
  sed -i '0,/string request_id/s//string request/' "$copy/proto/crm/contact/v1/contact_service.proto"
  expect_fault FIELD_SAME_NAME breaking "$copy" --against .
  echo "buf: the self-test passed"
}

install_buf
[[ "${1:-}" == --install ]] && exit 0
google_protos
case "${1:-}" in
  lint) "$buf" lint ;;
  breaking) before "${2:?breaking needs a commit}"; "$buf" breaking --against build/buf/before ;;
  --self-test) self_test ;;
  *) echo "buf: unknown argument '${1:-}'" >&2; exit 2 ;;
esac
