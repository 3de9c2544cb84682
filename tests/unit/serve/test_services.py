from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.serve import accounts, processes
from corpusgate.serve.services import COMPONENTS, Services, environment, fingerprint
from corpusgate.settings.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for folder in ("jobs/corpusgate", "infra/airflow", "conf"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "jobs/corpusgate/rules.py").write_text("one = 1\n")
    return Place(home=tmp_path, conf=tmp_path / "conf", lake=tmp_path / "lake", var=tmp_path / "var")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `airflow` beside the interpreter that writes down how often it was called, and sets the database's form."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    script = bin_ / "airflow"
    script.write_text('#!/bin/sh\necho "$@" >> "$AIRFLOW_HOME/calls"\nexit ${FAIL:-0}\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(bin_ / "python"))
    return script


class TestEnvironment:
    def test_everything_listens_on_loopback(self, place: Place) -> None:
        seen = environment(place, 8123)
        assert seen["AIRFLOW__API__HOST"] == "127.0.0.1"
        assert seen["AIRFLOW__API__PORT"] == "8123"
        assert seen["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8123"

    def test_nobody_is_let_in_without_a_login(self, place: Place) -> None:
        seen = environment(place, 8123)
        assert seen["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
        assert seen["AIRFLOW__CORE__AUTH_MANAGER"] == "corpusgate_airflow.auth.StrictAuthManager"
        assert seen["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == accounts.as_setting()

    def test_no_password_is_in_the_environment_or_on_a_command_line(self, place: Place) -> None:
        services = Services(place)
        secrets = accounts.passwords(services.passwords).values()
        words = [*environment(place, 1).values(), *(w for args in COMPONENTS.values() for w in args)]
        assert not [w for w in words if any(s in w for s in secrets)]

    def test_airflow_settings_of_the_caller_do_not_reach_ours(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "somebody's database")
        monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
        monkeypatch.setenv("AIRFLOW_CONFIG", "/elsewhere/airflow.cfg")
        seen = environment(place, 1)
        assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" not in seen
        assert "AIRFLOW_CONFIG" not in seen
        assert seen["AIRFLOW_HOME"] == str(place.var / "airflow")

    def test_connections_of_the_caller_do(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        assert '"host":"local[2]"' in environment(place, 1)["AIRFLOW_CONN_SPARK_DEFAULT"]
        monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", '{"conn_type":"spark","host":"yarn"}')
        assert environment(place, 1)["AIRFLOW_CONN_SPARK_DEFAULT"] == '{"conn_type":"spark","host":"yarn"}'

    def test_tasks_reach_airflow_without_the_callers_proxy(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
        monkeypatch.setenv("NO_PROXY", "internal.example")
        monkeypatch.delenv("no_proxy", raising=False)
        assert environment(place, 1)["NO_PROXY"] == "internal.example,127.0.0.1,localhost"

    def test_java_and_spark_are_those_that_the_setup_found(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        tools = place.var / "tools"
        tools.mkdir(parents=True)
        (tools / "env.sh").write_text("# made\nexport JAVA_HOME=/opt/a\\ java\nexport SPARK_LOCAL_IP=127.0.0.1\n")
        assert environment(place, 1)["JAVA_HOME"] == "/opt/a java"

    def test_processes_carry_the_mark_by_which_they_are_found_after_a_crash(self, place: Place) -> None:
        assert environment(place, 1)[processes.MARK] == Services(place).mark


class TestFingerprint:
    def test_is_the_same_in_another_shell(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        before = fingerprint(place)
        monkeypatch.setenv("TERM", "other")
        monkeypatch.setenv("PATH", "/other")
        assert fingerprint(place) == before

    @pytest.mark.parametrize("file", ["jobs/corpusgate/rules.py", "infra/airflow/new.py"])
    def test_changes_with_the_code_that_a_running_component_holds(self, place: Place, file: str) -> None:
        before = fingerprint(place)
        (place.home / file).write_text("one = 2\n")
        assert fingerprint(place) != before

    def test_changes_with_a_connection(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        before = fingerprint(place)
        monkeypatch.setenv("AIRFLOW_CONN_CORPUSGATE_NOTIFY", "https://notices.example")
        assert fingerprint(place) != before


class TestMigration:
    def test_runs_for_a_new_database_and_not_again(self, place: Place, command: Path) -> None:
        services = Services(place)
        services.logs.mkdir(parents=True)
        for _ in range(2):
            services.migrate(environment(place, 1))
        assert (services.home / "calls").read_text() == "db migrate\n"

    def test_runs_when_the_database_has_another_form(self, place: Place, command: Path) -> None:
        services = Services(place)
        services.logs.mkdir(parents=True)
        services.migrate(environment(place, 1))
        with closing(sqlite3.connect(services.home / "airflow.db")) as database:
            database.execute("CREATE TABLE alembic_version (version_num TEXT)")
            database.execute("INSERT INTO alembic_version VALUES ('older')")
            database.commit()
        services.migrate(environment(place, 1))
        assert (services.home / "calls").read_text() == "db migrate\n" * 2

    def test_failure_names_its_log(self, place: Place, command: Path) -> None:
        services = Services(place)
        services.logs.mkdir(parents=True)
        with pytest.raises(UserError, match=r"migrate\.log"):
            services.migrate({**environment(place, 1), "FAIL": "1"})


def test_port_of_the_last_start_is_remembered(place: Place, command: Path) -> None:
    services = Services(place)
    assert services.port() is None
    command.write_text("#!/bin/sh\nexec sleep 30\n")
    (services.home / "run").mkdir(parents=True)
    services.home.joinpath("port.json").write_text('{"port": 18080}')
    assert services.port() == 18080
    assert services.url == "http://127.0.0.1:18080"


def test_all_components_start_and_stop_and_nothing_is_left(place: Place, command: Path) -> None:
    command.write_text('#!/bin/sh\n[ "$1" = db ] && exit 0\nexec sleep 60\n')
    services = Services(place)
    services.prepare(18123)
    services.start(18123)
    try:
        assert set(services.running()) == set(COMPONENTS)
        assert services.is_current()
    finally:
        said = services.stop()
    assert len(said) == len(COMPONENTS)
    assert services.running() == {}
    assert processes.marked(services.mark) == []
    assert not services.is_current()
    assert services.port() == 18123


def test_stop_after_a_crash_ends_what_the_dead_components_left(place: Place, command: Path) -> None:
    command.write_text('#!/bin/sh\n[ "$1" = db ] && exit 0\nsleep 60 &\nwait\n')
    services = Services(place)
    services.prepare(18124)
    services.start(18124)
    ends = time.monotonic() + 30
    while len(processes.marked(services.mark)) < 2 * len(COMPONENTS) and time.monotonic() < ends:
        time.sleep(0.05)  # on a busy machine a component takes a moment to start the one that it leaves behind
    for process in services.running().values():
        process.kill()
        process.wait(5)
    assert processes.marked(services.mark) != []
    assert services.stop() == ["4 more that belonged to them (0 killed)"]
    assert processes.marked(services.mark) == []


def test_only_what_does_not_run_is_started(place: Place, command: Path) -> None:
    command.write_text('#!/bin/sh\n[ "$1" = db ] && exit 0\nexec sleep 60\n')
    services = Services(place)
    services.prepare(18125)
    try:
        services.start(18125, ["api-server"])
        first = services.running()
        services.start(18125)
        assert set(first) == {"api-server"}
        assert services.running()["api-server"] == first["api-server"]
        assert set(services.running()) == set(COMPONENTS)
    finally:
        services.stop()


@pytest.mark.parametrize(
    ("state", "found"), [("running", True), ("queued", True), ("success", False), ("failed", False)]
)
def test_run_that_has_not_ended_is_seen_in_the_database(place: Place, state: str, found: bool) -> None:
    services = Services(place)
    services.home.mkdir(parents=True)
    assert not services.has_open_runs("corpus_rebuild")
    with closing(sqlite3.connect(services.home / "airflow.db")) as database:
        database.execute("CREATE TABLE dag_run (dag_id TEXT, state TEXT)")
        database.execute("INSERT INTO dag_run VALUES ('corpus_rebuild', ?), ('other', 'running')", [state])
        database.commit()
    assert services.has_open_runs("corpus_rebuild") is found


def test_stop_where_nothing_runs_stops_nothing(place: Place) -> None:
    services = Services(place)
    assert services.stop() == []


def test_two_starts_of_one_installation_do_not_meet(place: Place) -> None:
    services = Services(place)
    with services.only_one(), pytest.raises(UserError, match="Another"), services.only_one(patience=0.1):
        pass
