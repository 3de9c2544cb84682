"""A run's results: rows add up, a result is whole or absent, what is held stays held."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.errors import Unreconciled
from corpusgate.lake.run import StepResult, open_run, safe_name, write_atomically
from corpusgate_testing.lake import place_in

AT = datetime(2026, 1, 2, tzinfo=UTC)
CORPUS = """
title: T
intended_use: pre_training
commercial: true
languages: [zh]
service_type: chat
item_unit: record
home_country: CN
seed: s
sources: []
policy: {lexicon: starter, personal_information: {}}
"""


@pytest.fixture
def run(tmp_path):
    place = place_in(tmp_path)
    (place.conf / "corpora").mkdir()
    (place.conf / "corpora" / "tiny.yaml").write_text(CORPUS, "utf-8")
    return open_run(place, "tiny", "manual__2026-01-02T00:00:00+00:00", AT)


def result(**changes):
    return StepResult(**{"step": "fetch", "unit": "object", "rows_in": 2, "kept": 1, "errored": 1, **changes})


def test_rows_that_do_not_add_up_are_refused_and_nothing_is_left(run):
    with pytest.raises(Unreconciled, match="2 objects in, but 1 kept"):
        run.write(result(errored=0))
    assert run.results() == []


def test_removed_rows_must_be_named_by_their_rules(run):
    with pytest.raises(Unreconciled, match="rules name"):
        run.write(result(errored=0, removed=1))


def test_a_result_is_read_back_as_it_was_written(run):
    written = run.write(result(source_id="a", facts={"x": [1, None]}))
    assert run.result("fetch", "a") == written
    assert run.results("fetch") == [written]
    assert run.result("fetch") is None


def test_the_first_step_that_holds_a_source_is_the_one_that_is_named(run):
    run.write(result(source_id="a", state="unavailable"))
    run.write(result(step="licence", source_id="a", state="held"))
    run.write(result(source_id="b"))
    assert {s: r.step for s, r in run.held().items()} == {"a": "fetch"}


def test_a_step_whose_name_begins_like_anothers_is_not_mixed_up(run):
    run.write(result(step="release", unit="x"))
    run.write(result(step="release_gate", unit="x"))
    assert [r.step for r in run.results("release")] == ["release"]


@given(st.text(min_size=1, max_size=80))
def test_no_run_id_leaves_the_runs_folder(text):
    name = safe_name(text)
    assert name and "/" not in name and "\\" not in name and not name.startswith(".") and "\x00" not in name


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    target = tmp_path / "f.json"
    write_atomically(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "\ud800")
    assert target.read_text("utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.json"]
