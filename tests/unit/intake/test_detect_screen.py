"""The screener as a whole: proves itself when loaded, holds against hostile text."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.lexicon import digest
from corpusgate.errors import DetectorMissing
from corpusgate.intake import detectors
from corpusgate.intake.detectors import batch as batch_module
from corpusgate.intake.detectors import long_text
from corpusgate.intake.detectors.batch import batches
from corpusgate_testing.lexicons import write_lexicon

STARTER = Path(__file__).parents[3] / "conf" / "lexicons" / "starter"


def kit(folder=STARTER, sha256=None):
    return detectors.Kit(str(folder), sha256 or digest(folder), b"key", "k1")


@pytest.fixture(scope="module")
def screener():
    return detectors.load(kit())


def test_the_kit_travels_and_the_families_are_known(screener):
    assert pickle.loads(pickle.dumps(kit())) == kit()
    found = detectors.versions(kit())
    assert set(found) == {"keyword", "personal_information", "language_quality", "signature"}
    assert set(found) <= set(detectors.FAMILIES)
    assert found == detectors.versions(kit())


def test_another_lexicon_than_named_stops_the_worker(tmp_path):
    with pytest.raises(DetectorMissing, match="another version"):
        detectors.load(kit(sha256="0" * 64))
    with pytest.raises(DetectorMissing, match="cannot be made ready"):
        detectors.load(detectors.Kit(str(tmp_path), "0" * 64, None, None))


def test_a_silent_canary_stops_the_worker(tmp_path):
    write_lexicon(tmp_path, [("a", "线上赌场", "deny", "a1h", 1)])
    (tmp_path / "lexicon.yaml").write_text((tmp_path / "lexicon.yaml").read_text().replace("线上赌场", "线上茶馆"))
    with pytest.raises(DetectorMissing, match="canary"):
        detectors.load(kit(tmp_path))


def test_one_text_gets_the_findings_of_all_detectors(screener):
    (said,) = screener.screen(["澳门线上赌场开户，联系13800138000"])
    assert {f.detector for f in said.findings} == {"keyword", "personal_information", "pi_check", "language_quality"}
    assert sum(f.weight for f in said.findings) == 1.0
    assert (said.language, said.script) == ("zh", "Hans")


@pytest.mark.parametrize(
    "text",
    [
        "第三百零三条 以营利为目的，聚众赌博或者以赌博为业的，处三年以下有期徒刑、拘役或者管制，"
        "并处罚金。开设赌场的，处五年以下有期徒刑。",
        "第三百四十七条 走私、贩卖、运输、制造毒品，无论数量多少，都应当追究刑事责任，予以刑事处罚。",
        "第一百零三条 组织、策划、实施分裂国家、破坏国家统一的，对首要分子或者罪行重大的，"
        "处无期徒刑。煽动颠覆国家政权罪。",
        "操大怒，拔剑斩之，杀其全家，诸将皆惊。",
        "kill -9 terminates the process; the master kills its slaves and the child dies.",
        "网信部门禁止代开发票、有偿删帖等违法行为。",
        "淫秽物品，是指具体描绘性行为或者露骨宣扬色情的诲淫性的书刊、影片、录像带。",
    ],
)
def test_law_classics_and_documentation_are_not_removed(screener, text):
    (said,) = screener.screen([text])
    assert sum(f.weight for f in said.findings) < 1.0


HOSTILE = [
    "\ud800\udfff\ud800",
    "\x00" * 50,
    "\u202e13800138000\u202c",
    "👨\u200d👩\u200d👧\u200d👦🏳️\u200d🌈" * 5,
    "ﷺ" * 40,
    "\U0010ffff@\U0010ffff",
    "e\u0301" * 30,
    "@" * 400,
    "1" * 400,
    "1 " * 400,
    ":" * 400,
    "a@b.cc" * 100,
    "[at]" * 100,
    "微信" * 200,
    "粤b" * 200,
    "1.1.1.1." * 60,
    "(" * 300,
    "\n" * 300,
    "赌*" * 200,
    "\U000e0041" * 50,
    "身份证" * 100,
    "xn--" * 90,
    "0-" * 300,
    "+86" * 200,
]


def test_hostile_texts_screen_as_they_do_alone(screener):
    together = screener.screen(HOSTILE)
    assert together == [screener.screen([t])[0] for t in HOSTILE]
    for text, said in zip(HOSTILE, together, strict=True):
        assert all(0 <= f.start <= f.end <= len(text) for f in said.findings)


@given(
    st.lists(
        st.text(st.characters(codec=None, exclude_categories=()), max_size=80) | st.sampled_from(HOSTILE), max_size=5
    )
)
@settings(max_examples=100, deadline=None)
def test_no_text_raises_and_spans_stay_in_range(screener, texts):
    said = screener.screen(texts)
    assert len(said) == len(texts)
    for text, one in zip(texts, said, strict=True):
        for f in one.findings:
            assert 0 <= f.start <= f.end <= len(text) and f.count >= 1 and 0 <= f.weight <= 1
            assert f.surface is None or f.surface == text[f.start : f.end]


@pytest.mark.parametrize("char", ["啊", "1", "a", "@", "\x00", "-"])
def test_a_million_of_one_character(screener, char):
    (said,) = screener.screen([char * 1_000_000])
    assert len(said.findings) < 50


def test_batches_keep_the_order(monkeypatch):
    monkeypatch.setattr(batch_module, "CODE_POINTS_A_BATCH", 10)
    texts = ["a" * n for n in (3, 5, 30, 0, 2, 9, 10)]
    parts = [list(b.texts) for b in batches(texts)]
    assert [t for part in parts for t in part] == texts and len(parts) > 3
    assert list(batches([])) == []


def test_a_long_text_is_screened_in_pieces_as_if_whole(screener, monkeypatch):
    lines = [f"第{n}行，澳门线上赌场开户就送，电话138{n:08d}。" for n in range(60)]
    for text in ("\n".join(lines), "".join(lines).replace("。", "")):
        whole = screener.screen([text])[0]
        monkeypatch.setattr(long_text, "LONGEST_TEXT", 700)
        monkeypatch.setattr(detectors, "LONGEST_TEXT", 700)
        cut = screener.screen([text])[0]
        monkeypatch.undo()
        assert sum(f.weight for f in cut.findings) == sum(f.weight for f in whole.findings) == 1.0
        assert {(f.rule, f.start, f.end) for f in whole.findings} == {(f.rule, f.start, f.end) for f in cut.findings}
        if "\n" in text:
            assert {(f.rule, f.count) for f in whole.findings} == {(f.rule, f.count) for f in cut.findings}
