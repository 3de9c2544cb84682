"""The review page as an application that Airflow mounts: pages, items, verdicts.

Every route asks for Airflow's login itself. What a person may see or say is decided by the review room of the core; the
texts go out as JSON and reach the page as text. The content policy allows our own files and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from corpusgate.errors import CorpusgateError, UserError
from corpusgate.settings.place import find_place
from corpusgate_airflow.links import FILING_DAG, REVIEW_PREFIX
from corpusgate_airflow.pages import RUN_ID_PATTERN, to_login
from corpusgate_airflow.review import access, room, words
from corpusgate_airflow.review.clock import Shown

STATIC = Path(__file__).parent / "static"
FILES = {"review.css": "text/css", "review.js": "text/javascript", "keys.js": "text/javascript"}
SAMPLE_ID = r"^[0-9a-f]{16}$"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}  # fmt: skip
_SHOWN = Shown()

SampleId = Annotated[str, Query(pattern=SAMPLE_ID)]


class Said(BaseModel):
    """What the page sends: a verdict on the text that was shown."""

    model_config = ConfigDict(extra="forbid")

    verdict: str = Field(pattern="^(good|bad)$")
    risks: list[str] = Field(default=[], max_length=31)
    comment: str = Field(default="", max_length=2000)
    seconds: float = Field(ge=0, allow_inf_nan=False)
    released_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Nothing(BaseModel):
    """An empty message."""

    model_config = ConfigDict(extra="forbid")


@cache
def application() -> FastAPI:
    """The pages as one application; made once a process."""
    logged_in = Depends(requires_access_dag("GET", DagAccessEntity.RUN, FILING_DAG))
    app = FastAPI(
        title="corpusgate review", docs_url=None, redoc_url=None, openapi_url=None,
        dependencies=[logged_in, Depends(access.from_our_page)],
    )  # fmt: skip
    app.add_exception_handler(StarletteHTTPException, to_login)
    app.add_exception_handler(CorpusgateError, _told)
    app.middleware("http")(_with_headers)
    _pages(app)
    _reading(app)
    _writing(app)
    return app


def _pages(app: FastAPI) -> None:
    @app.get("/", response_class=HTMLResponse)
    def samples(user: GetUserDep) -> Response:
        """The samples that the person may open."""
        place, person = find_place(), access.name_of(user)
        everything = access.reads_all(place, person)
        listed = room.listed(place, person, everything)
        return _page("list.html.j2", samples=listed, user=person, reads_all=everything, words=words.VERDICTS)

    @app.get("/sample", response_class=HTMLResponse)
    def one(user: GetUserDep, id: SampleId) -> Response:
        """The page of one sample; its items come by the script."""
        opened = room.opened(find_place(), id, access.name_of(user))
        return _page(
            "item.html.j2", sample=opened.row, may_write=opened.may_write, groups=words.GROUPS, keys=words.KEYS
        )

    @app.get("/run")
    def of_run(user: GetUserDep, run: str = Query(pattern=RUN_ID_PATTERN)) -> Response:
        """From a run's tab to the sample that it waits for, or to the list."""
        found = room.sample_of_run(find_place(), run, access.name_of(user))
        return RedirectResponse(f"{REVIEW_PREFIX}/sample?id={found}" if found else f"{REVIEW_PREFIX}/", 303)

    @app.get("/static/{name}")
    def static(user: GetUserDep, name: str) -> Response:
        """Our own style and scripts."""
        if name not in FILES:
            raise HTTPException(404, "No such file.")
        return FileResponse(STATIC / name, media_type=FILES[name])


def _reading(app: FastAPI) -> None:
    @app.get("/api/samples/{id}")
    def items(user: GetUserDep, id: str) -> dict[str, Any]:
        """The person's items in the order of the draw, each with his or her verdict, and how the sample stands."""
        opened = room.opened(find_place(), id, access.name_of(user))
        return {"items": opened.items(), "standing": opened.standing()}

    @app.get("/api/samples/{id}/items/{ordinal}")
    def item(user: GetUserDep, id: str, ordinal: int) -> dict[str, Any]:
        """One item with its released text."""
        person = access.name_of(user)
        found = room.opened(find_place(), id, person).item(ordinal)
        _SHOWN.show((person, id, ordinal))
        return {
            "ordinal": ordinal, "record_id": found.record_id, "released_sha256": found.released_sha256,
            "source_id": found.source_id, "language": found.language, "state": found.state, "text": found.text,
            "verdict": room.as_told(found.mine),
        }  # fmt: skip

    @app.get("/api/samples/{id}/items/{ordinal}/findings")
    def findings(user: GetUserDep, id: str, ordinal: int) -> dict[str, Any]:
        """Where the detectors found something, in the units that JavaScript counts text in."""
        found = room.opened(find_place(), id, access.name_of(user)).item(ordinal)
        at = utf16(found.text, [p for f in found.findings for p in (f.start, f.end)])
        return {"spans": [{"start": at[f.start], "end": at[f.end], "label": f.risk or f.rule} for f in found.findings]}


def _writing(app: FastAPI) -> None:
    @app.post("/api/samples/{id}/items/{ordinal}")
    def judge(user: GetUserDep, id: str, ordinal: int, said: Said) -> dict[str, Any]:
        """Keeps a verdict; when this answers, it is on disk."""
        person, opened = access.name_of(user), room.opened(find_place(), id, access.name_of(user))
        seconds = _SHOWN.bounded((person, id, ordinal), said.seconds)
        opened.judge(ordinal, said.verdict, said.risks, said.comment, said.released_sha256, seconds, _now())
        return opened.told() if said.verdict == "bad" or opened.is_done(ordinal) else {}

    @app.post("/api/samples/{id}/items/{ordinal}/undo")
    def undo(user: GetUserDep, id: str, ordinal: int, said: Nothing) -> dict[str, Any]:
        """Takes the person's verdict back."""
        opened = room.opened(find_place(), id, access.name_of(user))
        opened.undo(ordinal, _now())
        return {"standing": opened.standing()}

    @app.post("/api/samples/{id}/close")
    def close(user: GetUserDep, id: str, said: Nothing) -> dict[str, Any]:
        """Tells the waiting run again, where telling it failed."""
        return room.opened(find_place(), id, access.name_of(user)).told()


def utf16(text: str, positions: list[int]) -> dict[int, int]:
    """Code points -> UTF-16 units, for these positions of the text."""
    found, units = {0: 0}, 0
    for before, here in pairwise(sorted({0, *positions})):
        units += len(text[before:here].encode("utf-16-le", "surrogatepass")) // 2
        found[here] = units
    return found


def _page(name: str, **given: Any) -> HTMLResponse:
    return HTMLResponse(_environment().get_template(name).render(prefix=REVIEW_PREFIX, **given))


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined)


def _now() -> datetime:
    # a person's act, not a step: its time is the machine's
    return datetime.now(UTC)


async def _told(request: Request, error: Exception) -> Response:
    """A refusal of the review room in its own words."""
    refused = isinstance(error, UserError)
    if "text/html" in request.headers.get("accept", ""):
        return await to_login(request, StarletteHTTPException(403 if refused else 500, str(error)))
    return JSONResponse({"detail": str(error)}, 403 if refused else 500)


async def _with_headers(request: Request, go_on: Callable[[Request], Any]) -> Response:
    response: Response = await go_on(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
