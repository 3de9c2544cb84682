"""The fixture's way through the lake: register its people, draw, hand in. For `make run` and the tests; says that it is
a fixture."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from corpusgate.annotation import fixtures
from corpusgate.annotation.assign import Wanted, assign
from corpusgate.annotation.facts import ensure
from corpusgate.annotation.intake import import_export
from corpusgate.annotation.log import import_registers
from corpusgate.annotation.model import KINDS
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import Run, StepResult

#: The source whose texts it annotates.
SOURCE = "fixture-annotation"


def annotate_fixture(run: Run, folder: Path, breach: bool = True) -> list[StepResult]:
    """Draws both batches from the records of `fixture-annotation`, makes what people would hand in, and takes it in.

    A second time changes nothing. `breach`: with the planted one.

    Raises:
        UserError: the lake has no records of the source: rebuild a corpus with it first.
    """
    ensure(run.place)
    told = [import_registers(run, path) for path in fixtures.make_people(folder / "people", run.at)]
    drawn = replace(run, at=run.at - timedelta(days=10))  # the batch is given out before it is worked on
    tasks: dict[str, Path] = {}
    for kind in KINDS:
        records = tuple(_records(run, kind))
        wanted = Wanted(
            f"fixture-{kind}", kind, fixtures.RULES, "label_studio", records=records, source=SOURCE,
            people=fixtures.EXECUTORS,
        )  # fmt: skip
        told.append(assign(drawn, wanted, folder / "tasks"))
        tasks[kind] = Path(told[-1].facts["files"][0])
    for one in fixtures.make_annotation_fixtures(folder / "handed-in", tasks, run.at, breach):
        if one["tool"] == "register":
            told.append(import_registers(run, one["file"]))
        else:
            told.append(import_export(run, one["file"], one["tool"], one["sidecar"]))
    return told


def _records(run: Run, kind: str) -> list[str]:
    wanted = {t["key"] for t in fixtures.texts() if t["kind"] == kind}
    sql = f"SELECT record_id, locator FROM record WHERE source_id = {literal(SOURCE)}"
    found = {
        r["record_id"] for r in store.query(run.place, sql, ["record"]).to_pylist()
        if r["locator"].removeprefix("key:") in wanted
    }  # fmt: skip
    if not found:
        raise UserError(f"The lake has no records of {SOURCE}: rebuild a corpus that has this source first.")
    return sorted(found)
