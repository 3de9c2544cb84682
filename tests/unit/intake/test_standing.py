"""Lines that stood in a source's last state are not read again, and what comes out is what reading them gives."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from corpusgate.intake import admission as admissions
from corpusgate.intake.draw import drawn_from
from corpusgate.intake.items import Item, Stands
from corpusgate.intake.job import intake
from corpusgate.intake.kit import kit_for
from corpusgate.intake.plan import BY_BATCH
from corpusgate.intake.read import nothing_stands, read_items
from corpusgate.intake.readers import jsonl
from corpusgate.intake.rules import record_id, text_sha256
from corpusgate.intake.standing import Line, standing
from corpusgate.lake import store
from corpusgate.lake.tables import TABLES
from corpusgate.settings.source import Reader
from corpusgate_testing.lake import rows
from corpusgate_testing.sources import declared
from corpusgate_testing.taken import CALL, DAYS, Made, lake, line, timeless

LINE = b'{"id": "a", "text": "\xe4\xb8\x80"}\n'


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def read(tmp_path: Path, raw: bytes, stood: Any = nothing_stands, **reader: Any) -> list[Any]:
    (tmp_path / "a.jsonl").write_bytes(raw)
    return list(read_items(tmp_path / "a.jsonl", "a.jsonl", Reader(format="jsonl", **reader), stood=stood))


class TestTheHashOfALine:
    def test_is_over_its_bytes_with_their_end(self, tmp_path: Path) -> None:
        (item,) = read(tmp_path, LINE, key="id")
        assert item.raw_sha256 == sha256(LINE)

    def test_is_not_made_for_who_does_not_ask(self, tmp_path: Path) -> None:
        (item,) = read(tmp_path, LINE, None, key="id")
        assert item.raw_sha256 is None

    def test_does_not_count_the_mark_before_the_first(self, tmp_path: Path) -> None:
        (item,) = read(tmp_path, b"\xef\xbb\xbf" + LINE, key="id")
        assert item.raw_sha256 == sha256(LINE)

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
    def test_is_none_where_the_file_says_what_its_bytes_mean(self, tmp_path: Path, encoding: str) -> None:
        (item,) = read(tmp_path, LINE.decode().encode(encoding), key="id", encoding=encoding)
        assert (item.text, item.raw_sha256) == ("一", None)

    def test_is_none_where_a_line_is_several_records(self, tmp_path: Path) -> None:
        chat = {"prompt": "q", "chosen": "a"}
        found = read(tmp_path, '{"q": "问题", "a": "回答"}\n'.encode(), chat=chat)
        assert [(f.text, f.raw_sha256) for f in found if isinstance(f, Item)] == [("问题", None), ("回答", None)]


class TestWhereALineStands:
    def line(self, locator: str, part: str = "all", raw: str = "0" * 64) -> Line:
        return Line(raw, f"record of {locator}", locator, part, "acquisition", 10)

    def test_with_a_key_in_every_member_of_its_licence_part(self) -> None:
        parts = [{"id": "open", "include": ["open/**"]}, {"id": "rest", "include": ["**"]}]
        found = standing(declared(reader={"format": "jsonl", "key": "id"}, licence=parts), [self.line("key:a", "open")])
        assert found.lines("open/b.jsonl") == {"0" * 64: "record of key:a"}
        assert not found.lines("c.jsonl")

    def test_without_a_key_in_its_own_member_and_only_the_first_of_equal_texts(self) -> None:
        lines = [self.line("m#1.jsonl#00ff#0"), self.line("m#1.jsonl#00ff#1", raw="1" * 64)]
        found = standing(declared(reader={"format": "jsonl"}), lines)
        assert found.lines("./m#1.jsonl") == {"0" * 64: "record of m#1.jsonl#00ff#0"}
        assert not found.lines("m")

    def test_and_not_where_it_is_left_out(self) -> None:
        found = standing(declared(reader={"format": "jsonl", "key": "id"}), [self.line("key:a")])
        assert not found.without({"record of key:a"}).lines("a.jsonl")


def test_a_line_that_stood_is_passed_over_and_any_other_is_read(tmp_path: Path) -> None:
    other = LINE.replace(b'"a"', b'"b"')
    first, second = read(tmp_path, LINE + other, lambda member: {sha256(LINE): f"a record in {member}"}, key="id")
    assert first == Stands("a.jsonl", "a record in a.jsonl")
    assert (second.key, second.raw_sha256) == ("b", sha256(other))


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The lines that are read, as they are read."""
    monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "00" * 32)
    monkeypatch.setattr("corpusgate.intake.job._by_spark", lambda *_: pytest.fail("a JVM for so little"))
    lines, real = list[bytes](), jsonl._line
    monkeypatch.setattr(
        jsonl, "_line", lambda m, c, f, at, line, raw: lines.append(line) or real(m, c, f, at, line, raw)
    )
    return lines


