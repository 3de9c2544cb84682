#!/usr/bin/env bash
# Renews requirements.lock from requirements.in. Versions already locked stay unless --upgrade is given.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
root="$(cd "$here/../.." && pwd -P)"
tools="$root/var/tools"
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=python.sh
. "$here/python.sh"

ensure_python
ensure_uv
network_settings

cd "$root"
# From a copy, so that a failed run leaves the old lock whole.
new="$tools/requirements.lock.tmp"
cp requirements.lock "$new"
# 3.11 is the oldest Python served; universal: one file for all systems and for 3.12.
"$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
  --custom-compile-command "make lock" --output-file "$new" "$@" requirements.in >/dev/null ||
  die "no set of versions satisfies requirements.in (see above); the lock was not changed"
if grep -nE '://|^ *--(extra-)?(index|find)' "$new" >&2; then
  die "the new lock names an address (above); it belongs in no lock, and the old one was kept"
fi
mv "$new" requirements.lock
say "requirements.lock holds $(grep -cE '^[A-Za-z0-9].*==' requirements.lock) packages; run make setup to install them"
