"""Texts of millions of characters, in pieces: so that one file of 50 MB does not need gigabytes of a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding

LONGEST_TEXT = 2_000_000
"""Code points; a longer text is screened in pieces of at most this length."""
OVERLAP = 128
"""Shared by two pieces where no line end or punctuation allowed a clean cut: longer than any match."""
_CUTS = "\n。！？；.!?;"
_LOOK = 4096


def pieces(text: str) -> list[tuple[int, str]]:
    """A text as (place, piece), cut after line ends or punctuation where there are some, else with an overlap."""
    out, start = [], 0
    while len(text) - start > LONGEST_TEXT:
        end = start + LONGEST_TEXT
        cut = max(text.rfind(c, max(start, end - _LOOK), end) for c in _CUTS) + 1
        out.append((start, text[start : cut or end]))
        start = cut or end - OVERLAP
    out.append((start, text[start:]))
    return out


def merge(parts: Sequence[tuple[int, Sequence[Finding]]]) -> tuple[Finding, ...]:
    """Findings of the pieces (place, findings) as if of one text: places moved, counts added, weights carried once."""
    same: dict[tuple[str, str, str], dict[tuple[int, int], Finding]] = {}
    counts: dict[tuple[str, str, str], int] = {}
    risks: dict[tuple[str, str], set[str]] = {}
    for at, findings in parts:
        counted = set()
        for f in findings:
            key = (f.detector, f.rule, f.risk)
            risks.setdefault(key[:2], set()).add(f.risk)
            if key not in counted:
                counted.add(key)
                counts[key] = counts.get(key, 0) + f.count
            whole = f.start == f.end == 0
            moved = f if whole else replace(f, start=f.start + at, end=f.end + at)
            same.setdefault(key, {}).setdefault((moved.start, moved.end), moved)
    out, carried = [], set[tuple[str, str]]()
    weights = {key: max(f.weight for f in found.values()) for key, found in same.items()}
    for key in sorted(same, key=lambda k: -weights[k]):
        found, heaviest = list(same[key].values()), weights[key]
        word = (key[0], ":".join(key[1].split(":")[:2]))  # a keyword in whatever form: its weight counts once
        if heaviest and word in carried:
            heaviest = 0.0
        elif heaviest:
            carried.add(word)
        for nth, f in enumerate(found[: max(1, SPANS_A_RULE // len(risks[key[:2]]))]):
            out.append(replace(f, count=counts[key], weight=0.0 if nth else heaviest))
    return tuple(sorted(out, key=lambda f: (f.detector, f.start, f.end, f.rule, f.risk)))
