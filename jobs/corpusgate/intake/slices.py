"""The slices of intake's tables from rows that were staged in one process: what `frames.slices` makes with Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from corpusgate.intake.plan import Plan
from corpusgate.intake.staging import personal_first
from corpusgate.intake.standing import Standing
from corpusgate.lake.tables import TABLES


@dataclass(slots=True)
class Row:
    """One staged record: where it stands among the staged rows, and what the tables say of it."""

    at: int
    split: int
    row: int
    record_id: str
    acquisition_id: str
    text_sha256: str
    since: datetime
    batch_id: str
    known: bool
    twin: bool = False
    owner: bool = False
    said: tuple[str | None, str | None] | None = None


@dataclass(slots=True)
class Made:
    """What was read: the staged rows and the records among them. `stood`: by source, what was not read, as it stood
    there before. `held`: records that an acquisition which goes over has too; `lost`: those of them whose places were
    taken. `stored`, `done`: as in `exceptions.py`, by text."""

    staged: pa.Table
    records: list[Row]
    stood: Mapping[str, Standing] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    done: dict[str, set[str]] = field(default_factory=dict)


def _documents(plan: Plan, made: Made) -> pa.Table:
    chosen = [r.at for r in _owners(made) if r.text_sha256 not in made.stored]
    rows = personal_first(made.staged.take(pa.array(chosen, pa.int64())))
    schema = TABLES["document"].schema
    return rows.select(schema.names).cast(schema)


def _screenings(plan: Plan, made: Made) -> pa.Table:
    rows = [
        {"text_sha256": r.text_sha256, "batch_id": r.batch_id, "family": family, "version": version}
        for r in _owners(made) for family, version in sorted(plan.versions.items())
        if family not in made.done.get(r.text_sha256, ())
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=TABLES["screening"].schema)


def _findings(plan: Plan, made: Made) -> pa.Table:
    findings, rows = made.staged.column("findings"), []
    for r in _owners(made):
        for found in findings[r.at].as_py() or ():
            if found["family"] not in made.done.get(r.text_sha256, ()):
                rows.append({"text_sha256": r.text_sha256, "batch_id": r.batch_id, **found})
    return pa.Table.from_pylist(rows, schema=TABLES["finding"].schema)


def _signatures(plan: Plan, made: Made) -> pa.Table:
    signed, algorithm = made.staged.column("signature"), plan.versions["signature"]
    rows = [
        {
            "text_sha256": r.text_sha256,
            "batch_id": r.batch_id,
            "algorithm": algorithm,
            "signature": signed[r.at].as_py(),
        }
        for r in _owners(made)
        if signed[r.at].is_valid and "signature" not in made.done.get(r.text_sha256, ())
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["signature"].schema)


def _faults(plan: Plan, made: Made) -> pa.Table:
    chosen = [at for at, what in enumerate(made.staged.column("outcome").to_pylist()) if what == "fault"]
    faults = made.staged.take(pa.array(chosen, pa.int64())).to_pylist()
    names = TABLES["quarantine"].schema.names
    rows = [
        {n: r[n] for n in names if n in r} | {"step": "intake", "state": "open", "recorded_at": r["first_acquired_at"]}
        for r in faults
    ]
    return pa.Table.from_pylist(rows, schema=TABLES["quarantine"].schema)


def _kept(plan: Plan, made: Made) -> pa.Table:
    kept = [r for r in made.records if not r.twin]
    table = _taken(made, [r.at for r in kept], "record")
    language, script = (table.column(n).to_pylist() for n in ("language", "script"))
    told = {
        "language": [r.said[0] if r.said else v for r, v in zip(kept, language, strict=True)],
        "script": [r.said[1] if r.said else v for r, v in zip(kept, script, strict=True)],
        "first_acquired_at": [r.since for r in kept],
    }
    for name, values in told.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
    return table


SLICES = {
    "document": _documents, "screening": _screenings, "finding": _findings, "signature": _signatures,
    "quarantine": _faults, "record": _kept,
}  # fmt: skip


def _owners(made: Made) -> list[Row]:
    return [r for r in made.records if r.owner and not r.known and not r.twin]


def _taken(made: Made, at: Sequence[int], name: str) -> pa.Table:
    schema = TABLES[name].schema
    return made.staged.select(schema.names).take(pa.array(at, pa.int64())).cast(schema)
