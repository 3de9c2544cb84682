# Keeps the classes that Spark loads, read and checked once, in an archive that every later JVM maps (class data sharing):
# some 10 CPU seconds less a Spark step. Sourced by bootstrap.sh, after Spark's settings are written.
# shellcheck shell=bash

# An archive is good for one Java and one list of jars; with others Java leaves it aside without a word. Spark's own
# command line has a folder of settings in its class path, which Java archives nothing behind; so the settings name all
# jars before that folder (spark.driver.extraClassPath), and the archive is made with these alone.
make_archive() {
  local archive="$tools/spark/classes.jsa" aside="$tools/archive.tmp" command
  rm -rf "$archive" "$aside"
  mkdir -p "$aside"
  say "archiving Spark's classes (half a minute)"
  export JAVA_HOME="$java_home" SPARK_CONF_DIR="$tools/spark" SPARK_LOCAL_IP=127.0.0.1
  export PYSPARK_PYTHON="$root/.venv/bin/python" PYSPARK_DRIVER_PYTHON="$root/.venv/bin/python"
  command="$(SPARK_PRINT_LAUNCH_COMMAND=1 "$root/.venv/bin/spark-submit" --version 2>&1 </dev/null |
    sed -n 's/^Spark Command: //p')"
  local words jars
  read -r -a words <<<"$command"
  jars="$(sed -n 's/^spark.driver.extraClassPath *//p' "$tools/spark/spark-defaults.conf")"
  if [ "${words[1]:-}" != "-cp" ] || [ -z "$jars" ]; then
    say "Spark tells its command line otherwise than expected; going on without the archive, which only costs time"
    return 0
  fi
  words[2]="$jars"
  # Everything up to the class, whose arguments are ours; but for the archive that is about to be made.
  local options=() word
  for word in "${words[@]:0:${#words[@]}-2}"; do
    [[ "$word" == -XX:SharedArchiveFile=* ]] || options+=("$word")
  done
  if ! "${options[@]}" -XX:ArchiveClassesAtExit="$aside/classes.jsa" \
    -Dlog4j2.configurationFile="file:$tools/spark/log4j2.properties" org.apache.spark.deploy.SparkSubmit \
    --properties-file "$tools/spark/spark-defaults.conf" --master "local[2]" "$here/warm_up.py" "$aside/warm" \
    >"$tools/archive.log" 2>&1 </dev/null || [ ! -s "$aside/classes.jsa" ]; then
    say "Spark's classes could not be archived (details: $tools/archive.log); going on without, which only costs time"
  else
    mv "$aside/classes.jsa" "$archive"
  fi
  rm -rf "$aside"
}
