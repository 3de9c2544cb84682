"""Draws a batch and gives it out. What a batch is, is fixed here: a record that stands in one is not drawn into another
of its kind unless that one is void, and what comes back of other records is refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from corpusgate.annotation.facts import read_facts
from corpusgate.annotation.job import batch_verdicts, holds_days
from corpusgate.annotation.keeping import in_batches, merge, rows_with
from corpusgate.annotation.model import Facts, Kind, batch_id, day_of
from corpusgate.annotation.outbound import Shown, write_tasks
from corpusgate.annotation.people import People
from corpusgate.annotation.shown import frame, texts_of
from corpusgate.errors import UserError
from corpusgate.intake.rules import text_sha256
from corpusgate.lake import store
from corpusgate.lake.annotation_tables import ANNOTATION
from corpusgate.lake.dialect import listed, literal, sha256
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.model import RISKS

#: A batch above this is no batch: nobody samples it by hand in a sitting.
ITEMS_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """The batch that is asked for: `size` records drawn by the corpus's seed, or the `records` named; from a release,
    or from the records of the corpus's sources, or of one `source`. `gold`: a CSV of record ids with known answers."""

    name: str
    kind: Kind
    rule_version: str
    tool: str
    size: int | None = None
    records: tuple[str, ...] = ()
    release_id: str | None = None
    source: str | None = None
    people: tuple[str, ...] = ()
    gold: Path | None = None


def assign(run: Run, wanted: Wanted, folder: Path) -> StepResult:
    """Draws the batch, records it with who is given it, and writes its tasks and a sidecar to fill in. The unit is the
    item. A name that is there already gives its tasks out again and draws nothing.

    Raises:
        UserError: rules not registered or not in force, people not qualified, records already in another batch, nothing
            to draw.
    """
    with lease(run.place, run.id):
        store.ensure_tables(run.place, [*(t.name for t in ANNOTATION), "record", "release_record", "document"])
        facts = read_facts(run.place, run.corpus.id)
        about = next((b for b in facts.batches if b["name"] == wanted.name), None)
        if about is None:
            _check(run, facts, wanted)
            about, left_out = _draw(run, facts, wanted)
        else:
            _same(about, wanted)
            left_out = None
        _give(run, about, wanted.people)
    items = shown_items(run, about)
    files = write_tasks(folder, wanted.name, wanted.tool, items)
    n, lost = len(items), left_out or 0
    return StepResult(
        step="annotation_assign", unit="item", rows_in=n + lost, kept=n, removed=lost,
        removed_by_rule={"cannot_be_shown": lost} if lost else {}, state="unchanged" if left_out is None else "ok",
        facts={"batch_id": about["batch_id"], "name": about["name"], "files": [str(f) for f in files]},
    ).reconcile()  # fmt: skip


def shown_items(run: Run, about: dict[str, Any] | Any, records: Sequence[str] | None = None) -> list[Shown]:
    """The items of a batch as they are given out, in its order; all of them, or the records named."""
    rows = store.read(run.place, "annotation_batch_item", where=in_batches([about["batch_id"]])).to_pylist()
    chosen = [r for r in sorted(rows, key=lambda r: r["ordinal"]) if records is None or r["record_id"] in records]
    if about["frame"] == "images":
        ids, endings = [r["record_id"] for r in chosen], _endings(run, [r["record_id"] for r in chosen])
        return [Shown(record, endings[record], about["batch_id"], about["rule_version"]) for record in ids]
    texts = texts_of(run.place, about["release_id"], {r["record_id"]: r["text_sha256"] for r in chosen})
    changed = [r["record_id"] for r in chosen if text_sha256(texts.get(r["record_id"], "")) != r["shown_sha256"]]
    if changed:
        raise UserError(
            f"{len(changed)} items of {about['name']} can no longer be shown as they were given out, such as record "
            f"{changed[0][:16]}…: their texts are gone, or masked otherwise now. Declare the batch void and draw anew."
        )
    return [Shown(r["record_id"], texts[r["record_id"]], about["batch_id"], about["rule_version"]) for r in chosen]


