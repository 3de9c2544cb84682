"""Figures about the proof that each kind of source must have (4.1.3 b to d; 45652-draft 6.1, 7.1 b, 7.2 b).

A control speaks of the sources of its kind alone; where the corpus has none, one figure says so. What the licence step
found of the papers is judged here, and each record besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from corpusgate.gates.figures import EXAMPLES, Figure, GateInput, count_of, examples_of, guarded, ids, quoted, shown_id
from corpusgate.gates.strata import Candidate
from corpusgate.intake.register import Register, restored
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.papers import UserInput
from corpusgate.settings.source import Kind, Source

COLLECTED, BOUGHT, TYPED = "45654-4-1-3-b", "45654-4-1-3-c", "45654-4-1-3-d"
DOCUMENTS, ADDRESS, GENERATED, METADATA = (
    "45652-draft-6-1-a",
    "45652-draft-6-1-c",
    "45652-draft-7-1-b",
    "45652-draft-7-2-b",
)
#: `scope_id` of a figure about sources that there are none of.
NO_SOURCE = "*"

#: SQL over `r` (record) and `a` (its acquisition): whether the record's own collection is on file.
_UNRECORDED = (
    "(a.acquisition_id IS NULL OR a.fetched_at IS NULL OR COALESCE(a.agent, '') = '' OR COALESCE(a.sha256, '') = '')"
)
_NOT_PERMITTED = "(COALESCE(a.url, '') = '' OR COALESCE(a.permission, '') NOT LIKE 'allowed%')"
_NO_ADDRESS = r"(r.url IS NULL OR NOT regexp_like(r.url, '^https?://[^/\s]+'))"
_NO_MARK = r"(r.generator IS NULL OR NOT regexp_like(r.generator, '^[^@\s]+@\S+ [0-9]{4}-[0-9]{2}-[0-9]{2}$'))"

Counted = tuple[int, int, tuple[str, ...]]


def kind_figures(run: Run, held: Mapping[str, StepResult]) -> list[Figure]:
    """One figure for each of these controls and each source of its kind; held ones say by what."""
    figures: list[Figure] = []
    for control_id, gate, kind, compute in _CONTROLS:
        of_kind = [s for s in run.sources if s.kind == kind]
        if not of_kind:
            because = f"no source of this corpus is of the kind {kind}"
            figures.append(Figure(control_id, gate, "source", NO_SOURCE, "not_applicable", because=because))
        for source in of_kind:
            one = partial(_of_source, run, source, control_id, gate, compute, held.get(source.id))
            figures += guarded([(control_id, gate)], "source", [source.id], one)
    return figures


def documents_figure(run: Run, c: Candidate) -> Figure:
    """45652-draft 6.1 a: of the sources that the candidate keeps records of, those whose origin is not documented."""
    sql = f"SELECT DISTINCT source_id FROM release_record WHERE release_id = {quoted(c.release_id)}"
    kept = {row["source_id"] for row in store.query(run.place, sql, ["release_record"]).to_pylist()}
    taken = [s for s in run.sources if s.id in kept]
    lacking = {s.id: why for s in taken if (why := _undocumented(run, s))}
    because = f"{len(lacking)} of {len(taken)} sources lack a document of their origin"
    because += "".join(f"; {source_id}: {why}" for source_id, why in sorted(lacking.items()))
    k, n = len(lacking), len(taken)
    return Figure(DOCUMENTS, "release", "release", c.release_id, "measured", value=float(k), k=k, n=n, because=because)


def _undocumented(run: Run, source: Source) -> str:
    """Why the source's origin is not documented, by its kind; empty where it is."""
    if source.kind != "open_source":
        return "; ".join(_papers(run, source)["missing"])
    licence = run.result("licence", source.id)
    passing = [p for p in licence.facts["parts"] if p["verdict"] == "pass"] if licence else []
    evidenced = {part.id for part in source.licence if any(e.sha256 for e in part.evidence)}
    bare = [p["part"] for p in passing if not p.get("text_sha256") and p["part"] not in evidenced]
    if not passing:
        return "no licence part passes"
    return f"no licence text by hash for the part {', '.join(bare)}" if bare else ""


def _of_source(
    run: Run, source: Source, control_id: str, gate: str, compute: Callable[[Run, Source], Counted],
    held: StepResult | None,
) -> list[Figure]:  # fmt: skip
    if held is not None and held.held_by != control_id:
        by = f"{held.step}{f' ({held.held_by})' if held.held_by else ''}"
        because = f"not judged: the source was kept back before, at {by}"
        return [Figure(control_id, gate, "source", source.id, "not_applicable", because=because)]
    missing = _papers(run, source)["missing"] if control_id in _NEEDS_PAPERS else []
    if held is not None or (missing and control_id == BOUGHT):
        k, n, examples = 1, 1, ()
    else:
        k, n, examples = compute(run, source)
        if missing:  # records without the papers of their kind are all without proof
            k = n
    because = f"{k} of {n} {_SAYS[control_id]}" + (f"; missing: {'; '.join(missing)}" if missing else "")
    return [
        Figure(control_id, gate, "source", source.id, "measured", value=float(k), k=k, n=n, because=because,
               examples=examples[:EXAMPLES])
    ]  # fmt: skip


