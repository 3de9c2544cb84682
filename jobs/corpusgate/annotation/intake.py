"""Takes an export in: keeps the file, checks every fact, updates annotations by id and time, keeps their older states.

The same file twice changes nothing. Facts in = kept + refused; the refused ones stand in `annotation_refusal`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from corpusgate.annotation.canonical import Import, Known, canonical, found_record, hash_of, order_of
from corpusgate.annotation.exports import read_export
from corpusgate.annotation.exports.given import Given
from corpusgate.annotation.keeping import in_batches, keep_file, merge, rows_with
from corpusgate.annotation.model import TABLE_OF, Raw, Refusal, Row, batch_id, digest
from corpusgate.annotation.refusals import REMEDIES, Refused
from corpusgate.annotation.rules import work_of
from corpusgate.annotation.sidecar import NOTHING_STATED, ColumnMap, Stated, read_map, read_sidecar
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.annotation_tables import ANNOTATION
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult
from corpusgate.lake.tables import TABLES

#: Refusals that a step's result names one by one; all of them stand in the table.
SHOWN = 20
_EVIDENCE = ("record", "release_record", "evidence_file")


@dataclass
class Taken:
    """What becomes of the facts of a file: rows to be kept as they are now, older states, approvals, refusals."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    older: list[dict[str, Any]] = field(default_factory=list)
    approvals: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    facts: int = 0


def import_export(run: Run, path: Path, tool: str, sidecar: Path | None, columns: Path | None = None) -> StepResult:
    """Takes in one export with what the lead states beside it. The unit is the fact: an annotation or a review.

    Raises:
        UserError: the file is not an export of the tool, or the sidecar or the map is wrong; then nothing is taken.
    """
    stated = read_sidecar(sidecar) if sidecar else NOTHING_STATED
    mapped: ColumnMap | None = read_map(columns) if columns else None
    found = list(read_export(tool, Given(path, path.name, stated, mapped)))
    with lease(run.place, run.id):
        store.ensure_tables(run.place, [*(t.name for t in ANNOTATION), *_EVIDENCE])
        hashes = [
            keep_file(run, file, about) if file else None
            for file, about in ((path, f"annotation export of {tool}"), (sidecar, "sidecar"), (columns, "column map"))
        ]
        assert hashes[0] is not None
        given = Import(tool, run.corpus.id, stated, None, run.at, hashes[0], hashes[1], hashes[2])
        return _take(run, path.name, given, found)


def _take(run: Run, name: str, given: Import, found: Sequence[Raw | Refusal]) -> StepResult:
    raws = [r for r in found if isinstance(r, Raw)]
    known = known_to(run, raws, given.sidecar.batch)
    given = _with_batch(run, given, raws, known)
    taken = _sorted_out(run, found, known, given)
    files = (given.raw_file_sha256, given.sidecar_sha256, given.map_sha256)
    import_id = digest("import", given.corpus, given.tool, *files)[:32]
    changed = _write(run, taken)
    told = _write_refusals(run, import_id, name, given, taken)
    refused = Counter(r.reason for r in taken.refusals)
    n = sum(refused.values())
    return StepResult(
        step="annotation_import", unit="fact", rows_in=taken.facts, kept=taken.facts - n, removed=n,
        removed_by_rule=dict(sorted(refused.items())), state="ok" if changed or told else "unchanged",
        because=f"{n} facts were not taken: see annotation_refusal, import {import_id}" if n else "",
        facts={
            "import_id": import_id, "changed": changed,
            "batches": sorted({r["batch_id"] for r in (*taken.rows.values(), *taken.approvals)}),
            "refusals": [
                {"pointer": r.pointer, "item": r.item, "reason": r.reason, "detail": r.detail, "remedy": r.remedy}
                for r in taken.refusals[:SHOWN]
            ],
        },
    ).reconcile()  # fmt: skip


