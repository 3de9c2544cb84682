"""Spark job 3: writes the released texts and the manifest, then moves the channel's pointer.

Killed anywhere and started again, it leaves what an undisturbed run leaves.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusgate.errors import CorpusgateError, StaleCandidate
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate.release.digests import file_sha256
from corpusgate.release.manifest import about_run, candidate_folder, manifest_root, read_manifest
from corpusgate.release.notice import notice
from corpusgate.release.pointer import move_pointer, read_pointer
from corpusgate.release.seal import seal
from corpusgate.release.signing import sign
from corpusgate.review.filing import demand_approval

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

#: The columns of a release's files. No title: detectors have not seen it, and masks do not reach it.
COLUMNS = ("record_id", "source_id", "language", "url", "licence", "text")

Stage = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be published: the frozen manifest, its ids, and what the channel showed when it was built."""

    manifest: dict[str, Any]
    release_id: str
    root: str
    parent: str | None
    channel: str

    @property
    def kept(self) -> int:
        """Records of the release."""
        return self.manifest["counts"]["by_outcome"]["kept"]


def publish(run: Run, channel: str = "trial", at_stage: Stage = lambda stage: None) -> StepResult:
    """Publishes the run's candidate to `channel`, if its gate lets it and the channel still shows its parent.

    State `held` (with the first control that blocks) or `unchanged` (the channel shows this very release) writes
    nothing; the unit is the record. `at_stage` is told each stage before it begins, so that tests can end it there.

    Raises:
        CorpusgateError: the gate or decide has no result, or a released text is not what was decided.
        StaleCandidate: the channel moved on since the candidate was built.
    """
    gate, decided = run.result("release_gate"), run.result("decide")
    if gate is None or decided is None:
        missing = "decide" if decided is None else "release_gate"
        raise CorpusgateError(
            f"The step {missing} of run {run.id} has no result: nothing is published unjudged. Run it first."
        )
    facts = {"release_id": decided.facts["release_id"], "channel": channel}
    blocked = gate.facts["blocked"].get(channel, [])
    if blocked or gate.state not in ("ok", "unchanged"):
        first = blocked[0] if blocked else gate.held_by
        by = ", ".join(blocked) or first or gate.state
        because = f"{facts['release_id']} is not published to {channel}: blocked by {by}. {gate.because}".strip()
        return _result("held", 0, {**facts, "state": "held"}, held_by=first, because=because)
    candidate = _candidate(run, decided, channel)
    if channel == "filing":
        demand_approval(run.place, candidate.release_id, channel)
    with lease(run.place, run.id):
        pointer = read_pointer(run.place, run.corpus.id, channel)
        if pointer and pointer["release_id"] == candidate.release_id and pointer["run_id"] != run.id:
            because = f"Nothing changed: {channel} shows {candidate.release_id} already."
            return _result("unchanged", candidate.kept, {**facts, "state": "unchanged"}, because=because)
        _publish(run, candidate, pointer, at_stage)
    return _result("ok", candidate.kept, {**facts, "state": "ok"})


def _candidate(run: Run, decided: StepResult, channel: str) -> Candidate:
    release = decided.facts["release_id"]
    manifest = read_manifest(candidate_folder(run.place, release) / "manifest.json")
    root = manifest_root(manifest)
    if root != decided.facts["manifest_root"]:
        raise CorpusgateError(f"The manifest of {release} is not the one that decide wrote: run decide and gate again.")
    return Candidate(manifest, release, root, decided.facts["parent"].get(channel), channel)


def _publish(run: Run, candidate: Candidate, pointer: Mapping[str, Any] | None, at_stage: Stage) -> None:
    shown = pointer["release_id"] if pointer else None
    if shown not in (candidate.parent, candidate.release_id):
        raise StaleCandidate(
            f"{candidate.release_id} was built on {candidate.parent or 'nothing'}, but {candidate.channel} shows "
            f"{shown or 'nothing'} by now. Nothing was published; start a new rebuild, which builds on that."
        )
    folder = run.place.releases / candidate.release_id
    at_stage("data")
    if not folder.is_dir():
        with _temporary(folder) as made:
            files = _write_data(run, candidate, made)
            at_stage("papers")
            _write_papers(run, candidate, made, files)
            at_stage("rename")
            os.replace(made, folder)
    at_stage("rows")
    _write_rows(run, candidate, folder)
    at_stage("pointer")
    move_pointer(
        run.place, run.corpus.id, candidate.channel, expected=candidate.parent, to=candidate.release_id,
        root=candidate.root, run_id=run.id, at=run.at,
    )  # fmt: skip
    at_stage("end")


@contextmanager
def _temporary(folder: Path) -> Generator[Path]:
    """A folder beside `folder`, of the same name always: what a killed run left in it is thrown away first."""
    made = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    yield made


