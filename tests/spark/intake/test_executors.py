"""Every worker proves itself: with two executor processes, one without the right list ends the job."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from corpusgate_testing.lexicons import write_lexicon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def screened_by(tmp_path):
    """A function from what the two executors have to what came of it."""
    right, other = tmp_path / "right" / "words", tmp_path / "other" / "words"
    for folder, word in ((right, "线上赌场"), (other, "线上茶馆")):
        folder.mkdir(parents=True)
        write_lexicon(folder, [("a", word, "deny", "a1h", 1)])

    def run(first, second):
        script = Path(__file__).with_name("executors.py")
        done = subprocess.run(
            [sys.executable, str(script), str(right), str(other), first, second], capture_output=True, text=True,
            cwd=tmp_path, timeout=600, env={**os.environ, "CORPUSGATE_HOME": str(Path(__file__).parents[3])},
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert lines, done.stderr[-3000:]
        said = json.loads(lines[0].removeprefix("RESULT "))
        assert said["executors"] == 2, "both executors must have had work"
        return said

    return run


def test_two_executors_that_have_the_list_screen_everything(screened_by):
    assert screened_by("right", "right")["screened"] == {"True": 64}


@pytest.mark.parametrize(
    ("second", "said"), [("none", "cannot be read"), ("other", "the run names")], ids=["no list", "another list"]
)
def test_one_executor_without_the_very_list_ends_the_job(screened_by, second, said):
    result = screened_by("right", second)
    assert "screened" not in result and said in result["missing"]
