"""Whether the corpus's classifier covers all 31 risks (45654-2025 B.1.4; the draft of 45652 asks for 29)."""

from __future__ import annotations

from functools import partial

from corpusgate.classify.job import card_of
from corpusgate.classify.models import promoted
from corpusgate.gates.figures import EXAMPLES, Figure, guarded
from corpusgate.lake.run import Run
from corpusgate.settings.model import RISKS

CLASSIFIER, GATE = "45654-b-1-4", "lexicon"


def model_figures(run: Run, scope_id: str) -> list[Figure]:
    """Risks of Annex A that the promoted model was taught no label of; pending without a model that judges."""
    return guarded([(CLASSIFIER, GATE)], "release", [scope_id], partial(_figures, run, scope_id))


def _figures(run: Run, scope_id: str) -> list[Figure]:
    if promoted(run.place, run.corpus.id) is None:
        return [_pending(scope_id, f"waits for: a classifier that is promoted for the corpus {run.corpus.id}")]
    card = card_of(run.place, run.corpus.id)
    if card["fixture"]:
        said = f"waits for: labels of people; the model {card['version']} was taught with a fixture"
        return [_pending(scope_id, said)]
    taught, tested = card["data"]["parts"]["train"], card["test"]["classes"]
    without = [risk for risk in RISKS if not taught.get(risk)]
    untested = [risk for risk in RISKS if risk not in without and not tested.get(risk, {}).get("texts")]
    because = f"the model {card['version']} was taught no label of {len(without)} of {len(RISKS)} risks"
    because += f" ({', '.join(without)})" if without else ""
    because += f"; no held-out text of {', '.join(untested)}: its card says nothing of them" if untested else ""
    k, n = len(without), len(RISKS)
    return [
        Figure(CLASSIFIER, GATE, "release", scope_id, "measured", value=float(k), k=k, n=n, because=because,
               examples=tuple(without[:EXAMPLES]))
    ]  # fmt: skip


def _pending(scope_id: str, because: str) -> Figure:
    return Figure(CLASSIFIER, GATE, "release", scope_id, "pending", because=because)
