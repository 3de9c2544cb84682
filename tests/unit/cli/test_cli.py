"""The command line: exit codes, messages without tracebacks, forms of output."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import line, moment
from corpusgate.errors import UserError
from corpusgate.lake.run import StepResult


def corpusgate(*arguments, cwd, **environment):
    return subprocess.run(
        [sys.executable, "-m", "corpusgate", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip


def test_outside_a_checkout_the_user_is_told_what_to_do(tmp_path):
    done = corpusgate("sql", "SELECT 1", cwd=tmp_path)
    assert done.returncode == 2
    assert "CORPUSGATE_HOME" in done.stderr and "Traceback" not in done.stderr


def test_a_wrong_command_ends_with_two(tmp_path):
    done = corpusgate("nonsense", cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_an_unknown_corpus_lists_those_that_are_there(tmp_path):
    (tmp_path / "conf" / "corpora").mkdir(parents=True)
    done = corpusgate("rebuild", "--corpus", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr and "The corpora there: none" in done.stderr


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-02T03:04:05+00:00", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T08:00:00+08:00", datetime(2026, 1, 2, 8, tzinfo=timezone(timedelta(hours=8)))),
    ],
)
def test_a_time_without_zone_is_utc(text, read):
    assert moment(text) == read


def test_a_time_that_is_none_is_a_users_mistake():
    with pytest.raises(UserError, match="--at 'yesterday'"):
        moment("yesterday")


def test_a_step_is_told_with_unit_and_fates():
    result = StepResult(step="intake", unit="item", rows_in=3, kept=1, removed=1, errored=1, removed_by_rule={"x": 1})
    assert "3 items in = 1 kept + 1 removed + 1 errored" in line(result)


def test_json_is_whole_and_tables_are_cut(capsys):
    row = {"a": "x" * 200, "b": None, "at": datetime(2026, 1, 2, tzinfo=UTC)}
    show([row], Format.json)
    assert json.loads(capsys.readouterr().out) == [{"a": "x" * 200, "b": None, "at": "2026-01-02T00:00:00+00:00"}]
    show([row], Format.table)
    assert "x" * 61 not in capsys.readouterr().out
