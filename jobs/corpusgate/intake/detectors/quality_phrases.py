"""Phrases that tell boilerplate, code and placeholder text (C4: Raffel et al. 2020, 2.2), and where they may stand."""

from __future__ import annotations

_BOILERPLATE = (
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
    "enable javascript", "隐私政策", "使用条款", "服务条款", "启用javascript", "使用cookie",
)  # fmt: skip
PHRASES = (("lorem ipsum", "q_lorem_ipsum"), ("{", "q_curly_bracket"), *((p, "q_boilerplate") for p in _BOILERPLATE))
"""Phrase and reason code."""
_RARE = ("{", "ja", "ki", "隐私", "条款", "cy", "ms", "ps")
"""Of each phrase one or two characters in a row that are rare: only where they stand is it looked for."""
_FIRST_BIT = 8
"""Below are the kinds of `pi_marks`."""
PAIRS = tuple((1 << _FIRST_BIT + nth, rare[0], rare[1:]) for nth, rare in enumerate(_RARE))
"""What `marks.table_of` makes a table of."""


def mark_of(phrase: str) -> tuple[int, int]:
    """The kind of mark that is looked for to find the phrase, and how far behind the phrase's beginning it stands."""
    nth = next(n for n, rare in enumerate(_RARE) if rare in phrase)
    return PAIRS[nth][0], phrase.index(_RARE[nth])
