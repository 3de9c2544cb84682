"""Controls that are the sum of others (fine-tuning data meet all of 6.1): the worst verdict of their parts. Nothing is
computed a second time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from corpusgate.gates.verdict import Judged, combined
from corpusgate.lake.run import Run
from corpusgate.settings.catalogue import Catalogue
from corpusgate.settings.control import Control

#: Parts that are named in a reason.
NAMED = 10


def composites(
    run: Run, catalogue: Catalogue, judged: Sequence[Judged], release_id: str, left_out: Collection[str]
) -> list[Judged]:
    """One verdict for each such control. `judged` are all verdicts of the run with people's halves and waivers, also of
    the sources; those of sources that are `left_out` of the release say nothing of it."""
    said = [j for j in judged if not (j.scope == "source" and j.scope_id in left_out)]
    return [_of(run, catalogue, c, said, release_id) for c in catalogue if c.all_of]


def _of(run: Run, catalogue: Catalogue, control: Control, judged: Sequence[Judged], release_id: str) -> Judged:
    clauses = ", ".join(control.all_of)
    if control.only_use is not None and run.corpus.intended_use != control.only_use:
        because = f"the corpus is for {run.corpus.intended_use.replace('_', ' ')}"
        return Judged(control.id, "computed", "release", release_id, "", "not_applicable", because)
    verdicts = {
        # a part that nobody judged is no pass
        part.clause: combined([j.verdict for j in judged if j.control_id == part.id] or ["fail"])
        for part in catalogue.parts_of(control)
    }
    applying = {clause: v for clause, v in verdicts.items() if v != "not_applicable"}
    if not applying:
        because = f"no control under {clauses} applies"
        return Judged(control.id, "computed", "release", release_id, "", "not_applicable", because)
    unmet = [f"{clause} {v}" for clause, v in applying.items() if v in ("fail", "pending")]
    shown = ", ".join(unmet[:NAMED]) + (f" and {len(unmet) - NAMED} more" if len(unmet) > NAMED else "")
    because = f"{len(unmet)} of {len(applying)} controls under {clauses} are not met{f': {shown}' if unmet else ''}"
    k, n = len(unmet), len(applying)
    return Judged(
        control.id, "computed", "release", release_id, "", combined(applying.values()), because, float(k), k, n
    )
