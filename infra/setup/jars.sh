# Brings the Delta jars to var/tools/jars, with the Ivy that PySpark itself carries: no Maven, and no look-up
# when Spark starts. Sourced by bootstrap.sh, after .venv and Java.
# shellcheck shell=bash

jar_matches() { # FILE SHA256
  [ -f "$1" ] && [ "$(sha256_of "$1")" = "$2" ]
}

# Copies beside the target and renames, so that a killed set-up leaves no half file under the right name.
place() { # FROM TO
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.tmp.$$" && mv "$2.tmp.$$" "$2"
}

# True if all jars are in place, taking from the cache what is there.
jars_at_hand() {
  local sum name complete=0
  while read -r sum name; do
    jar_matches "$tools/jars/$name" "$sum" && continue
    rm -f "$tools/jars/$name"
    if [ -f "$jar_cache/$name" ]; then
      if jar_matches "$jar_cache/$name" "$sum"; then
        place "$jar_cache/$name" "$tools/jars/$name"
        continue
      fi
      say "$jar_cache/$name does not have the pinned SHA-256; it is removed and fetched again"
      rm -f "$jar_cache/$name"
    fi
    complete=1
  done <"$here/jars.sha256"
  return "$complete"
}

fetch_jars() {
  local aside="$tools/ivy.tmp" ivy log="$tools/ivy.log" mirror="" sum name
  ivy="$(printf '%s\n' "$root"/.venv/lib/python*/site-packages/pyspark/jars/ivy-*.jar | head -n1)"
  rm -rf "$aside"
  mkdir -p "$aside"
  # Without a root Ivy asks the public Maven repository that it knows by itself.
  [ -z "${CORPUSGATE_MAVEN_ROOT:-}" ] || mirror=" root=\"$CORPUSGATE_MAVEN_ROOT\""
  cat >"$aside/settings.xml" <<XML
<ivysettings>
  <settings defaultResolver="maven"/>
  <resolvers><ibiblio name="maven" m2compatible="true"$mirror/></resolvers>
</ivysettings>
XML
  say "fetching the Delta jars (13 MB)"
  if ! "$java_home/bin/java" -jar "$ivy" -settings "$aside/settings.xml" -ivy "$here/ivy.xml" \
    -cache "$aside/cache" -confs default -retrieve "$aside/jars/[artifact]-[revision].[ext]" \
    >"$log" 2>&1 </dev/null; then
    die "the Delta jars could not be fetched (details: $log); check the network (a company's certificate" \
      "authority must be known to Java too), set CORPUSGATE_MAVEN_ROOT to a Maven mirror, or put the files named in infra/setup/jars.sha256 into $jar_cache, then run make again"
  fi
  while read -r sum name; do
    if ! jar_matches "$aside/jars/$name" "$sum"; then
      rm -rf "$aside"
      die "the fetched $name does not have the SHA-256 that infra/setup/jars.sha256 pins; it was removed." \
        "Try again, or check the mirror in CORPUSGATE_MAVEN_ROOT"
    fi
    place "$aside/jars/$name" "$jar_cache/$name"
    place "$aside/jars/$name" "$tools/jars/$name"
  done <"$here/jars.sha256"
  rm -rf "$aside"
}

ensure_jars() {
  # Outside the clone: a second clone, or one cleaned, fetches nothing.
  jar_cache="${XDG_CACHE_HOME:-${HOME:-$root/var}/.cache}/corpusgate/jars"
  jars_at_hand || fetch_jars
}
