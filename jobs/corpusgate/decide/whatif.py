"""What a release would be under another policy, from its findings: nothing is screened again, no row of it is written.

The judge is `decide` itself, on the same frames: what is asked here is what a rebuild would decide (ADR 0043). Like it,
workers read the texts in which something is masked, for the hash of what would be released; no text is shown.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusgate.decide import job
from corpusgate.decide.asked import Asked, ask, read_new
from corpusgate.errors import UserError
from corpusgate.intake.rules import detector_version
from corpusgate.lake import store
from corpusgate.lake.dialect import literal, one_of
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, open_run
from corpusgate.release.verify import manifest_of
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

EXAMPLES = 20
_TABLES = ["decision", "release_record"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changes between a release and a new policy.

    `counts`: source_id, was, becomes (kept, or the rule that removes), masks (what is released differs), records.
    `examples`: record_id, source_id, locator, was, becomes, because. `unanswered`: what findings cannot say.
    """

    release_id: str
    kept_before: int
    kept: int
    counts: list[dict[str, Any]]
    examples: list[dict[str, Any]]
    unanswered: tuple[str, ...]


def policy_diff(place: Place, release_id: str, new: Path) -> Difference:
    """Judges the records of a release, or of a candidate, under the policy in the file `new`.

    Raises:
        UserError: no such release, its run is gone, the file is wrong, or its findings can say nothing of it.
        LakeBusy: a run is writing; pairs of texts that were never compared would be written too.
    """
    from corpusgate.lake.session import spark

    manifest = manifest_of(place, release_id)
    run = _run_of(place, release_id)
    taken = [s["source_id"] for s in manifest["sources"] if s["taken"]]
    asked = ask(place, run.corpus, read_new(new, run.corpus), manifest["detectors"], taken)
    asked_run = Run(run.id, asked.corpus, run.at, place)
    given = _narrowed(job.inputs(asked_run), asked.corpus.sources, dict(manifest["detectors"]))
    session = spark("corpusgate policy diff", place)
    with lease(place, "policy diff"), ExitStack() as stack:
        given = job.ready(asked_run, given)
        decided, _ = job.judged(asked_run, given, session, stack, _findings(session, place, asked, given))
        pairs = _compared(session, place, release_id, decided).persist()
        stack.callback(pairs.unpersist)
        counts = _counts(pairs)
        examples = _examples(place, given.versions, pairs, run.corpus.seed)
    return Difference(
        release_id, manifest["counts"]["by_outcome"]["kept"],
        sum(c["records"] for c in counts if c["becomes"] == "kept"), counts, examples, asked.unanswered,
    )  # fmt: skip


def _run_of(place: Place, release_id: str) -> Run:
    """The run that made it."""
    for folder in (place.releases / release_id, place.lake / "candidates" / release_id):
        if (folder / "run.json").is_file():
            run_id = json.loads((folder / "run.json").read_text("utf-8"))["run_id"]
            break
    else:
        raise UserError(f"{release_id} has no run.json: restore it, or ask of another release.")
    from corpusgate.lake.run import safe_name

    about = place.runs / safe_name(run_id) / "run.json"
    if not about.is_file():
        raise UserError(
            f"The results of run {run_id}, which made {release_id}, are no longer in {place.runs}: which batches it "
            "considered is not known. Ask of a newer release."
        )
    said = json.loads(about.read_text("utf-8"))
    return open_run(place, said["corpus"], said["run_id"], datetime.fromisoformat(said["at"]))


def _narrowed(given: job.Inputs, sources: tuple[str, ...], versions: dict[str, str]) -> job.Inputs:
    """The inputs without the sources that the new corpus leaves out, under the release's detectors."""
    stay = set(sources)
    return replace(
        given, batches={s: b for s, b in given.batches.items() if s in stay},
        parts=[p for p in given.parts if p[0] in stay], expected={s: n for s, n in given.expected.items() if s in stay},
        versions=versions,
    )  # fmt: skip


def _findings(session: SparkSession, place: Place, asked: Asked, given: job.Inputs) -> DataFrame:
    """The findings, those of words as the new list weighs them: a word once a text, in its heaviest form."""
    from pyspark.sql import functions as F

    from corpusgate.lake.frames import read

    finding = read(session, place, "finding")
    if asked.weighed is None:
        return finding
    version = detector_version("keyword", given.versions)
    mine = (F.col("detector") == "keyword") & (F.col("version") == version)
    schema = "rule string, word string, _weight double, _risk string"
    weights = session.createDataFrame([(w.rule, w.word, w.weight, w.risk) for w in asked.weighed], schema)
    words = finding.where(mine).join(F.broadcast(weights), "rule").groupBy("text_sha256", "word")
    anew = words.agg(F.max("_weight").alias("weight"), F.first("_risk").alias("risk"), F.min("rule").alias("rule"))
    anew = anew.drop("word").withColumns({
        "detector": F.lit("keyword"), "version": F.lit(version), "start": F.lit(0), "end": F.lit(0), "count": F.lit(1),
    })  # fmt: skip
    return finding.where(~mine).unionByName(anew, allowMissingColumns=True)


