"""Signatures: the same for what reads the same, different for what does not, whatever a text is made of."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.decide.near import rules
from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors import signature
from corpusgate.intake.detectors.batch import make_batch
from corpusgate_testing.near import edited, in_traditional, text_of

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)  # lone surrogates and NULs too


def alike(a: str, b: str) -> float:
    """Share of the minima that two texts have in common: an estimate of their Jaccard similarity."""
    left, right = (np.frombuffer(s or b"", dtype="<u4") for s in signature.sign([a, b]))
    return float(np.mean(left == right))


def test_a_signature_is_28_bands_of_4_minima_of_4_bytes():
    (signed,) = signature.sign([text_of(1)])
    assert signed is not None and len(signed) == signature.BYTES == 28 * 4 * 4


@pytest.mark.parametrize("text", ["", "a", "四个字也", " \n\t　", "a b c d", "\u200b\u200b\u200b\u200b\u200b\u200b"])
def test_a_text_with_less_than_five_characters_that_count_has_none(text):
    assert signature.sign([text]) == [None]


def test_five_characters_are_enough():
    assert signature.sign(["五个汉字呢"])[0] is not None


@pytest.mark.parametrize(
    "twin",
    [
        lambda t: t.replace("，", ","),
        lambda t: "\n".join(t[i : i + 30] for i in range(0, len(t), 30)),
        lambda t: "  " + t.replace("。", "。\u3000\u3000"),
        lambda t: t.replace("Linux", "ＬＩＮＵＸ"),
        lambda t: t.replace("系统", "系\u200b统"),
        in_traditional,
    ],
    ids=["punctuation width", "line breaks", "indentation", "letter width and case", "format characters", "script"],
)
def test_what_reads_the_same_has_the_same_signature(twin):
    text = text_of(2) + "，Linux 系统。" + text_of(3)
    assert twin(text) != text
    assert signature.sign([twin(text)]) == signature.sign([text])


def test_words_of_taiwan_meet_those_of_the_mainland():
    taiwan = "請用滑鼠點選螢幕左邊的選單，再從清單裡選擇檔案，然後關閉視窗。程式把資料寫入硬碟，記憶體不足時顯示訊息。"
    mainland = "请用鼠标点选屏幕左边的菜单，再从列表里选择文件，然后关闭窗口。程序把数据写入硬盘，内存不足时显示消息。"
    assert alike(taiwan, mainland) > 0.5


def test_the_words_of_a_simplified_text_are_left_alone():
    assert signature.near_form("打开文件，运行程序。") == "打开文件,运行程序。"


def test_the_estimate_follows_the_true_similarity():
    text = text_of(4, 3000)
    for share in (0.01, 0.03, 0.06):
        twin = edited(text, share)
        (a, b) = (set(s.hashes.tolist()) for s in signature.sequences([text, twin]))
        assert alike(text, twin) == pytest.approx(rules.jaccard(a, b), abs=0.15)


def test_different_texts_share_nothing():
    assert alike(text_of(5), text_of(6)) == 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_TEXT, max_size=8))
def test_no_text_is_too_strange_and_none_depends_on_its_neighbours(texts):
    together = signature.sign(texts)
    assert together == [signature.sign([t])[0] for t in texts]
    runs = signature.sequences(texts)
    assert [s.hashes.size == 0 for s in runs] == [t is None for t in together]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(ANY_TEXT, st.integers(0, 5).map(lambda n: in_traditional(text_of(n, 60)))), max_size=6))
def test_a_folded_batch_is_signed_as_its_texts_are(texts):
    assert signature.sign_batch(make_batch(texts)) == signature.sign(texts)


@settings(max_examples=20, deadline=None)
@given(ANY_TEXT.filter(lambda t: len(t) > 6), st.integers(2, 40))
def test_a_text_cut_into_pieces_is_signed_like_one_that_is_not(text, size):
    """Simplified and other texts; in traditional ones a phrase on a cut may be read differently."""
    text = text.translate({c: None for c in set(map(ord, text)) if c > 0x2E80})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signature, "_CODES_AT_ONCE", size)
        pieces = signature.sign([text])
        form = signature.near_form(text)
    assert pieces == signature.sign([text])
    assert form == signature.near_form(text)


def test_the_runs_of_a_text_stand_in_its_order():
    (runs,) = signature.sequences(["一二三四五六七八九十"])
    assert runs.whole
    singles = [signature.sequences(["一二三四五六七八九十"[i : i + 5]])[0].hashes[0] for i in range(6)]
    assert runs.hashes.tolist() == singles


def test_of_a_long_text_the_smallest_runs_stand_for_all():
    text = text_of(7, signature.SEQUENCE_LIMIT + 5000)
    (runs,) = signature.sequences([text])
    assert not runs.whole
    assert runs.hashes.size == signature.SEQUENCE_LIMIT
    assert (np.diff(runs.hashes.astype(np.int64)) > 0).all()


def test_fifty_million_times_one_character_is_one_run_in_little_memory():
    code = (
        "import re\n"
        "from pathlib import Path\n"
        "from corpusgate.intake.detectors import signature\n"
        "text = 'a' * 50_000_000\n"
        "signed, runs = signature.sign([text, 'aaaaa']), signature.sequences([text])\n"
        "assert signed[0] == signed[1], 'not the same'\n"
        "assert runs[0].hashes.size == 1\n"
        # not ru_maxrss, which a child takes over from the process that forked it
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, env={**os.environ}, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 600, "MiB at most: the text itself is 50"


def test_the_algorithm_is_the_one_whose_signatures_are_stored():
    """Fails when a library or a table changes what signatures are: then `ALGORITHM` needs another version."""
    signed = signature.sign(
        ["The quick brown fox jumps over the lazy dog.", "敏捷的棕色狐狸跳过了那只懒狗。", "請用滑鼠點選檔案。"]
    )
    digests = [hashlib.sha256(s or b"").hexdigest()[:16] for s in signed]
    assert (signature.ALGORITHM, digests) == ("minhash-tw2sp-5-28x4-v1", GOLDEN)


def test_a_worker_proves_that_it_signs_as_the_others_do(monkeypatch):
    signature.prove()
    monkeypatch.setattr(signature, "_TRADITIONAL_SHARE", 2.0)  # as if OpenCC were not asked
    with pytest.raises(DetectorMissing, match="minhash-tw2sp"):
        signature.prove()


def test_the_version_names_the_algorithm_and_the_data_it_rests_on():
    head, digest = signature.version().rsplit("-", 1)
    assert head == signature.ALGORITHM
    assert len(digest) == 8 and int(digest, 16) >= 0


GOLDEN = ["3ffc26b5ae3d6663", "43fab7b21b1d5e77", "9efc632ddcd7f9cd"]
