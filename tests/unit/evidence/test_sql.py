"""The SQL door: all tables, read only, no JVM, and a word of help for every mistake."""

import contextlib
import subprocess
import sys

import pytest

from corpusgate.errors import UserError
from corpusgate.evidence import sql as door
from corpusgate.lake import store
from corpusgate.lake.tables import TABLES
from corpusgate_testing.lake import place_in


@pytest.fixture
def place(tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    store.append_new(place, "source", [{"source_id": "a", "version": "1", "title": "A"}], "r")
    return place


@pytest.mark.parametrize("name", [n for n in TABLES if n != "document"])
def test_every_table_can_be_asked_also_while_it_is_empty(place, name):
    names, rows = door.ask(place, f'SELECT * FROM "{name}"')
    assert names == TABLES[name].schema.names
    assert len(rows) == (1 if name == "source" else 0)


def test_stored_text_is_shown_only_to_who_asks_for_it(place):
    with pytest.raises(UserError, match="--documents"):
        door.ask(place, "SELECT text FROM document")
    assert door.ask(place, "SELECT text FROM document", documents=True) == (["text"], [])


def test_columns_of_one_name_are_told_apart(place):
    names, rows = door.ask(
        place, "SELECT a.source_id, b.source_id FROM source a JOIN source b ON a.version = b.version"
    )
    assert names == ["source_id", "source_id_2"]
    assert rows == [{"source_id": "a", "source_id_2": "a"}]


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT nothing FROM source", "SELECT * FROM nowhere"])
def test_a_wrong_statement_is_explained_without_a_traceback(place, statement):
    with pytest.raises(UserError, match=r"^SQL: "):
        door.ask(place, statement)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM source", "INSERT INTO source SELECT * FROM source", "DROP TABLE source"]
)
def test_nothing_can_be_written_through_the_door(place, statement):
    with contextlib.suppress(UserError):
        door.ask(place, statement)
    assert door.ask(place, "SELECT count(*) AS n FROM source")[1] == [{"n": 1}]


@pytest.mark.parametrize("statement", [
    "COPY (SELECT 1) TO '{}'", "-- SELECT\nCOPY (SELECT 1) TO '{}'", "/* SELECT */ COPY (SELECT 1) TO '{}'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}'", "explain analyze verbose copy (select 1) to '{}'",
    "EXPLAIN /* SELECT */ ANALYZE COPY (SELECT 1) TO '{}'", "SELECT 1; COPY (SELECT 1) TO '{}'",
    "CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION '{}'",
])  # fmt: skip
def test_no_file_of_this_machine_is_written_or_opened_through_the_door(place, tmp_path, statement):
    with pytest.raises(UserError, match=r"^SQL: "):
        door.ask(place, statement.format(tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("statement", [
    "select 1 AS n", "-- why\nSELECT 1 AS n", "/* a */ WITH x AS (SELECT 1 AS n) SELECT n FROM x", "(SELECT 1 AS n)",
    "VALUES (1)", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE VERBOSE SELECT 1", "DESCRIBE source",
])  # fmt: skip
def test_questions_are_answered_however_they_begin(place, statement):
    assert door.ask(place, statement)[1]


def test_stored_text_cannot_be_reached_by_its_file_either(place):
    for relation in (f"'{place.table('document')}'", f"read_parquet('{place.table('document')}')", "public.document"):
        with pytest.raises(UserError, match=r"^SQL: "):
            door.ask(place, f"SELECT * FROM {relation}")


def test_a_list_that_would_end_the_process_is_refused_with_a_way_to_ask_it_all_the_same(place):
    many = [f"{n:08x}" for n in range(25_000)]
    with pytest.raises(UserError, match="may list 8,000 values at most, and this one has 24,999 commas"):
        door.ask(place, "SELECT title FROM source WHERE source_id IN ('" + "','".join(many) + "')")
    as_told = "source_id IN (SELECT unnest(string_to_array('" + " ".join([*many, "a"]) + "', ' ')))"
    assert door.ask(place, f"SELECT title FROM source WHERE {as_told}") == (["title"], [{"title": "A"}])


def test_without_a_lake_the_next_act_is_named(tmp_path):
    place = place_in(tmp_path)
    place.lake.rmdir()
    with pytest.raises(UserError, match="make run"):
        door.ask(place, "SELECT 1")


def test_no_java_virtual_machine_is_needed(place):
    code = (
        "import sys; from pathlib import Path; from corpusgate.evidence import sql; "
        "from corpusgate.settings.place import Place; home = Path(sys.argv[1]); "
        "place = Place(home=home, conf=home / 'conf', lake=home / 'lake', var=home / 'var'); "
        "assert sql.ask(place, 'SELECT 1 AS one') == (['one'], [{'one': 1}]); print('pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(place.home)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr
