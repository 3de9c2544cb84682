"""What the DAG `release_filing` does: choose a frozen release, count what people said of it, have it judged and signed.

The tasks are wires: what is true stands in the lake (verdicts, signatures), and each task reads it there anew. A task
that somebody set green by hand, or an XCom that was edited, changes nothing. Logs and XComs hold ids and counts.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any

from airflow.sdk import Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.errors import LakeBusy, UserError
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.model import ID_PATTERN
from corpusgate.settings.place import Place, find_place
from corpusgate_airflow.review.waiting import CHOSEN, chosen
from corpusgate_airflow.steps import account, say

log = logging.getLogger(__name__)

CHANNEL = "filing"
FORM: dict[str, Param] = {
    "corpus": Param(
        "demo", type="string", pattern=ID_PATTERN, title="Corpus", description="stem of a file in conf/corpora"
    ),
    "release": Param(
        "", type="string", pattern=r"^([a-z0-9][a-z0-9-]{0,62}-[0-9a-f]{12})?$", title="Release",
        description="a frozen candidate or a release of trial; empty: the newest of the corpus",
    ),
    "reviewers": Param(
        "", type="string", pattern=r"^[A-Za-z0-9._@, -]{0,500}$", title="Reviewers",
        description="names, with commas, to whom samples go that nobody has yet; empty: all who hold the role reviewer",
    ),
}  # fmt: skip


def choose() -> None:
    """Settles which release this run is about, and gives its samples to people where nobody has them yet.

    Raises:
        AirflowFailException: no such release, or who started the run may not give samples out.
    """
    context, run = get_current_context(), _run()
    given = dict(context["params"])
    try:
        release_id = given["release"] or newest(run.place, run.corpus.id)
        samples = give_out(run, release_id, _person(context), given["reviewers"])
    except LakeBusy:
        raise  # a rebuild is writing: worth the retry
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    run.write(
        StepResult(
            step=CHOSEN, unit="sample", rows_in=len(samples), kept=len(samples),
            facts={"release_id": release_id, "samples": samples},
        )
    )  # fmt: skip
    log.info("%s is to be filed; samples for people: %s", release_id, ", ".join(samples) or "none")


def newest(place: Place, corpus: str) -> str:
    """The newest frozen candidate of the corpus.

    Raises:
        UserError: it has none.
    """
    found: list[tuple[datetime, str]] = []
    for manifest in (place.lake / "candidates").glob(f"{corpus}-*/manifest.json"):
        about = json.loads((manifest.parent / "run.json").read_text("utf-8"))
        if manifest.parent.name[:-13] == corpus:  # twelve hex digits and a hyphen
            found.append((datetime.fromisoformat(about["at"]), manifest.parent.name))
    if not found:
        raise UserError(f"The corpus {corpus} has no frozen candidate yet: run the DAG corpus_rebuild over it first.")
    return max(found)[1]


def give_out(run: Run, release_id: str, by: str, reviewers: str) -> list[str]:
    """The ids of the release's samples for people; those that nobody has are given to `reviewers`, or by default to
    everybody who holds the role.

    Raises:
        UserError: the release is of another corpus, or `by` may not give samples out.
    """
    from corpusgate.gates.reviewed import in_force_samples
    from corpusgate.release.verify import manifest_of
    from corpusgate.review import assignments
    from corpusgate.review.desk import given_of
    from corpusgate.settings.roles import load_roles

    if manifest_of(run.place, release_id)["corpus"] != run.corpus.id:
        raise UserError(f"{release_id} is no release of {run.corpus.id}.")
    named = [name.strip() for name in reviewers.split(",") if name.strip()]
    people = named or load_roles(run.place).holders(assignments.JUDGES)
    samples = [s["sample_id"] for s in in_force_samples(run.place, release_id)]
    for sample in samples:
        if not given_of(run.place, sample).people:
            fresh = assignments.assign(run.place, sample, people, by, run.at)
            log.info("Sample %s is given to %s", sample, ", ".join(fresh))
    return samples


def recount() -> None:
    """Counts the verdicts of people from the tables, whoever said that they suffice.

    Raises:
        AirflowFailException: they do not: the answer was wrong or the state was set by hand.
    """
    from corpusgate.review.filing import waits_for
    from corpusgate.review.fold import fold

    run, release_id = _run(), release_of_run()
    folded = fold(run.place, run.id)
    wait = waits_for(run.place, release_id)
    for sample in wait.samples:
        log.info(
            "Sample %s: %d of %d decided, %d bad, %d open, %d void; agreement kappa %s", sample.sample_id,
            sample.decided, sample.needed, sample.bad, sample.open, sample.void, sample.kappa_said,
        )  # fmt: skip
    if not wait.enough and not wait.lost:
        missing = ", ".join(f"{s.sample_id} ({s.decided} of {s.needed})" for s in wait.samples if not s.enough)
        raise AirflowFailException(
            f"The verdicts do not suffice, whatever was answered: {missing}. Let people go on with the review page, "
            "then clear the task `reviews` of this run: it waits again, and nothing that was said is lost."
        )
    log.info("%d verdicts brought into the table review; %s may be judged", folded, release_id)


def gate() -> list[str]:
    """Judges the release for filing; returns the roles that have to sign.

    Raises:
        AirflowFailException: a control keeps it from filing; the log says which and what to do.
    """
    from corpusgate.review.filing import filing_run_id, judge
    from corpusgate.settings.roles import load_roles

    run, release_id = _run(), release_of_run()
    try:
        result = judge(run.place, release_id, now())
    except LakeBusy:
        raise
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    log.info(account(result))
    blocked = result.facts["blocked"].get(CHANNEL, [])
    for row in result.facts["verdicts"]:
        (log.error if row["control_id"] in blocked else log.info)("%s", say(run, row))
    if blocked:
        raise AirflowFailException(
            f"{release_id} is not filed: {len(blocked)} controls keep it from {CHANNEL}: {', '.join(blocked)}. Their "
            f"lines above say what to do; all verdicts: /corpusgate/run?run={filing_run_id(release_id)}. When they are "
            "met, clear this task."
        )
    return list(load_roles(run.place).signoff.get(CHANNEL, ()))


def release_of_run(run_id: str | None = None) -> str:
    """The release that this run is about, as its first task settled it; also a macro of the DAG.

    Raises:
        AirflowFailException: it did not.
    """
    name = run_id or get_current_context()["run_id"]
    found = chosen(find_place(), name)
    if found is None:
        raise AirflowFailException(f"The task `choose` left no result in {name}: clear it.")
    return found


def now() -> datetime:
    """When the task began: people's words after the run's own time count, so that cannot be the time of judging."""
    return get_current_context()["ti"].start_date


def _run() -> Run:
    context: Any = get_current_context()
    return open_run(find_place(), context["params"]["corpus"], context["run_id"], context["dag_run"].run_after)


def _person(context: Any) -> str:
    name = getattr(context["dag_run"], "triggering_user_name", None)
    if not name:
        raise UserError("Nobody is known to have started this run: start it from the form, logged in.")
    return name