def known_to(run: Run, raws: Sequence[Raw], stated: Stated | None) -> Known:
    """What the lake knows about the records, batches and people that the annotations name."""
    place = run.place
    lacking = {hash_of(r.text) for r in raws if r.record_id is None and r.text is not None}
    by_text: dict[str, set[str]] = defaultdict(set)
    for table, column in (("record", "text_sha256"), ("release_record", "released_sha256")):
        for row in rows_with(place, table, ["record_id", column], column, lacking).to_pylist():
            by_text[row[column]].add(row["record_id"])
    ids = {r.record_id for r in raws if r.record_id} | {i for found in by_text.values() for i in found}
    texts: dict[str, list[str]] = defaultdict(list)
    for table, column in (("record", "text_sha256"), ("release_record", "released_sha256")):
        for row in rows_with(place, table, ["record_id", column], "record_id", ids).to_pylist():
            # a record that only an old release has is no record of this lake
            if table == "record" or row["record_id"] in texts:
                texts[row["record_id"]].append(row[column])
    batches = {b["batch_id"]: b for b in store.read(place, "annotation_batch").to_pylist()}
    named = {r.batch_id for r in raws if r.batch_id} | ({stated.id} if stated and stated.id else set())
    if stated and stated.name:
        named |= {b for b, row in batches.items() if row["name"] == stated.name and row["corpus"] == run.corpus.id}
    shown = store.read(place, "annotation_batch_item", where=in_batches(named & set(batches))).to_pylist()
    return Known(
        batches, {(i["batch_id"], i["record_id"]): i for i in shown}, texts, {h: sorted(i) for h, i in by_text.items()},
        frozenset(store.read(place, "annotator", ["annotator_id"])["annotator_id"].to_pylist()),
        _labels(run, named & set(batches)),
    )  # fmt: skip


def _labels(run: Run, batches: Iterable[str]) -> dict[tuple[str, str], frozenset[str]]:
    """What the executors said of each item, of its latest round."""
    where = in_batches(batches)
    rows = [row for table in TABLE_OF.values() for row in store.read(run.place, table, where=where).to_pylist()]
    return {task: frozenset(r["label"] for r in said) for task, said in work_of(rows).items()}


def _with_batch(run: Run, given: Import, raws: Sequence[Raw], known: Known) -> Import:
    """The import with the batch that its sidecar states; one of the lead's own is fixed here by its first export."""
    stated = given.sidecar.batch
    if stated is None:
        return given
    mine = (b for b, r in known.batches.items() if r["name"] == stated.name and r["corpus"] == run.corpus.id)
    name = stated.id or next(mine, None)
    if name is None:
        name = _fix(run, stated, raws, known)
    elif stated.name:
        _same(stated, known.batches[name])
    return replace(given, batch_id=name)


def _same(stated: Stated, batch: Row) -> None:
    if (batch["kind"], batch["rule_version"]) != (stated.kind, stated.rule_version):
        raise UserError(
            f"The batch {stated.name!r} was fixed as {batch['kind']} by {batch['rule_version']}; the sidecar says "
            f"{stated.kind} by {stated.rule_version}. Name another batch, or correct the sidecar."
        )


def _fix(run: Run, stated: Stated, raws: Sequence[Raw], known: Known) -> str | None:
    """Fixes a batch of the lead's own: all records that the export is about. None where it is about none."""
    assert stated.kind is not None and stated.rule_version is not None
    records = sorted({r for r in (_record(raw, known) for raw in raws) if r is not None})
    if not records:
        return None
    name = batch_id(records, stated.rule_version, stated.kind)
    items = [
        {"batch_id": name, "record_id": r, "ordinal": n, "text_sha256": known.texts[r][0],
         "shown_sha256": known.texts[r][0]}
        for n, r in enumerate(records, 1)
    ]  # fmt: skip
    row = {
        "batch_id": name, "corpus": run.corpus.id, "name": stated.name, "kind": stated.kind,
        "rule_version": stated.rule_version, "draw": 1, "items": len(items), "frame": "export", "drawn_at": run.at,
        "origin": "sidecar",
    }  # fmt: skip
    merge(run, "annotation_batch_item", items, in_batches([name]))
    merge(run, "annotation_batch", [row], in_batches([name]))
    known.batches[name] = row
    for item in items:
        known.shown[(name, str(item["record_id"]))] = item
    return name


def _record(raw: Raw, known: Known) -> str | None:
    try:
        record = found_record(raw, known)
    except Refused:
        return None
    return record if record in known.texts else None


