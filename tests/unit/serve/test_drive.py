from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from corpusgate.serve.drive import Airflow, AirflowAway, AirflowRefused

Answer = tuple[int, Any]
TOKEN: Answer = (201, {"access_token": "T"})


class Desk:
    """A stand-in for Airflow's web server: `answer` decides, `asked` holds what came."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, str | None]] = []
        self.answer: Callable[[str, str, Any, str | None], Answer] = lambda *_: (200, {})
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                given = (self.command, self.path, body, self.headers.get("Authorization"))
                desk.asked.append(given)
                status, said = desk.answer(*given)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(said).encode())

            do_GET = do_POST = do_PATCH = do

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def airflow(desk: Desk) -> Airflow:
    return Airflow(desk.url, "engineer", "the-secret")


def test_logs_in_once_and_shows_the_token_from_then_on(desk: Desk, airflow: Airflow) -> None:
    desk.answer = lambda method, path, *_: TOKEN if path == "/auth/token" else (200, {})
    airflow.run("d", "r")
    airflow.run("d", "r")
    assert [(path, auth) for _, path, _, auth in desk.asked] == [
        ("/auth/token", None),
        ("/api/v2/dags/d/dagRuns/r", "Bearer T"),
        ("/api/v2/dags/d/dagRuns/r", "Bearer T"),
    ]


def test_token_that_ran_out_is_renewed_once(desk: Desk, airflow: Airflow) -> None:
    tokens = iter(["old", "new"])

    def answer(method: str, path: str, body: Any, auth: str | None) -> Answer:
        if path == "/auth/token":
            return 201, {"access_token": next(tokens)}
        return (200, {"state": "running"}) if auth == "Bearer new" else (401, {"detail": "Token Expired"})

    desk.answer = answer
    assert airflow.run("d", "r")["state"] == "running"


def test_refusal_carries_status_and_words(desk: Desk, airflow: Airflow) -> None:
    desk.answer = lambda method, path, *_: TOKEN if path == "/auth/token" else (400, {"detail": "no!"})
    with pytest.raises(AirflowRefused, match=r"400.*no!") as caught:
        airflow.trigger("d", {"corpus": "../x"}, "note")
    assert caught.value.status == 400


def test_nobody_there_is_told_apart_from_a_refusal(desk: Desk) -> None:
    gone = Airflow("http://127.0.0.1:1", "engineer", "the-secret")
    with pytest.raises(AirflowAway):
        gone.health()


def test_run_id_is_quoted_whole(desk: Desk, airflow: Airflow) -> None:
    desk.answer = lambda method, path, *_: TOKEN if path == "/auth/token" else (200, {})
    airflow.run("d", "manual__2026-01-01T00:00:00+00:00/../x")
    assert desk.asked[-1][1] == "/api/v2/dags/d/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00%2F..%2Fx"


def test_all_pages_of_tasks_are_read(desk: Desk, airflow: Airflow) -> None:
    every = [{"task_id": f"t{n}"} for n in range(250)]

    def answer(method: str, path: str, *_: Any) -> Answer:
        if path == "/auth/token":
            return 201, {"access_token": "T"}
        offset = int(path.rsplit("offset=", 1)[1])
        return 200, {"task_instances": every[offset : offset + 100], "total_entries": 250}

    desk.answer = answer
    assert airflow.tasks("d", "r") == every


def test_note_is_cut_to_what_airflow_takes(desk: Desk, airflow: Airflow) -> None:
    desk.answer = lambda method, path, *_: TOKEN if path == "/auth/token" else (200, {})
    airflow.note("d", "r", "x" * 5000)
    method, _, body, _ = desk.asked[-1]
    assert (method, len(body["note"])) == ("PATCH", 1000)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param("Cannot execute: spark-submit …\nWARNING: x\ncorpusgate: The table is gone. Restore it.",
                     "The table is gone. Restore it.", id="our own paragraph"),
        pytest.param("Cannot execute: spark-submit …\njava.lang.OutOfMemoryError", "java.lang.OutOfMemoryError",
                     id="a fault's last line"),
        pytest.param("", "no reason in its log", id="nothing"),
    ],
)  # fmt: skip
def test_reason_of_a_failed_task_is_found_in_its_log(desk: Desk, airflow: Airflow, words: str, reason: str) -> None:
    log = {"content": [{"event": "x"}, {"event": "failed", "error_detail": [{"exc_value": words}]}, {"event": "end"}]}
    desk.answer = lambda method, path, *_: TOKEN if path == "/auth/token" else (200, log)
    assert airflow.why("d", "r", {"task_id": "publish", "try_number": 2, "map_index": -1}) == reason
    assert desk.asked[-1][1] == "/api/v2/dags/d/dagRuns/r/taskInstances/publish/logs/2?full_content=true&map_index=-1"


def test_password_is_not_shown_when_the_client_is_printed(airflow: Airflow) -> None:
    assert "the-secret" not in repr(airflow)


def test_own_machine_is_asked_without_a_proxy(desk: Desk, airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    desk.answer = lambda *_: (200, {"scheduler": {"status": "healthy"}})
    assert airflow.health() == {"scheduler": "healthy"}
