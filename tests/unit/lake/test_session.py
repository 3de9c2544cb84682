"""Before Spark is started: what a bare machine lacks is said in words, what the set-up wrote is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.lake import session
from corpusgate.settings.profile import Profile, load_profile
from corpusgate_testing.lake import place_in


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine where nothing was set up."""
    for name in ("SPARK_CONF_DIR", "JAVA_HOME", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "SPARK_LOCAL_IP"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return place_in(tmp_path)


def tools(place, settings: str, java: bool = True) -> None:
    folder = place.var / "tools" / "spark"
    folder.mkdir(parents=True)
    (folder / "spark-defaults.conf").write_text(settings, "utf-8")
    if java:
        program = place.var / "jdk" / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
        (place.var / "tools" / "env.sh").write_text(
            f"# made\nexport JAVA_HOME='{place.var / 'jdk'}'\nexport X=1\n", "utf-8"
        )


def test_without_set_up_it_says_what_to_run(bare):
    with pytest.raises(UserError, match=r"settings are missing.*make setup"):
        session.prepare(bare)


def test_without_java_it_says_so(bare):
    tools(bare, "spark.driver.extraClassPath /nowhere/*", java=False)
    with pytest.raises(UserError, match=r"Java 17 or 21.*make setup"):
        session.prepare(bare)


def test_without_the_jars_it_says_so(bare):
    tools(bare, f"spark.driver.extraClassPath {bare.var}/tools/jars/*")
    with pytest.raises(UserError, match=r"Delta jars.*make setup"):
        session.prepare(bare)


def test_what_set_up_wrote_is_found_without_any_variable(bare, monkeypatch):
    tools(bare, f"spark.driver.extraClassPath\t{bare.var}/tools/jars/*")
    jar = bare.var / "tools" / "jars" / "delta-spark_4.2_2.13-4.4.0.jar"
    jar.parent.mkdir()
    jar.touch()
    session.prepare(bare)
    assert os.environ["JAVA_HOME"] == str(bare.var / "jdk")
    assert Path(os.environ["SPARK_CONF_DIR"]) == bare.var / "tools" / "spark"
    assert os.environ["PYSPARK_PYTHON"] == sys.executable
    assert "X" not in os.environ


def test_a_profile_that_is_not_there_is_named_with_those_that_are(tmp_path, monkeypatch):
    place = place_in(tmp_path)
    monkeypatch.delenv("CORPUSGATE_PROFILE", raising=False)
    assert load_profile(place) == Profile()
    (place.conf / "profiles").mkdir()
    (place.conf / "profiles" / "big.yaml").write_text("tasks: 9\n", "utf-8")
    assert load_profile(place, "big").tasks == 9
    monkeypatch.setenv("CORPUSGATE_PROFILE", "bigger")
    with pytest.raises(UserError, match=r"No profile 'bigger'.*big"):
        load_profile(place)