def _check(run: Run, facts: Facts, wanted: Wanted) -> None:
    people = People(facts, holds_days(run.place))
    today = day_of(run.at)
    rule = people.rule(wanted.kind, wanted.rule_version)
    if rule is None or rule not in people.rules_in_force(wanted.kind, today):
        there = ", ".join(r["rule_version"] for r in people.rules_in_force(wanted.kind, today)) or "none"
        raise UserError(
            f"The {wanted.kind} rules {wanted.rule_version!r} are not in force on {today}; in force: {there}. Register "
            "them in rule_document first: a batch is worked by one version of the rules."
        )
    for person in wanted.people:
        if not people.has_role(person, "executor", today):
            raise UserError(f"{person} does not hold the role executor on {today}; see the register annotator_role.")
        standing = people.standing(person, wanted.kind, today, wanted.rule_version)
        if standing != "qualified" or people.withdrawn(person, today):
            said = "withdrawn" if standing == "qualified" else standing
            raise UserError(
                f"{person} may not do {wanted.kind} annotation on {today} ({said}): 45654-2025 4.3.1 b). Give the "
                "batch to others, or examine and qualify the person first."
            )


def _same(about: Any, wanted: Wanted) -> None:
    if (about["kind"], about["rule_version"]) != (wanted.kind, wanted.rule_version):
        raise UserError(
            f"The batch {wanted.name!r} was drawn as {about['kind']} by {about['rule_version']}. A batch is fixed when "
            "it is drawn: give the new one another --name."
        )


def _draw(run: Run, facts: Facts, wanted: Wanted) -> tuple[dict[str, Any], int]:
    """Writes the batch and its items; returns it, and how many drawn records could not be shown."""
    drawn = _candidates(run, facts, wanted)
    texts = _texts(run, wanted, drawn)
    rows = [r for r in drawn if r["record_id"] in texts]
    if not rows:
        raise UserError(
            "Nothing to draw: no record is left that stands in no batch of this kind. Take another --source or "
            "--release."
        )
    gold = _gold(wanted.gold)
    name, number = _identity(facts, [r["record_id"] for r in rows], wanted)
    items = [
        {"batch_id": name, "record_id": r["record_id"], "ordinal": n, "text_sha256": r["text_sha256"],
         "shown_sha256": texts[r["record_id"]], "gold_label": gold.get(r["record_id"], (None, None))[0],
         "gold_risks": gold.get(r["record_id"], (None, None))[1]}
        for n, r in enumerate(rows, 1)
    ]  # fmt: skip
    about = {
        "batch_id": name, "corpus": run.corpus.id, "name": wanted.name, "kind": wanted.kind,
        "rule_version": wanted.rule_version, "draw": number, "items": len(items), "seed": seed(run, wanted),
        "frame": "images" if wanted.tool == "cvat" else "texts", "release_id": wanted.release_id,
        "drawn_at": run.at, "origin": "export",
    }  # fmt: skip
    merge(run, "annotation_batch_item", items, in_batches([name]))
    merge(run, "annotation_batch", [about], in_batches([name]))
    return about, len(drawn) - len(rows)


def _identity(facts: Facts, records: Sequence[str], wanted: Wanted) -> tuple[str, int]:
    """The id of the batch, and which draw of exactly these records it is: after a void one the next."""
    there = {b["batch_id"] for b in facts.batches}
    number = 1
    while (name := batch_id(records, wanted.rule_version, wanted.kind, number)) in there:
        number += 1
    return name, number


def seed(run: Run, wanted: Wanted) -> str:
    """The seed of the draw: the corpus's, the kind and the version of the rules."""
    return f"{run.corpus.seed}/annotation/{wanted.kind}/{wanted.rule_version}"


