"""Run by `test_executors.py` in a process of its own: screens texts on two executor processes that each have, or have
not, the list of words in their own folder. Prints what came of it as one line of JSON.

Arguments: folder of the right list, folder of the other one, and for each of the two executors which it gets (right,
other, none).
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from corpusgate.banks.lexicon import digest
from corpusgate.errors import DetectorMissing
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.job import in_their_own_words
from corpusgate.intake.rows import SCREENED
from corpusgate.intake.stage import rescreener
from corpusgate.lake.session import prepare
from corpusgate.settings.place import find_place
from corpusgate.settings.profile import load_profile

TASKS = 16


def deploy(folders):
    """For Spark: puts each executor's list into its folder; returns the folders seen."""

    def run(batches):
        import pyarrow as pa

        for batch in batches:
            here = Path.cwd()
            chosen = folders[sorted(("0", "1")).index(here.name)]
            if chosen and not (here / "words").exists():
                made = here / f"words.{os.getpid()}"
                shutil.copytree(chosen, made)
                try:
                    made.rename(here / "words")
                except OSError:  # another task of this executor was first
                    shutil.rmtree(made)
            time.sleep(0.5)  # so that both executors get tasks
            yield pa.record_batch([pa.array([str(here)] * batch.num_rows)], names=["here"])

    return run


def main(right, other, first, second):
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema

    place = find_place(Path(__file__))
    prepare(place)
    failures = load_profile(place, "cluster").spark["spark.task.maxFailures"]
    spark = (
        SparkSession.builder.master("local-cluster[2,1,1024]").appName("two executors")
        .config("spark.task.maxFailures", failures).config("spark.executor.memory", "512m")
        .config("spark.executorEnv.PYTHONPATH", os.pathsep.join(sys.path[1:])).getOrCreate()
    )  # fmt: skip
    folders = [{"right": right, "other": other, "none": ""}[which] for which in (first, second)]
    seen = spark.range(0, TASKS, 1, TASKS).mapInArrow(deploy(folders), "here string").distinct().collect()
    # The driver has the right list under the very name that the workers look for.
    os.chdir(Path(right).parent)
    kit = Kit("words", digest(right), b"key", "k1")
    texts = spark.range(0, TASKS * 4, 1, TASKS).selectExpr(
        "sha2(CAST(id AS string), 256) AS text_sha256", "'那里线上赌场，' AS text"
    )
    said = {"executors": len(seen)}
    try:
        with in_their_own_words():
            screened = texts.mapInArrow(rescreener(kit, detectors.versions(kit)), from_arrow_schema(SCREENED))
            found = (
                screened.selectExpr("exists(findings, f -> f.rule = 'kw:a') AS hit").groupBy("hit").count().collect()
            )
        said["screened"] = {str(r["hit"]): r["count"] for r in found}
    except DetectorMissing as error:
        said["missing"] = str(error)
    spark.stop()
    for app in {Path(r["here"]).parent for r in seen}:  # Spark leaves its executors' folders where it is installed
        shutil.rmtree(app, ignore_errors=True)
        if app.parent.name == "work" and not any(app.parent.iterdir()):
            app.parent.rmdir()
    print("RESULT " + json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
