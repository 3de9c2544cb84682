"""Corpora of known truth for the bench: read one, make one, cut a small one out of one.

A corpus is a folder with `docs/*.jsonl` (id, text, source, url), `keywords.txt`, `meta.json` (docs, bytes, sha256) and
`truth.jsonl`: a line for each document that is in a cluster of planted duplicates (cluster, role original | exact |
near, edit span | spread), holds a planted keyword (kw, form) or any keyword letter for letter (hit), or holds planted
personal information (pii: [class, value] pairs; id, mobile, email, card).

The maker here needs no texts from anywhere: clauses are drawn from invented words, so it is good for speed and for a
first look, not for published figures about precision. Same seed, same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

KEYWORDS = 12_000
_SHARDS = 8
_MEDIAN = 800  # characters
_AREA, _BIN = "110101", "622202"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus on disk."""

    folder: Path
    docs: int
    bytes: int
    sha256: str

    @property
    def files(self) -> list[Path]:
        """Its files of documents, in order."""
        return sorted((self.folder / "docs").glob("*.jsonl"))

    @property
    def keywords(self) -> list[str]:
        """Its keyword list."""
        return [w for w in (self.folder / "keywords.txt").read_text("utf-8").split("\n") if w]

    def truth(self) -> list[dict[str, Any]]:
        """The lines of its truth."""
        return list(_lines(self.folder / "truth.jsonl"))

    def documents(self) -> Iterator[dict[str, Any]]:
        """Its documents, in order."""
        for file in self.files:
            yield from _lines(file)


def read(folder: Path) -> Corpus:
    """Raises SystemExit where the folder is no such corpus."""
    wanted = [folder / name for name in ("docs", "keywords.txt", "meta.json", "truth.jsonl")]
    if missing := [str(p) for p in wanted if not p.exists()]:
        raise SystemExit(f"{folder} is no corpus for the bench: {', '.join(missing)} is missing.")
    meta = json.loads((folder / "meta.json").read_text("utf-8"))
    return Corpus(folder, meta["docs"], meta["bytes"], meta["sha256"])


def first(corpus: Corpus, count: int, folder: Path) -> Corpus:
    """A corpus of the first `count` documents that hold no keyword: what remains of a rebuild is its fixed cost."""
    about = {t["id"]: t for t in corpus.truth()}
    chosen: list[dict[str, Any]] = []
    for document in corpus.documents():
        if not {"kw", "hit"} & about.get(document["id"], {}).keys():
            chosen.append(document)
        if len(chosen) == count:
            break
    ids = {d["id"] for d in chosen}
    return _write(folder, chosen, [t for i, t in about.items() if i in ids], corpus.keywords, 2)


