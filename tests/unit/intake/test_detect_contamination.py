"""Overlap with test sets: long runs of an item are found wherever and however they are written, and no instructions."""

import hashlib
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.errors import DetectorMissing
from corpusgate.intake import detectors
from corpusgate.intake.detectors import contamination
from corpusgate.intake.detectors.batch import batches, make_batch
from corpusgate.intake.detectors.fold import fold_batch
from corpusgate.intake.detectors.model import Kit, SetFile
from corpusgate.intake.detectors.tokens import tokens

ZH = "下列关于光合作用的说法中正确的一项是叶绿体只存在于植物细胞之中并且含有少量的遗传物质"
EN = "Which planet of the solar system has the shortest day measured from one noon to the next noon of it"
RULE = "Choose the right answer of the four and write down its letter without any further explanation please: "


def set_of(folder, name, items, fields=("text",)):
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(i, ensure_ascii=False) + "\n" for i in items), "utf-8")
    return SetFile(name, str(path), hashlib.sha256(path.read_bytes()).hexdigest(), fields)


def kit_of(*files):
    return Kit("", "", None, None, test_sets=files)


@pytest.fixture
def detector(tmp_path):
    zh = set_of(tmp_path, "zh-exam", [{"text": ZH}, {"text": "太短"}])
    en = set_of(
        tmp_path, "en-quiz", [{"q": RULE + q, "a": ["yes", "no"]} for q in (EN, *map(words, range(8)))], ("q", "a")
    )
    return contamination.prepare(kit_of(en, zh))


def words(seed, n=20):
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abcdefgh", k=5)) for _ in range(n))


def rules(detector, text):
    return {f.rule for f in contamination.overlap(detector, text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"练习：{ZH[:20]}。", {"test_set:zh-exam"}),
        (f"练习：{ZH[:19]}。", set()),
        (f"{ZH[5:15]}，{ZH[15:25]}！", {"test_set:zh-exam"}),
        ("下列關於光合作用的說法中正確的一項是葉綠體只存在於植物細胞之中", {"test_set:zh-exam"}),
        (" ".join(EN.split()[:13]), {"test_set:en-quiz"}),
        (" ".join(EN.split()[:12]), set()),
        (EN.upper().replace(" ", ", "), {"test_set:en-quiz"}),
        (RULE * 3, set()),
        (f"{EN}\n{ZH}", {"test_set:en-quiz", "test_set:zh-exam"}),
        ("", set()),
    ],
)  # fmt: skip
def test_what_is_found(detector, text, expected):
    assert rules(detector, text) == expected


def test_a_run_over_two_texts_is_none(detector):
    assert detector.find(make_batch([ZH[:12], ZH[12:24]])) == [[], []]


def test_spans_quote_what_is_the_same_and_the_score_is_its_share(detector):
    text = f"前言。{ZH[:10]}\u200b{ZH[10:24]}！" + "无关的话" * 6
    (one,) = contamination.overlap(detector, text)
    assert text[one.start : one.end] == f"{ZH[:10]}\u200b{ZH[10:24]}"
    assert (one.score, one.count, one.weight, one.surface) == (round(24 / 50, 4), 5, 0.0, None)
    assert (one.risk, one.detector) == ("q_contamination", "contamination")


def test_two_copies_in_one_text_are_two_spans(detector):
    found = contamination.overlap(detector, f"{ZH}。这里是别的内容。{ZH}")
    assert len(found) == 2 and {f.count for f in found} == {2 * (len(ZH) - 19)}


def test_another_set_or_another_file_is_another_version(tmp_path):
    one, other = set_of(tmp_path, "a", [{"text": ZH}]), set_of(tmp_path, "b", [{"text": ZH + "了"}])
    versions = {contamination.version(kit_of(*k)) for k in ((one,), (other,), (one, other))}
    assert len(versions) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f, t: f.write_text("{}"), "hashes to"),
        (lambda f, t: f.unlink(), "cannot be read"),
    ],
)
def test_a_worker_without_the_very_file_stops(tmp_path, change, said):
    one = set_of(tmp_path, "a", [{"text": ZH}])
    change(tmp_path / "a.jsonl", one)
    with pytest.raises(DetectorMissing, match=said):
        contamination.prepare(kit_of(one))


@pytest.mark.parametrize("items", [[{"text": "短"}], [{"other": ZH}], ["text"]])
def test_a_set_that_could_never_be_found_stops(tmp_path, items):
    with pytest.raises(DetectorMissing, match=r"no item of 13 words|expected an object"):
        contamination.prepare(kit_of(set_of(tmp_path, "a", items)))


def test_it_runs_beside_the_others_only_where_a_set_is_named(tmp_path):
    bare, named = (
        Kit("x", "0" * 64, None, None),
        Kit("x", "0" * 64, None, None, test_sets=(set_of(tmp_path, "a", [{"text": ZH}]),)),
    )
    assert contamination not in detectors.running(bare) and contamination in detectors.running(named)
    assert "contamination-" in detectors.versions(named)["language_quality"]
    assert detectors.versions(bare)["keyword"] == detectors.versions(named)["keyword"]


@given(
    st.lists(st.text(st.sampled_from("下列关于光合作用的说法abc ，1２Ａ\u200bé한국ก\ud800"), max_size=60), max_size=4)
)
@settings(max_examples=150, deadline=None)
def test_runs_are_those_of_a_plain_loop(texts):
    of = tokens(fold_batch(texts))
    for n in (1, 2, 5, 13):
        hashes, first = of.runs(n)
        plain = [i for i in range(of.hashes.size - n + 1) if of.texts[i] == of.texts[i + n - 1]]
        assert first.tolist() == plain
        same: dict = {}
        for h, i in zip(hashes.tolist(), plain, strict=True):
            assert same.setdefault(tuple(of.hashes[i : i + n].tolist()), h) == h
        assert len(set(same.values())) == len(same)


@given(st.lists(st.text(st.characters(codec=None, exclude_categories=()), max_size=200), max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_text_raises_and_spans_stay_in_range(tmp_path_factory, texts):
    detector = contamination.prepare(kit_of(set_of(tmp_path_factory.mktemp("s"), "a", [{"text": ZH}])))
    texts = [*texts, *(t + ZH for t in texts)]
    for batch in batches(texts):
        for text, found in zip(batch.texts, detector.find(batch), strict=True):
            assert all(0 <= f.start < f.end <= len(text) for f in found)
            assert bool(found) or ZH not in text
