"""All detectors together against hostile text: none crashes, none hangs, every span lies in its text."""

import hashlib
import resource
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.lexicon import digest
from corpusgate.intake import detectors
from corpusgate.intake.detectors.model import Kit, SetFile

STARTER = Path(__file__).parents[3] / "conf" / "lexicons" / "starter"
ITEM = "下列关于光合作用的说法中正确的一项是叶绿体只存在于植物细胞之中"
FRAGMENTS = [
    "\ud800", "\udfff", "\x00", "\u202e", "\u2066", "\u200f", "שלום", "مرحبا بالعالم",
    "👨\u200d👩\u200d👧", "🏳️\u200d🌈", "🇨🇳", "👍🏽", "e\u0301\u0323", "ﷺ", "\ufeff", "\u00ad",
    "\U000e0041", "\uffff", "\U0010ffff", "𠮷", "ｶﾞ", "\r\n", "\u2028", "13800138000",
    "11010119900307123X", "a@b.cn", "线上赌场", "线 上*赌\u200b场", "XSDC", "xianshangduchang", "限上堵场",
    ITEM, ITEM[:20], "6222021234567890128", "::", "2408:8000::1", "https://", "[pi_id]", "微信号：",
    "粤B·", "@", "1" * 40,
]  # fmt: skip


@pytest.fixture(scope="module")
def screener(tmp_path_factory):
    """Everything that can run without a model: words, sounds, both looks at personal information, quality, a test
    set."""
    path = tmp_path_factory.mktemp("set") / "set.txt"
    path.write_text(ITEM + "\n", "utf-8")
    one = SetFile("quiz", str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    kit = Kit(str(STARTER), digest(STARTER), b"key", "k1", test_sets=(one,))
    made = detectors.load(kit)
    names = {d.NAME for d in detectors.running(kit)}
    assert names == {d.NAME for d in detectors.DETECTORS} | {"homophone", "contamination"}
    return made


def check(text, said):
    for f in said.findings:
        assert 0 <= f.start <= f.end <= len(text) and f.count >= 1 and 0 <= f.weight <= 1, f
        assert f.surface is None or f.surface == text[f.start : f.end]
        assert (f.surface is None) or not f.risk.startswith("pi_")


PIECE = st.sampled_from(FRAGMENTS) | st.text(st.characters(codec=None, exclude_categories=()), max_size=12)


@given(st.lists(st.lists(PIECE, max_size=12).map("".join), max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_mixture_of_hostile_pieces(screener, texts):
    together = screener.screen(texts)
    assert len(together) == len(texts)
    for text, said in zip(texts, together, strict=True):
        check(text, said)
    assert together == [screener.screen([text])[0] for text in texts], "what stands beside a text changes nothing"


@pytest.mark.parametrize("piece", FRAGMENTS, ids=ascii)
def test_one_piece_ten_thousand_times(screener, piece):
    text = piece * 10_000
    began = time.process_time()
    (said,) = screener.screen([text])
    check(text, said)
    assert len(said.findings) < 300
    assert time.process_time() - began < 30


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("char", ["啊", "a", "1", "\x00", "\u0301", "👍", "\u202e", "@", "\ud800"], ids=ascii)
def test_fifty_megabytes_of_one_character(screener, char):
    size = len(char.encode("utf-8", "surrogatepass"))
    text = char * (50_000_000 // size)
    (said,) = screener.screen([text])
    check(text, said)
    assert len(said.findings) < 50
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4_000_000, "kilobytes"