def make(folder: Path, docs: int, seed: int = 1) -> Corpus:
    """Makes a corpus, or takes the one that lies there: 80 % Chinese, 5 % exact and 10 % near copies, 3 % with a
    keyword, 3 % with personal information."""
    mark = f"corpusgate-bench-1/{seed}/{docs}"
    if (folder / "made").is_file() and (folder / "made").read_text("utf-8") == mark:
        return read(folder)
    made = _Maker(np.random.Generator(np.random.PCG64([seed, docs])), seed).corpus(docs)
    corpus = _write(folder, *made, _SHARDS)
    (folder / "made").write_text(mark, "utf-8")
    return corpus


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def _write(
    folder: Path, documents: list[dict[str, Any]], truth: Iterable[dict[str, Any]], words: list[str], shards: int
) -> Corpus:
    (folder / "docs").mkdir(parents=True, exist_ok=True)
    for old in (folder / "docs").glob("*.jsonl"):
        old.unlink()
    hashed, size, per = hashlib.sha256(), 0, -(-len(documents) // shards)
    for shard in range(shards):
        lines = [json.dumps(d, ensure_ascii=False) + "\n" for d in documents[shard * per : (shard + 1) * per]]
        content = "".join(lines).encode()
        hashed.update(content)
        size += len(content)
        (folder / "docs" / f"part-{shard:03d}.jsonl").write_bytes(content)
    said = "".join(json.dumps(t, ensure_ascii=False) + "\n" for t in truth)
    (folder / "truth.jsonl").write_text(said, "utf-8")
    (folder / "keywords.txt").write_text("".join(f"{w}\n" for w in words), "utf-8")
    meta = {"docs": len(documents), "bytes": size, "sha256": hashed.hexdigest(), "keywords": len(words)}
    (folder / "meta.json").write_text(json.dumps(meta, indent=1), "utf-8")
    return read(folder)


class _Maker:
    """Invents words, clauses, documents and their copies."""

    def __init__(self, rng: np.random.Generator, seed: int) -> None:
        self.rng = rng
        words = np.random.Generator(np.random.PCG64([seed]))  # vocabulary and keywords do not depend on the size
        han = [chr(c) for c in words.permutation(np.arange(0x4E00, 0x4E00 + 3000))]
        self._zh = ["".join(han[int(i)] for i in words.zipf(1.3, n) % len(han)) for n in words.integers(1, 4, 15_000)]
        letters = "etaoinshrdlucmfwypvbgk"
        self._en = ["".join(letters[int(i)] for i in words.integers(0, 20, n)) for n in words.integers(2, 10, 15_000)]
        self.keywords = list(dict.fromkeys(self._keyword(words, han) for _ in range(KEYWORDS)))

    def _keyword(self, rng: np.random.Generator, han: list[str]) -> str:
        if rng.random() < 0.85:
            return "".join(han[int(i)] for i in rng.integers(0, len(han), int(rng.integers(4, 8))))
        return " ".join(self._en[int(i)] + "q" for i in rng.integers(0, len(self._en), 2))

    def corpus(self, docs: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
        exact, near = round(0.05 * docs), round(0.10 * docs)
        texts = [self._text(self.rng.random() < 0.8) for _ in range(docs - exact - near)]
        about: list[dict[str, Any]] = [{} for _ in texts]
        order = self.rng.permutation(len(texts)).tolist()
        planted, plain = order[: round(0.06 * docs)], order[round(0.06 * docs) :]
        for nth, at in enumerate(planted):
            texts[at], about[at] = self._planted(texts[at], nth % 2 == 0)
        for nth in range(exact + near):
            at = plain[int(self.rng.integers(len(plain)))]
            about[at].update(role="original", cluster=at)
            about.append({"role": "exact", "cluster": at} if nth < exact else self._near(at))
            texts.append(texts[at] if nth < exact else self._edited(texts[at], about[-1]))
        return *self._named(texts, about), self.keywords

    def _named(self, texts: list[str], about: list[dict[str, Any]]) -> tuple[list[dict], list[dict]]:
        order = self.rng.permutation(len(texts)).tolist()
        ids = {at: f"d{place:08d}" for place, at in enumerate(order)}
        documents = [
            {"id": ids[at], "text": texts[at], "source": "made", "url": f"https://made.example.cn/{ids[at]}"}
            for at in order
        ]
        told = [
            {"id": ids[at], **about[at], **({"cluster": ids[about[at]["cluster"]]} if "cluster" in about[at] else {})}
            for at in order
            if about[at]
        ]
        return documents, told

    def _text(self, chinese: bool) -> str:
        size = int(np.clip(self.rng.lognormal(np.log(_MEDIAN), 0.8), 40, 40_000))
        pool, join, mean = (self._zh, "", 2) if chinese else (self._en, " ", 6)
        words = [pool[int(i)] for i in self.rng.integers(0, len(pool), max(8, size // mean))]
        clauses = [join.join(words[at : at + 7]) for at in range(0, len(words), 7)]
        return ("，" if chinese else ", ").join(clauses) + ("。" if chinese else ".")

    def _planted(self, text: str, keyword: bool) -> tuple[str, dict[str, Any]]:
        at = int(self.rng.integers(0, len(text) + 1))
        if keyword:
            word = self.keywords[int(self.rng.integers(len(self.keywords)))]
            return f"{text[:at]} {word} {text[at:]}", {"kw": word, "form": "plain", "hit": True}
        kind, value = self._personal()
        return f"{text[:at]} {value} {text[at:]}", {"pii": [[kind, value]]}

    def _personal(self) -> tuple[str, str]:
        kind = ("id", "mobile", "email", "card")[int(self.rng.integers(4))]
        number = int(self.rng.integers(10**8))
        if kind == "id":
            body = f"{_AREA}19{number % 50 + 50:02d}{number % 12 + 1:02d}{number % 28 + 1:02d}{number % 1000:03d}"
            check = sum(int(d) * w for d, w in zip(body, _ID_WEIGHTS, strict=True)) % 11
            return kind, body + "10X98765432"[check]
        if kind == "mobile":
            return kind, f"138{number:08d}"
        if kind == "email":
            return kind, f"name{number % 10**6}@mail.example.cn"
        body = f"{_BIN}{number:012d}"
        doubled = [int(d) * (2 if n % 2 == 0 else 1) for n, d in enumerate(reversed(body))]
        return kind, body + str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)

    def _near(self, at: int) -> dict[str, Any]:
        edit = "spread" if self.rng.random() < 0.5 else "span"
        return {"role": "near", "cluster": at, "edit": edit, "rate": round(float(self.rng.uniform(0.02, 0.08)), 4)}

    def _edited(self, text: str, about: dict[str, Any]) -> str:
        count = max(1, round(len(text) * about["rate"]))
        other = self._text(True)
        if about["edit"] == "span":
            at = int(self.rng.integers(0, max(1, len(text) - count)))
            return text[:at] + other[:count] + text[at + count :]
        out = list(text)
        for n, at in enumerate(self.rng.choice(len(out), count, replace=False).tolist()):
            out[at] = other[n % len(other)]
        return "".join(out)
