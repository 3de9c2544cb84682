"""Keeping what was handed in: files by their hash, rows by their key, both so that a second time changes nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from corpusgate.collect.archive import archived, digest, keep
from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

#: Columns that say when and from where a row came, not what it says.
_ABOUT = ("recorded_at", "raw_file_sha256", "raw_pointer")


def keep_file(run: Run, path: Path, about: str) -> str:
    """Copies a handed-in file into the raw archive, names it as evidence, and returns its SHA-256.

    Raises:
        UserError: it cannot be read.
    """
    folder = run.place.raw
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, prefix=".incoming.")
    os.close(handle)
    temporary = Path(name)
    try:
        shutil.copyfile(path, temporary)
        found = digest(temporary)
        if archived(run.place, found.sha256) is None:
            keep(run.place, temporary, found)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from None
    finally:
        temporary.unlink(missing_ok=True)
    row = {
        "evidence_id": found.sha256[:32], "name": path.name[:200], "sha256": found.sha256, "bytes": found.bytes,
        "about": about, "recorded_at": run.at,
    }  # fmt: skip
    store.append_new(run.place, "evidence_file", [row], run.id)
    return found.sha256


def rows_with(place: Place, table: str, columns: Sequence[str], column: str, values: Iterable[str]) -> pa.Table:
    """The rows whose `column` is one of `values`, in one pass over the table however many values there are."""
    wanted = pa.array(sorted(set(values)), pa.string())
    if not len(wanted):
        return TABLES[table].schema.empty_table().select(list(columns))
    data: ds.Dataset = DeltaTable(str(place.table(table))).to_pyarrow_dataset()
    return data.to_table(columns=list(columns), filter=ds.field(column).isin(wanted))


def in_batches(batch_ids: Iterable[str]) -> str:
    """SQL: the rows of these batches; of none where there are none."""
    names = ", ".join(map(literal, sorted(set(batch_ids))))
    return f"batch_id IN ({names})" if names else "FALSE"


def merge(run: Run, table: str, fresh: Sequence[dict[str, Any]], where: str, time: str | None = None) -> int:
    """Puts rows into the slice of the table that `where` selects, by their key; returns how many were new or changed.

    A row that says what the one there says leaves it as it is. Where both have a `time`, an earlier one does not
    replace a later one. Nothing is written where nothing changes.
    """
    key = TABLES[table].key
    there = {tuple(r[c] for c in key): r for r in store.read(run.place, table, where=where).to_pylist()}
    changed = 0
    for row in store.as_read(TABLES[table], fresh):
        name = tuple(row[c] for c in key)
        old = there.get(name)
        if old is not None and (_said(old) == _said(row) or _earlier(row, old, time)):
            continue
        there[name] = row
        changed += 1
    if changed:
        ordered = [there[name] for name in sorted(there, key=lambda n: [str(part) for part in n])]
        store.replace(run.place, table, ordered, where, run.id)
    return changed


def _earlier(row: dict[str, Any], old: dict[str, Any], time: str | None) -> bool:
    return bool(time and old[time] and row[time] and row[time] < old[time])


def _said(row: dict[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in row.items() if name not in _ABOUT}
    return {n: sorted(v) if n == "fact_origin" and v else v for n, v in said.items()}
