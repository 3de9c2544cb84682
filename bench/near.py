"""near.py CORPUS...: what the search for near duplicates finds and costs, on corpora of known truth; a JSON line each.

A corpus is a folder with `docs/*.jsonl` (id, text) and `truth.jsonl`: a line for each document that is in a cluster of
planted duplicates (id, cluster, role original | exact | near, edit span | spread). One process, the code of the
product without Spark: signatures, buckets, comparison, clusters. Time is CPU seconds of this process.

Recall: of a cluster of n documents n - 1 should go. Precision: of those that go, how many should. `span`, `spread`:
recall of clusters of two, by how the copy was edited.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpusgate.decide.near.compare import Member, compare_group
from corpusgate.decide.near.rules import OVERFULL, components
from corpusgate.intake.detectors import signature
from corpusgate.settings.corpus import NearDuplicates

WIDTH = signature.ROWS * 4


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts, and the planted clusters: (number of the document, how it was edited) of each member."""

    texts: list[str]
    clusters: list[list[tuple[int, str | None]]]


def cpu() -> float:
    """User and system seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def read_corpus(folder: Path) -> Corpus:
    """Raises SystemExit where the folder is not such a corpus."""
    files = sorted((folder / "docs").glob("*.jsonl"))
    if not files or not (folder / "truth.jsonl").is_file():
        raise SystemExit(f"{folder} holds no docs/*.jsonl with truth.jsonl beside them")
    documents = [json.loads(line) for f in files for line in f.read_text("utf-8").split("\n") if line]
    number = {d["id"]: n for n, d in enumerate(documents)}
    clusters: dict[str, list[tuple[int, str | None]]] = {}
    for line in (folder / "truth.jsonl").read_text("utf-8").split("\n"):
        if line and "cluster" in (row := json.loads(line)):
            clusters.setdefault(row["cluster"], []).append((number[row["id"]], row.get("edit")))
    return Corpus([d["text"] for d in documents], list(clusters.values()))


def buckets(signatures: Sequence[bytes | None]) -> dict[int, list[int]]:
    """Bucket to documents, for those that more than one shares; buckets with the same documents once."""
    found: dict[bytes, list[int]] = {}
    for number, signed in enumerate(signatures):
        if signed is None:
            continue
        for band in range(signature.BANDS):
            at = band * WIDTH
            found.setdefault(bytes([band]) + signed[at : at + WIDTH], []).append(number)
    shared = {tuple(members) for members in found.values() if 1 < len(members) <= OVERFULL}
    return {bucket: list(members) for bucket, members in enumerate(sorted(shared))}


def compared(texts: Sequence[str], shared: dict[int, list[int]]) -> Iterator[tuple[int, int, float, float]]:
    """(document, document, jaccard, overlap) of all edges."""
    of: dict[int, set[int]] = {}
    for bucket, members in shared.items():
        for number in members:
            of.setdefault(number, set()).add(bucket)
    chosen = sorted(of)
    runs = dict(zip(chosen, signature.sequences([texts[n] for n in chosen]), strict=True))
    for bucket, members in shared.items():
        group = [Member(f"{n:09d}", "", frozenset(of[n]), True, runs[n]) for n in members]
        for row in compare_group(bucket, group):
            yield int(row.text_a), int(row.text_b), row.jaccard, row.overlap


def judge(corpus: Corpus, edges: Sequence[tuple[int, int, float, float]], policy: NearDuplicates) -> dict[str, float]:
    """Recall and precision of what goes under a policy."""
    alike = [(f"{a:09d}", f"{b:09d}") for a, b, j, o in edges if j >= policy.jaccard and o >= policy.overlap]
    gone = {int(text) for text, cluster in components(alike).items() if text != cluster}

    def found(cluster: list[tuple[int, str | None]]) -> int:
        return min(sum(n in gone for n, _ in cluster), len(cluster) - 1)

    good, planted = sum(map(found, corpus.clusters)), sum(len(c) - 1 for c in corpus.clusters)
    out = {"recall": good / planted, "precision": good / len(gone) if gone else 0.0}
    for kind in ("span", "spread"):
        pairs = [c for c in corpus.clusters if len(c) == 2 and any(edit == kind for _, edit in c)]
        out[kind] = sum(map(found, pairs)) / len(pairs) if pairs else float("nan")
    return {name: round(value, 4) for name, value in out.items()}


def measure(folder: Path, policies: Sequence[NearDuplicates]) -> Iterator[dict[str, object]]:
    """A row a policy; signatures and comparison are made once."""
    corpus = read_corpus(folder)
    megabytes = sum(len(t.encode("utf-8", "surrogatepass")) for t in corpus.texts) / 1e6
    signature.sign(["warm up", "請用滑鼠"])
    start = cpu()
    signatures = signature.sign(corpus.texts)
    signed = cpu()
    shared = buckets(signatures)
    met = cpu()
    edges = list(compared(corpus.texts, shared))
    ended = cpu()
    for policy in policies:
        yield {
            "corpus": str(folder), "algorithm": signature.version(), "documents": len(corpus.texts),
            "megabytes": round(megabytes, 1), **policy.model_dump(), **judge(corpus, edges, policy),
            "edges": len(edges), "meeting": len({n for members in shared.values() for n in members}),
            "sign_cpu_s": round(signed - start, 2), "sign_mb_per_cpu_s": round(megabytes / (signed - start), 1),
            "bucket_cpu_s": round(met - signed, 2), "compare_cpu_s": round(ended - met, 2),
        }  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Measures each corpus under the default policy, or several with --policies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", type=Path)
    parser.add_argument(
        "--policies", nargs="*", default=["0.4,0.85"], metavar="JACCARD,OVERLAP", help="bounds to judge by"
    )
    given = parser.parse_args(arguments)
    bounds = [map(float, p.split(",")) for p in given.policies]
    policies = [NearDuplicates(jaccard=j, overlap=o) for j, o in bounds]
    for folder in given.corpus:
        for row in measure(folder, policies):
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    np.seterr(over="ignore")
    raise SystemExit(main(sys.argv[1:]))
