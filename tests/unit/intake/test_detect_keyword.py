"""Keywords: found in disguise, quoted from the stored text, kept back by longer allow phrases."""

import builtins

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.lexicon import load_lexicon
from corpusgate.intake.detectors import compiled, keywords
from corpusgate.intake.detectors.batch import batches, make_batch
from corpusgate_testing.lexicons import write_lexicon

WORDS = [
    ("w1", "赌博", "deny", "a1h,a3e", 0.4),
    ("w2", "赌博网站开户", "deny", "a1h", 1.0),
    ("w3", "禁止赌博", "allow", "", 0),
    ("w4", "sex", "deny", "a1f", 0.4),
    ("w5", "casino", "deny", "a1h", 1.0),
    ("w6", "哈哈", "deny", "a1g", 0.1),
    ("w7", "《赌博史》", "allow", "", 0),
]


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    return load_lexicon(write_lexicon(tmp_path_factory.mktemp("lexicon"), WORDS))


@pytest.fixture(scope="module")
def detector(lexicon):
    return keywords.from_lexicon(lexicon, "v")


def rules(detector, text):
    return sorted({f.rule for f in detector.find(make_batch([text]))[0]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("去赌博吧", ["kw:w1"]),
        ("去賭博吧", ["kw:w1"]),
        ("去赌\u200b博吧", ["kw:w1"]),
        ("去赌*博吧", ["kw:w1:apart"]),
        ("赌，博", []),
        ("他赌，博得一笑", []),
        ("禁止赌博", []),
        ("禁止赌博网站开户", ["kw:w2"]),
        ("读《赌博史》", []),
        ("赌博网站开户", ["kw:w2"]),
        ("ＣＡＳＩＮＯ", ["kw:w5"]),
        ("casinos", ["kw:w5:inside"]),
        ("Sussex", []),
        ("a sex b", ["kw:w4"]),
        ("看sex吧", ["kw:w4"]),
        ("", []),
        ("天气好", []),
        ("赌…博", ["kw:w1:apart"]),
        ("赌 博 网 站 开 户", ["kw:w2:apart"]),
        ("赌博网站 开户", ["kw:w2:apart"]),
    ],
)
def test_what_is_found(detector, text, expected):
    assert rules(detector, text) == expected


def test_findings_quote_the_stored_text_and_carry_the_weight_once(detector):
    found = detector.find(make_batch(["前", "x賭\u200b博，赌博。赌博"]))
    assert found[0] == []
    assert {f.surface for f in found[1]} == {"賭\u200b博", "赌博"}
    assert {f.risk for f in found[1]} == {"a1h", "a3e"}
    assert sum(f.weight for f in found[1]) == 0.4
    assert {f.count for f in found[1]} == {3}


def test_set_apart_counts_half_for_a_short_word(detector):
    assert [f.weight for f in detector.find(make_batch(["赌*博"]))[0]] == [0.2, 0.0]
    assert [f.weight for f in detector.find(make_batch(["赌.博.网.站.开.户"]))[0]] == [1.0]


def test_at_most_twenty_findings_a_rule_with_the_whole_count(detector):
    found = detector.find(make_batch(["赌博。" * 50]))[0]
    assert len(found) == 20
    assert {f.count for f in found} == {50}


def test_one_repeated_word_in_a_long_text_is_cut_into_slices(detector, monkeypatch):
    monkeypatch.setattr(keywords, "SLICE", 500)
    text = "哈" * 3001 + "赌博网站开户" + "好" * 700
    found = {f.rule: f.count for f in detector.find(make_batch([text]))[0]}
    assert found == {"kw:w6": 3000, "kw:w2": 1}


def test_no_word_matches_across_two_texts(detector):
    assert detector.find(make_batch(["赌", "博"])) == [[], []]


PIECES = st.lists(
    st.sampled_from(
        ["赌", "博", "网站", "开户", "禁止", "《", "》", "史", " ", "*", "，", "\u200b", "sex", "casino", "s", "哈"]
    ),
    max_size=20,
)


@given(st.lists(PIECES.map("".join), max_size=5))
@settings(max_examples=150, deadline=None)
def test_the_fallback_finds_the_same(detector, lexicon, texts):
    other = keywords.from_lexicon(lexicon, "v", hyperscan=False)
    for batch in batches(texts):
        assert detector.find(batch) == other.find(batch)


