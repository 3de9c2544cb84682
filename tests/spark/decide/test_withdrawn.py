"""A takedown in a whole decision: the text goes wherever it stands, by its own rule, and comes back when lifted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from corpusgate.decide.job import decide
from corpusgate.lake import store
from corpusgate.sources.takedown import takedown
from corpusgate_testing.decide import AT, Text, World, judged
from corpusgate_testing.lake import place_in, rows

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("engine")]  # Spark on a busy machine
TEXTS = [
    *(Text(f"一段没有问题的文字，第{n}段。", source=s, key=f"{s}{n}") for s in ("alpha", "beta") for n in range(2)),
    Text("他人的文字", key="a"),
    Text("他人的文字", source="beta", key="b"),
    Text("他人的文字", key="old", source_rule="law-not-in-force"),
]


def test_what_was_taken_down_is_removed_with_its_copies_under_its_own_rule(spark, tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    run = judged(place, TEXTS, world=World())
    takedown(place, TEXTS[4].record_id, by="Li Na", because="the publisher asked for it", at=AT)
    result = decide(run)
    assert result.removed_by_rule["takedown"] == 3 and result.reconcile()
    gone = {r["record_id"] for r in rows(place, "decision") if r["rule"] == "takedown"}
    assert gone == {t.record_id for t in TEXTS[4:]}
    takedown(
        place, TEXTS[4].record_id, by="Li Na", because="they gave their consent", at=AT + timedelta(days=1), lift=True
    )
    again = decide(run)
    assert "takedown" not in again.removed_by_rule
    assert again.removed_by_rule["law-not-in-force"] == 1
