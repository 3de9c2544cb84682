"""The annotation page: offline, escaped, in both languages, with a sentence beside each figure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from corpusgate.evidence import annotation_words as words
from corpusgate.evidence.annotation_page import annotation_page, render
from corpusgate.evidence.matrix import matrix
from corpusgate.lake import store
from corpusgate_testing.annotation import CORPUS, HOME, Annotated, add_batch, clean
from corpusgate_testing.lake import place_in

HOSTILE = '<script>alert(1)</script>"\u202e<img src=x onerror=y>'


def page(made: Annotated, folder: Path) -> str:
    place = place_in(folder)
    (place.conf / "controls").symlink_to(HOME / "conf" / "controls")
    made.write(place)
    store.ensure_tables(place, ["record"])
    return annotation_page(place, CORPUS)


def varied() -> Annotated:
    made = clean()
    labels = [(("none", []), ("a1a", ["a1a"]))[n % 2] for n in range(60)]
    batch = add_batch(made, "safety", labels, executors=("e1", "e2", "e3"), prefix="more")
    for row in [a for a in made.annotations if a["batch_id"] == batch and a["annotator_id"] == "e3"][::2]:
        row["label"] = "a2a"
    return made


def test_it_shows_people_batches_weeks_and_matrices_in_both_languages(tmp_path: Path) -> None:
    told = page(varied(), tmp_path)
    for heading in ("People by role", "Batches by verdict", "Agreement by week", "Who takes what for what"):
        assert heading in told
    assert told.count("<svg") >= 4
    assert "标注执行" in told and "Its labels may be used." in told and "可以使用其标签" in told


def test_a_unanimous_batch_is_called_not_computable_and_no_success(tmp_path: Path) -> None:
    told = page(clean(), tmp_path)
    assert "Not computable: everybody gave one and the same label" in told and "这不代表质量好" in told


def test_it_needs_nothing_from_outside_and_runs_nothing(tmp_path: Path) -> None:
    told = page(varied(), tmp_path)
    assert not re.search(r"<script|\sstyle=|\son\w+=|https?://|url\(", told)


def test_names_and_labels_are_escaped(tmp_path: Path) -> None:
    made = varied()
    made.batches[-1]["name"] = HOSTILE
    for row in made.annotations:
        if row["label"] == "a2a":
            row["label"], row["annotator_id"] = HOSTILE, HOSTILE
    told = page(made, tmp_path)
    assert "<script" not in told and "<img" not in told and "\u202e" not in told and "&lt;script" in told


def test_an_empty_corpus_says_what_to_do() -> None:
    told = render({"corpus": "c", "kinds": {}}, {}, [])
    assert "Nothing is annotated yet" in told and "Nobody is registered" in told


def figures(**changed: object) -> dict:
    return {"raw": 0.9, "alpha": 0.85, "why": "", "reading": "reliable", "compared": 30} | changed


@pytest.mark.parametrize(
    ("told", "zh", "en"),
    [
        (figures(), "无需处理", "Nothing to do"),
        (figures(compared=29, alpha=0.1, reading="unreliable"), "不能下结论", "too few to tell"),
        (figures(alpha=0.7, reading="tentative"), "补充例子", "add examples"),
        (figures(alpha=0.2, reading="unreliable"), "暂停使用", "Do not use it"),
        (figures(alpha=None, why="unanimous", reading="not_computable"), "无法计算", "no proof of quality"),
        (figures(alpha=None, raw=None, why="no_pairs", reading="not_computable"), "两人以上", "two people"),
    ],
)
def test_each_reading_says_what_to_do(told: dict, zh: str, en: str) -> None:
    chinese, english = words.agreement(told)
    assert zh in chinese and en in english


@pytest.mark.parametrize(
    ("changed", "en"),
    [
        ({"gold": {"standing": "poor", "right": 5, "answers": 10}}, "under 70 %"),
        ({"accuracy": 0.6}, "some 40 of 100"),
        ({"seconds": 1.5}, "too fast to have read"),
        ({"gold": {"standing": "too_few", "right": 5, "answers": 5}}, "too few to tell"),
        ({"gold": None}, "too few to tell"),
        ({}, "Nothing to do"),
    ],
)
def test_each_person_gets_the_most_pressing_advice(changed: dict, en: str) -> None:
    one = {"gold": {"standing": "good", "right": 10, "answers": 10}, "accuracy": 0.99, "seconds": 8.0} | changed
    assert en in words.person(one, True)[1]


def test_an_estimate_from_too_few_labels_accuses_nobody() -> None:
    one = {"gold": {"standing": "good", "right": 10, "answers": 10}, "accuracy": 0.5, "seconds": 8.0}
    assert "Nothing to do" in words.person(one, False)[1]


def test_labels_that_nobody_met_are_not_drawn() -> None:
    drawn = matrix(["a", "b"], [[1.0, 0.0], [0.0, 0.0]], [5.0, 0.0], "t")
    assert drawn.count("<rect") == 1 and matrix(["a"], [[0.0]], [0.0], "t") == ""
