"""Takes the lead's registers in: what is new or changed, by key; the same file twice changes nothing."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from corpusgate.annotation.keeping import in_batches, keep_file, merge
from corpusgate.annotation.model import REGISTERS_OF_PEOPLE
from corpusgate.annotation.registers import Against, read_sheets, rows_of
from corpusgate.lake import store
from corpusgate.lake.annotation_tables import ANNOTATION
from corpusgate.lake.dialect import literal
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult


def import_registers(run: Run, path: Path, register: str | None = None) -> StepResult:
    """Takes in one CSV or workbook of registers. The unit is the row.

    Raises:
        ConfigError: rows are wrong: all of them are named, with their lines, and nothing is taken.
        UserError: the file is no register.
    """
    sheets = read_sheets(path, register)
    with lease(run.place, run.id):
        store.ensure_tables(run.place, [*(t.name for t in ANNOTATION), "evidence_file"])
        found = rows_of(path, sheets, _against(run))
        raw = keep_file(run, path, "annotation registers")
        rows = changed = 0
        for name, given in found.items():
            about = {"raw_file_sha256": raw, "fact_origin": {"*": "sidecar"}, "recorded_at": run.at}
            ours = {} if name in REGISTERS_OF_PEOPLE else {"corpus": run.corpus.id}
            complete: list[dict[str, Any]] = [{**row, **about, **ours} for row in given]
            where = "TRUE" if name in REGISTERS_OF_PEOPLE else in_batches(str(r["batch_id"]) for r in given)
            changed += merge(run, name, complete, where)
            rows += len(complete)
    return StepResult(
        step="annotation_registers", unit="row", rows_in=rows, kept=rows, state="ok" if changed else "unchanged",
        facts={"registers": {name: len(given) for name, given in found.items()}, "changed": changed},
    ).reconcile()  # fmt: skip


def _against(run: Run) -> Against:
    items: dict[str, set[str]] = defaultdict(set)
    sql = (
        "SELECT i.batch_id, i.record_id FROM annotation_batch_item i JOIN annotation_batch b "
        f"ON i.batch_id = b.batch_id WHERE b.corpus = {literal(run.corpus.id)}"
    )
    for row in store.query(run.place, sql, ["annotation_batch_item", "annotation_batch"]).to_pylist():
        items[row["batch_id"]].add(row["record_id"])
    people = store.read(run.place, "annotator", ["annotator_id"])["annotator_id"].to_pylist()
    return Against(frozenset(people), {b: frozenset(r) for b, r in items.items()})
