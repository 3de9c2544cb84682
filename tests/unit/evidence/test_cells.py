"""Hostile text is made tame before it reaches a terminal or a spreadsheet."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.evidence.cells import as_csv, tame


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_csv_never_lets_a_text_start_as_a_formula(cell):
    _, written = csv.reader(io.StringIO(as_csv([{"c": cell}], ["c"]), newline=""))
    assert written == ["'" + cell]


def test_csv_leaves_numbers_as_they_are():
    assert as_csv([{"n": -5, "x": -0.5}], ["n", "x"]) == "n,x\r\n-5,-0.5\r\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("\x1b[31mred", "\\u001b[31mred", id="terminal escape"),
        pytest.param("a\u202eb", "a\\u202eb", id="right-to-left override"),
        pytest.param("\ud800", "\\ud800", id="lone surrogate"),
        pytest.param("正常，文本。", "正常，文本。", id="plain Chinese"),
    ],
)
def test_tame_escapes_what_a_terminal_would_obey(text, shown):
    assert tame(text) == shown


@given(st.text(alphabet=st.characters(), max_size=50))
def test_tame_leaves_nothing_but_visible_characters(text):
    assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in tame(text))


def test_tame_cuts_before_it_escapes_so_that_no_escape_is_cut_open():
    assert tame("abc\x00def", 4) == "abc…"
