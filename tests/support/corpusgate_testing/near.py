"""Texts that are copies of each other with edits, made from a seed: for tests of near duplicates."""

from __future__ import annotations

import random

SIMPLIFIED = "国会发后说时过对学经开关门问间马车东长见风飞鱼鸟龙齐点电话语请让认识计划设证词试诗该详误读课谈论"
TRADITIONAL = "國會發後說時過對學經開關門問間馬車東長見風飛魚鳥龍齊點電話語請讓認識計劃設證詞試詩該詳誤讀課談論"


def text_of(seed: int, length: int = 400, letters: str = SIMPLIFIED) -> str:
    """A text of its own for each seed: two of them have no run of five in common but by chance."""
    return "".join(random.Random(seed).choices(letters, k=length))


def edited(text: str, share: float, seed: int = 0) -> str:
    """`text` with that share of its characters replaced, anywhere."""
    rng, letters = random.Random(seed), list(text)
    for at in rng.sample(range(len(letters)), round(share * len(letters))):
        letters[at] = chr(rng.randrange(0x5000, 0x9000))
    return "".join(letters)


def in_traditional(text: str) -> str:
    """The same text in traditional characters (of those that `text_of` uses)."""
    return text.translate(str.maketrans(SIMPLIFIED, TRADITIONAL))
