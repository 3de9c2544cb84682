"""Turns a step's result into a task's state: a verdict is red and final, a fault is red and tried again.

| result | task |
|---|---|
| ok, unchanged | success |
| held (a control says so) | failed, no retry: trying again does not change a verdict |
| unavailable (cannot be had on this machine) | skipped, with the reason in the log |
| raises | failed, retried as the task is declared; a person's mistake is not retried |

Airflow's log shows numbers, ids and reasons, never text of a corpus; XComs hold the ids of sources and nothing else.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from corpusgate import flow
from corpusgate.errors import LakeBusy, UserError
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.control import Control
from corpusgate.settings.load import load_corpus, load_file, load_sources
from corpusgate.settings.place import find_place

log = logging.getLogger(__name__)
# it tells hundreds of lines of its own innards at INFO, and the verdicts drown in them
logging.getLogger("great_expectations").setLevel(logging.WARNING)

#: The same in Jinja, for operators that start a process. `run_after` stands still over retries and clearing.
CORPUS, RUN_ID, AT = "{{ params.corpus }}", "{{ run_id }}", "{{ dag_run.run_after.isoformat() }}"


def plan() -> list[str]:
    """The ids of the corpus's sources, every declaration read and found whole."""
    place = find_place()
    try:
        corpus = load_corpus(place, _params()["corpus"])
        sources = load_sources(place, corpus)
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    log.info("Corpus %s: %d sources: %s", corpus.id, len(sources), ", ".join(s.id for s in sources))
    return [s.id for s in sources]


def run_step(step: str, source: str | None = None) -> None:
    """Runs one step in this process and ends as its result says."""
    context = get_current_context()
    try:
        result = flow.run_step(
            step, corpus=_params()["corpus"], run_id=context["run_id"], at=context["dag_run"].run_after, source=source
        )
    except LakeBusy:
        raise  # the other run ends some day: worth the retry
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    end_as(result)


def end_as(result: StepResult) -> None:
    """Logs the accounting and ends the task as the result says.

    Raises:
        AirflowFailException: a control holds the source or the release, or the step says that it failed.
        AirflowSkipException: the source cannot be had here.
    """
    log.info(account(result))
    if result.state == "unavailable":
        log.warning("Not available here: %s", result.because)
        raise AirflowSkipException(f"Not available here: {result.because}")
    if result.state == "held":
        raise AirflowFailException(f"Held by {result.held_by}: {result.because}")
    if result.state == "failed":
        raise AirflowFailException(result.because or f"The step {result.step} failed.")


def account(result: StepResult) -> str:
    """One line: `12 records in = 10 kept + 2 removed (by rule …) + 0 errored`."""
    rules = ", ".join(f"{rule} {count}" for rule, count in sorted(result.removed_by_rule.items()))
    whose = f" of {result.source_id}" if result.source_id else ""
    return (
        f"{result.step}{whose}: {result.rows_in} {result.unit}s in = {result.kept} kept + {result.removed} removed"
        f"{f' ({rules})' if rules else ''} + {result.errored} errored; {result.state}, {result.seconds} s"
    )


def admitted() -> list[str]:
    """The ids of the sources that go on; says which are held, and why.

    Raises:
        AirflowFailException: none goes on, so there is nothing to build.
    """
    run = _run()
    held, passed = run.held(), []
    for source in run.sources:
        hold, verdict = held.get(source.id), run.result("admission", source.id)
        if hold:
            log.warning(
                "%s goes no further (%s, %s): %s", source.id, hold.step, hold.held_by or hold.state, hold.because
            )
        elif verdict is None:
            log.error("%s has no admission verdict: one of its tasks failed with a fault, see its log.", source.id)
        else:
            passed.append(source.id)
    if not passed:
        raise AirflowFailException(
            f"None of the {len(run.sources)} sources of {run.corpus.id} was admitted, so there is nothing to build. "
            "The red tasks of the group `source` say why; conclude a licence, or give the corpus other sources."
        )
    log.info("Admitted: %d of %d sources: %s", len(passed), len(run.sources), ", ".join(passed))
    return passed


def source_verdict(source: str) -> None:
    """Shows the source gate's verdict of one source as a task of its own: red where the gate holds it."""
    run = _run()
    result = run.result("source_gate", source)
    if result is None:
        raise AirflowFailException("The source gate left no verdict on this source; see the log of source_gate.")
    for row in result.facts.get("verdicts", []):
        log.info(say(run, row))
    end_as(result)


def release_gate() -> None:
    """Judges the candidate; a control that blocks `trial` makes the task red, with all that a person needs to act."""
    context = get_current_context()
    try:
        result = flow.run_step(
            "release_gate", corpus=_params()["corpus"], run_id=context["run_id"], at=context["dag_run"].run_after
        )
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    log.info(account(result))
    run = _run()
    verdicts: list[dict[str, Any]] = result.facts["verdicts"]
    blocked = set(result.facts["blocked"]["trial"])
    stopping = [v for v in verdicts if v["control_id"] in blocked and v["verdict"] == "fail"]
    for row in verdicts:
        if row not in stopping:
            log.info(say(run, row))
    for row in stopping:
        log.error(say(run, row))
    if blocked or result.state in ("held", "failed"):
        said = " ".join(say(run, v) for v in stopping) or result.because or ", ".join(sorted(blocked))
        raise AirflowFailException(f"Not published: {said}")


def announce() -> None:
    """Tells the release's asset what was published, so that what waits for a new release starts.

    Raises:
        AirflowSkipException: the content is what the channel already shows: nothing new, nothing told.
    """
    context = get_current_context()
    run = _run()
    published, decided = run.result("publish"), run.result("decide")
    if published is None or decided is None:
        raise AirflowFailException("publish or decide left no result; see their logs.")
    release_id, root = published.facts["release_id"], decided.facts["manifest_root"]
    if published.state == "unchanged":
        raise AirflowSkipException(f"{release_id} is already what the channel points at: nothing new to tell.")
    context["outlet_events"][context["task"].outlets[0]].extra = {
        "release_id": release_id,
        "manifest_root": root,
        "channel": published.facts["channel"],
        "corpus": run.corpus.id,
        "run_id": run.id,
    }
    log.info("Published %s to %s, manifest root %s", release_id, published.facts["channel"], root)


def say(run: Run, row: dict[str, Any]) -> str:
    """A verdict as people read it everywhere: clause, title, verdict, figure against bound, worst records, next act."""
    from corpusgate.gates.verdict import from_fact
    from corpusgate.gates.words import sentence

    judged = from_fact(row)
    control = load_file(run.place.conf / "controls" / f"{judged.control_id}.yaml", Control)
    if judged.verdict in ("fail", "pending"):
        return sentence(control, judged)
    return f"{control.clause} ({control.title}): {judged.verdict}: {judged.because}"


def _params() -> dict[str, Any]:
    return dict(get_current_context()["params"])


def _run() -> Run:
    context = get_current_context()
    return open_run(find_place(), _params()["corpus"], context["run_id"], context["dag_run"].run_after)
