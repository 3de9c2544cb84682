"""The fixture's way through the lake: register its people, draw, hand in. For `make run` and the tests; says that it is
a fixture."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from corpusgate.annotation import fixtures
from corpusgate.annotation.assign import Wanted, assign
from corpusgate.annotation.facts import ensure
from corpusgate.annotation.handing_in import import_list, write_list
from corpusgate.annotation.log import import_registers
from corpusgate.annotation.model import KINDS
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.place import Place

#: The source whose texts it annotates, and the corpus whose annotation it is.
SOURCE, CORPUS = "fixture-annotation", "annotation-demo"
LIST = "fixture-handed-in.yaml"
#: Days from the draw to the day on which everything is handed in.
WORK = timedelta(days=10)


def annotate_fixture(run: Run, folder: Path, breach: bool = True) -> list[StepResult]:
    """Draws both batches from the records of `fixture-annotation`, makes what people would hand in, and takes it in.

    A second time changes nothing. `breach`: with the planted one.

    Raises:
        UserError: the lake has no records of the source: rebuild a corpus with it first.
    """
    told = give_out(run, folder, folder, breach)
    return [*told, import_list(run, folder / LIST)]


def give_out(run: Run, folder: Path, inbox: Path, breach: bool = True) -> list[StepResult]:
    """Registers the fixture's people, draws both batches (tasks in `folder`), and leaves in `inbox` what people hand
    in, with its list.

    The work is dated before the run; a second time by the first draw, so that the files are the same.

    Raises:
        UserError: the lake has no records of the source.
    """
    ensure(run.place)
    at = _first_drawn(run)
    at = at + WORK if at else run.at
    told = [import_registers(run, path) for path in fixtures.make_people(folder / "people", at)]
    drawn = replace(run, at=at - WORK)  # the batch is given out before it is worked on
    tasks: dict[str, Path] = {}
    for kind in KINDS:
        records = tuple(_records(run, kind))
        wanted = Wanted(
            f"fixture-{kind}", kind, fixtures.RULES, "label_studio", records=records, source=SOURCE,
            people=fixtures.EXECUTORS,
        )  # fmt: skip
        told.append(assign(drawn, wanted, folder / "tasks"))
        tasks[kind] = Path(told[-1].facts["files"][0])
    write_list(inbox / LIST, fixtures.make_annotation_fixtures(inbox, tasks, at, breach))
    return told


def handed_in(place: Place) -> bool:
    """Whether the lake has the fixture's annotation already, whole: what its supervisor looked at goes in last."""
    ensure(place)
    return store.read(place, "supervision", ["corpus"], f"corpus = {literal(CORPUS)}").num_rows > 0


def _first_drawn(run: Run) -> datetime | None:
    where = f"corpus = {literal(run.corpus.id)}"
    rows: list[dict[str, Any]] = store.read(run.place, "annotation_batch", ["drawn_at"], where).to_pylist()
    return min((r["drawn_at"] for r in rows), default=None)


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
