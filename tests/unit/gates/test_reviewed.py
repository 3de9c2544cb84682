"""People's reviews of the sample: 4,000 of each modality, 96 % (misreadings 2, 4, 5 and 9 of standard.md)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.gates.reviewed import Tally, judge_sample, tally
from corpusgate.review.desk import Desk, Drawn, Given
from corpusgate.review.journal import Verdict
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.control import Draw
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, HOME, RELEASE

CONTROL = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))["45654-4-2-1-manual"]


def judged(rows: int, drawn: int, reviewed: int, bad: int, tied: int = 0) -> tuple[str, bool | None]:
    counted = Tally(drawn, reviewed, tuple(f"r{n}" for n in range(bad)), 0, tied)
    figure = judge_sample(CONTROL, RELEASE, "modality:text", {"sample_id": "s", "frame_rows": rows}, counted)
    return figure.state, None if figure.value is None else CONTROL.holds(figure.value)


@pytest.mark.parametrize(
    ("rows", "drawn", "reviewed", "bad", "state", "passes"),
    [
        pytest.param(100_000, 4000, 4000, 160, "measured", True, id="160 of 4,000 bad: exactly 96 %"),
        pytest.param(100_000, 4000, 4000, 161, "measured", False, id="161 bad"),
        pytest.param(100_000, 4000, 3999, 0, "pending", None, id="one review short"),
        pytest.param(100_000, 4000, 200, 161, "measured", False, id="161 bad already: the rest cannot save it"),
        pytest.param(100_000, 4000, 200, 160, "pending", None, id="160 bad: the rest can"),
        pytest.param(50, 50, 50, 2, "measured", True, id="fewer than 4,000 in the modality: all of them, 2 of 50 bad"),
        pytest.param(50, 50, 49, 0, "pending", None, id="a census is whole"),
        pytest.param(100_000, 400, 400, 0, "pending", None, id="a sample drawn too small never suffices"),
        pytest.param(0, 0, 0, 0, "pending", None, id="nothing to draw from"),
    ],
)  # fmt: skip
def test_judge_sample(rows: int, drawn: int, reviewed: int, bad: int, state: str, passes: bool | None) -> None:
    assert judged(rows, drawn, reviewed, bad) == (state, passes)


def test_an_item_on_which_two_differ_keeps_the_sample_pending() -> None:
    assert judged(100_000, 4000, 3999, 0, tied=1) == ("pending", None)
    assert judged(100_000, 4001, 4000, 0, tied=1) == ("pending", None)


@given(st.integers(1, 9000), st.data())
def test_enough_reviews_pass_just_when_at_least_96_of_100_do(rows: int, data: st.DataObject) -> None:
    n = min(4000, rows)
    bad = data.draw(st.integers(0, n))
    assert judged(rows, n, n, bad) == ("measured", (n - bad) * 100 >= 96 * n)


def table(*items: tuple[str, bool], double: bool = False) -> Desk:
    """A desk with these items (id, whether its text is still the one that was drawn), given to p, q and t."""
    row = {"sample_id": "s", "seed": "seed", "frame_rows": len(items)}
    drawn = tuple({"record_id": r, "ordinal": n, "released_sha256": "a"} for n, (r, _) in enumerate(items, 1))
    current = frozenset(r for r, still in items if still)
    given = Given(("p", "q", "t"), frozenset("pqt"), 1.0 if double else 0.0)
    return Desk(Drawn(row, drawn, current), given, (), {"t": frozenset({"labelled"})})


def review(record_id: str, verdict: str, who: str = "p", seen: str = "a") -> Verdict:
    return Verdict("s", record_id, seen, who, verdict, (), "", AT, 1.0)  # ty: ignore[invalid-argument-type]


ONE, TWO = (("1", True),), (("1", True), ("2", True))


@pytest.mark.parametrize(
    ("items", "double", "reviews", "expected"),
    [
        (TWO, False, [review("1", "good"), review("2", "bad")], Tally(2, 2, ("2",), 0)),
        (ONE, False, [review("1", "good"), review("1", "good", "q")], Tally(1, 1, (), 0)),
        (ONE, True, [review("1", "good")], Tally(1, 0, (), 0)),
        (ONE, True, [review("1", "good"), review("1", "good", "q")], Tally(1, 1, (), 0)),
        (ONE, True, [review("1", "good"), review("1", "bad", "q")], Tally(1, 0, (), 0, 1)),
        (ONE, True, [review("1", "good"), review("1", "bad", "q"), review("1", "bad", "t")], Tally(1, 1, ("1",), 0)),
        (ONE, True, [review("1", "good"), review("1", "bad", "q"), review("1", "good", "t")], Tally(1, 1, (), 0)),
        ((("1", False),), False, [review("1", "good")], Tally(1, 0, (), 1)),
        (ONE, False, [review("1", "good", seen="b")], Tally(1, 0, (), 0)),
        (ONE, False, [review("2", "bad")], Tally(1, 0, (), 0)),
        (ONE, False, [review("1", "bad", "stranger")], Tally(1, 0, (), 0)),
        ((("labelled", True),), False, [review("labelled", "good", "t")], Tally(1, 0, (), 0)),
    ],
    ids=[
        "counted", "two agree", "one of two", "both", "two differ", "a third says bad", "a third says good",
        "text changed", "saw another text", "not drawn", "not given", "labelled it",
    ],
)  # fmt: skip
def test_tally(items: tuple[tuple[str, bool], ...], double: bool, reviews: list[Verdict], expected: Tally) -> None:
    at = table(*items, double=double)
    assert tally(Desk(at.drawn, at.given, tuple(reviews), at.barred)) == expected


@pytest.mark.parametrize(
    ("draw", "rows", "size"),
    [
        ({"count": 4000}, 100, 100), ({"count": 4000}, 9000, 4000), ({"share": 0.1}, 30, 3), ({"share": 0.1}, 31, 4),
        ({"count": 1000, "share": 0.1}, 20_000, 2000), ({"count": 1000, "share": 0.1}, 5000, 1000),
        ({"count": 1000, "share": 0.1, "combine": "either"}, 20_000, 1000),
    ],
)  # fmt: skip
def test_an_assessor_s_draw_rounds_up_and_never_exceeds_what_is_there(
    draw: dict[str, Any], rows: int, size: int
) -> None:
    """Misreadings 7 (10 % is of items, rounded up) and 10 (1,000 or 10 %: the larger where both can be met)."""
    assert Draw.model_validate({"clause": "c", "frame": "f", **draw}).size(rows) == size