def test_without_hyperscan_the_fallback_is_taken(lexicon, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "hyperscan":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    assert rules(keywords.from_lexicon(lexicon, "v"), "去赌*博网站吧") == ["kw:w1:apart"]


def test_a_word_without_weight_removes_nothing_however_often_and_however_written(tmp_path):
    words = [(f"w{n}", w, "deny", "a1a,a5b", 0) for n, w in enumerate(["赌博", "赌博网站", "casino", "线上赌场"])]
    detector = keywords.from_lexicon(load_lexicon(write_lexicon(tmp_path, words)), "v")
    found = detector.find(make_batch(["赌博，赌*博，赌 博 网 站，casinos casino 线上赌场。" * 200]))[0]
    assert len(found) > 50 and sum(f.weight for f in found) == 0


def test_a_weight_counts_once_in_the_heaviest_form_that_is_there(detector):
    found = detector.find(make_batch(["赌*博，赌博，casinos casino 赌博网站开户 赌 博 网 站 开 户"]))[0]
    assert {f.rule: f.weight for f in found if f.weight} == {"kw:w1": 0.4, "kw:w2": 1.0, "kw:w5": 1.0}


def test_a_weight_lies_on_a_risk_that_counts_for_the_source(tmp_path):
    folder = write_lexicon(
        tmp_path, [("w1", "线上赌场", "deny", "a5b,a1h", 0.5), ("w2", "包治百病", "deny", "a5a", 0.5)]
    )
    detector = keywords.from_lexicon(load_lexicon(folder), "v")
    found = detector.find(make_batch(["线上赌场，包治百病"]))[0]
    assert {(f.risk, f.weight) for f in found} == {("a5b", 0.0), ("a1h", 0.5), ("a5a", 0.5)}


def test_a_long_list_is_compiled_once_and_read_back_the_same(tmp_path, monkeypatch):
    chars = "天地玄黄宇宙洪荒日月盈昃辰宿列张"
    words = [f"{a}{b}{c}" for a in chars for b in chars for c in chars][: compiled.FROM_WORDS]
    folder = write_lexicon(tmp_path, [(f"w{n}", w, "deny", "a1h", 0.1) for n, w in enumerate(words)])
    lexicon, cache = load_lexicon(folder), tmp_path / "cache"
    plain = keywords.from_lexicon(lexicon, "v")
    first = keywords.from_lexicon(lexicon, "v", cache=cache)
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(compiled, "_compile", lambda *_: pytest.fail("compiled again"))
    again = keywords.from_lexicon(lexicon, "v", cache=cache)
    texts = make_batch([words[5] + "。" + words[1999], "天地", "", chars * 3])
    assert plain.find(texts) == first.find(texts) == again.find(texts) != [[], [], [], []]
    monkeypatch.undo()
    for damaged in (b"", file.read_bytes()[:-1], b"\0" * 5000, file.read_bytes()[:32]):
        file.write_bytes(damaged)
        assert keywords.from_lexicon(lexicon, "v", cache=cache).find(texts) == plain.find(texts)
        assert len(file.read_bytes()) > 5000, "what was damaged is replaced"


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("no folder")
    keys = [
        f"{a}{b}{c}".encode()
        for a in "甲乙丙丁戊己庚辛壬癸子丑寅"
        for b in "甲乙丙丁戊己庚辛壬癸子丑寅"
        for c in "甲乙丙丁戊己庚辛壬癸子丑寅"
    ]
    assert len(keys) > compiled.FROM_WORDS
    assert compiled.compiled(keys, tmp_path / "file" / "cache") is not None


def test_of_lists_that_change_every_week_only_the_newest_stay_compiled(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "FROM_WORDS", 1)
    for week in range(compiled.KEPT + 3):
        compiled.compiled([f"第{week}周的词".encode()], tmp_path)
    assert len(list(tmp_path.iterdir())) == compiled.KEPT
    monkeypatch.setattr(compiled, "_compile", lambda *_: pytest.fail("compiled again"))
    compiled.compiled([f"第{compiled.KEPT + 2}周的词".encode()], tmp_path)
