#!/bin/bash
# Installs the Debian packages of scripts/packages.txt that are missing, and says which.
#
#   scripts/setup.sh           what building and testing needs
#   scripts/setup.sh --broker  also what a real Kafka for tests and trials needs (scripts/kafka.sh)
#   scripts/setup.sh --gate    also what scripts/check.sh needs, where the release has it
#   scripts/setup.sh --bench   also what scripts/bench.sh compares with, where the release has it
#   scripts/setup.sh --list    prints the packages, installs nothing
#
# Works as root or through sudo. Where it can do neither it prints the line to type and exits with 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

groups="build"
list_only=false
for argument in "$@"; do
  case "$argument" in
    --broker) groups+=" broker" ;;
    --gate) groups+=" gate" ;;
    --bench) groups+=" bench" ;;
    --list) list_only=true groups="build broker gate bench" ;;
    *) echo "setup: unknown argument '$argument'" >&2; exit 2 ;;
  esac
done

packages_of() {
  awk -v group="$1" '$1 == group { print $2 }' scripts/packages.txt
}

installed() {
  # A Node of another source brings npm along.
  [[ "$1" != npm && "$1" != nodejs ]] || ! command -v npm >/dev/null || return 0
  [[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

missing_of() {
  local package
  for package in $(packages_of "$1"); do
    installed "$package" || echo "$package"
  done
}

known() {
  apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

# Runs a command with the rights to install, asking nothing; a password is asked for only at a terminal.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo $([[ -t 0 ]] || echo -n) env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

can_install() {
  [[ $EUID -eq 0 ]] && return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null && return 0
  [[ -t 0 ]] && sudo -v
}

tell_and_stop() {
  {
    echo "setup: these packages are missing and this user may not install them. As root, type:"
    echo
    echo "  apt-get update && apt-get install -y --no-install-recommends $*"
    echo
  } >&2
  exit 1
}

# What the gate needs beyond packages.
finish() {
  [[ $groups != *gate* ]] || scripts/buf.sh --install || exit 1
  exit 0
}

if $list_only; then
  for group in $groups; do packages_of "$group"; done
  exit 0
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "setup: this needs Debian 12 or 13 (or a system with their packages); see scripts/packages.txt" >&2
  exit 1
fi

mapfile -t missing < <(missing_of build)
[[ $groups != *broker* ]] || mapfile -t -O "${#missing[@]}" missing < <(missing_of broker)
optional=()
for group in gate bench; do
  [[ $groups != *$group* ]] || mapfile -t -O "${#optional[@]}" optional < <(missing_of "$group")
done
if ((${#missing[@]} + ${#optional[@]} == 0)); then
  echo "setup: every package is installed"
  finish
fi
can_install || tell_and_stop "${missing[@]}" "${optional[@]}"

updated=false
update() {
  $updated && return 0
  echo "setup: reading the package lists"
  as_root apt-get update -q </dev/null
  updated=true
}

for package in "${missing[@]}" "${optional[@]}"; do
  known "$package" || { update; break; }
done

# These tools are of one version; a release without it builds and tests, but does not judge format or compare.
for package in "${optional[@]}"; do
  if known "$package"; then
    missing+=("$package")
  else
    echo "setup: this release does not have $package; scripts/check.sh and scripts/bench.sh leave out what needs it"
  fi
done
((${#missing[@]})) || finish

install() {
  as_root apt-get install -q -y --no-install-recommends "$@" </dev/null
}

echo "setup: installing ${missing[*]}"
# Lists that are old name versions that are gone: read them anew and try once more.
install "${missing[@]}" || { $updated && exit 1; update; install "${missing[@]}"; }
echo "setup: done"
finish
