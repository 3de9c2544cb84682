"""Airflow's four components: how they are set, started, found again and ended.

Not `airflow standalone`: that listens on all addresses and leaves its children behind. Everything here listens on the
loopback address alone, and of what the caller's environment says about Airflow only connections and variables count.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from corpusgate.errors import UserError
from corpusgate.lake.run import write_atomically
from corpusgate.serve import accounts, processes
from corpusgate.serve.ports import HOST, free_port
from corpusgate.settings.place import Place

#: Name -> arguments of `airflow`. Finished tasks' logs are read from their files: no log server is needed.
COMPONENTS: dict[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
#: Seconds that a component gets to end by itself: half of what `down` may take altogether.
PATIENCE = 8.0


@dataclass(frozen=True)
class Services:
    """The components of one installation and their files under `var/airflow`."""

    place: Place

    @property
    def home(self) -> Path:
        """AIRFLOW_HOME."""
        return self.place.var / "airflow"

    @property
    def logs(self) -> Path:
        """Logs of the components; those of the tasks lie beside them, in folders by DAG."""
        return self.home / "logs"

    @property
    def pids(self) -> Path:
        """One file a component."""
        return self.home / "run"

    @property
    def passwords(self) -> Path:
        """The file with the users' passwords."""
        return self.home / "passwords.json"

    @property
    def mark(self) -> str:
        """What our processes carry in their environment."""
        return str(self.home)

    def port(self) -> int | None:
        """The port of the last start."""
        try:
            return int(json.loads((self.home / "port.json").read_text("utf-8"))["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def url(self) -> str:
        """Address of the UI as last started."""
        return f"http://{HOST}:{self.port()}"

    def running(self) -> dict[str, psutil.Process]:
        """The components that live."""
        found = {name: processes.noted(name, self.pids) for name in COMPONENTS}
        return {name: process for name, process in found.items() if process}

    def is_current(self) -> bool:
        """Whether what runs was started with today's settings and code."""
        try:
            return (self.pids / "fingerprint").read_text("utf-8") == fingerprint(self.place)
        except OSError:
            return False

    def prepare(self, port: int) -> None:
        """Makes ready what the components find when they start: folders, passwords, port, database."""
        for folder in (self.home, self.logs, self.pids):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        accounts.passwords(self.passwords)
        write_atomically(self.home / "port.json", json.dumps({"port": port}))
        self.migrate(environment(self.place, port))

    def start(self, port: int, names: Iterable[str] = COMPONENTS) -> None:
        """Starts the components that do not run yet; they are not healthy when this returns."""
        given = environment(self.place, port)
        for name in names:
            if processes.noted(name, self.pids) is None:
                processes.start(name, [airflow(), *COMPONENTS[name]], given, self.logs, self.pids)
        write_atomically(self.pids / "fingerprint", fingerprint(self.place))

    def has_open_runs(self, dag: str) -> bool:
        """Whether a run of the DAG has not ended; for a start, when nobody serves that could be asked."""
        rows = _ask(
            self.home / "airflow.db",
            f"SELECT count(*) FROM dag_run WHERE dag_id = '{dag}' AND state IN ('running', 'queued')",
        )
        return bool(rows and rows[0][0])

    def migrate(self, given: dict[str, str]) -> None:
        """Brings the database to this Airflow's form. Asked of the file itself: the command costs seconds to say no.

        Raises:
            UserError: the migration failed; the message names its log.
        """
        stamp = self.pids / "migrated"
        now = f"{_airflow_version()} {_revision(self.home / 'airflow.db')}"
        if stamp.is_file() and stamp.read_text("utf-8") == now:
            return
        log = self.logs / "migrate.log"
        with log.open("ab") as file:
            done = subprocess.run(
                [airflow(), "db", "migrate"], env=given, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
            )
        if done.returncode:
            raise UserError(
                f"Airflow's database could not be prepared; {log} says why. Removing {self.home} starts anew."
            )
        write_atomically(stamp, f"{_airflow_version()} {_revision(self.home / 'airflow.db')}")

    def stop(self) -> list[str]:
        """Ends the components and everything that carries our mark; returns a line for each thing that was ended."""
        said = []
        running = self.running()
        killed = {p.pid for p in processes.end(running.values(), PATIENCE)}
        said += [f"{n} (process {p.pid}{', killed' if p.pid in killed else ''})" for n, p in running.items()]
        left = processes.marked(self.mark)
        if left:
            killed = {p.pid for p in processes.end(left, 3.0)}
            # what a killed one started meanwhile
            processes.end(processes.marked(self.mark), 1.0)
            said.append(f"{len(left)} more that belonged to them ({len(killed)} killed)")
        for name in (*COMPONENTS, "fingerprint"):
            for file in (self.pids / name, self.pids / f"{name}.json"):
                file.unlink(missing_ok=True)
        return said

    def choose_port(self) -> int:
        """The port of the last start where it is still free (bookmarks stay valid), else the next free one."""
        return free_port(self.port() or int(os.environ.get("CORPUSGATE_PORT", "8080")))

    @contextmanager
    def only_one(self, patience: float = 180.0) -> Generator[None]:
        """Keeps two starts or stops of one installation apart; the second waits for the first.

        Raises:
            UserError: the other one takes longer than `patience` seconds.
        """
        import fcntl

        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "lock").open("w") as file:
            until = monotonic() + patience
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if monotonic() > until:
                        raise UserError("Another `corpusgate up` or `down` is at work here; wait for it.") from None
                    sleep(0.3)
            yield


def airflow() -> str:
    """The `airflow` command beside our own interpreter."""
    return str(Path(sys.executable).parent / "airflow")


def environment(place: Place, port: int) -> dict[str, str]:
    """Everything that the components, and so the tasks, see: the caller's environment with our settings over it."""
    passed_on = ("AIRFLOW_CONN_", "AIRFLOW_VAR_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_") or k.startswith(passed_on)}
    here = settings(place, port)
    no_proxy = ",".join(filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), HOST, "localhost"]))
    return {
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type":"spark","host":"local[2]"}',
        **tools(place),
        **kept,
        **here,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(filter(None, [here["PYTHONPATH"], kept.get("PYTHONPATH")])),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
    }


