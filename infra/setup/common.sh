# Shared by the set-up scripts; sourced, never run.
# shellcheck shell=bash

say() { printf 'setup: %s\n' "$*" >&2; }

# One paragraph: what is wrong, where, what to do.
die() {
  printf 'setup stopped: %s\n' "$*" >&2
  exit 1
}

# sha256sum is GNU, shasum is macOS.
sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1" | cut -d' ' -f1
  else
    shasum -a 256 "$1" | cut -d' ' -f1
  fi
}

# Prints how to become root ("" for root itself, "sudo -n" where that asks for no password); fails where we may not.
root_prefix() {
  if [ "$(id -u)" -eq 0 ]; then
    printf ''
  elif command -v sudo >/dev/null 2>&1 && sudo -n true >/dev/null 2>&1; then
    printf 'sudo -n'
  else
    return 1
  fi
}

may_use_apt() {
  command -v apt-get >/dev/null 2>&1 && root_prefix >/dev/null
}

# CORPUSGATE_SETUP_DRY_RUN=1 shows what would be installed on the system and stops there.
apt_run() {
  local prefix
  prefix="$(root_prefix)"
  if [ -n "${CORPUSGATE_SETUP_DRY_RUN:-}" ]; then
    say "dry run, not done: ${prefix:+$prefix }apt-get $*"
    return 0
  fi
  # The lock's time limit: a fresh machine often runs its own updates in its first minutes.
  # shellcheck disable=SC2086  # the prefix is two words or none
  if ! $prefix env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" \
    >"$tools/apt.log" 2>&1 </dev/null; then
    say "apt-get $* failed:"
    tail -n 5 "$tools/apt.log" >&2
    return 1
  fi
}

apt_updated=""
apt_update_once() {
  [ -z "$apt_updated" ] || return 0
  say "reading the system's package lists (apt-get update)"
  apt_run update || say "apt-get update failed; going on with the lists at hand"
  apt_updated=1
}

# apt_offers NAME: is there a version that could be installed?
apt_offers() {
  # Read to the end instead of grep -q, which would end apt-cache by SIGPIPE: a failure under pipefail.
  LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep 'Candidate: [^(]' >/dev/null
}

# apt_install_first NAME...: installs the first of the names that apt offers.
apt_install_first() {
  local name
  apt_update_once
  for name in "$@"; do
    if apt_offers "$name"; then
      say "installing $name with apt"
      apt_run install -y --no-install-recommends "$name" || return 1
      [ -z "${CORPUSGATE_SETUP_DRY_RUN:-}" ] || exit 0
      return 0
    fi
  done
  return 1
}
