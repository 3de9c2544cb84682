"""The slices of intake's tables from staged rows, without Spark: what `frames.slices` makes with it, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusgate.intake.plan import Plan
from corpusgate.intake.staged import Row, Staged
from corpusgate.intake.standing import Standing
from corpusgate.lake.tables import TABLES


@dataclass(slots=True)
class Made:
    """What was read: the staged rows and the records among them. `stood`: by source, what was not read, as it stood
    there before. `held`: records that an acquisition which goes over has too; `lost`: those of them whose places were
    taken. `stored`, `done`: as in `exceptions.py`, by text."""

    staged: Staged
    records: list[Row]
    stood: Mapping[str, Standing] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    done: dict[str, set[str]] = field(default_factory=dict)

    def owners(self) -> list[Row]:
        """The records under whose batches their texts are written."""
        return [r for r in self.records if r.owner and not r.known and not r.twin]


def _documents(plan: Plan, made: Made) -> Iterator[pa.Table]:
    new = [r for r in made.owners() if r.text_sha256 not in made.stored]
    schema = TABLES["document"].schema
    return (rows.cast(schema) for _, rows in _pieces(made, new, schema.names))


def _screenings(plan: Plan, made: Made) -> Iterator[pa.Table]:
    families, versions = zip(*sorted(plan.versions.items()), strict=True)
    for rows, texts in _pieces(made, made.owners(), ["text_sha256", "batch_id"]):
        each = np.repeat(np.arange(texts.num_rows), len(families))
        of = {n: texts.column(n).take(pa.array(each)) for n in texts.column_names}
        said = {"family": list(families) * len(rows), "version": list(versions) * len(rows)}
        yield _new(made, rows, each, pa.table({**of, **said}, schema=TABLES["screening"].schema))


def _findings(plan: Plan, made: Made) -> Iterator[pa.Table]:
    schema = TABLES["finding"].schema
    for rows, texts in _pieces(made, made.owners(), ["text_sha256", "batch_id", "findings"]):
        lists = texts.column("findings").combine_chunks()
        found, of = pc.call_function("list_flatten", [lists]), pc.call_function("list_parent_indices", [lists])
        told = {n: texts.column(n).take(of) for n in ("text_sha256", "batch_id")}
        told |= {f.name: found.field(f.name) for f in found.type}
        yield _new(made, rows, of.to_numpy(), pa.table(told, schema=schema))


def _signatures(plan: Plan, made: Made) -> Iterator[pa.Table]:
    schema, algorithm = TABLES["signature"].schema, plan.versions["signature"]
    unsigned = [r for r in made.owners() if "signature" not in made.done.get(r.text_sha256, ())]
    for _, texts in _pieces(made, unsigned, ["text_sha256", "batch_id", "signature"]):
        signed = texts.filter(pc.call_function("is_valid", [texts.column("signature")]))
        name = pa.array([algorithm] * signed.num_rows, pa.string())
        yield signed.append_column("algorithm", name).select(schema.names).cast(schema)


def _faults(plan: Plan, made: Made) -> Iterator[pa.Table]:
    chosen = [at for at, what in enumerate(made.staged.told.column("outcome").to_pylist()) if what == "fault"]
    schema = TABLES["quarantine"].schema
    there = [n for n in schema.names if n in _OF_FAULT]
    for _, faults in made.staged.pieces(chosen, [*there, "first_acquired_at"]):
        rows = [
            {n: r[n] for n in there} | {"step": "intake", "state": "open", "recorded_at": r["first_acquired_at"]}
            for r in faults.to_pylist()
        ]
        yield pa.Table.from_pylist(rows, schema=schema)


def _kept(plan: Plan, made: Made) -> Iterator[pa.Table]:
    schema = TABLES["record"].schema
    for rows, table in _pieces(made, [r for r in made.records if not r.twin], schema.names):
        language, script = (table.column(n).to_pylist() for n in ("language", "script"))
        told = {
            "language": [r.said[0] if r.said else v for r, v in zip(rows, language, strict=True)],
            "script": [r.said[1] if r.said else v for r, v in zip(rows, script, strict=True)],
            "first_acquired_at": [r.since for r in rows],
        }
        for name, values in told.items():
            at = schema.get_field_index(name)
            table = table.set_column(at, schema.field(at), pa.array(values, schema.field(at).type))
        yield table.cast(schema)


SLICES: Mapping[str, Callable[[Plan, Made], Iterator[pa.Table]]] = {
    "document": _documents, "screening": _screenings, "finding": _findings, "signature": _signatures,
    "quarantine": _faults, "record": _kept,
}  # fmt: skip
_OF_FAULT = ("acquisition_id", "source_id", "batch_id", "locator", "reason", "detail", "byte_offset", "raw_sha256")


def _pieces(made: Made, rows: Sequence[Row], columns: Collection[str]) -> Iterator[tuple[Sequence[Row], pa.Table]]:
    for chosen, table in made.staged.pieces([r.at for r in rows], columns):
        yield rows[chosen], table


def _new(made: Made, rows: Sequence[Row], of: np.ndarray, table: pa.Table) -> pa.Table:
    """The rows of the table, each of the text of `rows[of]`, that no detector of this version has said before."""
    if not made.done:
        return table
    before = [made.done.get(rows[n].text_sha256, ()) for n in of.tolist()]
    new = [f not in done for f, done in zip(table.column("family").to_pylist(), before, strict=True)]
    return table.filter(pa.array(new, pa.bool_()))
