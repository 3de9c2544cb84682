"""forms.py CORPUS LEXICON: how many disguised keywords are found, form by form, and what folding costs; a JSON line.

One process, the keyword detector of the product on the corpus's own keywords. A form is planted in a document that
holds no keyword, always in the same places. Cost: CPU seconds over the benign documents, folding and matching apart,
against hyperscan on the stored text, which finds the plain form only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import corpora

from corpusgate.banks.lexicon import load_lexicon
from corpusgate.intake.detectors import keywords
from corpusgate.intake.detectors.batch import batches, groups
from corpusgate.intake.detectors.fold import fold_batch
from corpusgate.intake.detectors.fold_table import fold_table
from corpusgate.intake.detectors.lookalikes import LOOKALIKES

WORDS, BENIGN = 2000, 10_000
_ZERO_WIDTH = "\u200b\u200c\u200d\ufeff"
_BETWEEN = "*.-·"

Form = Callable[[str, int], str]


def forms() -> dict[str, Form]:
    """Name to disguise: takes a word and a number that chooses among variants; the word itself where it has no such
    form."""
    from opencc import OpenCC

    traditional = OpenCC("s2t").convert
    alike = {plain: odd for odd, plain in LOOKALIKES.items() if plain.isascii()}
    return {
        "plain": lambda word, n: word,
        "full width": lambda word, n: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word),
        "zero width": lambda word, n: word[:1] + _ZERO_WIDTH[n % 4] + word[1:],
        "traditional": lambda word, n: traditional(word),
        "punctuation between": lambda word, n: _BETWEEN[n % 4].join(word) if _all_han(word) else word,
        "case": lambda word, n: word.upper() if n % 2 else word.title(),
        "look-alikes": lambda word, n: "".join(alike.get(c, c) for c in word),
    }


def measure(corpus: corpora.Corpus, lexicon: Path) -> dict[str, Any]:
    """`recall` a form with the number of words that have it, and `benign`."""
    loaded = load_lexicon(lexicon)
    detector = keywords.from_lexicon(loaded, "bench")
    number = {w.word: f"kw:{w.id}" for w in loaded.words}
    marked = {t["id"] for t in corpus.truth() if t.keys() & {"kw", "hit"}}
    benign = list(islice((d["text"] for d in corpus.documents() if d["id"] not in marked), BENIGN))
    chosen = [w.word for w in loaded.words[1:]][:: max(1, (len(loaded.words) - 1) // WORDS)]
    recall = {}
    for name, disguise in forms().items():
        made = [(w, d) for n, w in enumerate(chosen) if (d := disguise(w, n)) != w or name == "plain"]
        texts = [_plant(benign[n % len(benign)], d, n) for n, (_, d) in enumerate(made)]
        said = [findings for batch in batches(texts) for findings in detector.find(batch)]
        found = sum(
            any(f.rule.startswith(number[w]) for f in of_one) for (w, _), of_one in zip(made, said, strict=True)
        )
        recall[name] = {"words": len(made), "found": found, "recall": round(found / len(made), 4) if made else None}
    return {"recall": recall, "benign": _benign(benign, detector, loaded)}


def _plant(text: str, word: str, n: int) -> str:
    at = (n * 7919) % (len(text) + 1)
    return f"{text[:at]} {word} {text[at:]}"


def _all_han(word: str) -> bool:
    return all("\u4e00" <= c <= "\u9fff" for c in word)


def _benign(texts: Sequence[str], detector: keywords.KeywordDetector, loaded: Any) -> dict[str, Any]:
    """MB a CPU second of folding, of the whole detector, and of plain matching; documents with any hit, of so many."""
    megabytes = sum(len(t.encode("utf-8", "replace")) for t in texts) / 1e6
    fold_table()
    start = time.process_time()
    for group in groups(texts):
        fold_batch(group)
    folded = time.process_time()
    hits = sum(bool(f) for batch in batches(texts) for f in detector.find(batch))
    found = time.process_time()
    plain = _plain([w.word for w in loaded.words])
    ready = time.process_time()
    plain_hits = sum(map(plain, texts))
    ended = time.process_time()
    return {
        "documents": len(texts), "megabytes": round(megabytes, 1), "documents_with_a_hit": hits,
        "plain_documents_with_a_hit": plain_hits, "fold_mb_s": round(megabytes / (folded - start), 1),
        "detector_mb_s": round(megabytes / (found - folded), 1), "plain_mb_s": round(megabytes / (ended - ready), 1),
    }  # fmt: skip


def _plain(words: Sequence[str]) -> Callable[[str], bool]:
    import hyperscan as hs

    database = hs.Database(mode=hs.HS_MODE_BLOCK)
    database.compile(
        expressions=[w.encode() for w in words], ids=list(range(len(words))), elements=len(words),
        flags=[hs.HS_FLAG_SINGLEMATCH] * len(words), literal=True,
    )  # fmt: skip

    def hit(text: str) -> bool:
        named: list[int] = []
        database.scan(text.encode("utf-8", "replace"), match_event_handler=lambda *said: named.append(said[0]))
        return bool(named)

    return hit


if __name__ == "__main__":
    made, where = corpora.read(Path(sys.argv[1])), Path(sys.argv[2])
    sys.stdout.write(json.dumps(measure(made, where), ensure_ascii=False) + "\n")