def settings(place: Place, port: int) -> dict[str, str]:
    """What we set, whatever the caller's environment says."""
    ours, home = place.home / "infra" / "airflow", place.var / "airflow"
    return {
        processes.MARK: str(home),
        "SPT_NOENV": "1",  # else Airflow's processes write their titles over the environment that we find them by
        "CORPUSGATE_HOME": str(place.home),
        "CORPUSGATE_CONF": str(place.conf),
        "CORPUSGATE_LAKE": str(place.lake),
        "GX_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": str(ours),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://{HOST}:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_FOLDER": str(place.home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ours / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__AUTH_MANAGER": "corpusgate_airflow.auth.StrictAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": accounts.as_setting(),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        # On a busy machine tasks were lost before they began: the worker had waited only five seconds for an answer.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def fingerprint(place: Place) -> str:
    """SHA-256 over what a running component has read already: settings, our code, the lock."""
    given = {
        k: v for k, v in os.environ.items() if k.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_", "CORPUSGATE_", "SPARK_"))
    }
    digest = hashlib.sha256(json.dumps([settings(place, 0), given], sort_keys=True).encode())
    files = [*(place.home / "jobs").rglob("*.py"), *(place.home / "infra" / "airflow").rglob("*.py")]
    for path in (*sorted(files), place.home / "requirements.lock"):
        if path.is_file():
            digest.update(b"\0" + str(path).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def tools(place: Place) -> dict[str, str]:
    """Java and Spark as `make setup` found them."""
    path = place.var / "tools" / "env.sh"
    if not path.is_file():
        return {}
    lines = [shlex.split(line)[1:] for line in path.read_text("utf-8").splitlines() if line.startswith("export ")]
    return dict(word.split("=", 1) for words in lines for word in words if "=" in word)


def _revision(database: Path) -> str:
    """The form that the database says it has; empty when there is none."""
    return " ".join(sorted(row[0] for row in _ask(database, "SELECT version_num FROM alembic_version")))


def _ask(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of the database's own file; none where there is no such file or table."""
    if not database.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=5)) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.Error:
        return []


def _airflow_version() -> str:
    from importlib.metadata import version

    return version("apache-airflow-core")
