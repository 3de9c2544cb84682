"""Places of words in folded code points: hyperscan over two-byte letters finds what plain search finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.intake.detectors import located
from corpusgate.intake.detectors.fold import join

WORDS = ["aa", "aaa", "ab", "赌博", "赌博网", "博网站", "𠀀𠀁", "a b"]


def plainly(words, text):
    return [
        (no, at, at + len(word))
        for no, word in enumerate(words)
        for at in range(len(text))
        if text.startswith(word, at)
    ]


def codes_of(text):
    return join([text])[1:-1]


@pytest.fixture(scope="module", params=[located.by_hyperscan, located.by_automaton])
def locate(request):
    return request.param(WORDS, None) if request.param is located.by_hyperscan else request.param(WORDS)


@given(st.text("aab 赌博网站𠀀𠀁好", max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_place_of_every_word_is_found(locate, text):
    assert sorted(map(tuple, locate(codes_of(text)).tolist())) == plainly(WORDS, text)


@pytest.mark.parametrize("values", [2, 3])
def test_where_characters_share_letters_and_halves_of_letters_spell_words_nothing_else_is_found(monkeypatch, values):
    monkeypatch.setattr(located, "_BYTES", values)
    words = ["abc", "bca", "efg", "ghij", "aa"]
    text = "abcdefghijklmnop" * 3 + "aaaa" + "gfedcba"
    found = located.by_hyperscan(words, None)(codes_of(text))
    assert sorted(map(tuple, found.tolist())) == plainly(words, text)


def test_no_letter_holds_a_byte_that_would_end_a_pattern():
    words = ["".join(map(chr, range(0x20, 0xD800)))]
    letters = located._letters(words)
    assert letters.view(np.uint8).min() > 0
    assert letters[0] == letters[0x10FFFE] == 0x0101
    assert np.unique(letters[0x20:0xD800]).size == 0xD800 - 0x20, "one each as long as there are enough"
