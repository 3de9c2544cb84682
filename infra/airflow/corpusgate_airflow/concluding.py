"""The form for licence conclusions in Airflow: who started the run is who concludes, and only counsel may.

As with attestations (`attesting.py`), the name comes from the login and the role from `conf/roles.yaml`; what was sent
can change neither.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, time
from typing import Any

from airflow.sdk import Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.errors import LakeBusy, UserError
from corpusgate.settings.model import ID_PATTERN
from corpusgate.settings.place import find_place
from corpusgate_airflow.attesting import person_of

log = logging.getLogger(__name__)

#: Who may say which licence holds.
ROLE = "counsel"

#: The form: what Airflow shows, and refuses, before anything runs.
FORM: dict[str, Param] = {
    "source": Param("", type="string", pattern=ID_PATTERN, title="Source", description="its id"),
    "part": Param(
        "", type="string", pattern=f"^$|{ID_PATTERN}", maxLength=64, title="Part",
        description="licence part, where the source has several",
    ),
    "expression": Param(
        "", type="string", minLength=1, maxLength=300, title="Expression",
        description="SPDX expression that holds; NOASSERTION takes a conclusion back",
    ),
    "because": Param(
        "", type="string", minLength=1, maxLength=2000, title="Because", format="multiline",
        description="what was read or agreed, where, and why it allows the use",
    ),
    "note": Param("", type="string", maxLength=2000, title="Note", description="shown beside the conclusion"),
    "valid_from": Param(
        None, type=["null", "string"], format="date", title="Valid from", description="empty: since first acquired"
    ),
    "until": Param(
        None, type=["null", "string"], format="date", title="Until",
        description="its last day; the day after the source waits again. Empty: no end",
    ),
    "definitive": Param(
        False, type="boolean", title="Definitive", description="enough for filing too; else it is provisional"
    ),
}  # fmt: skip


def conclude() -> str:
    """Records what the person who started this run concludes; returns source, part and expression as recorded.

    Raises:
        AirflowFailException: nobody started it, the person may not conclude, or the word is none. Final: the same form
            would be refused again.
    """
    from corpusgate.settings.roles import load_roles
    from corpusgate.sources.conclude import Word, after
    from corpusgate.sources.conclude import conclude as record

    context = get_current_context()
    run, given = context["dag_run"], dict(context["params"])
    person, place = person_of(run), find_place()
    try:
        load_roles(place).check(person, ROLE)
        word = Word(
            given["expression"], person, ROLE, given["because"], (given["note"],) if given["note"] else (),
            _start(given["valid_from"]), given["definitive"], after(given["until"]) if given["until"] else None,
        )  # fmt: skip
        told = record(place, given["source"], word, run.run_after, given["part"] or None)
    except LakeBusy:
        raise  # a step is writing: worth the retry
    except (UserError, ValueError) as error:
        raise AirflowFailException(str(error)) from None
    _say(told, given["source"])
    return f"{given['source']} {told.row['part']} {told.row['concluded']}"


def _start(day: str | None) -> datetime | None:
    return datetime.combine(date.fromisoformat(day), time(), UTC) if day else None


def _say(told: Any, source: str) -> None:
    row = told.row
    log.info(
        "%s %s: %s by %s (%s), from %s until %s, %s", source, row["part"], row["concluded"], row["concluded_by"],
        row["concluded_role"], row["valid_from"], row["valid_to"] or "further notice",
        "provisional" if row["provisional"] else "definitive",
    )  # fmt: skip
    for corpus, result in told.outlook.items():
        log.info("corpus %s: the next rebuild says %s: %s", corpus, result.facts["verdict"], result.because)
