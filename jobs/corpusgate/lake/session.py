"""The one place where a Spark session is made: the same under spark-submit and in plain Python.

Jars, memory and Delta's settings stand in `spark-defaults.conf`, which the JVM reads before any code of ours runs:
under spark-submit it is up already when this module is called. Here only what a running session still takes is set.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from corpusgate.errors import UserError
from corpusgate.settings.place import Place, find_place
from corpusgate.settings.profile import Profile, load_profile

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
_ALWAYS = {"spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false"}


def spark(app: str, place: Place | None = None, profile: Profile | None = None) -> SparkSession:
    """The process's Spark session, with Delta, in UTC, under the chosen profile.

    Raises:
        UserError: no Java, no jars, no settings, or Spark did not start; says what to run.
    """
    place = place or find_place()
    profile = profile or load_profile(place)
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ  # spark-submit started the JVM and chose master and interpreter
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    if not submitted and SparkSession.getActiveSession() is None:
        prepare(place, profile)
    builder = SparkSession.builder.appName(app)
    for name, value in {**_ALWAYS, **profile.spark}.items():
        if not (submitted and name == "spark.master"):
            builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except PySparkException as error:
        raise UserError(
            f"Spark did not start: {error}. Run `corpusgate doctor`, which checks Java and the jars."
        ) from None
    if _EXTENSION not in session.conf.get("spark.sql.extensions", ""):
        raise UserError(
            "Spark runs without Delta. Give spark-submit the settings of var/tools/spark/spark-defaults.conf "
            "(SPARK_CONF_DIR, or --properties-file); `make setup` writes that file."
        )
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


def prepare(place: Place, profile: Profile | None = None) -> None:
    """Fills in the environment that a JVM started from here needs, from what `make setup` wrote; keeps what is set.

    Raises:
        UserError: Java, the settings or the Delta jars are not there.
    """
    for name, value in _tools(place).items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("SPARK_CONF_DIR", str(place.var / "tools" / "spark"))
    # Not spark.pyspark.python: in plain Python only the variable counts, and unset it means the python3 of PATH.
    chosen = profile.spark.get("spark.pyspark.python") if profile else None
    os.environ["PYSPARK_PYTHON"] = chosen or sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    settings = Path(os.environ["SPARK_CONF_DIR"]) / "spark-defaults.conf"
    if not settings.is_file():
        raise UserError(f"Spark's settings are missing: {settings} is not there. Run `make setup`.")
    if not _java():
        raise UserError("Spark needs Java 17 or 21, and there is none in JAVA_HOME or on PATH. Run `make setup`.")
    if not _has_delta(settings):
        raise UserError(f"The Delta jars that {settings} names are not there. Run `make setup`.")


def _tools(place: Place) -> dict[str, str]:
    """`export NAME=value` lines of var/tools/env.sh, but for the interpreter, which is this one."""
    path = place.var / "tools" / "env.sh"
    found: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
        words = shlex.split(line, comments=True)
        if len(words) == 2 and words[0] == "export" and "=" in words[1]:
            name, value = words[1].split("=", 1)
            if name in ("JAVA_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP"):
                found[name] = value
    return found


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin"] if home else [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep) if p]
    return any(os.access(folder / "java", os.X_OK) for folder in candidates)


def _has_delta(settings: Path) -> bool:
    """Whether a class path or list of jars in the settings holds Delta; packages are Spark's own business."""
    places: list[str] = []
    for line in settings.read_text("utf-8").splitlines():
        name, value = (*re.split(r"[\s=:]+", line.strip(), maxsplit=1), "")[:2]
        if name == "spark.jars.packages" and "delta-spark" in value:
            return True
        if name in ("spark.driver.extraClassPath", "spark.jars"):
            places += value.strip().replace(",", os.pathsep).split(os.pathsep)
    return any(
        "delta-spark" in Path(file).name for pattern in places for file in glob.glob(pattern.removeprefix("file:"))
    )
