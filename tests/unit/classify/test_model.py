"""The model in use says what the saved pipeline says, finds the worst window, and is refused when it was changed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.classify import train
from corpusgate.classify.card import as_text, data_of, measured
from corpusgate.classify.form import SIZE, STEP, WHOLE, formed, whole_texts, window_texts, windows
from corpusgate.classify.model import CARD_FILE, MODEL_FILE, load, of_pipeline, weights_digest
from corpusgate.classify.rules import CLEAN
from corpusgate.classify.suspects import doubted
from corpusgate.errors import DetectorMissing, UserError
from corpusgate.intake.detectors import classifier
from corpusgate.intake.detectors.batch import make_batch
from corpusgate.intake.detectors.fold import fold_batch
from corpusgate.intake.detectors.model import Kit
from corpusgate_testing.classify import Example, example, examples, model_of, promote_model, sha, text_of
from corpusgate_testing.lake import place_in


@pytest.fixture(scope="module")
def pipeline():
    return train.fit(examples())


def test_it_says_what_scikit_learn_says(pipeline) -> None:
    texts = [e.text for e in examples(20)] + ["", "好", "全角ＡＢＣ\n\n 轉帳", "unknown characters only: ☃☃☃"]
    model = of_pipeline(pipeline, "v", 0.5)
    expected = pipeline.predict_proba(whole_texts(texts))
    form = formed(fold_batch(texts))
    found = model.probabilities(form, windows(form))
    order = [list(pipeline.named_steps["regression"].classes_).index(c) for c in model.classes]
    assert model.classes[0] == CLEAN and np.allclose(found, expected[:, order], atol=1e-12)


def test_two_classes_work_as_well() -> None:
    taught = examples(30, ("clean", "a2i"))
    pipeline = train.fit(taught)
    form = formed(fold_batch([e.text for e in taught]))
    model = of_pipeline(pipeline, "v", 0.5)
    expected = pipeline.predict_proba(whole_texts([e.text for e in taught]))
    at = list(pipeline.named_steps["regression"].classes_).index("a2i")
    assert np.allclose(model.probabilities(form, windows(form))[:, 1], expected[:, at], atol=1e-12)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=500), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_windows_cover_each_text_and_have_the_sizes_that_are_promised(texts: list[str]) -> None:
    for whole, cut in zip(whole_texts(texts), window_texts(texts), strict=True):
        assert "  " not in whole and "\n" not in whole
        if len(whole) <= WHOLE:
            assert cut == [whole]
            continue
        assert {len(w) for w in cut} == {SIZE}
        assert cut[0] == whole[:SIZE] and cut[-1] == whole[-SIZE:]
        assert all(cut[n] == whole[n * STEP : n * STEP + SIZE] for n in range(len(cut) - 1))
        assert (len(cut) - 1) * STEP + SIZE >= len(whole) > (len(cut) - 2) * STEP + SIZE


def test_a_long_text_is_as_bad_as_its_worst_window_and_says_where(pipeline) -> None:
    model = of_pipeline(pipeline, "v", 0.5)
    clean = " ".join(text_of("clean", n) for n in range(60))
    bad = text_of("a2i", 500, 40)
    middle = len(clean) // 2
    text = clean[:middle] + "\n\n" + bad + clean[middle:]
    quiet, loud = model.worst([clean, text])
    assert quiet.harm < 0.5 < loud.harm and (quiet.said, loud.risk, loud.said) == (CLEAN, "a2i", "a2i")
    inside = set(range(loud.start, loud.end)) & set(range(middle, middle + len(bad)))
    assert len(inside) > 0.8 * (loud.end - loud.start)


def test_what_else_is_in_the_batch_does_not_matter(pipeline) -> None:
    model = of_pipeline(pipeline, "v", 0.5)
    texts = [text_of(k, n, w) for k in ("clean", "a2i", "a3a") for n, w in ((1, 5), (2, 90), (3, 300))]
    together = model.worst(texts)
    assert together == [model.worst([t])[0] for t in texts]


def test_invisible_and_traditional_forms_do_not_hide_anything(pipeline) -> None:
    model = of_pipeline(pipeline, "v", 0.5)
    plain = "转账 验证码 中奖 客服 刷单 转账 验证码"
    hidden = "轉\u200b賬 驗證碼　中獎 客服\n刷單 轉賬 驗證碼"
    assert [w.harm for w in model.worst([hidden])] == pytest.approx([model.worst([plain])[0].harm])


def test_training_is_deterministic_whatever_the_order() -> None:
    rows = examples(40)
    one = weights_digest(model_of(rows))
    random.Random(3).shuffle(rows)
    assert weights_digest(model_of(rows)) == one
    assert weights_digest(model_of(rows[1:])) != one


def test_one_kind_of_text_is_nothing_to_tell_apart() -> None:
    with pytest.raises(UserError, match="only: clean"):
        train.fit(examples(5, ("clean",)))


def test_a_text_with_two_risks_teaches_both_with_half_its_weight_each() -> None:
    both = Example("x y", sha("x y"), ("a2i", "a3a"), "s", "annotation")
    texts, classes, weights = train._rows([both, example("clean", 1)])
    assert (texts[:2], classes, weights) == (["x y"] * 2, ["a2i", "a3a", CLEAN], [0.5, 0.5, 1.0])


def test_a_saved_model_comes_back_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    folder = promote_model(place, "test", examples(30))
    texts = [text_of("a2i", 99), text_of("clean", 99)]
    assert load(folder).worst(texts) == model_of(examples(30)).worst(texts)
    card = json.loads((folder / CARD_FILE).read_text())
    (folder / CARD_FILE).write_text(json.dumps(card | {"weights_sha256": "0" * 64}))
    with pytest.raises(DetectorMissing, match="weights"):
        load(folder)
    for other in ({"canary": [c + 0.01 for c in card["canary"]]}, {"canary": None}):
        (folder / CARD_FILE).write_text(json.dumps(card | other))
        with pytest.raises(DetectorMissing, match="canary sentences otherwise"):
            load(folder)
    (folder / CARD_FILE).write_text(json.dumps(card))
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes()[:-1] + b"x")
    with pytest.raises(DetectorMissing, match="not the one that its card names"):
        load(folder)
    (folder / MODEL_FILE).unlink()
    with pytest.raises(DetectorMissing, match="cannot be read"):
        load(folder)


def test_the_detector_finds_what_the_model_finds_and_weighs_nothing(tmp_path: Path) -> None:
    folder = promote_model(place_in(tmp_path), "test", examples(60))
    digest = json.loads((folder / CARD_FILE).read_text())["weights_sha256"]
    kit = Kit("", "", None, None, str(folder), digest)
    detector = classifier.prepare(kit)
    (found,), none = detector.find(make_batch([text_of("a2i", 99), text_of("clean", 99)]))
    assert (found.risk, found.rule, found.weight, found.surface) == ("a2i", "clf:a2i", 0.0, None) and none == []
    assert digest[:32] in found.version == classifier.version(kit)


def test_the_detector_refuses_another_model_than_the_run_names(tmp_path: Path) -> None:
    folder = promote_model(place_in(tmp_path), "test", examples(30))
    with pytest.raises(DetectorMissing, match="the run names"):
        classifier.prepare(Kit("", "", None, None, str(folder), "0" * 64))
    with pytest.raises(DetectorMissing, match="No model is promoted"):
        classifier.prepare(Kit("", "", None, None))


def test_the_card_tells_data_figures_and_holes() -> None:
    rows = examples(60)
    rows.append(example("a2i", 900, "bare"))
    model, test = model_of(rows), [example(k, n) for k in ("clean", "a2i", "a3a") for n in range(100, 130)]
    card = {
        "version": "v", "corpus": "c", "trained_at": "t", "fixture": True, "weights_sha256": weights_digest(model),
        "libraries": {"scikit-learn": "x"}, "settings": dict(train.SETTINGS), "labels": "people's",
        "threshold": {"harm": 0.5, "tuned_on": 9, "false_alarms_asked": 0.005}, "data": data_of(rows, ["b1"]),
        "test": measured(model, test),
    }  # fmt: skip
    assert card["test"]["macro_f1"] > 0.95 and card["test"]["harmful"] == 60 and card["test"]["clean"] == 30
    assert card["data"]["sources_without_clean_text"] == ["bare"]
    assert sum(sum(c.values()) for c in card["data"]["parts"].values()) == len(rows)
    text = as_text(card)
    assert "made-up fixture" in text and "No clean text of: bare" in text and "95 %:" in text


def test_suspects_are_the_planted_ones_by_models_that_have_not_seen_them() -> None:
    rows = examples(60)
    planted = [Example(text_of("clean", n), sha(text_of("clean", n)), ("a2i",), "s", "annotation") for n in (700, 701)]
    found = doubted([*rows, *planted])
    assert {f["text_sha256"] for f in found[:2]} == {p.text_sha256 for p in planted}
    assert {(f["label"], f["likelier"]) for f in found[:2]} == {("a2i", CLEAN)}
