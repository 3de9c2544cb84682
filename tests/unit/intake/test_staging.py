"""Staged rows on disk: whole or not there, the same under the same name, whoever wrote them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusgate.intake import staging
from corpusgate.intake.rows import STAGED


def batch(rows: int, text: str = "文") -> pa.RecordBatch:
    made = [{"split": 0, "row": n, "outcome": "record", "text": text, "attributes": [("a", "b")]} for n in range(rows)]
    return pa.RecordBatch.from_pylist(made, schema=STAGED)


def test_rows_come_back_as_they_went_in(tmp_path):
    path = tmp_path / "rows" / "bin-000000.parquet"
    assert staging.write(path, iter([batch(3), batch(2)])) == 5
    found = pq.read_table(path)
    assert found.schema.names == STAGED.names
    assert found.to_pylist() == pa.Table.from_batches([batch(3), batch(2)]).to_pylist()


def test_texts_with_personal_information_come_first_and_else_the_order_stays():
    def row(n: int, *detectors: str) -> dict:
        return {"row": n, "findings": [{"detector": d} for d in detectors] if detectors else None}

    told = [row(0), row(1, "keyword"), row(2, "keyword", staging.PERSONAL), row(3), row(4, staging.PERSONAL)]
    table = pa.Table.from_pylist(told, schema=STAGED)
    assert staging.personal_first(table).column("row").to_pylist() == [2, 4, 0, 1, 3]
    assert staging.personal_first(table.slice(1, 3)).column("row").to_pylist() == [2, 1, 3]
    assert staging.personal_first(table.slice(0, 2)).column("row").to_pylist() == [0, 1]
    assert staging.personal_first(table.slice(0, 0)).num_rows == 0


def test_a_bin_without_rows_is_a_file_all_the_same(tmp_path):
    path = tmp_path / "bin-000001.parquet"
    assert staging.write(path, iter(())) == 0
    assert pq.read_table(path).num_rows == 0


def test_row_groups_have_the_size_that_a_worker_may_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "ROW_GROUP", 1)
    path = tmp_path / "bin-000000.parquet"
    staging.write(path, iter([batch(3), batch(2)]))
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [3, 2]


def test_what_ends_in_the_middle_leaves_no_file_that_is_read(tmp_path):
    def broken():
        yield batch(3)
        raise RuntimeError("killed")

    path = tmp_path / "bin-000000.parquet"
    with pytest.raises(RuntimeError, match="killed"):
        staging.write(path, broken())
    assert not path.exists()
    assert not [p for p in tmp_path.iterdir() if not p.name.startswith(".")]  # Spark reads no name with a dot before it


def test_written_again_it_has_the_same_bytes(tmp_path):
    path = tmp_path / "bin-000000.parquet"
    staging.write(path, iter([batch(3)]))
    first = path.read_bytes()
    staging.write(path, iter([batch(3)]))
    assert path.read_bytes() == first and len(list(tmp_path.iterdir())) == 1
