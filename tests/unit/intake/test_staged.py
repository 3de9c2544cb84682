"""Staged rows as who writes the tables without Spark sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from corpusgate.intake.rows import STAGED
from corpusgate.intake.staged import Part, Row, Staged

AT = datetime(2026, 1, 1, 8, 30, tzinfo=UTC)


def part(outcomes: list[str], split: int) -> Part:
    """Rows with these outcomes, of one split; the times of two of them differ."""
    rows = [
        {
            "split": split, "row": n, "outcome": outcome, "record_id": f"r{split}{n}", "acquisition_id": f"a{split}",
            "text_sha256": f"t{n}", "first_acquired_at": AT + timedelta(microseconds=n // 2), "batch_id": "b",
            "known": n == 1,
        }
        for n, outcome in enumerate(outcomes)
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, STAGED)
    return Part(table.num_rows, table.select)


def test_records_are_numbered_among_all_rows_of_all_parts():
    staged = Staged([part(["fault", "record", "record"], 0), part([], 1), part(["signal", "record"], 2)])
    assert staged.records() == [
        Row(1, 0, 1, "r01", "a0", "t1", AT, "b", True),
        Row(2, 0, 2, "r02", "a0", "t2", AT + timedelta(microseconds=1), "b", False),
        Row(4, 2, 1, "r21", "a2", "t1", AT, "b", True),
    ]
    assert {type(r.at) for r in staged.records()} == {int}


def test_without_rows_there_are_no_records():
    assert Staged([]).records() == []
