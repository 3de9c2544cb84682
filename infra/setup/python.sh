# Finds Python, gets uv, fills .venv from the lock. Sourced by bootstrap.sh.
# shellcheck shell=bash

uv_version="0.13.9" # as in uv-requirements.txt

# Runs the candidate instead of trusting its name: a pyenv shim exists for versions that are switched off.
usable_python() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13)); ' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.12 python3.11 /usr/bin/python3.12 /usr/bin/python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 && usable_python "$candidate"; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return 0
    fi
  done
  return 1
}

ensure_python() {
  if ! python="$(find_python)"; then
    if may_use_apt; then
      apt_install_first python3.12 python3.11 || true
    fi
    python="$(find_python)" || die "Python 3.11 or 3.12 is needed and none was found on PATH; install one" \
      "(Debian 12, Ubuntu 24.04: apt-get install python3) or name it: make setup PYTHON=/path/to/python3.12"
  fi
}

# A venv needs ensurepip, which Debian and Ubuntu ship in a package of its own.
ensure_venv_module() {
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
  local minor
  minor="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
  if may_use_apt; then
    apt_install_first "python$minor-venv" python3-venv || true
  fi
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    die "$python has no venv module; install it (Debian, Ubuntu: apt-get install python$minor-venv)," \
      "or put uv on PATH, then run make again"
}

# The person's own uv where there is a recent one, else the pinned one under var/tools, fetched by pip with its hash.
ensure_uv() {
  local found
  if command -v uv >/dev/null 2>&1; then
    found="$(uv --version 2>/dev/null | cut -d' ' -f2)"
    if [ "$(printf '%s\n' 0.5.0 "${found:-0}" | sort -V | head -n1)" = 0.5.0 ]; then
      uv="$(command -v uv)"
      return 0
    fi
  fi
  uv="$tools/uv/bin/uv"
  if [ -x "$uv" ] && [ "$("$uv" --version | cut -d' ' -f2)" = "$uv_version" ]; then
    return 0
  fi
  ensure_venv_module
  say "fetching uv $uv_version"
  # Built aside and then renamed: only the one binary is wanted, and it is whole or not there.
  local aside="$tools/uv.tmp"
  rm -rf "$aside"
  "$python" -m venv "$aside" || die "could not create a virtual environment in $aside"
  "$aside/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes -r "$here/uv-requirements.txt" >&2 ||
    die "pip could not fetch uv $uv_version (see above); check the network or pip's own settings," \
      "or put uv on PATH, then run make again"
  rm -rf "$tools/uv"
  mkdir -p "$tools/uv/bin"
  mv "$aside/bin/uv" "$uv"
  rm -rf "$aside"
}

# uv does not read pip's settings; a mirror configured for pip is meant for us too.
follow_pip_mirror() {
  [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] || return 0
  local index="${PIP_INDEX_URL:-}"
  if [ -z "$index" ]; then
    index="$("$python" -m pip config get global.index-url 2>/dev/null || true)"
  fi
  [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
}

network_settings() {
  # Downloads of Python itself are off: what runs here is what the machine's owner installed.
  export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
  # A company's own certificate authority is usually known to the system, not to uv's built-in list.
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
  export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-120}"
  follow_pip_mirror
}

fill_venv() {
  local venv="$root/.venv"
  network_settings
  # A sync that was killed can leave a package that looks installed and lacks files: begin anew then.
  if [ -e "$tools/venv.unfinished" ] || ! usable_python "$venv/bin/python"; then
    say "creating .venv with $python"
    "$uv" venv --quiet --clear --python "$python" "$venv" >&2 || die "uv could not create $venv"
  fi
  : >"$tools/venv.unfinished"
  say "installing the locked packages into .venv (about 2 GB; minutes the first time, seconds from the cache)"
  # Wheels only, so that nothing of a package runs while it is installed; PySpark publishes no wheels.
  # Compiled now: where PYTHONDONTWRITEBYTECODE is set, as in many containers, every step would do it anew at each
  # start, 7 CPU seconds for Great Expectations alone.
  "$uv" pip sync --quiet --python "$venv/bin/python" --compile-bytecode --require-hashes --only-binary=:all: \
    --no-binary=pyspark --no-binary=pyspark-client \
    --build-constraints "$here/build-constraints.txt" "$root/requirements.lock" >&2 ||
    die "uv could not install requirements.lock (see above); check the network and the free disk space" \
      "(2 GB are needed), then run make again: what was fetched is kept"
  # After the sync, which removes everything that is not in the lock. Offline: hatchling is in the lock.
  "$uv" pip install --quiet --python "$venv/bin/python" --offline --no-deps --no-build-isolation \
    --editable "$root" >&2 || die "uv could not install the project itself into $venv (see above)"
  rm -f "$tools/venv.unfinished"
}
