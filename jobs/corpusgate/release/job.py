"""Job 3: writes the released texts and the manifest, then moves the channel's pointer. With Spark unless they are few.

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
from typing import Any

from corpusgate.errors import CorpusgateError, StaleCandidate
from corpusgate.lake import store
from corpusgate.lake.alone import fits, uncollected
from corpusgate.lake.dialect import literal
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate.release import parts
from corpusgate.release.manifest import about_run, candidate_folder, manifest_root, read_manifest
from corpusgate.release.notice import notice
from corpusgate.release.pointer import move_pointer, read_pointer
from corpusgate.release.seal import seal
from corpusgate.release.signing import sign
from corpusgate.review.filing import demand_approval
from corpusgate.settings.profile import load_profile

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
            with uncollected():
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
    """Writes `data/*.parquet`, each text checked against the hash that was decided about; of parts that the parent has
    just so, its files.

    Returns:
        `format`, `files` (part, path, bytes, sha256, content_sha256, records, characters, masks inside notices by
        record; a file each), `characters` of all texts, and `masks_in_notices`: source -> masks inside copyright
        notices, where there are any.

    Raises:
        CorpusgateError: a text is gone, changed or masked otherwise; nothing is published.
    """
    engine, before = _engine(run, candidate), _before(run, candidate)
    licences = [(s["source_id"], p["part"], p["expression"]) for s in candidate.manifest["sources"] for p in s["parts"]]
    rows = engine.kept(run, candidate.release_id, licences)
    wanted = engine.wanted(rows)
    files = [parts.link(f, before.folder, made) for f in before.unchanged({k: w.sha256 for k, w in wanted.items()})]
    linked = {f["part"] for f in files}
    changed = {k: w for k, w in wanted.items() if k not in linked}
    written = engine.write(run, rows, changed, before, made) if changed else []
    _check(candidate, files, written)
    files += [
        {n: v for n, v in w.items() if n not in ("wrong", "first_wrong")}
        | {"content_sha256": changed[w["part"]].sha256} for w in written
    ]  # fmt: skip
    files.sort(key=lambda f: f["part"])
    return {
        "format": parts.FORMAT, "files": files, "characters": sum(f["characters"] for f in files),
        "masks_in_notices": _in_notices(run, candidate, files),
    }  # fmt: skip


def _engine(run: Run, candidate: Candidate) -> Any:
    """The module that has `kept`, `wanted` and `write` for so many records: the driver's where a JVM costs more."""
    if fits(run.place, candidate.kept, load_profile(run.place).alone_records, ("document",)):
        from corpusgate.release import alone

        return alone
    from corpusgate.release import frames

    return frames


def _before(run: Run, candidate: Candidate) -> parts.Earlier:
    """The parts of the release that the candidate was built on; none for the first."""
    return parts.earlier(run.place.releases / candidate.parent if candidate.parent else None)


def _check(candidate: Candidate, linked: list[dict[str, Any]], written: list[dict[str, Any]]) -> None:
    records = sum(f["records"] for f in (*linked, *written))
    wrong = sum(w["wrong"] for w in written)
    if wrong or records != candidate.kept or len({w["part"] for w in written}) != len(written):
        first = min((w["first_wrong"] for w in written if w["first_wrong"]), default="a text that is gone")
        raise CorpusgateError(
            f"{candidate.release_id}: of {candidate.kept} records {records} could be written, {wrong} with a text that "
            f"is not the one decided about (first: {first}). Nothing was published; `corpusgate explain` shows the "
            f"record's text hash, and intake writes lost texts again."
        )


def _in_notices(run: Run, candidate: Candidate, files: list[dict[str, Any]]) -> dict[str, int]:
    """Masks inside copyright notices by source."""
    by_record: dict[str, int] = {}
    for file in files:
        by_record |= json.loads(file["notices"])
    if not by_record:
        return {}
    chosen = f"release_id = {literal(candidate.release_id)} AND mask_set <> ''"
    found: dict[str, int] = {}
    for row in store.read(run.place, "release_record", ["record_id", "source_id"], chosen).to_pylist():
        if n := by_record.get(row["record_id"]):
            found[row["source_id"]] = found.get(row["source_id"], 0) + n
    return dict(sorted(found.items()))


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
