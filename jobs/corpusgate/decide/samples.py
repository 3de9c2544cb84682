"""The draws of a candidate from its kept items: planned before its manifest is sealed, drawn when it has an id."""

from __future__ import annotations

from collections.abc import Sequence

from corpusgate.decide.outcome import Decided
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.release.merkle import merkle_root
from corpusgate.review import draw as draws


def planned(run: Run, decided: Decided, *, grouped: bool) -> list[draws.Draw]:
    """The draws, from each modality's kept items: records, or whole groups where there are any."""
    buckets = decided.items(grouped)
    found = [(modality, sum(b.leaves for b in of), merkle_root(of)) for modality, of in buckets.items()]
    return draws.planned(run.corpus, found, draws.GROUPS if grouped else draws.RECORDS)


def drawn(run: Run, decided: Decided, release: str, plan: Sequence[draws.Draw]) -> None:
    """Writes `sample` and `sample_item` of a candidate."""
    samples, items = [], []
    for one in plan:
        samples.append(draws.sample_row(release, one, run.corpus.item_unit, run.at))
        if one.recorded:
            items += draws.item_rows(release, one, decided.drawn(run, release, one))
    if not samples:
        return  # nothing is kept, so there is nothing to draw from: the release gate fails it as empty
    names = ", ".join(draws.literal(s["sample_id"]) for s in samples)
    store.replace(run.place, "sample_item", items, f"sample_id IN ({names})", run.id)
    store.replace(run.place, "sample", samples, f"sample_id IN ({names})", run.id)
