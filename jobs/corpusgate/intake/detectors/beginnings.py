"""Where in a folded batch patterns of personal information and phrases may begin: one look for all of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors import pi_marks, quality_phrases
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.marks import Marks, marks_of, table_of


def marks_in(batch: Batch) -> Marks:
    """The marks of the batch; kept in it."""
    if batch.marks is None:
        batch.marks = marks_of(batch.folded.codes, _table())
    return batch.marks


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    return table_of((*pi_marks.PAIRS, *quality_phrases.PAIRS))
