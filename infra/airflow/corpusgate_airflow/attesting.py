"""The form for attestations in Airflow: who started the run is who vouches.

Airflow knows the person (`triggering_user_name` of the run is set by the server from the login, not from what was
sent); `conf/roles.yaml` knows what that person may speak as. Nothing in the form can change either, and a run that
another person clears later still speaks for the one who started it.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.errors import LakeBusy, UserError
from corpusgate.settings.model import ID_PATTERN
from corpusgate.settings.place import find_place

log = logging.getLogger(__name__)

#: The form: what Airflow shows, and refuses, before anything runs.
FORM: dict[str, Param] = {
    "control": Param(
        "", type="string", minLength=1, maxLength=80, title="Control", description="id, clause or old number"
    ),
    "scope": Param(
        "", type="string", pattern=ID_PATTERN, title="Scope", description="a source, a release or a corpus, by its id"
    ),
    "role": Param(
        "reviewer", type="string", enum=["annotation_lead", "counsel", "lead", "reviewer", "security"], title="Role",
        description="as what you speak; the control says which role it wants",
    ),
    "statement": Param(
        "", type="string", maxLength=2000, title="Statement", description="what you vouch for", format="multiline"
    ),
    "document": Param(
        "", type="string", pattern=r"^[^/\\]{0,200}$", title="Document",
        description="file name in the folder for documents, or the SHA-256 of one that is recorded",
    ),
    "binds_to": Param(
        "", type="string", pattern=r"^([0-9a-f]{16,64}|[a-z0-9-]{0,63})$", title="Binds to",
        description="hash of the content that you looked at; empty: what the scope holds now",
    ),
    "waive": Param(False, type="boolean", title="Waive", description="let the control pass although it does not hold"),
    "until": Param(
        None, type=["null", "string"], format="date", title="Until", description="its last day; a waiver needs one"
    ),
    "because": Param("", type="string", maxLength=2000, title="Because", description="a waiver needs a reason"),
}  # fmt: skip


def attest() -> str:
    """Records the word of the person who started this run; returns the id of the row.

    Raises:
        AirflowFailException: nobody started it, the person may not speak so, or the word could not hold. Final: the
            same form would be refused again.
    """
    from corpusgate.gates.attest import Word, inbox_of
    from corpusgate.gates.attest import attest as record

    context = get_current_context()
    run, given = context["dag_run"], dict(context["params"])
    person = person_of(run)
    place = find_place()
    try:
        end = datetime.fromisoformat(given["until"]).replace(tzinfo=UTC) if given["until"] else None
        word = Word(
            given["control"], given["scope"], given["statement"], person, given["role"], given["document"] or None,
            given["binds_to"] or None, given["waive"], end, given["because"] or None,
        )  # fmt: skip
        told = record(place, word, run.run_after, inbox=inbox_of(place))
    except LakeBusy:
        raise  # a step is writing: worth the retry
    except (UserError, ValueError) as error:
        raise AirflowFailException(str(error)) from None
    row = told.row
    log.info(
        "%s (%s) %s %s for %s, bound to %s, until %s: %s", row["by"], row["role"],
        "waives" if row["waiver"] else "attests", told.control.clause, row["scope"], row["binds_to"],
        row["expires_at"] or "the content changes", row["attestation_id"],
    )  # fmt: skip
    return row["attestation_id"]


def person_of(run: Any) -> str:
    """The login of who started the run.

    Raises:
        AirflowFailException: nobody is known to have.
    """
    name = getattr(run, "triggering_user_name", None)
    if not name:
        raise AirflowFailException(
            "Nobody is known to have started this run, so nobody speaks. Start it from the form, logged in."
        )
    return name
