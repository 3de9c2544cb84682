"""What the DAG of the classifier does: trains on accepted labels, then promotes if that was asked for.

The log has figures, never a text or a label's words beyond the keys of Annex A.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from airflow.sdk import Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from corpusgate.errors import UserError
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.model import ID_PATTERN
from corpusgate.settings.place import find_place

log = logging.getLogger(__name__)

FORM: dict[str, Param] = {
    "corpus": Param("demo", type="string", pattern=ID_PATTERN, title="Corpus", description="whose accepted labels"),
    "false_alarms": Param(
        0.005, type="number", minimum=0, maximum=0.5, title="False alarms",
        description="share of clean texts that may be called harmful: it sets the threshold",
    ),
    "promote": Param(False, type="boolean", title="Promote", description="make it the corpus's detector if it may"),
    "margin": Param(
        0.01, type="number", minimum=0, maximum=0.2, title="Margin",
        description="by how much macro-F1 may be lower than the predecessor's on the same held-out texts",
    ),
}  # fmt: skip


def train() -> None:
    """Trains the model, or finds the one that these labels gave before, and logs its card.

    Raises:
        AirflowFailException: the corpus has no accepted labels, or nothing to tell apart.
    """
    from corpusgate.classify.card import as_text
    from corpusgate.classify.job import train_classifier

    run, given = _run(), _params()
    try:
        with warnings.catch_warnings():
            # to name the model's classes skops asks every loaded module, and Airflow's old ones answer with warnings
            warnings.simplefilter("ignore")
            card = train_classifier(run.place, run.corpus.id, run.at, given["false_alarms"])
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    run.write(result_of(card))
    log.info("%s", as_text(card))


def result_of(card: dict[str, Any]) -> StepResult:
    """The training as a step's result. The unit is the text; all that is taught is kept, in one part or another."""
    texts = card["data"]["texts"]
    facts = {n: card[n] for n in ("version", "fixture", "weights_sha256", "training_sha256", "independent")}
    said = f"model {card['version']} of {texts} texts"
    return StepResult(
        step="train_classifier", unit="text", rows_in=texts, kept=texts,
        because=f"FIXTURE, judges nothing: {said}" if card["fixture"] else said, facts=facts,
    )  # fmt: skip


def promote() -> None:
    """Makes the trained model the corpus's detector.

    Raises:
        AirflowSkipException: nobody asked for it.
        AirflowFailException: something speaks against it; the message says what.
    """
    from corpusgate.classify.job import promote as follow

    run, given = _run(), _params()
    if not given["promote"]:
        raise AirflowSkipException("Promotion was not asked for: look at the card first.")
    trained = run.result("train_classifier")
    if trained is None:
        raise AirflowFailException("The training left no result; see its log.")
    version = trained.facts["version"]
    try:
        done, against = follow(run.place, run.corpus.id, version, run.at, given["margin"])
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    if not done:
        raise AirflowFailException(f"{version} is not promoted: {'; '.join(against)}. The predecessor stays.")
    log.info("%s is promoted for %s; the next rebuild screens all texts with it.", version, run.corpus.id)


def _params() -> dict[str, Any]:
    return dict(get_current_context()["params"])


def _run() -> Run:
    context: Any = get_current_context()
    return open_run(find_place(), _params()["corpus"], context["run_id"], context["dag_run"].run_after)
