#!/bin/bash
# The one gate: what a developer, CI and a reviewer run before a change goes in.
#
#   scripts/check.sh               clang-tidy over the files that changed against the base
#   scripts/check.sh --all         clang-tidy over all of them
#   scripts/check.sh --base REF    the base to compare with; else main where this branch left it, else
#                                  the commit before
#
# Every step runs; the faults of all come out at once, and a summary comes last.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=false
base=""
while (($#)); do
  case "$1" in
    --all) all=true ;;
    --base) shift; base="${1:?--base needs a commit}" ;;
    *) echo "check: unknown argument '$1'" >&2; exit 2 ;;
  esac
  shift
done

failed=()

step() {
  local name="$1"
  shift
  local start=$SECONDS
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name: $((SECONDS - start)) s"
}

# Our own files with one of these endings, without what is built or written at run time.
ours() {
  local names=()
  for ending in "$@"; do names+=(-o -name "*.$ending"); done
  find . \( -path ./build -o -path ./data -o -path ./.git \) -prune -o -type f \( "${names[@]:1}" \) -print |
    sed 's|^\./||' | sort
}

# A clone may belong to another user than the one who checks it.
git_here() { git -c safe.directory='*' "$@"; }

shell_syntax() {
  local script result=0
  for script in $(ours sh) .ci/run; do
    bash -n "$script" || result=1
  done
  return $result
}

leftovers() {
  # Spelt so that this line does not find itself.
  ! grep -nE '\b(TO''DO|FIX''ME)\b|\bXX''X[:(]' $(ours h cc proto py sh cmake md txt) .ci/run
}

formatted() {
  if ! command -v clang-format-14 >/dev/null; then
    echo "clang-format-14 is not to be had here; the format is checked on Debian 12"
    return 0
  fi
  ours h cc | xargs -r clang-format-14 --dry-run -Werror
}

base_commit() {
  local head candidate
  if [[ -n "$base" ]]; then git_here merge-base "$base" HEAD; return; fi
  head="$(git_here rev-parse HEAD 2>/dev/null)" || return 1
  for candidate in origin/main main; do
    candidate="$(git_here merge-base "$candidate" HEAD 2>/dev/null)" || continue
    [[ "$candidate" != "$head" ]] && { echo "$candidate"; return; }
  done
  git_here rev-parse --verify -q 'HEAD^'
}

# Sources that changed, and those beside a header that changed.
changed_sources() {
  local since
  since="$(base_commit)" || { ours cc; return; }
  {
    git_here diff --name-only --diff-filter=d "$since" -- '*.cc' '*.h'
    git_here ls-files --others --exclude-standard -- '*.cc' '*.h'
  } | sed 's/\.h$/.cc/' | sort -u | while read -r source; do
    [[ -f "$source" ]] && echo "$source"
  done
  return 0
}

tidy() {
  if ! command -v clang-tidy-14 >/dev/null; then
    echo "clang-tidy-14 is not to be had here; its list is checked on Debian 12"
    return 0
  fi
  local sources
  if $all; then sources="$(ours cc)"; else sources="$(changed_sources)"; fi
  [[ -n "$sources" ]] || { echo "no source changed"; return 0; }
  cmake --preset release >build/release.configure.log 2>&1 || { cat build/release.configure.log; return 1; }
  # Only what CMake compiles can be judged.
  local known
  known="$(grep -F -f <(sed "s|^|$PWD/|; s|\$|\"|" <<<"$sources") build/release/compile_commands.json |
    sed -n "s|.*\"file\": \"$PWD/\(.*\)\".*|\1|p" | sort -u)"
  [[ -n "$known" ]] || { echo "no source that changed is part of the build"; return 0; }
  ninja -C build/release -t targets all | sed -n 's/^\(generated\/.*\.pb\.h\): .*/\1/p' |
    xargs -r ninja -C build/release >/dev/null || return 1
  echo "$(wc -l <<<"$known") sources"
  # g++'s own warning flags mean nothing to clang; its warnings are the compiler's business.
  xargs -r -P "$(nproc)" -n 1 clang-tidy-14 --quiet -p build/release --extra-arg=-w <<<"$known" 2>/dev/null
}

protos_unbroken() {
  local before
  before="$(base_commit)" || { echo "there is no commit to compare with"; return 0; }
  scripts/buf.sh breaking "$before"
}

mkdir -p build
# Nothing below can be judged without the tools.
scripts/setup.sh --gate || exit 1
step "shell syntax" shell_syntax
step "leftovers" leftovers
step "format" formatted
step "layering self-test" scripts/layering.py --self-test
step "layering" scripts/layering.py
step "documents" scripts/docs.py
step "compose file" /usr/bin/python3 scripts/compose.py
step "buf self-test" scripts/buf.sh --self-test
step "buf lint" scripts/buf.sh lint
step "buf breaking" protos_unbroken
step "clang-tidy" tidy

if ((${#failed[@]})); then
  printf 'check: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
echo "check: passed"