def _sorted_out(run: Run, found: Sequence[Raw | Refusal], known: Known, given: Import) -> Taken:
    taken = Taken()
    fresh: dict[str, dict[str, Any]] = {}
    for one in found:
        if isinstance(one, Refusal):
            taken.refusals.append(one)
            taken.facts += 1
            continue
        row, approvals, refusals = canonical(one, known, given)
        taken.facts += (row is not None) + len(approvals) + len(refusals)
        taken.approvals += approvals
        taken.refusals += refusals
        if row is not None and row["annotation_id"] in fresh:
            taken.refusals.append(_refused(row, one.item, "doubled", "the annotation stands in the file twice"))
        elif row is not None:
            fresh[row["annotation_id"]] = row
    _with_those_there(run, fresh, taken)
    return taken


def _with_those_there(run: Run, fresh: dict[str, dict[str, Any]], taken: Taken) -> None:
    """Sorts the fresh rows into newest states, older ones and refusals, by what the lake already has of each."""
    there: dict[str, dict[str, Any]] = {}
    for table in TABLE_OF.values():
        found = rows_with(run.place, table, TABLES[table].schema.names, "annotation_id", fresh)
        there |= {r["annotation_id"]: r for r in found.to_pylist()}
    for name, row in fresh.items():
        old = there.get(name)
        if old is None:
            taken.rows[name] = row
        elif old["batch_id"] != row["batch_id"]:
            detail = f"it was handed in as part of {old['batch_id']}, now of {row['batch_id']}"
            taken.refusals.append(_refused(row, row["tool_annotation_id"], "batch_differs", detail))
        elif old["state_sha256"] == row["state_sha256"]:
            continue
        elif order_of(row) > order_of(old):
            taken.rows[name] = row
            taken.older.append(old)
        elif order_of(row) < order_of(old):
            taken.older.append(row)
        else:
            detail = "its contents differ from those of the same time that are here"
            taken.refusals.append(_refused(row, row["tool_annotation_id"], "same_time_other_content", detail))


def _refused(row: dict[str, Any], item: str, reason: str, detail: str) -> Refusal:
    return Refusal(row["raw_pointer"], item, reason, detail, REMEDIES[reason], row["record_id"])


def _write(run: Run, taken: Taken) -> int:
    """Older states first, then the newest ones by batch: whoever is killed between them loses nothing."""
    changed = 0
    for kind, table in TABLE_OF.items():
        older = [r for r in taken.older if r["kind"] == kind]
        if older:
            changed += store.append_new(run.place, f"{table}_state", older, run.id)
        rows = [r for r in taken.rows.values() if r["kind"] == kind]
        if rows:
            changed += merge(run, table, rows, in_batches(r["batch_id"] for r in rows))
    if taken.approvals:
        where = in_batches(r["batch_id"] for r in taken.approvals)
        changed += merge(run, "approval", taken.approvals, where, "reviewed_at")
    return changed


def _write_refusals(run: Run, import_id: str, name: str, given: Import, taken: Taken) -> int:
    """The file's refusals, in place of those that it had before, and the file's own line of accounts."""
    n = len(taken.refusals)
    about = {
        "import_id": import_id,
        "corpus": given.corpus,
        "tool": given.tool,
        "raw_file_sha256": given.raw_file_sha256,
    }
    refusals = [
        about | {"raw_pointer": r.pointer, "item": r.item, "record_id": r.record_id, "reason": r.reason,
                 "detail": r.detail, "remedy": r.remedy, "recorded_at": given.at}
        for r in taken.refusals
    ]  # fmt: skip
    where = f"import_id = '{import_id}'"
    before = store.read(run.place, "annotation_refusal", ["raw_pointer", "reason"], where).to_pylist()
    same = Counter((r["raw_pointer"], r["reason"]) for r in before)
    if same != Counter((r["raw_pointer"], r["reason"]) for r in refusals):
        store.replace(run.place, "annotation_refusal", refusals, where, run.id)
    line = about | {
        "name": name[:200], "sidecar_sha256": given.sidecar_sha256, "map_sha256": given.map_sha256,
        "rows_in": taken.facts, "kept": taken.facts - n, "refused": n, "signed_by": given.sidecar.signed_by or None,
        "signed_at": given.sidecar.moment(given.sidecar.signed_at) if given.sidecar.signed_by else None,
        "recorded_at": given.at,
    }  # fmt: skip
    return merge(run, "annotation_import", [line], where)
