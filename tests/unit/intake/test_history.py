"""Whatever happens to sources from day to day, what was read day by day is what a full rebuild reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from corpusgate.intake.job import intake
from corpusgate.intake.plan import BY_BATCH
from corpusgate.lake.run import StepResult
from corpusgate_testing.lake import duplicates, rows
from corpusgate_testing.taken import CALL, DAYS, Made, lake, line, timeless

pytestmark = pytest.mark.timeout(900)

Files = dict[str, list[Any]]
Day = dict[str, Files]

# Few keys, texts and files, so that they meet: within a file, between files, between sources, between days.
LINES = st.builds(
    lambda key, text: line(key, f"第{text}篇，{CALL}") if text < 3 else "{",
    st.sampled_from(["a", "b", "c", "d"]),
    st.integers(0, 3),
)
FILES = st.dictionaries(
    st.sampled_from(["1.jsonl", "2.jsonl", "3.jsonl"]), st.lists(LINES, min_size=1, max_size=4), min_size=1
)
DAY = st.fixed_dictionaries({"s": FILES, "t": FILES})


@pytest.fixture
def setting(monkeypatch):
    monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "00" * 32)
    monkeypatch.setattr("corpusgate.intake.job._by_spark", lambda *_: pytest.fail("a JVM for so little"))


def taken_in(made: Made, day: Day, run_id: str, at: datetime) -> StepResult:
    for source, files in day.items():
        made.files(source, files, at)
    return intake(made.run(run_id, at))


# No phase of shrinking: an example is some ten whole jobs.
@settings(
    max_examples=6, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(DAY, min_size=2, max_size=4))
def test_day_by_day_is_what_a_full_rebuild_of_the_last_day_makes(setting, days: list[Day]):
    since: dict[tuple[str, str, str], datetime] = {}
    with lake() as daily, lake() as whole:
        for n, day in enumerate(days):
            result = taken_in(daily, day, f"r{n}", DAYS[n])
            texts = {r["text_sha256"]: r["text"] for r in rows(daily.place, "document")}
            for source, files in day.items():
                lines = [one for of in files.values() for one in of]
                expected = {(f"key:{one['id']}", one["text"]) for one in lines if one != "{"}
                for place in expected:
                    since.setdefault((source, *place), DAYS[n])
                there = rows(daily.place, "record", f"batch_id = '{result.facts['batches'][source]}'")
                found = {(r["locator"], texts[r["text_sha256"]], r["first_acquired_at"]) for r in there}
                assert found == {(*place, since[source, *place]) for place in expected}
                told = result.facts["sources"][source]
                faults = lines.count("{")
                assert (told["kept"], told["errored"]) == (len(there), faults) and len(there) == len(expected)
                assert told["removed"] == len(lines) - faults - len(expected)
        full = taken_in(whole, days[-1], "r", DAYS[0])
        assert result.facts["sources"] == full.facts["sources"]
        for source in days[-1]:
            one, other = (
                timeless(m, r.facts["batches"][source], BY_BATCH) for m, r in ((daily, result), (whole, full))
            )
            assert one == other
        assert not any(duplicates(daily.place, n) for n in ("document", "screening", "finding", "signature"))
