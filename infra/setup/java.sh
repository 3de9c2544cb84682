# Finds a Java that Spark 4.2 runs on. Sourced by bootstrap.sh.
# shellcheck shell=bash

java_refused="" # why candidates were passed over, for the message at the end

refuse_java() { java_refused="${java_refused:+$java_refused; }$1"; }

# java_fits HOME: version 17 to 21, with the vector module that Spark asks for by name when it starts the JVM.
# Trimmed runtimes (from Python packages, jlink images) lack it and would fail much later, inside Spark.
java_fits() {
  local home="$1" text major
  [ -x "$home/bin/java" ] || return 1
  text="$(env -u JAVA_TOOL_OPTIONS -u JDK_JAVA_OPTIONS "$home/bin/java" -version 2>&1 </dev/null || true)"
  major="$(printf '%s\n' "$text" | sed -n 's/.* version "\([0-9][0-9]*\).*/\1/p' | head -n1)"
  if [ -z "$major" ] || [ "$major" -lt 17 ] || [ "$major" -gt 21 ]; then
    refuse_java "$home is Java ${major:-of unknown version}"
    return 1
  fi
  if ! "$home/bin/java" --list-modules 2>/dev/null </dev/null | grep '^jdk\.incubator\.vector' >/dev/null; then
    refuse_java "$home is a trimmed Java without the module jdk.incubator.vector"
    return 1
  fi
}

# HOME of the java on PATH: /usr/bin/java is a link to a link to it. No readlink -f on older macOS, so Python asks.
java_home_on_path() {
  local binary
  binary="$(command -v java 2>/dev/null)" || return 1
  "$python" -c 'import os, sys; print(os.path.dirname(os.path.dirname(os.path.realpath(sys.argv[1]))))' "$binary"
}

java_candidates() {
  [ -z "${JAVA_HOME:-}" ] || printf '%s\n' "$JAVA_HOME"
  java_home_on_path || true
  local home
  # 17 before 21: it is the one that everything here was tried on.
  for home in "${CORPUSGATE_JVM_DIR:-/usr/lib/jvm}"/*17* "${CORPUSGATE_JVM_DIR:-/usr/lib/jvm}"/*; do
    [ ! -d "$home" ] || printf '%s\n' "$home"
  done
  if [ -x /usr/libexec/java_home ]; then
    /usr/libexec/java_home -v 17 2>/dev/null || true
    /usr/libexec/java_home -v 21 2>/dev/null || true
  fi
}

# Sets java_home.
find_java() {
  local home seen=$'\n'
  java_refused=""
  while IFS= read -r home; do
    case "$seen" in *$'\n'"$home"$'\n'*) continue ;; esac
    seen="$seen$home"$'\n'
    if java_fits "$home"; then
      java_home="$home"
      return 0
    fi
  done < <(java_candidates)
  return 1
}

ensure_java() {
  if ! find_java; then
    if may_use_apt; then
      apt_install_first openjdk-17-jre-headless openjdk-21-jre-headless || true
    fi
    find_java || die "Spark needs Java 17 to 21 and none was found in JAVA_HOME, on PATH or in /usr/lib/jvm" \
      "(${java_refused:-nothing there}); install one (Debian, Ubuntu: apt-get install openjdk-17-jre-headless)" \
      "or set JAVA_HOME, then run make again"
  fi
  if [ -n "${JAVA_HOME:-}" ] && [ "$JAVA_HOME" != "$java_home" ]; then
    say "JAVA_HOME was passed over (${java_refused:-it has no bin/java}) and $java_home is used instead"
  fi
}