def _write_data(run: Run, candidate: Candidate, made: Path) -> dict[str, Any]:
    """Writes `data/*.parquet`, each text checked against the hash that was decided about.

    Returns:
        `files` (path, bytes, sha256, records, a file each), `characters` of all texts, and `masks_in_notices`: source
        -> masks inside copyright notices, where there are any.

    Raises:
        CorpusgateError: a text is gone, changed or masked otherwise; nothing is published.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    seen = Observation("released")
    texts = _texts(run, candidate)  # first: without a session no column can be named
    sources = [s for s, outcomes in candidate.manifest["counts"]["by_source"].items() if outcomes.get("kept")]
    inside = [
        F.coalesce(F.sum(F.when(F.col("source_id") == s, F.col("notice_masks"))), F.lit(0)).alias(f"notices_{n}")
        for n, s in enumerate(sources)
    ]
    texts = texts.observe(
        seen,
        F.count(F.lit(1)).alias("records"),
        F.coalesce(F.sum(F.when(F.col("checked"), 0).otherwise(1)), F.lit(0)).alias("wrong"),
        F.min(F.when(~F.col("checked"), F.col("record_id"))).alias("first_wrong"),
        F.coalesce(F.sum(F.length("text")), F.lit(0)).alias("characters"),
        *inside,
    )
    texts.select(*COLUMNS).write.parquet(str(made / "data"))
    got = seen.get
    if got["wrong"] or got["records"] != candidate.kept:
        raise CorpusgateError(
            f"{candidate.release_id}: of {candidate.kept} records {got['records']} could be written, {got['wrong']} "
            f"with a text that is not the one decided about (first: {got['first_wrong']}). Nothing was published; "
            f"`corpusgate explain` shows the record's text hash, and intake writes lost texts again."
        )
    masked = {s: got[f"notices_{n}"] for n, s in enumerate(sources) if got[f"notices_{n}"]}
    return {"files": _tidy(made / "data"), "characters": got["characters"], "masks_in_notices": masked}


def _texts(run: Run, candidate: Candidate) -> DataFrame:
    """record_id, source_id, language, url, licence, text, checked: the kept records with their released texts."""
    from corpusgate.decide.frames import released_texts
    from corpusgate.lake.frames import one_of, read
    from corpusgate.lake.session import spark

    session, place = spark("corpusgate publish", run.place), run.place
    kept = read(session, place, "release_record", one_of("release_id", [candidate.release_id]))
    urls = read(session, place, "record").where("url IS NOT NULL").groupBy("record_id").agg({"url": "min"})
    parts = [(s["source_id"], p["part"], p["expression"]) for s in candidate.manifest["sources"] for p in s["parts"]]
    licences = session.createDataFrame(parts, "source_id string, licence_part string, licence string")
    with_url = kept.join(urls.withColumnRenamed("min(url)", "url"), "record_id", "left")
    narrow = with_url.join(licences.hint("broadcast"), ["source_id", "licence_part"], "left").select(
        "record_id", "source_id", "language", "url", "licence", "text_sha256", "mask_set", "released_sha256"
    )
    return released_texts(narrow, read(session, place, "document"))


def _tidy(data: Path) -> list[dict[str, Any]]:
    """Gives Spark's files plain names and lists them; its marks and check sums go."""
    import pyarrow.parquet as pq

    files = []
    for n, path in enumerate(sorted(data.glob("part-*.parquet"))):
        named = data / f"records-{n:05d}.parquet"
        path.rename(named)
        files.append({
            "path": f"data/{named.name}", "bytes": named.stat().st_size, "sha256": file_sha256(named),
            "records": pq.read_metadata(named).num_rows,
        })  # fmt: skip
    for other in [p for p in data.iterdir() if not p.name.startswith("records-")]:
        other.unlink()
    return files


def _write_papers(run: Run, candidate: Candidate, made: Path, data: Mapping[str, Any]) -> None:
    frozen = candidate_folder(run.place, candidate.release_id) / "manifest.json"
    shutil.copyfile(frozen, made / "manifest.json")
    write_atomically(made / "run.json", json.dumps(about_run(run), indent=1, sort_keys=True))
    write_atomically(made / "files.json", json.dumps(data, indent=1, sort_keys=True))
    write_atomically(made / "signature.json", json.dumps(sign(run.place, candidate.root), indent=1, sort_keys=True))
    write_atomically(made / "NOTICE", notice(candidate.manifest, candidate.release_id, data["masks_in_notices"]))


def _write_rows(run: Run, candidate: Candidate, folder: Path) -> None:
    manifest = candidate.manifest
    chains = seal(run.place, folder, candidate.root, candidate.channel)
    signed, data = (json.loads((folder / name).read_text("utf-8")) for name in ("signature.json", "files.json"))
    row = {
        "release_id": candidate.release_id, "corpus": run.corpus.id, "channel": candidate.channel,
        "parent": candidate.parent, "run_id": run.id, "manifest_root": candidate.root,
        "leaves_root": manifest["leaves"]["root"], "records": candidate.kept, "characters": data["characters"],
        "digests": {**manifest["digests"], **chains}, "signature": signed["signature"], "key_id": signed["key_id"],
        "published_at": run.at,
    }  # fmt: skip
    store.append_new(run.place, "release", [row], run.id)
    exports = [
        {
            "release_id": candidate.release_id, "path": f["path"], "format": "parquet", "records": f["records"],
            "sha256": f["sha256"], "exported_at": run.at,
        }
        for f in data["files"]
    ]  # fmt: skip
    where = f"release_id = {literal(candidate.release_id)} AND path LIKE 'data/%'"
    if not store.read(run.place, "export", ["path"], where).num_rows:
        store.replace(run.place, "export", exports, where, run.id)


def _result(state: Any, kept: int, facts: dict[str, Any], **more: Any) -> StepResult:
    return StepResult(step="publish", state=state, unit="record", rows_in=kept, kept=kept, facts=facts, **more)
