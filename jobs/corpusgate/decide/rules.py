"""What becomes of one record: which rule removes it, where it is masked, which of several copies stays.

Plain functions on records. `frames.py` says the same over columns; the tests compare the two.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

#: Which rule is asked first; the first that holds names the removal (see docs/adr/0040-order-of-removal.md). A source's
#: own rules carry their declared names and stand where `source_rule` stands, `void_batch` after them. What is left of a
#: group goes by `group_member_removed` when a member went by one of those before. The last three judge what is left.
REMOVAL_ORDER: tuple[str, ...] = (
    "source_held", "source_rule", "language_not_served", "keyword", "personal_information", "contamination",
    "quality", "group_member_removed", "exact_duplicate", "near_duplicate", "licence_conflict",
)  # fmt: skip

#: Why a record could not be decided; its outcome is `errored` and it is never released.
DOCUMENT_MISSING = "document_missing"
DOCUMENT_CHANGED = "document_changed"
SPAN_OUT_OF_RANGE = "span_out_of_range"
SPANS_INCOMPLETE = "spans_incomplete"
#: Two texts stand in one place of a conversation: two raw records have one key.
GROUP_UNCLEAR = "group_unclear"

GROUP_MEMBER_REMOVED = "group_member_removed"
#: Where a record without a turn stands in its group: behind all others.
NO_TURN = 2**31 - 1

UNKNOWN_LANGUAGE = "und"

_MASK = re.compile(r"([a-z_]+):(\d+)-(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of the stored text, in code points, end-exclusive, and the class of what stands there (`pi_*`)."""

    start: int
    end: int
    kind: str

    @property
    def length(self) -> int:
        """Code points."""
        return self.end - self.start

    @property
    def token(self) -> str:
        """What stands in the released text instead."""
        return f"[{self.kind}]"


def merge_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Disjoint spans in order, covering every code point that any of `spans` covers.

    Overlapping findings become one span over all of them, so that no rest of a shorter one stays readable. It has the
    class of the longest (then the leftmost, then the first by name). Spans that only touch stay two.
    """
    merged: list[Span] = []
    lead: Span | None = None
    for span in sorted(spans):
        if merged and lead is not None and span.start < merged[-1].end:
            if (-span.length, span.start, span.kind) < (-lead.length, lead.start, lead.kind):
                lead = span
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end), lead.kind)
        else:
            lead = span
            merged.append(span)
    return tuple(merged)


def apply_masks(text: str, spans: Sequence[Span]) -> str:
    """The released text: `text` with each span replaced by its token.

    Raises:
        ValueError: the spans are not sorted and disjoint, are empty, or reach out of the text.
    """
    check_spans(spans, len(text))
    parts, at = [], 0
    for span in spans:
        parts += (text[at : span.start], span.token)
        at = span.end
    return "".join((*parts, text[at:]))


def check_spans(spans: Sequence[Span], length: int) -> None:
    """Raises ValueError unless the spans are sorted, disjoint, not empty, and inside a text of `length` code points."""
    if any(s.start < 0 or s.end > length or s.end <= s.start for s in spans):
        raise ValueError(f"a mask reaches out of a text of {length} characters, or is empty")
    if any(left.end > right.start for left, right in pairwise(spans)):
        raise ValueError("masks overlap or are not in order; merge them first")


def mask_set(spans: Sequence[Span]) -> str:
    """The spans as they are recorded: `class:start-end;…` in order, the empty string for none."""
    return ";".join(f"{s.kind}:{s.start}-{s.end}" for s in sorted(spans))


def parse_mask_set(written: str | None) -> tuple[Span, ...]:
    """What `mask_set` wrote.

    Raises:
        ValueError: it is not of that form.
    """
    spans = []
    for part in written.split(";") if written else ():
        match = _MASK.fullmatch(part)
        if match is None:
            raise ValueError(f"not a mask: {part[:40]!r}")
        spans.append(Span(int(match[2]), int(match[3]), match[1]))
    return tuple(spans)


def tokens_in_released(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Where the tokens stand in the released text: masking it there again changes nothing."""
    moved, shift = [], 0
    for span in spans:
        start = span.start + shift
        moved.append(Span(start, start + len(span.token), span.kind))
        shift += len(span.token) - span.length
    return tuple(moved)