def files(day: str = "") -> dict[str, list[dict[str, str]]]:
    return {f"{n}.jsonl": [line(f"{n}-{k}") for k in range(9)] + [line(f"{n}", f"{day}{n}{CALL}")] for n in range(3)}


def test_of_many_files_that_changed_a_little_that_little_is_read(setting: list[bytes]) -> None:
    with lake() as made:
        intake(made.files("s", files(), DAYS[0]).run("r1", DAYS[0]))
        setting.clear()
        result = intake(made.files("s", files("改"), DAYS[1]).run("r2", DAYS[1]))
        assert (len(setting), result.kept, result.facts["read"], result.facts["texts"]) == (3, 30, {"s": 3}, 3)
        there = rows(made.place, "record", f"batch_id = '{result.facts['batches']['s']}'")
        now = {r["acquisition_id"] for r in rows(made.place, "acquisition") if r["fetched_at"] == DAYS[1]}
        assert {r["acquisition_id"] for r in there} == now
        since = {r["locator"]: r["first_acquired_at"] for r in there}
        assert (since["key:0-0"], since["key:0"]) == (DAYS[0], DAYS[1])
        assert all(r["raw_sha256"] and r["language"] for r in there)


def test_lines_that_moved_to_another_file_are_not_read(setting: list[bytes]) -> None:
    with lake() as made:
        intake(made.files("s", files(), DAYS[0]).run("r1", DAYS[0]))
        setting.clear()
        anew = {"all.jsonl": [one for lines in files().values() for one in lines][::-1]}
        result = intake(made.files("s", anew, DAYS[1]).run("r2", DAYS[1]))
        assert (setting, result.kept, result.facts["vanished"]) == ([], 30, {})


@pytest.mark.parametrize(
    "why", ["another declaration", "an undeclared field", "a lake without hashes", "other detectors"]
)
def test_all_is_read_where_a_line_might_give_something_else(setting: list[bytes], why: str) -> None:
    with lake() as made:
        lines: dict[str, Any] = files()
        if why == "an undeclared field":
            lines["0.jsonl"].append({"id": "x", "text": CALL, "stranger": "1"})
        intake(made.files("s", lines, DAYS[0]).run("r1", DAYS[0]))
        if why == "a lake without hashes":
            there = [{**r, "raw_sha256": None} for r in rows(made.place, "record")]
            store.replace(made.place, "record", there, "TRUE", "a test")
        setting.clear()
        lines = {name: [*of, line(f"new in {name}")] for name, of in lines.items()}
        made.files("s", lines, DAYS[1], **({"fields": {"title": "title"}} if why == "another declaration" else {}))
        run = made.run("r2", DAYS[1])
        if why == "other detectors":
            words = made.place.conf / "lexicons" / "starter" / "words.tsv"
            words.write_text(words.read_text("utf-8").replace("allow-56\t", "allow-57\t"), "utf-8")
        intake(run)
        assert len(setting) == sum(map(len, lines.values()))


# Few keys, texts and titles in few files: the same record comes from two lines, or two files, and with another title.
ROWS = st.builds(
    lambda key, text, title: {**line(key, f"第{text}篇，{CALL}"), "title": title} if text < 3 else "{",
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.sampled_from([0, 0, 1, 1, 2, 2, 3]),
    st.sampled_from(["x", "x", "y"]),
)
DAY = st.dictionaries(st.sampled_from(["1.jsonl", "2.jsonl"]), st.lists(ROWS, min_size=3, max_size=9), min_size=2)


def grown(first: dict[str, list[Any]], later: list[dict[str, list[Any]]]) -> list[dict[str, list[Any]]]:
    """Days of which each keeps most of what stood the day before."""
    days = [first]
    for day in later:
        days.append({name: [*days[-1].get(name, [])[1:], *of[:3]] for name, of in day.items()})
    return days


@pytest.mark.timeout(900)
@pytest.mark.parametrize("key", ["id", None], ids=["with a key", "without"])
@settings(
    max_examples=5, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=DAY, later=st.lists(DAY, min_size=1, max_size=3))
