"""Personal information in texts (F 4.2.3): all classes of design.md 4, found in the folded form, quoted by place only.

The value itself never leaves this module: a `pi_*` finding carries an HMAC-SHA256 of its normalised form.
"""

from __future__ import annotations

import bisect
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from corpusgate.intake.detectors.batch import Batch, make_batch
from corpusgate.intake.detectors.beginnings import marks_in
from corpusgate.intake.detectors.fold_table import fold_table
from corpusgate.intake.detectors.long_text import pieces
from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding, Kit
from corpusgate.intake.detectors.pi_common import Hit, without_overlaps
from corpusgate.intake.detectors.pi_documents import find_accounts, find_documents, find_plates
from corpusgate.intake.detectors.pi_net import find_emails, find_ips, find_macs
from corpusgate.intake.detectors.pi_numbers import find_numbers

NAME = FAMILY = "personal_information"
CODE_VERSION = "3"
FINDERS = (find_emails, find_numbers, find_macs, find_ips, find_documents, find_plates, find_accounts)
"""Longest and surest first: a later finder's hit that overlaps an earlier one is dropped."""


@dataclass(frozen=True, slots=True)
class PersonalInformation:
    """The detector with the key for its HMACs (None: findings carry none)."""

    version: str
    key: bytes | None
    key_id: str | None

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text of the batch, in the order of their place."""
        out: list[list[Finding]] = []
        for no, hits in enumerate(grouped_hits(batch)):
            if not hits:
                out.append([])
                continue
            by_rule: dict[str, list[Hit]] = {}
            for hit in hits:
                by_rule.setdefault(hit.rule, []).append(hit)
            findings = [
                self._finding(batch.folded.span(no, h.start, h.end), h, len(same))
                for same in by_rule.values()
                for h in same[:SPANS_A_RULE]
            ]
            out.append(sorted(findings, key=lambda f: (f.start, f.end, f.rule)))
        return out

    def _finding(self, span: tuple[int, int], hit: Hit, count: int) -> Finding:
        keyed = self.key is not None and hit.risk.startswith("pi_")
        return Finding(
            NAME,
            self.version,
            hit.rule,
            hit.risk,
            *span,
            hit.score,
            0.0,
            None,
            value_hmac(self.key, hit.value) if keyed else None,
            self.key_id if keyed else None,
            count,
        )


def all_spans(texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
    """For each text every (risk, start, end) of a `pi_*` class, without the limit on findings: what masking needs.

    Places only, no values. Code points of the text, end-exclusive, in order, not overlapping.
    """
    return [
        sorted({place for at, piece in pieces(text) for place in _places(at, piece)}, key=lambda p: p[1:])
        for text in texts
    ]


def _places(at: int, piece: str) -> list[tuple[str, int, int]]:
    batch = make_batch([piece])
    spans = [
        (h.risk, *batch.folded.span(0, h.start, h.end)) for h in grouped_hits(batch)[0] if h.risk.startswith("pi_")
    ]
    return [(risk, start + at, end + at) for risk, start, end in spans]


def grouped_hits(batch: Batch) -> list[list[Hit]]:
    """For each text of the batch its hits, places in the folded batch, in order."""
    folded = batch.folded
    out: list[list[Hit]] = [[] for _ in batch.texts]
    marks = marks_in(batch)
    for hit in without_overlaps(find(folded.text, folded.codes, marks) for find in FINDERS):
        no = bisect.bisect_right(folded.starts, hit.start) - 1
        out[no].append(hit)
    return out


def value_hmac(key: bytes, value: str) -> str:
    """HMAC-SHA256, hex, of a normalised value: digits without separators, e-mail in lower case, letters else in
    capitals."""
    return hmac.new(key, value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def version(kit: Kit) -> str:
    """Code version and fold digest."""
    return f"{CODE_VERSION}+fold.{fold_table().digest[:8]}"


def prepare(kit: Kit) -> PersonalInformation:
    """The detector with the kit's key."""
    return PersonalInformation(version(kit), kit.hmac_key, kit.hmac_key_id)