def text_sha256(text: str) -> str:
    """SHA-256 of the UTF-8 of a text, in hex; of stored and of released texts alike."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def masked_classes(treatments: Mapping[str, str], classes: Iterable[str], has_basis: bool) -> frozenset[str]:
    """The classes of personal information that are masked in a record.

    `treatments` is the policy's (class -> mask, remove, keep); a class left out is masked. `keep` keeps only where the
    record's source has a basis in law for it; without one the class is masked. A class to be removed is masked too, in
    case the record stays for another reason.
    """
    return frozenset(c for c in classes if not (has_basis and treatments.get(c, "mask") == "keep"))


def removed_classes(treatments: Mapping[str, str]) -> frozenset[str]:
    """The classes whose presence removes a record, basis or not."""
    return frozenset(c for c, treatment in treatments.items() if treatment == "remove")


def primary_language(tag: str | None) -> str:
    """The primary subtag of a BCP 47 tag: `zh` of `zh-Hant`; unknown stays `und`."""
    return (tag or UNKNOWN_LANGUAGE).split("-", 1)[0].lower()


def is_served(tag: str | None, served: Iterable[str]) -> bool:
    """Whether a record in this language stays. An unknown language stays: short texts have none that can be told."""
    primary = primary_language(tag)
    return primary == UNKNOWN_LANGUAGE or primary in {primary_language(s) for s in served}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules before the masks look at, of one record."""

    source_id: str
    source_rule: str | None
    language: str | None
    keyword_score: Decimal
    classes: frozenset[str]
    may_hold_risk: bool = False
    test_sets: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()


def removal_rule(
    facts: Facts,
    *,
    held: frozenset[str],
    served: Sequence[str] | None,
    remove_at: Decimal,
    removed: frozenset[str],
    unseen: frozenset[str] = frozenset(),
    signs: frozenset[str] = frozenset(),
) -> str | None:
    """The first rule that removes the record, or None. `served` None: no language is removed; `unseen`: test sets that
    a record must not overlap with; `signs` of poor text that remove it."""
    if facts.source_id in held:
        return "source_held"
    if facts.source_rule:
        return facts.source_rule
    if served is not None and not is_served(facts.language, served):
        return "language_not_served"
    if facts.keyword_score >= remove_at and not facts.may_hold_risk:
        return "keyword"
    if facts.classes & removed:
        return "personal_information"
    if facts.test_sets & unseen:
        return "contamination"
    return "quality" if facts.signs & signs else None


def sets_removed(treatments: Mapping[str, str]) -> frozenset[str]:
    """The test sets whose overlap removes a record; that of others is reported."""
    return frozenset(name for name, treatment in treatments.items() if treatment == "remove")


def may_hold_risk(safety: bool, role: str | None, allowed: Iterable[str]) -> bool:
    """Whether a record may hold risk (45674-2025 8.3 a): of safety data the roles that the policy names. A chosen
    answer never may, nor anything of functional data (8.2 a)."""
    return safety and role in {"prompt", "rejected"} & set(allowed)


@dataclass(frozen=True, slots=True)
class Member:
    """A record in its group: its place there, what it is compared by, and what removed it or made it err, if at all."""

    record_id: str
    role: str
    turn: int | None
    token: str
    gone: str | None = None


def cause_in_group(members: Iterable[Member]) -> tuple[str, str] | None:
    """Why the rest of a group goes, and by which record: its first member that is gone. None: it stays whole."""
    gone = [(NO_TURN if m.turn is None else m.turn, m.record_id, m.gone) for m in members if m.gone]
    return (min(gone)[2] or "", min(gone)[1]) if gone else None


def group_print(members: Iterable[Member]) -> str:
    """What a group is compared by: its texts, each in its place. A shared prompt alone makes no two groups equal."""
    lines = sorted("|".join((m.role, "" if m.turn is None else str(m.turn), m.token)) for m in members)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def is_unclear(members: Iterable[Member]) -> bool:
    """Whether one place of a conversation has two texts, so that nobody can put it together."""
    places = [(m.role == "rejected", m.turn) for m in members if m.turn is not None and m.role != "text"]
    return len(set(places)) < len(places)


def survivor(cluster: Iterable[tuple[datetime, str]]) -> str:
    """The record that stays of several: the first acquired, then the smallest id. The licence is no key: a permissive
    wrapper must not displace a restricted original."""
    return min(cluster)[1]


def languages_to_drop(served: Sequence[str], kept: Iterable[tuple[str | None, str]]) -> tuple[str, ...]:
    """Served languages with fewer than two providers among the kept records (45654-2025 4.1.2 a).

    `kept` are (language, provider) pairs, each once or more often. Where no served language would be left, none is
    dropped: an empty corpus would hide what is missing, and the clause's own verdict says it.
    """
    providers: dict[str, set[str]] = {}
    for language, provider in kept:
        providers.setdefault(primary_language(language), set()).add(provider)
    thin = tuple(s for s in served if len(providers.get(primary_language(s), ())) < 2)
    return thin if len(thin) < len(served) else ()