def test_day_by_day_sample_and_state_are_those_of_reading_all_of_the_last_day(
    setting: list[bytes], key: str | None, first: dict[str, list[Any]], later: list[dict[str, list[Any]]]
) -> None:
    days = grown(first, later)

    def taken(made: Made, n: int) -> tuple[Any, Any]:
        made.files("s", days[n], DAYS[n], key=key, ignore=[] if key else ["id"])
        made.sources["s"]["admission"] = {"sample": 1}
        run = made.run(f"r{n}", DAYS[n])
        kept = admissions.drawn(run, run.source("s"), kit_for(run))
        told = [(r.record, r.risks) for r in kept.sample(1) or []], kept.offered, kept.faults
        return told, intake(run)

    with lake() as daily, lake() as whole:
        for n in range(len(days)):
            drawn, result = taken(daily, n)
        all_drawn, full = taken(whole, len(days) - 1)
        assert drawn == all_drawn
        assert result.facts["sources"] == full.facts["sources"]
        found, expected = (timeless(m, r.facts["batches"]["s"], BY_BATCH) for m, r in ((daily, result), (whole, full)))
        assert found == expected


@pytest.mark.timeout(300)
def test_what_ranks_above_the_reserve_is_not_read_to_draw_a_sample(setting: list[bytes]) -> None:
    with lake() as made:

        def drawn(run_id: str, n: int, lines: dict[str, Any]) -> Any:
            made.files("s", lines, DAYS[n])
            made.sources["s"]["admission"] = {"sample": 1}
            run = made.run(run_id, DAYS[n])
            kept = admissions.drawn(run, run.source("s"), kit_for(run))
            read = len(setting)
            intake(run)
            setting.clear()
            return kept, read

        before, all_read = drawn("r1", 0, files())
        after, few_read = drawn("r2", 1, files("改"))
        assert (before.offered, all_read, after.offered) == (30, 30, 30)
        assert few_read <= 3 + len(before.ranked) and len(before.ranked) < 10


@pytest.mark.parametrize(
    ("twice", "passes"), [([], True), ([{"text": CALL}], False), ([{"text": CALL, "title": "x"}], False)],
    ids=["a line", "the same line again", "another line of the same text"],
)  # fmt: skip
def test_a_draw_in_which_a_line_that_stood_came_twice_is_made_anew(
    setting: list[bytes], twice: list[dict[str, str]], passes: bool
) -> None:
    with lake() as made:
        made.files("s", {"1.jsonl": [{"text": CALL}, line("b"), *twice]}, DAYS[0], key=None, ignore=["id"])
        run = made.run("r1", DAYS[0])
        result = run.result("fetch", "s")
        assert result is not None
        (fact,) = result.facts["acquisitions"]
        where = f"1.jsonl#{text_sha256(CALL)[:16]}#0"
        raw = sha256(Path(fact["path"]).read_bytes().splitlines(keepends=True)[0])
        record = record_id("s", where, text_sha256(CALL))
        above = standing(run.source("s"), [Line(raw, record, where, "all", "a", 10)])
        draw = drawn_from(run, run.source("s"), frozenset(), 4, fact, above)
        assert (draw is not None) == passes
        if draw is not None:
            assert (draw.frame, len(draw.taken)) == (2, 1)


@pytest.mark.timeout(300)
def test_in_a_lake_of_before_there_were_hashes_all_is_read_and_then_lines_stand(setting: list[bytes]) -> None:
    with lake() as made:
        counts = []
        for n, day in enumerate(["", "改", "又改"]):
            setting.clear()
            made.files("s", files(day), DAYS[n])
            made.sources["s"]["admission"] = {"sample": 1}
            run = made.run(f"r{n}", DAYS[n])
            assert admissions.drawn(run, run.source("s"), kit_for(run)).offered == 30
            drawn, result = len(setting), intake(run)
            counts.append((result.kept, drawn, len(setting) - drawn))
            if n == 0:
                there = store.read(made.place, "record").drop_columns(["raw_sha256"])
                path, partition = str(made.place.table("record")), list(TABLES["record"].partition)
                write_deltalake(path, there, mode="overwrite", schema_mode="overwrite", partition_by=partition)
        assert counts[:2] == [(30, 30, 30)] * 2
        assert counts[2][::2] == (30, 3) and counts[2][1] < 15
