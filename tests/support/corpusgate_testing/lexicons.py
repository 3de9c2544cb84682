"""Small lexicons for tests."""

from pathlib import Path

HEAD = "id\tword\tkind\trisks\tseverity\tweight\tnote\n"
META = """id: test
version: "1"
title: A test's words
source: written for a test
licence: Apache-2.0
date: 2026-11-24
language: zh
canary:
  text: {text}
  word id: {word}
"""


def write_lexicon(folder: Path, words: list[tuple[str, str, str, str, float]]) -> Path:
    """Writes (id, word, kind, risks, weight) as a lexicon whose canary is its first deny word; returns the folder."""
    lines = [
        f"{i}\t{w}\t{kind}\t{risks}\t{'illegal' if kind == 'deny' else ''}\t{weight or ''}\t\n"
        for i, w, kind, risks, weight in words
    ]
    (folder / "words.tsv").write_text(HEAD + "".join(lines), encoding="utf-8")
    first = next(w for w in words if w[2] == "deny")
    (folder / "lexicon.yaml").write_text(META.format(text=f"那里{first[1]}，", word=first[0]), encoding="utf-8")
    return folder
