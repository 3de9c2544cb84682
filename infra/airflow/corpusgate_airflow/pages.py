"""The evidence of a run as a page inside Airflow's web server, behind Airflow's login.

Airflow mounts an application of a plugin without any login: each route here asks for one itself. A page may show words
that came from a corpus; it is therefore served with a content policy under which no script runs at all.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from corpusgate.lake.run import safe_name
from corpusgate.settings.place import find_place
from corpusgate_airflow.links import DAG_ID
from corpusgate_airflow.review.waiting import chosen

if TYPE_CHECKING:
    from corpusgate.settings.place import Place

#: The same characters that Airflow allows in a run's id.
RUN_ID_PATTERN = r"^[A-Za-z0-9_.~:+-]{1,250}$"
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


@cache
def application() -> FastAPI:
    """The pages as one application; made once a process."""
    may_read = Depends(requires_access_dag("GET", DagAccessEntity.RUN, DAG_ID))
    app = FastAPI(title="corpusgate evidence", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[may_read])
    app.add_exception_handler(StarletteHTTPException, to_login)

    # A plain function, so that reading files does not stop the server's loop.
    @app.get("/run", response_class=HTMLResponse)
    def page(user: GetUserDep, run: str = Query(pattern=RUN_ID_PATTERN)) -> Response:
        """The evidence of one run: the verdicts and the accounting of its steps."""
        return as_response(draw(find_place(), run))

    @app.get("/annotation.html", response_class=HTMLResponse)
    def annotation(user: GetUserDep, run: str = Query(pattern=RUN_ID_PATTERN)) -> Response:
        """The annotation of the run's corpus as it stood then: people, batches, agreement."""
        return as_response(drawn_of_annotation(find_place(), run))

    return app


def drawn_of_annotation(place: Place, run_id: str) -> str:
    """The annotation page of a run that left one.

    Raises:
        HTTPException: 404 when there is no such run, or it left none.
    """
    known = {e.name: e for e in place.runs.iterdir()} if place.runs.is_dir() else {}
    folder = known.get(safe_name(run_id))
    if folder is None or not (folder / "annotation.html").is_file():
        raise HTTPException(404, f"The run {run_id} left no annotation page: nothing was annotated for its corpus.")
    return (folder / "annotation.html").read_text("utf-8")


def draw(place: Place, run_id: str) -> str:
    """The page of a run that exists.

    Raises:
        HTTPException: 404 when the lake knows no such run. The id names a folder only after it was found in the list
            of folders: a made-up one cannot lead anywhere.
    """
    from corpusgate.evidence.page import frozen

    known = {entry.name for entry in place.runs.iterdir() if entry.is_dir()} if place.runs.is_dir() else set()
    if safe_name(run_id) not in known:
        raise HTTPException(404, f"No step of the run {run_id} has ended yet, or there is no such run.")
    return frozen(place, _judged_as(place, run_id, known))


def _judged_as(place: Place, run_id: str, known: set[str]) -> str:
    """The run under which the verdicts of this one stand: a filing's are those of its release, whoever asked."""
    from corpusgate.review.filing import filing_run_id

    release = chosen(place, run_id)
    judged = filing_run_id(release) if release else run_id
    return judged if safe_name(judged) in known else run_id


def as_response(html: str, status: int = 200) -> HTMLResponse:
    """The page with its content policy: its own style sheets by hash, nothing else, no script, no other site."""
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in _STYLE.findall(html)]
    styles = " ".join(f"'sha256-{d}'" for d in digests) or "'none'"
    return HTMLResponse(
        html,
        status_code=status,
        headers={
            "Content-Security-Policy": (
                f"default-src 'none'; style-src {styles}; img-src data:; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'self'"
            ),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        },
    )


async def to_login(request: Request, error: Exception) -> Response:
    """Sends a browser without a valid login to the login page and from there back; tells others the bare status."""
    assert isinstance(error, StarletteHTTPException)
    wants_page = "text/html" in request.headers.get("accept", "")
    if wants_page and (error.status_code == 401 or error.detail == "Invalid JWT token"):
        from airflow.api_fastapi.app import get_auth_manager

        return RedirectResponse(get_auth_manager().get_url_login(next_url=str(request.url)), status_code=303)
    if wants_page:
        return as_response(_PLAIN.format(status=error.status_code, detail=escape(str(error.detail))), error.status_code)
    return JSONResponse({"detail": error.detail}, status_code=error.status_code)


_PLAIN = (
    '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>corpusgate {status}</title>'
    "<style>body{{font:16px/1.5 sans-serif;margin:2rem;max-width:40rem}}</style><p>{detail}</p></html>"
)
