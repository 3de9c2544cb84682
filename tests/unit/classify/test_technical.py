"""The technical sample (4.2.1, B.2.1.2.1 b): 10 % of the released items, seen by a model that did not filter them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from corpusgate.classify.rules import Example
from corpusgate.classify.technical import technical_figures
from corpusgate.gates.figures import Figure, GateInput
from corpusgate.review.draw import TECHNICAL, place_in_draw
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing.classify import examples, promote_model, sha, text_of
from corpusgate_testing.gates import AT, HOME, RELEASE, Lake, clean_lake

SEED = "s/technical"
PLACE = Place(HOME, HOME / "conf", HOME / "lake", HOME / "var")


def lake_of(size: int = 8, harmful: int = 0) -> Lake:
    """80 released records with a technical sample; the first `harmful` of its draw hold a risk."""
    lake = clean_lake()
    kept = sorted(lake.rows["release_record"], key=lambda r: place_in_draw(SEED, r["record_id"]))
    lake.rows["sample"].append({
        "sample_id": "technical", "release_id": RELEASE, "control_id": TECHNICAL, "purpose": "technical sample",
        "frame": "release_record", "frame_sha256": "0" * 64, "frame_rows": len(kept), "stratum": "text", "seed": SEED,
        "size": size, "algorithm": "test", "item_unit": "document", "drawn_at": AT,
    })  # fmt: skip
    for number, row in enumerate(kept[:harmful]):
        change_text(lake, row, text_of("a2i", 1000 + number))
    return lake


def change_text(lake: Lake, row: dict, text: str) -> None:
    document, digest = lake.text_of(row), hashlib.sha256(text.encode()).hexdigest()
    document.update(text=text, text_sha256=digest)
    row.update(text_sha256=digest, released_sha256=digest)


def judged(lake: Lake, folder: Path, taught: list[Example] | None = None, **card: object) -> Figure:
    run = lake.write(folder)
    if taught is not None:
        promote_model(run.place, "test", taught, **card)
    (figure,) = technical_figures(run, RELEASE, load_catalogue(run.place)[TECHNICAL])
    return figure


def test_without_a_model_it_is_pending(tmp_path: Path) -> None:
    figure = judged(lake_of(), tmp_path)
    assert (figure.state, figure.stratum) == ("pending", "modality:text")
    assert "no independent detector" in figure.because


def test_a_model_of_a_fixture_or_of_a_lexicons_labels_does_not_judge(tmp_path: Path) -> None:
    for name, changed in (("fixture", {"fixture": True}), ("lexicon", {"independent": False})):
        figure = judged(lake_of(), tmp_path / name, examples(), **changed)
        assert figure.state == "pending" and name in figure.because


@pytest.mark.parametrize(("harmful", "value"), [(0, 1.0), (1, 7 / 8), (8, 0.0)])
def test_the_pass_rate_of_the_sample(tmp_path: Path, harmful: int, value: float) -> None:
    lake = lake_of(harmful=harmful)
    figure = judged(lake, tmp_path, examples())
    assert (figure.state, figure.value, figure.k, figure.n) == ("measured", value, 8 - harmful, 8)
    assert len(figure.examples) == harmful


def test_exactly_98_percent_pass_and_one_item_less_does_not(tmp_path: Path) -> None:
    for harmful, holds in ((1, True), (2, False)):
        figure = judged(lake_of(size=50, harmful=harmful), tmp_path / str(harmful), examples())
        assert (figure.k, figure.n) == (50 - harmful, 50) and figure.value is not None
        assert load_catalogue(PLACE)[TECHNICAL].holds(figure.value) is holds


def test_a_harmful_text_outside_the_sample_is_not_counted(tmp_path: Path) -> None:
    lake = lake_of()
    last = max(lake.rows["release_record"], key=lambda r: place_in_draw(SEED, r["record_id"]))
    change_text(lake, last, text_of("a2i", 1005))
    assert judged(lake, tmp_path, examples()).value == 1.0


def test_what_the_model_was_taught_with_is_passed_over_for_the_next_of_the_draw(tmp_path: Path) -> None:
    lake = lake_of()
    kept = sorted(lake.rows["release_record"], key=lambda r: place_in_draw(SEED, r["record_id"]))
    known = {d["text_sha256"]: d["text"] for d in lake.rows["document"]}
    taught = [Example(known[r["text_sha256"]], r["text_sha256"], (), "alpha", "register") for r in kept[:3]]
    change_text(lake, kept[8], text_of("a2i", 1007))  # the ninth: seen only because three were passed over
    figure = judged(lake, tmp_path, examples() + taught)
    assert (figure.k, figure.n) == (7, 8) and "3 it was taught with" in figure.because


def test_too_few_untaught_texts_are_pending(tmp_path: Path) -> None:
    lake = lake_of()
    texts = [Example(d["text"], d["text_sha256"], (), "alpha", "register") for d in lake.rows["document"]]
    figure = judged(lake, tmp_path, examples() + texts[:75])
    assert figure.state == "pending" and figure.n == 5


def test_the_sample_is_at_least_what_the_clause_asks_for(tmp_path: Path) -> None:
    """A policy cannot make it smaller: 10 % of 80 are 8."""
    assert judged(lake_of(size=2), tmp_path, examples()).n == 8


def test_a_missing_or_changed_text_fails_and_never_passes(tmp_path: Path) -> None:
    first = min(lake_of().rows["release_record"], key=lambda r: place_in_draw(SEED, r["record_id"]))
    gone = lake_of()
    gone.rows["document"] = [d for d in gone.rows["document"] if d["text_sha256"] != first["text_sha256"]]
    with pytest.raises(GateInput, match="only 7"):
        judged(gone, tmp_path / "gone", examples())
    other = lake_of()
    other.text_of(first)["text"] = "another text"
    with pytest.raises(GateInput, match="not the one"):
        judged(other, tmp_path / "other", examples())


def test_a_tampered_model_fails_and_never_passes(tmp_path: Path) -> None:
    with pytest.raises(GateInput, match="not the one that its card names"):
        judged(lake_of(), tmp_path, examples(), file_sha256=sha("another file"))
