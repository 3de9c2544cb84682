"""The base of every declared model: frozen, and a field nobody knows is a mistake, not a silent loss."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,62}$"
Identifier = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

_ID = re.compile(ID_PATTERN)

#: The 31 risks of GB/T 45654-2025, Annex A, by the key that findings and labels carry.
RISKS: tuple[str, ...] = (
    *(f"a1{c}" for c in "abcdefgh"),
    *(f"a2{c}" for c in "abcdefghi"),
    *(f"a3{c}" for c in "abcde"),
    *(f"a4{c}" for c in "abcdefg"),
    *(f"a5{c}" for c in "ab"),
)
#: The 29 that count as illegal or unhealthy for the 5 % of clause 4.1.1 (note 1: A.1 to A.4).
RISKS_OF_SOURCE: tuple[str, ...] = tuple(r for r in RISKS if not r.startswith("a5"))

#: Classes of personal information that a detector may report (design: `finding.risk`).
PERSONAL: tuple[str, ...] = (
    "pi_id", "pi_mobile", "pi_landline", "pi_email", "pi_card", "pi_passport", "pi_permit", "pi_plate",
    "pi_ip", "pi_mac", "pi_wechat", "pi_qq",
)  # fmt: skip
#: Those that are sensitive in the sense of clause 4.2.3 b (identity documents, financial accounts; PIPL art. 28).
SENSITIVE: tuple[str, ...] = ("pi_id", "pi_card", "pi_passport", "pi_permit")


#: Signs of poor text that a detector may report, by their reason codes (Gopher, C4, FineWeb, own).
QualitySign = Literal[
    "q_too_short", "q_symbol_ratio", "q_mojibake", "q_unpunctuated_lines", "q_short_lines", "q_list_lines",
    "q_ellipsis_lines", "q_repeated_lines", "q_repeated_characters", "q_word_length", "q_words_without_letters",
    "q_stop_words", "q_lorem_ipsum", "q_curly_bracket", "q_boilerplate",
]  # fmt: skip


class Declared(BaseModel):
    """A piece of configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def is_identifier(text: str) -> bool:
    """Whether `text` may name a source, corpus or control file (lower case, digits, hyphens, at most 63)."""
    return _ID.match(text) is not None
