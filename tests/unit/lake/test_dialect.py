"""What the engines are asked in: a list of values that may be empty, which one of them misreads."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusgate.lake import dialect, store
from corpusgate.lake.alone import texts_named
from corpusgate.lake.dialect import listed, one_of
from corpusgate.settings.place import Place
from corpusgate_testing.lake import place_in


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = place_in(tmp_path)
    store.ensure_tables(made, ["record", "release_record"])
    return made


@pytest.mark.parametrize(
    ("batches", "found"),
    [([], []), (["b"], ["b0", "b1"]), (["b", "a", "b"], ["a0", "a1", "b0", "b1"]), (["gone"], [])],
    ids=["none", "one", "some", "unknown"],
)
def test_rows_of_a_partitioned_table_are_those_of_the_values_named(
    place: Place, batches: list[str], found: list[str]
) -> None:
    for batch in "ab":
        made = [{"record_id": f"{batch}{n}", "batch_id": batch} for n in range(2)]
        store.replace(place, "record", made, one_of("batch_id", [batch]), "r")
    sql = f"SELECT record_id FROM record WHERE {one_of('batch_id', batches)} ORDER BY record_id"
    assert store.query(place, sql, ["record"]).column(0).to_pylist() == found


def test_nothing_is_joined_to_rows_of_no_batch(place: Place) -> None:
    store.replace(place, "record", [{"record_id": "x", "batch_id": "a"}], one_of("batch_id", ["a"]), "r")
    store.replace(place, "release_record", [{"record_id": "x", "release_id": "k"}], "release_id = 'k'", "r")
    sql = (
        "SELECT r.batch_id FROM release_record k LEFT JOIN record r "
        f"ON k.record_id = r.record_id AND {one_of('r.batch_id', [])}"
    )
    assert store.query(place, sql, ["release_record", "record"]).column(0).to_pylist() == [None]


def test_only_ids_go_into_a_predicate() -> None:
    assert one_of("batch_id", ["b", "a", "b"]) == "batch_id IN ('a', 'b')"
    assert one_of("batch_id", []) == "false"
    with pytest.raises(ValueError, match="not an id"):
        one_of("batch_id", ["a' OR '1'='1"])


@pytest.mark.parametrize("column", ["batch_id", "record_id"], ids=["of a partition", "of another column"])
def test_a_list_of_any_length_is_asked_for(place: Place, column: str) -> None:
    """Of some 21,000 values in a list the engine's recursion ends the process."""
    for batch in "ab":
        made = [{"record_id": f"{batch}-record", "batch_id": batch}]
        store.replace(place, "record", made, one_of("batch_id", [batch]), "r")
    many = [f"{n}-{'0' * 60}" for n in range(30_000)]
    for named, found in ((many, []), ([*many, "b", "b-record"], ["b-record"])):
        sql = f"SELECT record_id FROM record WHERE {listed(column, named)}"
        assert store.query(place, sql, ["record"]).column(0).to_pylist() == found


def test_a_short_list_is_one_and_no_list_holds_what_is_no_id() -> None:
    assert listed("batch_id", ["b", "a", "b"]) == "batch_id IN ('a', 'b')" and listed("batch_id", []) == "false"
    for odd in ("a b", "a' OR '1'='1"):
        with pytest.raises(ValueError, match="not an id"):
            listed("batch_id", [*map(str, range(dialect.AT_ONCE)), odd])


def test_texts_are_named_in_turns_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpusgate.lake.alone.AT_ONCE", 2)
    assert list(texts_named(["c", "a", "b", "a"])) == [
        "lower(text_sha256) IN ('a', 'b')",
        "lower(text_sha256) IN ('c')",
    ]
    assert list(texts_named([])) == []
