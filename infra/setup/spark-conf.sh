# Writes Spark's settings for this machine, and the environment that finds them. Sourced by bootstrap.sh.
# shellcheck shell=bash

# In a file, not in the code that starts a session: under spark-submit the JVM runs before that code does.
render() { # TEMPLATE TARGET
  local text
  text="$(cat "$1")"
  text="${text//@ROOT@/$root}"
  text="${text//@TOOLS@/$tools}"
  text="${text//@JAVA_HOME@/$java_home}"
  text="${text//@PYSPARK@/$(printf '%s\n' "$root"/.venv/lib/python*/site-packages/pyspark | head -n1)}"
  mkdir -p "$(dirname "$2")"
  printf '%s\n' "$text" >"$2.tmp.$$" && mv "$2.tmp.$$" "$2"
}

write_spark_conf() {
  render "$root/infra/spark/spark-defaults.conf.template" "$tools/spark/spark-defaults.conf"
  render "$root/infra/spark/log4j2.properties" "$tools/spark/log4j2.properties"
  # Names and values only: make and Python both read it (shell quoting, one assignment a line).
  {
    printf '# Written by make setup. Read by the Makefile and by corpusgate.\n'
    printf 'export JAVA_HOME=%q\n' "$java_home"
    printf 'export SPARK_CONF_DIR=%q\n' "$tools/spark"
    printf 'export SPARK_LOCAL_IP=127.0.0.1\n'
    printf 'export PYSPARK_PYTHON=%q\n' "$root/.venv/bin/python"
    printf 'export PYSPARK_DRIVER_PYTHON=%q\n' "$root/.venv/bin/python"
  } >"$tools/env.sh.tmp.$$" && mv "$tools/env.sh.tmp.$$" "$tools/env.sh"
}
