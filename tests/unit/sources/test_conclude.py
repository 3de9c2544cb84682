"""Conclusions by named persons: recorded as rows, bound to what they were drawn from, obeyed by the licence step."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from corpusgate.cli import app
from corpusgate.collect.job import fetch
from corpusgate.errors import LakeBusy, UserError
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.lake.run import StepResult
from corpusgate.settings.licence import load_licences
from corpusgate.settings.load import load_source
from corpusgate.settings.place import Place
from corpusgate.sources.conclude import Word, after, conclude, near, understood
from corpusgate.sources.job import judged, licence
from corpusgate.sources.plan import plan
from corpusgate.sources.recorded import BY_PERSON, ended, in_force
from corpusgate.sources.rules import licence_rows
from corpusgate_testing.sources import AT, NOTES, REPOSITORY, installation, run_of

WORD = Word("LicenseRef-Own-Work", "Li Hua", "counsel", "Written by our staff in 2026; contract 12.")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)

YAML = (
    NOTES
    + """\
collection: {method: produced, tool: by hand, operator: lead}
channel: {type: folder, path: data}
reader: {format: text, include: ["*.txt"]}
"""
)


def place_with(tmp_path: Path, licence_yaml: str = "", **options: bool) -> Place:
    """An installation whose corpus `test` takes the source `notes`: two texts in a folder."""
    place = installation(tmp_path, "notes", **options)
    (tmp_path / "data").mkdir(exist_ok=True)
    for name in ("a", "b"):
        (tmp_path / "data" / f"{name}.txt").write_text(f"文本 {name}", "utf-8")
    (place.conf / "sources" / "notes.yaml").write_text(YAML + licence_yaml, "utf-8")
    return place


def judgement(place: Place, at: datetime = AT + HOUR) -> StepResult:
    """What the licence step says at this time, by the folder as it is now."""
    run = run_of(place, f"r{at:%Y%m%d%H%M}", at)
    run.write(fetch(run, load_source(place, "notes")))
    return run.write(licence(run, run.source("notes")))


def word(**changes: object) -> Word:
    return Word(**{**{f: getattr(WORD, f) for f in WORD.__slots__}, **changes})


def recorded(place: Place) -> list[dict]:
    rows = [r for r in store.read(place, "licence_period").to_pylist() if r["verdict"] is None]
    return sorted(rows, key=lambda r: r["recorded_at"])


def test_a_source_without_a_licence_enters_once_a_person_concluded(tmp_path):
    place = place_with(tmp_path)
    assert judgement(place, AT).facts["reason"] == "licence_missing"

    told = conclude(place, "notes", WORD, AT + HOUR)
    result = judgement(place, AT + 2 * HOUR)

    assert told.fresh and told.outlook["test"].state == "ok"
    part = result.facts["parts"][0]
    assert (result.state, part["verdict"], part["reason"]) == ("ok", "pass", "licence_concluded")
    said = ("concluded", "concluded_by", "concluded_role", "concluded_at", "provisional")
    assert [part[c] for c in said] == ["LicenseRef-Own-Work", "Li Hua", "counsel", "2026-11-24", True]
    assert "contract 12" in part["because"]


def test_the_word_is_a_row_and_the_declaration_stays_as_it_is(tmp_path):
    place = place_with(tmp_path)
    before = (place.conf / "sources" / "notes.yaml").read_bytes()

    conclude(place, "notes", word(notes=("read_by_two",), definitive=True), AT)

    (row,) = recorded(place)
    assert (row["source_id"], row["part"], row["reason"], row["verdict"]) == ("notes", "all", BY_PERSON, None)
    assert (row["valid_from"], row["recorded_at"], row["provisional"], row["notes"]) == (AT, AT, False, ["read_by_two"])
    assert (row["use_training"], row["use_commercial"]) == ("yes", "yes")
    assert (place.conf / "sources" / "notes.yaml").read_bytes() == before


def test_said_twice_it_is_recorded_once(tmp_path):
    place = place_with(tmp_path)

    first, second = (conclude(place, "notes", WORD, AT + n * HOUR) for n in range(2))

    assert (first.fresh, second.fresh) == (True, False)
    assert second.row["recorded_at"] == AT
    assert len(recorded(place)) == 1
    assert conclude(place, "notes", word(because="Read the contract again, it holds."), AT + DAY).fresh
    assert len(recorded(place)) == 2


def test_other_bytes_make_it_stale_and_a_new_word_lets_the_source_in_again(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", WORD, AT)
    (tmp_path / "data" / "c.txt").write_text("来路不明", "utf-8")

    result = judgement(place)

    part = result.facts["parts"][0]
    assert (result.state, part["verdict"], part["reason"]) == ("held", "pending", "licence_conclusion_stale")
    assert (part["concluded"], part["concluded_by"]) == (None, None)
    assert "Li Hua (counsel)" in result.because and "folder of" in result.because
    assert "corpusgate source conclude notes --part all" in result.because
    conclude(place, "notes", WORD, AT + 2 * HOUR)
    assert judgement(place, AT + 3 * HOUR).state == "ok"


def test_a_folder_may_grow_where_the_word_rests_on_a_licence_file(tmp_path):
    place = place_with(tmp_path, _ambiguous(tmp_path))
    conclude(place, "notes", word(expression="BSD-3-Clause"), AT)

    (tmp_path / "data" / "c.txt").write_text("新的", "utf-8")
    assert judgement(place).state == "ok"


def test_another_licence_file_is_no_basis_any_more(tmp_path):
    place = place_with(tmp_path, _ambiguous(tmp_path))
    conclude(place, "notes", word(expression="BSD-3-Clause"), AT)

    path = tmp_path / "data" / "LICENSE"
    path.write_text("Licensed under BSD. And more.\n", "utf-8")
    _pin(place, path)
    result = judgement(place)

    assert result.facts["reason"] == "licence_conclusion_stale"
    assert "file LICENSE" in result.because


def test_a_declaration_that_says_otherwise_now_is_no_basis_any_more(tmp_path):
    place = place_with(tmp_path, _ambiguous(tmp_path))
    conclude(place, "notes", word(expression="BSD-3-Clause"), AT)

    path = place.conf / "sources" / "notes.yaml"
    path.write_text(path.read_text("utf-8") + "    contradicted: true\n    finding: licence_contradicted\n", "utf-8")

    assert judgement(place).facts["reason"] == "licence_conclusion_stale"


def test_a_person_may_settle_what_the_declaration_left_open(tmp_path):
    place = place_with(tmp_path, "licence:\n  - {finding: licence_not_of_author, contradicted: true}\n")
    assert judgement(place, AT).facts["verdict"] == "fail"

    conclude(place, "notes", word(because="The holders' authorisation of 2026-10-01 is in the safe."), AT + HOUR)

    assert judgement(place, AT + 2 * HOUR).facts["verdict"] == "pass"


def test_a_use_that_the_licence_forbids_still_fails(tmp_path):
    place = place_with(tmp_path)

    told = conclude(place, "notes", word(expression="CC-BY-NC-4.0"), AT)

    assert told.outlook["test"].facts["reason"] == "licence_forbids_use"
    assert judgement(place).facts["verdict"] == "fail"


def test_the_newest_word_holds_and_one_taken_back_lets_the_declaration_speak(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", WORD, AT)
    conclude(place, "notes", word(expression="CC-BY-NC-4.0"), AT + HOUR)
    assert judgement(place, AT + 2 * HOUR).facts["reason"] == "licence_forbids_use"

    conclude(place, "notes", word(expression="NOASSERTION"), AT + 3 * HOUR)

    assert judgement(place, AT + 4 * HOUR).facts["reason"] == "licence_missing"


def test_both_times_count_when_it_is_valid_and_when_it_was_known(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", word(valid_from=AT + 10 * DAY), AT + DAY)

    reasons = {n: judgement(place, AT + n * DAY).facts["reason"] for n in (0, 2, 11)}

    assert reasons == {0: "licence_missing", 2: "licence_missing", 11: "licence_concluded"}
    run = run_of(place, "late", AT + 11 * DAY)
    run.write(fetch(run, run.source("notes")))
    run.write(licence(run, run.source("notes")))
    assert [r["valid_from"] for r in licence_rows(run)] == [AT + 10 * DAY]


def test_a_judgement_by_an_unchanged_word_is_recorded_once(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", WORD, AT)
    counts = []
    for n in (1, 2):
        run = run_of(place, f"n{n}", AT + n * HOUR)
        run.write(fetch(run, run.source("notes")))
        run.write(licence(run, run.source("notes")))
        counts.append(store.append_new(place, "licence_period", licence_rows(run), run.id))

    assert counts == [1, 0]


def test_the_step_itself_writes_nothing(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", WORD, AT)
    version = store.version(place, "licence_period")

    judgement(place)

    assert store.version(place, "licence_period") == version


def test_while_a_rebuild_writes_nobody_concludes(tmp_path):
    place = place_with(tmp_path)
    place.lake.mkdir(parents=True)
    with lease(place, "a rebuild"), pytest.raises(LakeBusy, match="a rebuild"):
        conclude(place, "notes", WORD, AT)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expression": "MIT Lisence"}, "Near: MIT"),
        ({"expression": "GPL-2.0-onyl AND CC0-1.0"}, "GPL-2.0-only"),
        ({"expression": "BSD"}, "BSD-3-Clause"),
        ({"expression": ""}, "empty"),
        ({"by": "root"}, "names nobody"),
        ({"by": "Counsel"}, "names nobody"),
        ({"by": "007"}, "names nobody"),
        ({"by": " "}, "--by is empty"),
        ({"role": ""}, "--role is empty"),
        ({"because": "ok"}, "--because says too little"),
        ({"because": "FILL IN the reason"}, "--because is empty"),
        ({"because": "Right \u202e to left marks"}, "control or direction"),
        ({"notes": ("a\nb",)}, "--note holds control"),
    ],
)
def test_a_word_that_is_none_is_refused_with_what_to_do(tmp_path, changes, says):
    place = place_with(tmp_path)

    with pytest.raises(UserError, match=says):
        conclude(place, "notes", word(**changes), AT)

    assert not place.table("licence_period").exists() or recorded(place) == []


def test_a_source_with_several_parts_needs_one_named(tmp_path):
    place = place_with(tmp_path, 'licence:\n  - {id: first, include: [a.txt]}\n  - {id: rest, include: ["**"]}\n')

    with pytest.raises(UserError, match="several licence parts: name one of first, rest"):
        conclude(place, "notes", WORD, AT)
    with pytest.raises(UserError, match="no licence part 'x'"):
        conclude(place, "notes", WORD, AT, "x")
    conclude(place, "notes", WORD, AT, "first")

    verdicts = {p["part"]: p["verdict"] for p in judgement(place).facts["parts"]}
    assert verdicts == {"first": "pass", "rest": "pending"}


def test_nothing_is_concluded_without_bytes_or_without_a_corpus(tmp_path):
    place = place_with(tmp_path)
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(UserError, match="bytes that nobody has"):
        conclude(place, "notes", WORD, AT)

    (place.conf / "corpora" / "test.yaml").unlink()
    with pytest.raises(UserError, match="No corpus takes notes"):
        conclude(place, "notes", WORD, AT)


def test_every_licence_of_the_table_is_near_itself_and_understood(tmp_path):
    table = load_licences(installation(tmp_path))
    for key in table.licences:
        assert understood(key, table) == key
        assert key in near(key.lower() + "x", table)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(0, 9), st.none() | st.integers(1, 9)),
        max_size=12,
    ),
    st.integers(0, 9),
)
def test_in_force_is_the_last_word_that_was_known_and_valid(words, now):
    moment = [AT + n * HOUR for n in range(20)]
    rows = [
        {"part": p, "valid_from": moment[v], "recorded_at": moment[k] + timedelta(seconds=n), "verdict": None,
         "valid_to": None if e is None else moment[e], "concluded": f"w{n}"}
        for n, (p, v, k, e) in enumerate(words)
    ]  # fmt: skip
    at = moment[now] + timedelta(minutes=1)
    found, over = in_force(rows, at), ended(rows, at)

    for part in "ab":
        known = [r for n, r in enumerate(rows) if words[n][0] == part and words[n][1] <= now and words[n][2] <= now]
        expected = max(known, key=lambda r: r["recorded_at"], default=None)
        past = expected is not None and expected["valid_to"] is not None and expected["valid_to"] <= at
        assert found.get(part) is (None if past else expected), "one that ended brings no earlier one back"
        assert over.get(part) is (expected if past else None), "a moment lies in one of both or in none"


def test_a_word_with_an_end_holds_to_its_last_day_and_then_the_source_waits_again(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", WORD, AT)
    conclude(place, "notes", replace(WORD, valid_to=after("2026-12-31")), AT + HOUR)
    last, next_day = datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    assert judgement(place, last).facts["verdict"] == "pass"
    said = judgement(place, next_day)
    assert (said.state, said.facts["verdict"], said.facts["reason"]) == ("held", "pending", "licence_conclusion_ended")
    assert "Li Hua (counsel) concluded LicenseRef-Own-Work" in said.because and "2027-01-01" in said.because
    conclude(place, "notes", replace(WORD, because="Read again in 2027; contract 12 goes on."), next_day)
    assert judgement(place, next_day + HOUR).facts["verdict"] == "pass"


def test_a_judgement_by_a_word_with_an_end_says_until_when_it_holds(tmp_path):
    place = place_with(tmp_path)
    conclude(place, "notes", replace(WORD, valid_to=after("2026-12-31")), AT)
    run = run_of(place, at=AT + HOUR)
    run.write(fetch(run, load_source(place, "notes")))
    run.write(licence(run, load_source(place, "notes")))
    (row,) = licence_rows(run)
    assert (row["verdict"], row["valid_to"]) == ("pass", datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("until", "says"), [("2026-01-01", "before it holds"), ("soon", "is no day"), ("", "is no day")]
)
def test_an_end_that_is_past_or_no_day_is_refused(tmp_path, until, says):
    place = place_with(tmp_path)
    with pytest.raises(UserError, match=says):
        conclude(place, "notes", replace(WORD, valid_to=after(until)), AT)
    assert not place.table("licence_period").exists()


def test_the_plan_says_what_a_rebuild_would_do(tmp_path):
    place = place_with(tmp_path)
    shutil.copytree(REPOSITORY / "conf" / "lexicons", place.conf / "lexicons")
    (held,) = plan(place, "test", AT)
    assert (held["fetch"], held["licence"], held["screen"], held["last_time"]) == (
        "listed: 2 objects", "pending: licence_missing", "held", "never run",
    )  # fmt: skip

    conclude(place, "notes", WORD, AT)
    (row,) = plan(place, "test", AT + HOUR)
    assert (row["licence"], row["screen"]) == ("pass: licence_concluded", "all, if admitted")


def test_the_command_says_what_was_recorded_and_what_follows(tmp_path, monkeypatch):
    place = place_with(tmp_path)
    monkeypatch.setenv("CORPUSGATE_HOME", str(tmp_path))
    monkeypatch.delenv("CORPUSGATE_LAKE", raising=False)
    arguments = ["source", "conclude", "notes", "--expression", "own work", "--by", "Li Hua", "--role", "counsel",
                 "--because", "Written by our staff in 2026.", "--valid-from", "2026-01-01",
                 "--until", "2099-12-31"]  # fmt: skip
    arguments[4] = "LicenseRef-Own-Work"

    said = CliRunner().invoke(app, [*arguments, "--at", AT.isoformat()])
    again = CliRunner().invoke(app, [*arguments, "--format", "json"])

    assert said.exit_code == 0, said.output
    assert (
        "Recorded on 2026-11-24" in said.output
        and "valid from 2026-01-01 until 2100-01-01 00:00 UTC, provisional" in said.output
    )
    assert "Corpus test: the next rebuild says pass" in said.output
    told = json.loads(again.output)
    assert (told["fresh"], told["outlook"]["test"]["verdict"]) == (False, "pass")
    assert recorded(place)[0]["valid_from"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_concluded_now_is_what_the_step_would_say(tmp_path):
    place = place_with(tmp_path)
    told = conclude(place, "notes", WORD, AT)
    run = run_of(place, "r", AT + HOUR)
    acquisitions = fetch(run, run.source("notes")).facts["acquisitions"]

    assert judged(run, run.source("notes"), acquisitions).because == told.outlook["test"].because


def _ambiguous(tmp_path: Path) -> str:
    """A licence part that rests on data/LICENSE, in words that can mean several licences."""
    import hashlib

    (tmp_path / "data").mkdir(exist_ok=True)
    content = b"Licensed under BSD.\n"
    (tmp_path / "data" / "LICENSE").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return (
        "licence:\n  - declared:\n      expression: BSD\n      read_from: LICENSE\n"
        f"      quote: Licensed under BSD.\n      sha256: {digest}\n"
    )


def _pin(place: Place, path: Path) -> None:
    """Writes the file's hash into the declaration, as somebody does who read the new file."""
    import hashlib
    import re

    yaml = place.conf / "sources" / "notes.yaml"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    yaml.write_text(re.sub(r"sha256: [0-9a-f]{64}", f"sha256: {digest}", yaml.read_text("utf-8")), "utf-8")
