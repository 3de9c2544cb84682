"""Reads the annotation tables of a lake into `Facts`: the door between disk and `rules`."""

from __future__ import annotations

from typing import Any

from corpusgate.annotation.model import REGISTERS_OF_BATCHES, REGISTERS_OF_PEOPLE, TABLE_OF, Facts
from corpusgate.lake import store
from corpusgate.lake.annotation_tables import ANNOTATION
from corpusgate.lake.dialect import literal
from corpusgate.settings.place import Place

#: Columns of annotations that judgements need; the rest is read only where a row is shown.
NARROW = (
    "annotation_id", "corpus", "batch_id", "record_id", "text_sha256", "kind", "round", "rule_version", "annotator_id",
    "label", "risks", "state", "is_gold", "is_machine", "decided_from", "decided_at", "lead_time_s", "degraded",
)  # fmt: skip


def ensure(place: Place) -> None:
    """Creates the annotation tables that are not there."""
    store.ensure_tables(place, [t.name for t in ANNOTATION])


def read_facts(place: Place, corpus: str, released: frozenset[str] | None = None) -> Facts:
    """All facts about the annotation of a corpus. The tables must be there (see `ensure`); none is created here, so
    that a table that went missing is seen and not taken for an empty one."""
    mine = f"corpus = {literal(corpus)}"
    annotations, table_of = [], {}
    for name in TABLE_OF.values():
        rows = store.read(place, name, NARROW, mine).to_pylist()
        table_of |= {r["annotation_id"]: name for r in rows}
        annotations += rows
    batches = store.read(place, "annotation_batch", where=mine).to_pylist()
    registers = {name: store.read(place, name, where=mine).to_pylist() for name in REGISTERS_OF_BATCHES}
    registers |= {name: store.read(place, name).to_pylist() for name in REGISTERS_OF_PEOPLE}
    items = _items(place, corpus)
    roles = _roles(place) if items else {}  # where nothing is annotated, no record is read
    return Facts(corpus, batches, items, annotations, table_of, registers, roles, released)


def _items(place: Place, corpus: str) -> list[dict[str, Any]]:
    sql = (
        "SELECT i.* FROM annotation_batch_item i JOIN annotation_batch b ON i.batch_id = b.batch_id "
        f"WHERE b.corpus = {literal(corpus)} ORDER BY i.batch_id, i.ordinal"
    )
    return store.query(place, sql, ["annotation_batch_item", "annotation_batch"]).to_pylist()


def _roles(place: Place) -> dict[str, str]:
    """Roles of the records that are annotated."""
    sql = (
        "SELECT DISTINCT r.record_id, r.role FROM record r JOIN annotation_batch_item i ON r.record_id = i.record_id "
        "WHERE r.role IS NOT NULL"
    )
    rows = store.query(place, sql, ["record", "annotation_batch_item"]).to_pylist()
    return {r["record_id"]: r["role"] for r in rows}


def released_records(place: Place, corpus: str, release_id: str) -> frozenset[str]:
    """The records of a release or candidate that stand in some batch of the corpus."""
    sql = (
        "SELECT DISTINCT r.record_id FROM release_record r JOIN annotation_batch_item i ON r.record_id = i.record_id "
        f"JOIN annotation_batch b ON i.batch_id = b.batch_id WHERE r.release_id = {literal(release_id)} "
        f"AND b.corpus = {literal(corpus)}"
    )
    rows = store.query(place, sql, ["release_record", "annotation_batch_item", "annotation_batch"])
    return frozenset(rows["record_id"].to_pylist())
