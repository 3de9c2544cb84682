"""Questions whose answer is known."""

from __future__ import annotations

import pytest

from corpusgate.annotation.gold import expected, gold


def answers(person: str, right: int, wrong: int, seconds: float | None = 8.0) -> list[dict[str, object]]:
    return [
        {"batch_id": "b", "record_id": f"r{n}", "annotator_id": person, "label": "x" if n < right else "y",
         "lead_time_s": seconds}
        for n in range(right + wrong)
    ]  # fmt: skip


KNOWN = {("b", f"r{n}"): "x" for n in range(20)}


@pytest.mark.parametrize(
    ("right", "wrong", "standing"), [(7, 3, "good"), (6, 4, "poor"), (0, 9, "too_few"), (9, 0, "too_few")]
)
def test_seventy_of_a_hundred_from_ten_answers_on(right: int, wrong: int, standing: str) -> None:
    (one,) = gold(answers("p", right, wrong), KNOWN)
    assert (one.right, one.answers, one.standing) == (right, right + wrong, standing)


def test_the_interval_is_exact() -> None:
    """Clopper and Pearson for 7 of 10: 34.8 % to 93.3 %."""
    (one,) = gold(answers("p", 7, 3), KNOWN)
    assert (one.low, one.high) == (pytest.approx(0.348, abs=5e-4), pytest.approx(0.933, abs=5e-4))


def test_times_are_medians_or_unknown() -> None:
    assert gold(answers("p", 5, 0, 2.0), KNOWN)[0].seconds == 2.0
    assert gold(answers("p", 5, 0, None), KNOWN)[0].seconds is None


def test_who_answered_none_is_not_scored() -> None:
    assert gold(answers("p", 3, 0), {("other", "r0"): "x"}) == []


def test_answers_come_from_the_items_of_a_batch() -> None:
    items = [{"batch_id": "b", "record_id": "r", "gold_label": "x"}, {"batch_id": "b", "record_id": "s"}]
    assert expected(items) == {("b", "r"): "x"}
