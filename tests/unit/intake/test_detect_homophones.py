"""Words that a text only sounds like: found in other characters, as pinyin or initials; they weigh nothing, ever."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.lexicon import digest, load_lexicon
from corpusgate.errors import ConfigError
from corpusgate.intake import detectors
from corpusgate.intake.detectors import homophones
from corpusgate.intake.detectors.batch import make_batch
from corpusgate_testing.lexicons import write_lexicon

STARTER = Path(__file__).parents[3] / "conf" / "lexicons" / "starter"
WORDS = [
    ("w1", "线上赌场", "deny", "a5b,a1h", 1.0),
    ("w2", "赌博", "deny", "a1h", 1.0),
    ("w3", "包治百病", "deny", "a4a", 0.5),
    ("w4", "现上堵厂", "allow", "", 0),
    ("w5", "casino", "deny", "a1h", 1.0),
]


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return homophones.from_lexicon(load_lexicon(write_lexicon(tmp_path_factory.mktemp("l"), WORDS)), "v")


def found(detector, text):
    return [(f.rule, f.surface) for f in detector.find(make_batch([text]))[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("去限上堵场玩", [("sound:w1", "限上堵场")]),
        ("去線\u200b上堵場玩", [("sound:w1", "線\u200b上堵場")]),
        ("去线上赌场玩", []),
        ("去现上堵厂玩", []),
        ("渡博", []),
        ("xianshangduchang", [("spelled:w1", "xianshangduchang")]),
        ("ＸｉａｎＳｈａｎｇＤｕＣｈａｎｇ！", [("spelled:w1", "ＸｉａｎＳｈａｎｇＤｕＣｈａｎｇ")]),
        ("来XSDC看看", [("initials:w1", "XSDC")]),
        ("xsdcs", []),
        ("axsdc", []),
        ("", []),
    ],
)
def test_what_is_found(detector, text, expected):
    assert found(detector, text) == expected


def test_an_ordinary_word_of_the_same_sound_is_no_disguise(tmp_path):
    words = [("w", "是事上", "deny", "a1h", 1.0)]
    detector = homophones.from_lexicon(load_lexicon(write_lexicon(tmp_path, words)), "v")
    assert found(detector, "世事上") and not found(detector, "事实上") and not found(detector, "这是事上")


def test_it_weighs_nothing_and_stands_on_a_risk_that_counts(detector):
    hits = detector.find(make_batch(["限上堵场，XSDC，xianshangduchang。" * 50]))[0]
    assert {f.weight for f in hits} == {0.0} and {f.risk for f in hits} == {"a1h"}
    assert {f.rule: f.count for f in hits} == {"sound:w1": 50, "initials:w1": 50, "spelled:w1": 50}
    assert len(hits) == 60 and all(0 < f.score < 1 for f in hits)


def test_most_words_of_the_starter_are_heard_in_other_characters():
    lexicon = load_lexicon(STARTER)
    detector, rng = homophones.from_lexicon(lexicon, "v"), random.Random(4)
    table = homophones.readings()
    same: dict[int, list[str]] = {}
    for code in range(0x4E00, 0x9FA6):
        if chr(code).encode("gb2312", "ignore"):  # what people can type
            same.setdefault(int(table[code]), []).append(chr(code))
    words = [
        w.key for w in lexicon.words if w.kind == "deny" and len(w.key) >= 3 and w.key.isalpha() and not w.key.isascii()
    ]
    forms = ["".join(rng.choice(same.get(int(table[ord(c)]), [c])) for c in w) for w in words]
    heard = sum(bool(detector.find(make_batch([f"说{form}吧"]))[0]) for form in forms)
    assert len(words) > 700 and heard >= 0.95 * len(words), f"{heard} of {len(words)}"


def kit(folder):
    return detectors.Kit(str(folder), digest(folder), b"key", "k1")


def test_it_runs_only_where_the_lexicon_asks_and_its_version_is_part_of_the_family(tmp_path):
    write_lexicon(tmp_path, WORDS)
    assert "homophone-" not in detectors.versions(kit(tmp_path))["keyword"]
    with (tmp_path / "lexicon.yaml").open("a") as file:
        file.write("sounds: review\n")
    assert "homophone-1+lexicon." in detectors.versions(kit(tmp_path))["keyword"]
    (said,) = detectors.load(kit(tmp_path)).screen(["去限上堵场玩"])
    assert [(f.detector, f.weight) for f in said.findings if f.detector != "language_quality"] == [("homophone", 0.0)]


def test_sounds_can_only_be_for_review(tmp_path):
    write_lexicon(tmp_path, WORDS)
    with (tmp_path / "lexicon.yaml").open("a") as file:
        file.write("sounds: remove\n")
    with pytest.raises(ConfigError, match="removes nothing"):
        load_lexicon(tmp_path)


@given(
    st.lists(
        st.text(
            st.sampled_from("限上堵场xsdc ，Ｘ\u200b赌博\ud800") | st.characters(codec=None, exclude_categories=()),
            max_size=60,
        ),
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_any_text_gives_spans_in_range(detector, texts):
    for text, hits in zip(texts, detector.find(make_batch(texts)), strict=True):
        assert all(0 <= f.start < f.end <= len(text) and f.surface == text[f.start : f.end] for f in hits)
