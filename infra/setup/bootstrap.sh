#!/usr/bin/env bash
# Everything that a fresh machine needs: uv, .venv from the lock, Java, the Delta jars, Spark's settings.
# Run by `make setup`. Safe to kill and to run again: each part is whole or missing, and what is there is kept.
#
#   PYTHON                   the interpreter to build .venv from
#   JAVA_HOME                the Java to look at first
#   CORPUSGATE_MAVEN_ROOT    a Maven mirror for the Delta jars
#   CORPUSGATE_JVM_DIR       where to look for Java instead of /usr/lib/jvm
#   CORPUSGATE_SETUP_DRY_RUN show what apt would install, and stop there
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
root="$(cd "$here/../.." && pwd -P)"
tools="$root/var/tools"

# shellcheck source=common.sh
. "$here/common.sh"

case "$root" in
*[[:space:]:]*) die "the folder's path has a space or a colon ($root), which PySpark's own scripts and Java's class" \
  "path do not take; move the clone to a path without, then run make again" ;;
esac

mkdir -p "$tools"

# What the result depends on: the same words mean that nothing is to be done. The place is part of it, since
# .venv and Spark's settings hold absolute paths.
wanted() {
  printf '%s\n' "$root" "${PYTHON:-}" "${JAVA_HOME:-}"
  cat "$root/requirements.lock" "$root/pyproject.toml" "$here"/* "$root"/infra/spark/*
}

wanted_hash() {
  local file="$tools/wanted.tmp.$$"
  wanted >"$file"
  sha256_of "$file"
  rm -f "$file"
}

# Cheap signs that nobody removed a part since.
in_place() {
  local java_home sum name
  [ -f "$tools/setup.stamp" ] && [ "$(cat "$tools/setup.stamp")" = "$1" ] || return 1
  [ -x "$root/.venv/bin/python" ] && [ -x "$root/.venv/bin/corpusgate" ] || return 1
  [ -f "$tools/spark/spark-defaults.conf" ] && [ -f "$tools/env.sh" ] || return 1
  java_home="$(. "$tools/env.sh" && printf '%s' "$JAVA_HOME")"
  [ -x "$java_home/bin/java" ] || return 1
  while read -r sum name; do
    [ "$(sha256_of "$tools/jars/$name" 2>/dev/null)" = "$sum" ] || return 1
  done <"$here/jars.sha256"
}

# Two `make` at once: the second waits, then finds everything done.
if command -v flock >/dev/null 2>&1; then
  exec 9>"$tools/setup.lock"
  flock -n 9 || { say "another set-up is at work here; waiting for it" && flock 9; }
fi

stamp="$(wanted_hash)"
if in_place "$stamp"; then
  exit 0
fi
rm -f "$tools/setup.stamp"

# shellcheck source=python.sh
. "$here/python.sh"
# shellcheck source=java.sh
. "$here/java.sh"
# shellcheck source=jars.sh
. "$here/jars.sh"
# shellcheck source=spark-conf.sh
. "$here/spark-conf.sh"
# shellcheck source=archive.sh
. "$here/archive.sh"

ensure_python
ensure_java # before the long download: if Java is missing, that is said at once
ensure_uv
fill_venv
ensure_jars
write_spark_conf
make_archive

printf '%s\n' "$stamp" >"$tools/setup.stamp.tmp" && mv "$tools/setup.stamp.tmp" "$tools/setup.stamp"
say "done (.venv, Java in $java_home, the jars in var/tools/jars)"
