"""The detectors: what is said of a text before anyone decides anything about it.

A detector is one module with `NAME`, `FAMILY`, `version(kit)` and `prepare(kit)`, whose result has `find(batch)`,
and one entry in `DETECTORS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from types import ModuleType
from typing import Any

from corpusgate.banks import lexicon
from corpusgate.errors import ConfigError, DetectorMissing
from corpusgate.intake.detectors import (
    classifier,
    contamination,
    homophones,
    keywords,
    language_quality,
    personal_information,
    pi_check,
    signature,
)
from corpusgate.intake.detectors.batch import Batch, groups, make_batch
from corpusgate.intake.detectors.long_text import LONGEST_TEXT, merge, pieces
from corpusgate.intake.detectors.model import Finding, Kit, Screened

__all__ = [
    "DETECTORS",
    "FAMILIES",
    "Finding",
    "Kit",
    "Screened",
    "Screener",
    "family_of",
    "load",
    "running",
    "versions",
]

FAMILIES = ("keyword", "personal_information", "language_quality", "signature", "classifier")
DETECTORS: tuple[ModuleType, ...] = (keywords, personal_information, pi_check, language_quality)
MODELLED: tuple[ModuleType, ...] = (classifier,)
"""Detectors that run only where the kit names a promoted model."""

CANARIES = (
    ("持证人的公民身份号码是110101199003070011。", "pi_id"),
    ("有事请拨打手机13800138000。", "pi_mobile"),
    ("Write to zhang.wei@mail.qq.com please.", "pi_email"),
    ("储蓄卡卡号6222021234567890128。", "pi_card"),
)
"""Made-up values with right check digits; each must give a finding of the risk, by both personal-information
detectors."""


def running(kit: Kit) -> tuple[ModuleType, ...]:
    """The detectors that this kit makes ready."""
    named = ((homophones,) if homophones.wanted(kit) else ()) + ((contamination,) if kit.test_sets else ())
    return DETECTORS + named + (MODELLED if kit.model_dir is not None else ())


def family_of() -> dict[str, str]:
    """Name of every detector there is to its family."""
    return {d.NAME: d.FAMILY for d in (*DETECTORS, homophones, contamination, *MODELLED)}


def versions(kit: Kit) -> dict[str, str]:
    """Family to version, for the families that run: code version and data digest of every detector of the family."""
    out: dict[str, list[str]] = {}
    for detector in running(kit):
        out.setdefault(detector.FAMILY, []).append(f"{detector.NAME}-{detector.version(kit)}")
    return {family: " ".join(parts) for family, parts in out.items()} | {signature.FAMILY: signature.version()}


def load(kit: Kit) -> Screener:
    """Everything ready to screen. Raises DetectorMissing where the lexicon is not the one named, or a canary stays
    silent."""
    try:
        words = lexicon.named_lexicon(kit.lexicon_dir, kit.lexicon_sha256)
        ready = tuple(detector.prepare(kit) for detector in running(kit))
        signature.prove()
    except (ConfigError, ImportError, OSError) as error:
        raise DetectorMissing(f"A detector cannot be made ready on this worker: {error}") from error
    screener = Screener(ready)
    _prove(screener, words)
    return screener


@dataclass(frozen=True, slots=True)
class Screener:
    """All detectors, ready. Made by `load`."""

    ready: tuple[Any, ...]

    def screen(self, texts: Sequence[str]) -> list[Screened]:
        """What all detectors say of each text, in the order given. Never raises on any str."""
        out: list[Screened] = []
        for group in groups(texts):
            if len(group[0]) > LONGEST_TEXT:
                out += [self._screen_long(text) for text in group]
            else:
                out += self._screen_batch(make_batch(group))
        return out

    def _screen_batch(self, batch: Batch, sign: bool = True) -> list[Screened]:
        said = [detector.find(batch) for detector in self.ready]
        about = next(d for d in self.ready if isinstance(d, language_quality.LanguageQuality)).about(batch)
        signed = signature.sign_batch(batch) if sign else [None] * len(batch.texts)
        return [
            Screened(tuple(chain.from_iterable(found)), one.language, one.score, one.script, minima)
            for found, one, minima in zip(zip(*said, strict=True), about, signed, strict=True)
        ]

    def _screen_long(self, text: str) -> Screened:
        """In pieces; language and quality are judged by the first one."""
        parts = [(at, self._screen_batch(make_batch([piece]), sign=False)[0]) for at, piece in pieces(text)]
        first = parts[0][1]
        merged = merge(
            [(at, [f for f in part.findings if at == 0 or f.detector != language_quality.NAME]) for at, part in parts]
        )
        (signed,) = signature.sign([text])  # of the whole text, not of its pieces
        return Screened(merged, first.language, first.language_score, first.script, signed)


def _prove(screener: Screener, words: lexicon.Lexicon) -> None:
    """Screen texts whose findings are known."""
    texts = [words.canary_text, *(text for text, _ in CANARIES), "今天的天气很好，我们去公园里散步吧。"]
    said = screener.screen(texts)
    if not any(f.rule == f"kw:{words.canary_word}" for f in said[0].findings):
        raise DetectorMissing(f"The canary of lexicon {words.id} gave no finding of word {words.canary_word}.")
    for (_, risk), screened in zip(CANARIES, said[1:], strict=False):
        heard = {f.detector for f in screened.findings if f.risk == risk}
        if silent := {personal_information.NAME, pi_check.NAME} - heard:
            raise DetectorMissing(f"The canary for {risk} gave no finding of {', '.join(sorted(silent))}.")
    if said[-1].language != "zh":
        raise DetectorMissing(f"The language model took a Chinese sentence for {said[-1].language}.")