def _papers(run: Run, source: Source) -> Mapping[str, Any]:
    result = run.result("licence", source.id)
    found = result.facts.get("papers") if result else None
    if found is None:
        raise GateInput(f"the licence step says nothing of the papers of {source.id}")
    return found


def _transactions(run: Run, source: Source) -> Counted:
    return (0, 1, ())  # what is missing of the one transaction stands in the papers


def _uncollected(run: Run, source: Source) -> Counted:
    """Records without a collection record. What we fetched ourselves has the host's rules of that moment too."""
    fetched_here = source.channel.type == "http"
    return _counted(run, source, f"({_UNRECORDED} OR {_NOT_PERMITTED})" if fetched_here else _UNRECORDED)


def _unaddressed(run: Run, source: Source) -> Counted:
    """What we produced ourselves was not collected from the web and has no address to carry."""
    produced = source.collection is not None and source.collection.method == "produced"
    return _counted(run, source, "FALSE" if produced else _NO_ADDRESS)


def _unmarked(run: Run, source: Source) -> Counted:
    return _counted(run, source, _NO_MARK)


def _dated_ahead(run: Run, source: Source) -> Counted:
    """Records whose source neither names a generator nor leaves it to each record, or which came before they were
    made: a register that cannot be true."""
    after = "CAST(a.fetched_at AS DATE) < CAST(split_part(r.generator, ' ', 2) AS DATE)"
    return _counted(run, source, f"(CASE WHEN {_NO_MARK} THEN TRUE ELSE {after} END)")


def _unauthorised(run: Run, source: Source) -> Counted:
    """Stored inputs that no authorisation in force covers, looked up one by one."""
    said, found = source.user_input, _papers(run, source).get("register")
    register = restored(Path(found["path"]).read_bytes()) if found else Register({})
    if found and register.sha256 != found["sha256"]:
        raise GateInput(f"the register of {source.id} is not the one that the licence step saw")
    columns = ["record_id", "locator", "attributes"]
    rows = store.read(run.place, "record", columns, _mine(run, source)).to_pylist()
    bad = sorted(r["record_id"] for r in rows if said is None or not _covered(said, register, r))
    return len(bad), len(rows), tuple(bad[:EXAMPLES])


def _covered(said: UserInput, register: Register, row: Mapping[str, Any]) -> bool:
    attributes = dict(row["attributes"] or ())
    own = row["locator"].removeprefix("key:") if row["locator"].startswith("key:") else None
    key = own if said.joined_by == "key" else attributes.get(said.joined_by)
    return register.covers(key, attributes.get(said.entered_at))


def _counted(run: Run, source: Source, against: str) -> Counted:
    sql = f"""
    SELECT COALESCE(SUM(n), 0) AS records, {count_of("bad")} AS bad, {examples_of("bad")} AS bad_ids FROM (
      SELECT bad, {shown_id("bad")} AS record_id, COUNT(*) AS n FROM (
        SELECT r.record_id, {against} AS bad FROM acquisition a
        RIGHT JOIN (SELECT * FROM record WHERE {_mine(run, source)}) r ON r.acquisition_id = a.acquisition_id
      ) GROUP BY 1, 2
    )
    """
    (row,) = store.query(run.place, sql, ["record", "acquisition"]).to_pylist()
    return row["bad"] or 0, row["records"], ids(row["bad_ids"])


def _mine(run: Run, source: Source) -> str:
    intake = run.result("intake")
    batch = intake.facts["batches"].get(source.id) if intake else None
    if batch is None:
        raise GateInput(f"intake names no batch of {source.id}")
    return f"source_id = {quoted(source.id)} AND batch_id = {quoted(batch)}"


_CONTROLS: tuple[tuple[str, str, Kind, Callable[[Run, Source], Counted]], ...] = (
    (COLLECTED, "admission", "self_collected", _uncollected),
    (BOUGHT, "admission", "commercial", _transactions),
    (TYPED, "admission", "user_input", _unauthorised),
    (ADDRESS, "source", "self_collected", _unaddressed),
    (GENERATED, "source", "synthetic", _dated_ahead),
    (METADATA, "source", "synthetic", _unmarked),
)
_NEEDS_PAPERS = (COLLECTED, BOUGHT, TYPED, GENERATED)
_SAYS = {
    COLLECTED: "records have no collection record",
    BOUGHT: "transactions are incomplete",
    TYPED: "inputs are not covered by an authorisation in force",
    ADDRESS: "records from the web have no address",
    GENERATED: "records have no entry in the register of generated data (model, version, time)",
    METADATA: "records do not carry the model, its version and the time",
}
