"""A corpus laid out in many files, and one in a hundred of its documents changed, as a source changes in a day."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corpora import Corpus

HOW = ("files", "spread")
"""`files`: every document of one file changes. `spread`: one in a hundred of every file does."""


def lay_out(corpus: Corpus, folder: Path, files: int) -> Corpus:
    """The same documents in the same order, evenly in so many files, in a folder made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "docs").mkdir(parents=True)
    shutil.copyfile(corpus.folder / "keywords.txt", folder / "keywords.txt")
    size, lines = max(1, -(-corpus.docs // files)), []
    for n, document in enumerate(corpus.documents(), 1):
        lines.append(json.dumps(document, ensure_ascii=False) + "\n")
        if len(lines) == size or n == corpus.docs:
            (folder / "docs" / f"part-{(n - 1) // size:05d}.jsonl").write_text("".join(lines), "utf-8")
            lines = []
    return replace(corpus, folder=folder)


def change(files: Sequence[Path], how: str, mark: str) -> int:
    """Edits one document in a hundred, as `how` says; of a thousand one goes and one comes. Returns how many lines.

    The files are written anew, not into: another folder may hold the same ones by a link.
    """
    paths = sorted(files)
    chosen, step = ([paths[_drawn(mark) % len(paths)]], 1) if how == "files" else (paths, 100)
    changed = 0
    for path in chosen:
        with path.open(encoding="utf-8") as file:
            lines = list(file)
        for n in range(_drawn(mark + path.name) % step, len(lines), step):
            row = json.loads(lines[n])
            row["text"] += f"\n{mark} {n}。"
            if changed % 10 == 0:
                row["id"] += f"-{mark}"
            lines[n] = json.dumps(row, ensure_ascii=False) + "\n"
            changed += 1
        path.unlink()
        path.write_text("".join(lines), "utf-8")
    return changed


def _drawn(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)
