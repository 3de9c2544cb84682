"""Driving Airflow through its REST interface: a small client, since a start of the `airflow` command costs seconds."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from corpusgate.errors import CorpusgateError

#: States in which Airflow leaves a run or a task for good.
ENDED_RUN = frozenset({"success", "failed"})
ENDED_TASK = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
#: How the command line begins the one paragraph in which it gives up.
OURS = "corpusgate: "


class AirflowRefused(CorpusgateError):
    """Airflow answered, but not what was asked for; the message holds its status and words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class AirflowAway(CorpusgateError):
    """Nobody answers at the address."""


@dataclass
class Airflow:
    """One Airflow at `url`, as one user. A token that has run out is renewed once by itself."""

    url: str
    user: str
    password: str = field(repr=False)
    _token: str | None = field(default=None, repr=False)

    def health(self) -> dict[str, str]:
        """Component -> 'healthy', 'unhealthy' or None as Airflow says; needs no login."""
        answer = self._call("GET", "/api/v2/monitor/health", login=False)
        return {name: about.get("status") for name, about in answer.items() if isinstance(about, dict)}

    def import_errors(self) -> list[str]:
        """Why DAG files could not be read."""
        return [e["stack_trace"] for e in self._call("GET", "/api/v2/importErrors")["import_errors"]]

    def has_dag(self, dag: str) -> bool:
        """Whether the DAG has been read."""
        try:
            self._call("GET", f"/api/v2/dags/{dag}")
        except AirflowRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    def unpause(self, dag: str) -> None:
        """Lets the DAG's schedule and its runs go."""
        self._call("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})

    def trigger(self, dag: str, conf: dict[str, Any], note: str) -> str:
        """Starts a run; returns its id."""
        body = {"logical_date": None, "conf": conf, "note": note[:1000]}
        return self._call("POST", f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"]

    def run(self, dag: str, run_id: str) -> dict[str, Any]:
        """The run: `state`, `run_type`, `run_after`, `conf` and more."""
        return self._call("GET", _run_path(dag, run_id))

    def open_runs(self, dag: str) -> list[dict[str, Any]]:
        """Runs that have not ended, oldest first."""
        query = urlencode([("state", "running"), ("state", "queued"), ("order_by", "run_after"), ("limit", "100")])
        return self._call("GET", f"/api/v2/dags/{dag}/dagRuns?{query}")["dag_runs"]

    def tasks(self, dag: str, run_id: str) -> list[dict[str, Any]]:
        """All task instances of a run: `task_id`, `map_index`, `rendered_map_index`, `state`, `try_number`."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"limit": 100, "offset": len(found)})
            page = self._call("GET", f"{_run_path(dag, run_id)}/taskInstances?{query}")
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def note(self, dag: str, run_id: str, text: str) -> None:
        """Writes the note (Markdown, at most 1,000 characters) that the UI shows under the run's title."""
        self._call("PATCH", _run_path(dag, run_id), {"note": text[:1000]})

    def task_note(self, dag: str, run_id: str, task: str, text: str) -> None:
        """Writes a task's note."""
        self._call("PATCH", f"{_run_path(dag, run_id)}/taskInstances/{quote(task)}", {"note": text[:1000]})

    def why(self, dag: str, run_id: str, task: dict[str, Any]) -> str:
        """What a failed task's log gives as the reason: the words of corpusgate where it said some, else the fault."""
        number, index = task.get("try_number") or 1, task.get("map_index", -1)
        log = f"{_run_path(dag, run_id)}/taskInstances/{quote(task['task_id'])}/logs/{number}"
        lines = self._call("GET", f"{log}?full_content=true&map_index={index}")["content"]
        faults = [d for line in lines if isinstance(line, dict) for d in line.get("error_detail") or []]
        said = [part.strip() for part in str(faults[-1].get("exc_value")).splitlines()] if faults else []
        ours = [part.removeprefix(OURS) for part in said if part.startswith(OURS)]
        return (ours or [part for part in said if part] or ["no reason in its log"])[-1]

    def fail(self, dag: str, run_id: str) -> None:
        """Marks a run as failed; Airflow then ends its tasks within seconds."""
        self._call("PATCH", _run_path(dag, run_id), {"state": "failed"})

    def _login(self) -> None:
        answer = self._send("POST", "/auth/token", {"username": self.user, "password": self.password}, None)
        self._token = answer["access_token"]

    def _call(self, method: str, path: str, body: Any = None, *, login: bool = True) -> Any:
        if not login:
            return self._send(method, path, body, None)
        if self._token is None:
            self._login()
        try:
            return self._send(method, path, body, self._token)
        except AirflowRefused as error:
            if error.status not in (401, 403):
                raise
        self._login()
        return self._send(method, path, body, self._token)

    def _send(self, method: str, path: str, body: Any, token: str | None) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with _DIRECT.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read().decode("utf-8", "replace")[:500]
            raise AirflowRefused(
                error.code, f"Airflow at {self.url} answered {error.code} to {method} {path}: {said}"
            ) from None
        except (urllib.error.URLError, OSError) as error:
            raise AirflowAway(f"Nobody answers at {self.url}: {getattr(error, 'reason', error)}.") from None
        return json.loads(text) if text else None


#: The machine's own address is never asked for through a proxy.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _run_path(dag: str, run_id: str) -> str:
    return f"/api/v2/dags/{dag}/dagRuns/{quote(run_id, safe='')}"
