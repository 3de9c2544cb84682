"""Who may do what on the review page: Airflow's login says who it is, `conf/roles.yaml` and the assignments say what.

A role of Airflow opens nothing here: a `viewer` who holds the role reviewer judges what was given to him or her, an
`op` who was given nothing sees nothing.
"""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request

from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles

#: Who reads every sample and writes nothing.
READS_ALL = "assessor"
#: What a script of ours sends and a form of another site cannot.
HEADER, VALUE = "x-corpusgate", "review"


def name_of(user: Any) -> str:
    """The name under which a person logged in."""
    return str(user.get_id())


def reads_all(place: Place, person: str) -> bool:
    """Whether the person is an assessor."""
    return READS_ALL in load_roles(place).users.get(person, ())


def from_our_page(request: Request) -> None:
    """Refuses what another site made a browser send: the cookie alone is not enough.

    A header of one's own and JSON need the browser's leave for another origin, which nobody gives it here.

    Raises:
        HTTPException: 403.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    ours = request.headers.get(HEADER) == VALUE and site in ("same-origin", "none")
    plain = request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    if request.method != "GET" and not (ours and plain):
        raise HTTPException(403, "This must come from the review page itself.")
