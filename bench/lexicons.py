"""What a long list of words costs: loading, compiling, a worker's start with and without the compiled list kept, and
screening, at 10,000, 65,000 and 100,000 words.

    .venv/bin/python bench/lexicons.py [WORDS ...]

Four tenths of the words are ordinary Chinese words (of pypinyin's phrases), as in bad public lists, one in twenty is an
allow phrase, the rest are invented. The texts are made of the same characters and words. Each figure comes from a
process of its own; CPU seconds, and megabytes that its memory grew by.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from corpusgate.banks.lexicon import COLUMNS, digest, load_lexicon
from corpusgate.intake import detectors
from corpusgate.intake.detectors import keywords
from corpusgate.intake.detectors.batch import batches
from corpusgate.intake.detectors.fold import fold
from corpusgate.intake.detectors.model import Kit

SIZES = (10_000, 65_000, 100_000)
TEXTS, CLAUSES = 4000, 60
DECLARED = """id: bench
version: "1"
title: Made for a bench
source: made for a bench
licence: Apache-2.0
date: 2026-11-24
language: zh
canary:
  text: 那里线上赌场，
  word id: canary
"""


def make(folder: Path, size: int) -> None:
    """Writes a lexicon of about `size` words; the same for the same size."""
    words = _ordinary()
    rng, letters = random.Random(size), [c for w in words for c in w]
    chosen = dict.fromkeys(words[: int(0.4 * size)])
    while len(chosen) < size:
        chosen["".join(rng.choices(letters, k=rng.choice((3, 4, 4, 5, 6))))] = None
    rows, seen = ["canary\t线上赌场\tdeny\ta1h\tillegal\t1\t"], {fold("线上赌场")}
    for n, word in enumerate(chosen):
        if fold(word) not in seen:
            seen.add(fold(word))
            rows.append(f"w{n}\t{word}\t" + ("allow\t\t\t\t" if n % 20 == 19 else "deny\ta1h\tillegal\t\t"))
    folder.mkdir(parents=True)
    (folder / "lexicon.yaml").write_text(DECLARED, "utf-8")
    (folder / "words.tsv").write_text("\n".join(["\t".join(COLUMNS), *rows]) + "\n", "utf-8")


def texts() -> list[str]:
    """Texts in which a word of four is ordinary and the rest is chance."""
    words, rng = _ordinary(), random.Random(7)
    letters = [c for w in words for c in w]
    return [
        "，".join("".join(rng.choices(letters, k=9)) + rng.choice(words) for _ in range(CLAUSES)) for _ in range(TEXTS)
    ]


def measure(folder: Path, what: str) -> dict[str, float]:
    """One figure, in this process: `load`, `start` (of a worker; a folder `cache` beside the list) or `screen`."""
    fold("x")
    before, began = _memory(), time.process_time()
    if what == "load":
        found = {"words": len(load_lexicon(folder).words)}
    elif what == "start":
        detectors.load(Kit(str(folder), digest(folder), None, None, cache_dir=str(folder.parent / "cache")))
        found = {}
    else:
        detector, made = keywords.from_lexicon(load_lexicon(folder), "v"), texts()
        began = time.process_time()
        hits = sum(len(f) for batch in batches(made) for f in detector.find(batch))
        found = {
            "MB/s": round(sum(len(t.encode()) for t in made) / 1e6 / (time.process_time() - began), 1),
            "hits": hits,
        }
    return {**found, "cpu_s": round(time.process_time() - began, 2), "mb": round(_memory() - before, 1)}


def _ordinary() -> list[str]:
    from pypinyin.phrases_dict import phrases_dict

    words = sorted(w for w in phrases_dict if 2 <= len(w) <= 8 and all("\u4e00" <= c < "\ua000" for c in w))
    random.Random(1).shuffle(words)
    return words


def _memory() -> float:
    """The most memory that this process had so far; getrusage would tell its parent's."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def main(sizes: list[int]) -> None:
    """Prints one JSON line a figure."""
    with tempfile.TemporaryDirectory() as made:
        for size in sizes:
            folder = Path(made) / str(size) / "words"
            make(folder, size)
            for what in ("load", "start", "start", "screen"):
                command = [sys.executable, __file__, "--one", str(folder), what]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                print(json.dumps({"asked": size, "what": what, **json.loads(done.stdout)}), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(Path(sys.argv[2]), sys.argv[3])))
    else:
        main([int(n) for n in sys.argv[1:]] or list(SIZES))
