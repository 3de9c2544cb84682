"""The trained classifier as a detector: which risk the worst window of a text most likely holds, and where.

It runs where a model is promoted for the corpus; without one the family is absent, and nothing claims that it saw a
text. Its findings weigh nothing: the filter must not use the model that checks the filter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.model import Finding, Kit

if TYPE_CHECKING:
    from corpusgate.classify.model import Model

NAME = FAMILY = "classifier"
CODE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Classifier:
    """The detector with its model."""

    version: str
    model: Model

    def find(self, batch: Batch) -> list[list[Finding]]:
        """At most one finding a text: its likeliest risk, where the harm score reaches the card's threshold."""
        return [
            [
                Finding(
                    NAME, self.version, f"clf:{w.risk}", w.risk, w.start, w.end, round(w.harm, 4), 0.0, None, None,
                    None, 1,
                )
            ] if w.harm >= self.model.threshold else []
            for w in self.model.worst_of(batch.folded)
        ]  # fmt: skip


def version(kit: Kit) -> str:
    """Code version and the digest of the model's weights: what `screening` records, and the release's manifest."""
    return f"{CODE_VERSION}.{(kit.model_sha256 or 'none')[:32]}"


def prepare(kit: Kit) -> Classifier:
    """The detector, ready.

    Raises:
        DetectorMissing: the model is not there, or not the one that the run names.
    """
    from corpusgate.classify.model import load, read_card

    if kit.model_dir is None:
        raise DetectorMissing("No model is promoted for this corpus: there is no classifier to prepare.")
    folder = Path(kit.model_dir)
    found = read_card(folder)["weights_sha256"]
    if found != kit.model_sha256:
        raise DetectorMissing(f"The model in {folder} has weights {found}, and the run names {kit.model_sha256}.")
    return Classifier(version(kit), load(folder))