def _compared(session: SparkSession, place: Place, release_id: str, decided: DataFrame) -> DataFrame:
    """A row a record: what the release made of it (`was`) and what the new policy would (`becomes`): kept, or the rule.

    A record of a source that the new corpus leaves out becomes `source_left_out`.
    """
    from pyspark.sql import functions as F

    from corpusgate.lake.frames import read

    of = one_of("release_id", [release_id])
    gone = read(session, place, "decision", of).select("record_id", "source_id", F.col("rule").alias("was"))
    kept = read(session, place, "release_record", of).select("record_id", "source_id", "released_sha256")
    before = gone.unionByName(kept.withColumn("was", F.lit("kept")), allowMissingColumns=True)
    fate = F.when(F.col("outcome") == "kept", F.lit("kept")).otherwise(F.col("rule"))
    now = decided.select(
        "record_id", "text_sha256", fate.alias("becomes"), F.col("released_sha256").alias("_released"), "survivor"
    )
    both = before.join(now, "record_id", "left")
    masks = (F.col("was") == "kept") & (F.col("becomes") == "kept") & (F.col("released_sha256") != F.col("_released"))
    return both.withColumns({
        "becomes": F.coalesce("becomes", F.lit("source_left_out")), "masks": F.coalesce(masks, F.lit(False)),
    }).drop("_released", "released_sha256")  # fmt: skip


def _counts(pairs: DataFrame) -> list[dict[str, Any]]:
    rows = pairs.groupBy("source_id", "was", "becomes", "masks").count().collect()
    made = [{**{k: r[k] for k in ("source_id", "was", "becomes", "masks")}, "records": r["count"]} for r in rows]
    return sorted(made, key=lambda r: (r["source_id"], r["was"], r["becomes"], r["masks"]))


def _examples(place: Place, versions: dict[str, str], pairs: DataFrame, seed: str) -> list[dict[str, Any]]:
    """Records that change, of each kind of change some, in an order that the seed alone decides."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rank = F.sha2(F.concat(F.lit(f"{seed}|policy diff|"), F.col("record_id")), 256)
    of_kind = Window.partitionBy("was", "becomes", "masks").orderBy(rank)
    changed = pairs.where((F.col("was") != F.col("becomes")) | F.col("masks"))
    chosen = changed.withColumn("_nth", F.row_number().over(of_kind)).orderBy("_nth", rank).limit(EXAMPLES)
    rows = [r.asDict() for r in chosen.collect()]
    where = {r["record_id"]: r for r in _places(place, [r["record_id"] for r in rows])}
    why = _found(place, versions, sorted({r["text_sha256"] for r in rows if r["text_sha256"]}))
    return [
        {
            "record_id": r["record_id"], "source_id": r["source_id"],
            "locator": where.get(r["record_id"], {}).get("locator"), "was": r["was"], "becomes": r["becomes"],
            "because": f"the same as {r['survivor']}" if r["survivor"] else why.get(r["text_sha256"], ""),
        }
        for r in rows
    ]  # fmt: skip


def _places(place: Place, records: list[str]) -> list[dict[str, Any]]:
    where = one_of("record_id", records)
    sql = f"SELECT record_id, min(locator) AS locator FROM record WHERE {where} GROUP BY record_id"
    return store.query(place, sql, ["record"]).to_pylist()


def _found(place: Place, versions: dict[str, str], texts: list[str]) -> dict[str, str]:
    """Text to what was found in it: rules, and of words the first character."""
    of = " OR ".join(
        f"(detector = {literal(d)} AND version = {literal(detector_version(d, versions))})"
        for d in ("keyword", "personal_information")
    )
    sql = (
        'SELECT text_sha256, detector, rule, risk, max("count") AS n, min(surface) AS surface FROM finding '
        f"WHERE {one_of('text_sha256', texts)} AND ({of}) AND NOT starts_with(risk, 'near_') "
        "GROUP BY text_sha256, detector, rule, risk ORDER BY text_sha256, detector, rule, risk"
    )
    said: dict[str, list[str]] = {}
    for row in store.query(place, sql, ["finding"]).to_pylist():
        hint = f" {_masked(row['surface'])}" if row["surface"] else ""
        said.setdefault(row["text_sha256"], []).append(f"{row['rule']} ({row['risk']}, {row['n']} times{hint})")
    return {text: "; ".join(parts[:5]) for text, parts in said.items()}


def _masked(surface: str) -> str:
    """A word as it may stand on a screen: its first character."""
    return surface[:1] + "*" * (len(surface) - 1)
