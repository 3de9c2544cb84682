"""Rows of small tables: what the engine's own way gives, without what that imports."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from corpusgate.lake import store
from corpusgate_testing.lake import place_in


@pytest.fixture
def place(tmp_path):
    made = place_in(tmp_path)
    store.ensure_tables(made, ["licence_period", "acquisition"])
    rows = [
        {"source_id": "s", "part": part, "valid_from": datetime(1969, 5, 4, 1, 2, 3, 4567, tzinfo=UTC),
         "valid_to": None if part == "a" else datetime(2026, 5, 4, tzinfo=UTC), "provisional": part == "a",
         "recorded_at": datetime(2026, 11, 2, 8, tzinfo=UTC), "notes": ["x", "y"] if part == "a" else None}
        for part in "ab"
    ]  # fmt: skip
    store.append_new(made, "licence_period", rows, "r")
    return made


def test_rows_are_those_of_the_other_way_to_read(place):
    found = store.rows(place, "licence_period")
    expected = store.read(place, "licence_period").to_pylist()
    assert len(found) == 2 and repr(found) == repr(expected)
    assert [r["valid_from"].isoformat() for r in found] == ["1969-05-04T01:02:03.004567+00:00"] * 2
    assert store.rows(place, "licence_period", ["part"], "part = 'b'") == [{"part": "b"}]
    assert store.rows(place, "acquisition") == []


def test_pandas_is_not_so_much_as_imported(place):
    code = (
        "import sys; from pathlib import Path; from corpusgate.lake import store\n"
        "from corpusgate.settings.place import Place; h = Path(sys.argv[1])\n"
        "print(len(store.rows(Place(h, h / 'conf', h / 'lake', h / 'var'), 'licence_period')), 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place.home)], capture_output=True, text=True)
    assert done.stdout.split() == ["2", "False"], done.stderr


def test_pyarrow_goes_without_pandas_until_somebody_asks_for_it():
    code = (
        "import sys; from corpusgate.lake.alone import without_pandas; without_pandas(); import pyarrow as pa\n"
        "before = list(sys.meta_path); table = pa.table({'n': [1, None]}); pa.array(['a'])\n"
        "print('pandas' in sys.modules, table.to_pandas().n.isna().sum(), pa.array(table.to_pandas().n).null_count)\n"
        "import pandas; print(pandas.DataFrame({'a': [1]}).shape[0], before == sys.meta_path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "1", "1", "1", "True"], done.stderr