def _candidates(run: Run, facts: Facts, wanted: Wanted) -> list[dict[str, Any]]:
    verdicts = batch_verdicts(run.place, facts)
    taken = sorted(b.id for b in verdicts.values() if b.kind == wanted.kind and b.verdict != "void")
    sources = [wanted.source] if wanted.source else list(run.corpus.sources)
    sql, table = frame(sources, wanted.release_id)
    free = f"record_id NOT IN (SELECT record_id FROM annotation_batch_item WHERE {in_batches(taken)})"
    modality = "image" if wanted.tool == "cvat" else "text"
    where = f"modality = {literal(modality)}" + (f" AND source_id = {literal(wanted.source)}" if wanted.source else "")
    tables = [table, "annotation_batch_item"]
    if wanted.records:
        named = listed("record_id", (r for r in wanted.records if r.isascii() and r.isalnum()))  # others are no ids
        statement = f"SELECT * FROM ({sql}) WHERE {where} AND {free} AND {named} ORDER BY record_id"
        found = store.query(run.place, statement, tables).to_pylist()
        if missing := sorted(set(wanted.records) - {r["record_id"] for r in found}):
            raise UserError(
                f"{len(missing)} of the records named cannot be drawn, such as {missing[0][:64]}: unknown here, or in "
                f"a {wanted.kind} batch already. A record stands in one batch of a kind unless that one is void."
            )
        return found
    size = min(wanted.size or 0, ITEMS_MAX)
    if size < 1:
        raise UserError("Say how many records to draw (--size), or which (--records).")
    order = sha256("datafusion", f"concat({literal(seed(run, wanted) + '|')}, record_id)")
    statement = f"SELECT * FROM ({sql}) WHERE {where} AND {free} ORDER BY {order}, record_id LIMIT {size}"
    return store.query(run.place, statement, tables).to_pylist()


def _texts(run: Run, wanted: Wanted, drawn: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Record id -> hash of what annotators are shown."""
    records = {r["record_id"]: r["text_sha256"] for r in drawn}
    if wanted.tool == "cvat":
        return records
    return {r: text_sha256(text) for r, text in texts_of(run.place, wanted.release_id, records).items()}


def _endings(run: Run, records: Sequence[str]) -> dict[str, str]:
    """Record id -> ending of its file."""
    rows = rows_with(run.place, "record", ["record_id", "locator"], "record_id", records).to_pylist()
    return {r["record_id"]: PurePosixPath((r["locator"] or "").split("#")[0]).suffix or ".png" for r in rows}


def _gold(path: Path | None) -> dict[str, tuple[str, list[str]]]:
    if path is None:
        return {}
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
    gold = {}
    for line, row in enumerate(rows, 2):
        risks = [r for r in (row.get("risks") or "").replace(";", ",").split(",") if r]
        if not row.get("record_id") or not row.get("label") or set(risks) - set(RISKS):
            raise UserError(f"{path}:{line}: a gold item needs record_id, label and risks (a1a to a5b, or none).")
        gold[row["record_id"]] = (row["label"], risks)
    return gold


def _give(run: Run, about: Any, people: Sequence[str]) -> None:
    """Records that every item of the batch was given to each of the people."""
    if not people:
        return
    where = in_batches([about["batch_id"]])
    items = store.read(run.place, "annotation_batch_item", ["record_id"], where)["record_id"].to_pylist()
    rows = [
        {"corpus": run.corpus.id, "batch_id": about["batch_id"], "record_id": record, "annotator_id": person,
         "role": "executor", "assigned_at": run.at, "raw_pointer": "annotation assign",
         "fact_origin": {"*": "export"}, "recorded_at": run.at}
        for person in people for record in items
    ]  # fmt: skip
    there = store.read(run.place, "assignment", ["record_id", "annotator_id"], where).to_pylist()
    given = {(r["record_id"], r["annotator_id"]) for r in there}
    merge(run, "assignment", [r for r in rows if (r["record_id"], r["annotator_id"]) not in given], where)
