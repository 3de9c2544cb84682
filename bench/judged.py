"""What a tool kept, held against a corpus's truth. The same yardstick for every tool.

Recall of duplicates: of a cluster of n documents n - 1 should go, whichever. Precision: of the documents that went and
not for a keyword, how many should. Documents with a keyword take no part in either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from corpora import Corpus

Cluster = list[dict[str, Any]]

NOBODYS = re.compile(r"@([a-z0-9-]+\.)*example\.(com|net|org)$")
"""Addresses for documentation (RFC 2606) are nobody's: who leaves them as they are misses nothing."""

TOKENS = {"id": "[pi_id]", "mobile": "[pi_mobile]", "card": "[pi_card]"}
"""What corpusgate puts for a value. E-mail is left out: real text holds addresses that nobody planted."""


def judge(corpus: Corpus, kept: Mapping[str, str], for_keywords: Collection[str] | None = None) -> dict[str, Any]:
    """Figures about what a tool kept (id -> text); `for_keywords`: what it says that it removed for a keyword."""
    truth = corpus.truth()
    marked = {t["id"] for t in truth if t.get("kw") or t.get("hit")} | set(for_keywords or ())
    out: dict[str, Any] = {"kept": len(kept), "keywords": _keywords(truth, kept), "personal": _personal(truth, kept)}
    out["duplicates"] = _duplicates(truth, kept, marked, corpus.docs)
    if for_keywords is not None:
        expected = literal_or_folded(corpus)
        good = sum(i in expected for i in for_keywords)
        out["keywords"]["precision_folded"] = _share(good, len(for_keywords))
        planted = _planted(truth, kept)
        masks = {k: sum(text.count(token) for text in kept.values()) for k, token in TOKENS.items()}
        out["personal_precision"] = {k: _share(min(planted.get(k, 0), n), n) for k, n in masks.items()}
    return out


def literal_or_folded(corpus: Corpus) -> set[str]:
    """Documents with a keyword once both are folded by the libraries (NFKC, OpenCC t2s, format characters dropped,
    lower case) and not by corpusgate: a truth that knows folding."""
    from ahocorasick_rs import AhoCorasick
    from opencc import OpenCC

    simplify, hidden = OpenCC("t2s").convert, re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")

    def folded(text: str) -> str:
        return simplify(unicodedata.normalize("NFKC", hidden.sub("", text))).lower()

    words = AhoCorasick([folded(w) for w in corpus.keywords])
    return {d["id"] for d in corpus.documents() if words.find_matches_as_indexes(folded(d["text"]))}


def _keywords(truth: Iterable[Mapping[str, Any]], kept: Mapping[str, str]) -> dict[str, float | None]:
    hits: dict[str, list[str]] = {}
    for line in truth:
        if line.get("hit"):
            hits.setdefault("plain", []).append(line["id"])
        if line.get("form", "plain") != "plain":
            hits.setdefault(line["form"], []).append(line["id"])
    return {form: _share(sum(i not in kept for i in ids), len(ids)) for form, ids in sorted(hits.items())}


def _planted(truth: Iterable[Mapping[str, Any]], kept: Mapping[str, str]) -> dict[str, int]:
    """How many planted values of a class no longer stand in a text that was kept."""
    gone: dict[str, int] = {}
    for line in truth:
        for kind, value in line.get("pii", ()):
            if line["id"] in kept and value not in kept[line["id"]] and not NOBODYS.search(value):
                gone[kind] = gone.get(kind, 0) + 1
    return gone


def _personal(truth: Sequence[Mapping[str, Any]], kept: Mapping[str, str]) -> dict[str, float | None]:
    there: dict[str, int] = {}
    for line in truth:
        for kind, value in line.get("pii", ()):
            if line["id"] in kept and not NOBODYS.search(value):
                there[kind] = there.get(kind, 0) + 1
    gone = _planted(truth, kept)
    return {kind: _share(gone.get(kind, 0), n) for kind, n in sorted(there.items())}


def _duplicates(
    truth: Iterable[dict[str, Any]], kept: Mapping[str, str], marked: Collection[str], docs: int
) -> dict[str, float | None]:
    clusters: dict[str, Cluster] = {}
    for line in truth:
        if "cluster" in line and line["id"] not in marked:
            clusters.setdefault(line["cluster"], []).append(line)

    def right(cluster: Cluster) -> int:
        return min(sum(m["id"] not in kept for m in cluster), len(cluster) - 1)

    exact = [[m for m in c if m["role"] != "near"] for c in clusters.values()]
    out = {"exact": _recall([c for c in exact if len(c) > 1], right), "all": _recall(list(clusters.values()), right)}
    for edit in ("span", "spread"):
        pairs = [c for c in clusters.values() if len(c) == 2 and any(m.get("edit") == edit for m in c)]
        out[edit] = _recall(pairs, right)
    went = docs - len(kept) - sum(i not in kept for i in marked)
    out["precision"] = _share(sum(map(right, clusters.values())), went)
    return out


def _recall(clusters: Sequence[Cluster], right: Any) -> float | None:
    return _share(sum(map(right, clusters)), sum(len(c) - 1 for c in clusters))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
