"""Made-up texts of two kinds that a model can tell apart, and a promoted model of them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import skops.io

from corpusgate.classify import train
from corpusgate.classify.model import CARD_FILE, MODEL_FILE, Model, canary, of_pipeline, weights_digest
from corpusgate.classify.models import models
from corpusgate.classify.rules import Example
from corpusgate.settings.place import Place

#: Words that clean, gambling-like and fraud-like texts are made of; nobody wrote any of these texts.
WORDS: dict[str, tuple[str, ...]] = {
    "clean": ("ordinary", "sentence", "garden", "river", "条", "第", "今天", "天气", "很好", "公园"),
    "a2i": ("赌场", "下注", "开盘", "赔率", "bets", "casino", "odds", "筹码"),
    "a3a": ("转账", "验证码", "中奖", "客服", "刷单", "prize", "wire", "code"),
}


def sha(text: str) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def text_of(kind: str, number: int, words: int = 12) -> str:
    """A made-up text of a kind; the same number, the same text."""
    draw = random.Random(f"{kind}{number}")
    return " ".join(draw.choice(WORDS[kind]) for _ in range(words)) + f" {number}"


def example(kind: str, number: int, source: str = "s", origin: Any = "annotation") -> Example:
    """An example of a kind."""
    text = text_of(kind, number)
    return Example(text, sha(text), () if kind == "clean" else (kind,), source, origin)


def examples(each: int = 60, kinds: Sequence[str] = tuple(WORDS)) -> list[Example]:
    """So many examples of each kind."""
    return [example(kind, n) for kind in kinds for n in range(each)]


def model_of(taught: Sequence[Example], threshold: float = 0.5) -> Model:
    """A model in memory."""
    return of_pipeline(train.fit(taught), "0123456789ab", threshold)


def promote_model(place: Place, corpus: str, taught: Sequence[Example], threshold: float = 0.5, **changed: Any) -> Path:
    """Saves a model with its card and promotes it, without asking whether it should be."""
    pipeline = train.fit(taught)
    model, raw = of_pipeline(pipeline, "0123456789ab", threshold), skops.io.dumps(pipeline)
    card = {
        "version": model.version, "corpus": corpus, "fixture": False, "independent": True,
        "file_sha256": hashlib.sha256(raw).hexdigest(), "weights_sha256": weights_digest(model),
        "canary": canary(model),
        "threshold": {"harm": threshold, "false_alarms_asked": 0.005, "tuned_on": 0},
        "train_texts": sorted(e.text_sha256 for e in taught),
    } | changed  # fmt: skip
    folder = models(place) / model.version
    folder.mkdir(parents=True)
    (folder / MODEL_FILE).write_bytes(raw)
    (folder / CARD_FILE).write_text(json.dumps(card), "utf-8")
    said = {"version": model.version, "weights_sha256": card["weights_sha256"]}
    (models(place) / f"{corpus}.json").write_text(json.dumps(said), "utf-8")
    return folder
