#!/usr/bin/env bash
# Fills var/tools/trestle with compliance-trestle, which validates OSCAL documents. Nothing else of corpusgate needs it.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
root="$(cd "$here/../.." && pwd -P)"
tools="$root/var/tools"
# shellcheck source=common.sh
. "$here/common.sh"
# shellcheck source=python.sh
. "$here/python.sh"

wanted="$(sha256sum "$here/trestle-requirements.txt" | cut -d' ' -f1)"
[ "$(cat "$tools/trestle/stamp" 2>/dev/null)" != "$wanted" ] || exit 0

ensure_python
ensure_uv
network_settings
rm -rf "$tools/trestle"
"$uv" venv --quiet --python "$python" "$tools/trestle" >&2 || die "uv could not create $tools/trestle"
"$uv" pip sync --quiet --python "$tools/trestle/bin/python" --require-hashes --only-binary=:all: \
  "$here/trestle-requirements.txt" >&2 ||
  die "uv could not install compliance-trestle (see above); check the network, then run this again"
printf '%s\n' "$wanted" >"$tools/trestle/stamp"
