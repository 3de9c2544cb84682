"""What a detector says of a text, and what a worker needs to say it. Plain records without behaviour."""

from __future__ import annotations

from dataclasses import dataclass

SPANS_A_RULE = 20
"""At most this many findings a rule and text; `Finding.count` holds all matches."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact about a text, by one version of one detector (design.md 1 and 4, table `finding`).

    `risk` is an Annex A key (`a1a` … `a5b`), `pi_*`, `near_*` (a malformed look-alike) or `q_*` (quality).
    `start` and `end` are code points of the stored text, end-exclusive; 0, 0 for what is said of the whole text.
    `weight` adds up over a text against the removal threshold 1.0. A rule's whole weight lies on its first finding, so
    that neither a repeated word nor a word with several risks counts twice; `count` holds all matches of the rule.
    `surface` is the matched stored text, None for `pi_*` and `near_*`; `pi_*` carry an HMAC of the normalised value.
    """

    detector: str
    version: str
    rule: str
    risk: str
    start: int
    end: int
    score: float
    weight: float
    surface: str | None
    value_hmac: str | None
    hmac_key_id: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Screened:
    """What all detectors say of one text. `language` is like BCP 47 (`und` = unknown), `script` an ISO 15924 code."""

    findings: tuple[Finding, ...]
    language: str
    language_score: float
    script: str
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class SetFile:
    """A test set on this machine: its file, what that must hash to, and the fields of a JSON line that make an item;
    without fields every line is one."""

    id: str
    path: str
    sha256: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kit:
    """What a worker is given: where the lexicon lies and what it must hash to, the key for identifiers, and, where a
    model is promoted for the corpus, its folder and the digest of its weights. `cache_dir`: where compiled lists of
    words may be kept; nothing depends on what is there. `test_sets`: those that the corpus's policy names."""

    lexicon_dir: str
    lexicon_sha256: str
    hmac_key: bytes | None
    hmac_key_id: str | None
    model_dir: str | None = None
    model_sha256: str | None = None
    cache_dir: str | None = None
    test_sets: tuple[SetFile, ...] = ()
