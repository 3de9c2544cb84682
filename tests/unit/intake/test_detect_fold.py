"""The match form: same for the forms of one word, and always a way back to the stored text."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.intake.detectors.fold import fold, fold_batch
from corpusgate.intake.detectors.fold_table import fold_table
from corpusgate.intake.detectors.keys import match_keys
from corpusgate.intake.detectors.squeeze import disguised, squeeze

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    "form",
    [
        "赌博网站ABC",
        "賭博網站abc",
        "赌博网站ＡＢＣ",
        "赌\u200b博\u2060网站abc",
        "赌愽网站aЬc".replace("Ь", "b"),
        "赌博\x00网站аbс",
    ],
)
def test_forms_of_one_word_meet(form):
    assert fold(form) == "赌博网站abc"


@given(ANY)
@settings(max_examples=200, deadline=None)
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def test_table_is_closed_for_every_code_point():
    table = fold_table()
    ordinary = table.to[table.to < 0x110000]
    again = table.to[ordinary[ordinary != 0]]
    assert np.array_equal(again, ordinary[ordinary != 0])
    assert all(fold(s) == s for s in table.longer)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
@settings(max_examples=50, deadline=None)
def test_printable_ascii_only_loses_its_case(text):
    assert fold(text) == text.lower()


@given(st.lists(ANY, max_size=6), st.data())
@settings(max_examples=200, deadline=None)
def test_spans_lie_in_the_stored_text_and_fold_back(texts, data):
    folded = fold_batch(texts)
    assert len(folded.starts) == len(folded.ends) == len(texts)
    for no, text in enumerate(texts):
        start, end = folded.starts[no], folded.ends[no]
        if end > start:
            a = data.draw(st.integers(start, end - 1))
            b = data.draw(st.integers(a + 1, end))
            low, high = folded.span(no, a, b)
            assert 0 <= low < high <= len(text)
            assert folded.text[a:b] in fold(text[low:high])


MOVING = st.text(st.sampled_from("ab中\u200b\u00ad\0㍿½…\ufdfa\ud800"), max_size=20)


@given(st.lists(MOVING, max_size=5))
@settings(max_examples=300, deadline=None)
def test_every_folded_code_point_is_where_one_character_after_another_puts_it(texts):
    folded, joined = fold_batch(texts), "\U0010ffff".join(("", *texts, ""))
    forms = [c if c == "\U0010ffff" else fold(c) for c in joined]
    assert folded.text == "".join(forms) == folded.codes.tobytes().decode("utf-32-le")
    source = [at for at, form in enumerate(forms) for _ in form]
    assert source == (list(range(len(joined))) if folded.source is None else folded.source.tolist())


def test_what_grows_points_back_to_its_one_character():
    folded = fold_batch(["a㍿b", "\u200b½x"])
    assert folded.text[folded.starts[0] : folded.ends[0]] == "a株式会社b"
    assert folded.span(0, folded.starts[0] + 2, folded.starts[0] + 4) == (1, 2)
    assert folded.span(1, folded.ends[1] - 1, folded.ends[1]) == (2, 3)


def test_a_stray_sentinel_does_not_move_the_texts():
    folded = fold_batch(["a\U0010ffffb", "c"])
    assert [folded.text[a:b] for a, b in zip(folded.starts, folded.ends, strict=True)] == ["a\ufffdb", "c"]


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("赌*博", True),
        ("赌 博", True),
        ("赌__博", True),
        ("赌，博", False),
        ("法，轮，大", True),
        ("他赌，博得", False),
        ("赌博", False),
    ],
)
def test_separators_between_han_are_squeezed_and_judged(text, apart):
    codes = fold_batch([text]).codes
    kept = squeeze(codes)
    assert (kept is not None and disguised(codes, kept[1:-1])) is apart


@given(st.text(st.sampled_from("赌博a* ,."), max_size=14))
@settings(max_examples=300, deadline=None)
def test_one_to_three_separators_between_han_are_squeezed_and_no_others(text):
    codes = np.array([ord(c) for c in f"\U0010ffff{text}\U0010ffff"], dtype=np.uint32)
    kept = squeeze(codes)
    left = text if kept is None else "".join(chr(codes[at]) for at in kept[1:-1])
    assert left == re.sub("(?<=[赌博])[* ,.]{1,3}(?=[赌博])", "", text)


def test_words_are_squeezed_and_stripped_like_text():
    assert match_keys([" 赌*博 ", "ＡＢ c", "\u200b"]) == ["赌博", "ab c", ""]


@given(st.lists(st.text("赌博abc *-，。、\u200b\n\t…\0　Ａ\U0010ffff", max_size=12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_word_has_the_same_match_form_alone_and_among_others(words):
    assert match_keys(words) == [match_keys([word])[0] for word in words]
