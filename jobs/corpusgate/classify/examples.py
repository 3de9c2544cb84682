"""What a model is taught with, read from the lake: accepted labels, texts that people passed, each source's register.

No keyword has a say: labels are people's, and the register is drawn from all texts of a source by hash. So the model
can be asked what the keyword filter has missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpusgate.annotation import job as annotation
from corpusgate.annotation.facts import ensure
from corpusgate.annotation.keeping import rows_with
from corpusgate.classify.rules import Example, distinct
from corpusgate.lake import store
from corpusgate.lake.dialect import literal, one_of, sha256
from corpusgate.review.fold import IN_FORCE
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.place import Place

REGISTER = 600
"""Texts of each source that are drawn as its register."""


@dataclass(frozen=True, slots=True)
class Taught:
    """The examples, one a text, and the batches that the labels are of."""

    examples: Sequence[Example]
    batches: tuple[str, ...]


def examples_of(place: Place, corpus: Corpus, register: int = REGISTER) -> Taught:
    """All that a model of this corpus may be taught with. Labels of void or unverified batches are not among it."""
    ensure(place)
    store.ensure_tables(place, ["record", "document", "review", "sample", "sample_item", "release_record"])
    labels = about_risks(annotation.accepted_labels(place, corpus.id))
    said = [(r["text_sha256"], tuple(r["risks"]), "annotation") for r in labels]
    said += [(text, (), "review") for text in _passed(place, corpus)]
    busy = _annotated(place, corpus) | {text for text, _, _ in said}
    drawn = [(text, source) for text, source in _register(place, corpus, register, len(busy)) if text not in busy]
    taken = _of_each(drawn, register)
    texts = dict(_texts(place, {t for t, _, _ in said} | {t for t, _ in taken}))
    sources = _sources(place, {t for t, _, _ in said})
    found = [
        Example(texts[text], text, risks, sources.get(text, ""), origin)  # ty: ignore[invalid-argument-type]
        for text, risks, origin in said if text in texts
    ]  # fmt: skip
    found += [Example(texts[text], text, (), source, "register") for text, source in taken if text in texts]
    return Taught(distinct(found), tuple(sorted({r["batch_id"] for r in labels})))


def about_risks(labels: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The accepted labels that speak of risks: all safety labels, and functional ones done by rules that have a label
    for some risk. "Helpful" says nothing about a text being clean."""
    labels = list(labels)
    speaking = {r["rule_version"] for r in labels if r["risks"]}
    return [r for r in labels if r["kind"] == "safety" or r["rule_version"] in speaking]


def _passed(place: Place, corpus: Corpus) -> list[str]:
    """Texts that every person who reviewed them in a sample passed, in the form that was drawn."""
    sql = (
        f"SELECT k.text_sha256 FROM {IN_FORCE} AS v JOIN sample s ON v.sample_id = s.sample_id JOIN release_record k "
        "ON k.release_id = s.release_id AND k.record_id = v.record_id AND k.released_sha256 = v.released_sha256 "
        f"JOIN record r ON r.record_id = v.record_id WHERE {one_of('r.source_id', corpus.sources)} "
        "GROUP BY k.text_sha256 HAVING SUM(CASE WHEN v.verdict = 'good' THEN 0 ELSE 1 END) = 0 ORDER BY k.text_sha256"
    )
    tables = ["review", "sample", "release_record", "record"]
    return store.query(place, sql, tables).column("text_sha256").to_pylist()


def _annotated(place: Place, corpus: Corpus) -> set[str]:
    """Texts that stand in any batch of annotation, also in void ones: what people could not settle is not assumed."""
    sql = (
        "SELECT DISTINCT i.text_sha256 FROM annotation_batch_item i JOIN annotation_batch b "
        f"ON i.batch_id = b.batch_id WHERE b.corpus = {literal(corpus.id)}"
    )
    return set(store.query(place, sql, ["annotation_batch_item", "annotation_batch"]).column(0).to_pylist())


def _register(place: Place, corpus: Corpus, wanted: int, spare: int) -> list[tuple[str, str]]:
    """(text, source) of each source in the order of the draw, with some to spare."""
    order = sha256("datafusion", f"concat({literal(corpus.seed + '/classifier|')}, text_sha256)")
    sql = (
        "SELECT text_sha256, source_id FROM (SELECT text_sha256, source_id, ROW_NUMBER() OVER "
        f"(PARTITION BY source_id ORDER BY {order}) AS place FROM (SELECT DISTINCT text_sha256, source_id FROM record "
        f"WHERE modality = 'text' AND {one_of('source_id', corpus.sources)}) AS d) AS o "
        f"WHERE place <= {int(wanted + spare)} ORDER BY source_id, place"
    )
    rows = store.query(place, sql, ["record"]).to_pylist()
    return [(r["text_sha256"], r["source_id"]) for r in rows]


def _of_each(drawn: Sequence[tuple[str, str]], wanted: int) -> list[tuple[str, str]]:
    counts: dict[str, int] = {}
    taken = []
    for text, source in drawn:
        counts[source] = counts.get(source, 0) + 1
        if counts[source] <= wanted:
            taken.append((text, source))
    return taken


def _texts(place: Place, hashes: Iterable[str]) -> list[tuple[str, str]]:
    rows = rows_with(place, "document", ["text_sha256", "text"], "text_sha256", hashes).to_pylist()
    return [(r["text_sha256"], r["text"]) for r in rows]


def _sources(place: Place, hashes: Iterable[str]) -> dict[str, str]:
    """The source of each text; the first by name where several have it."""
    rows = rows_with(place, "record", ["text_sha256", "source_id"], "text_sha256", hashes).to_pylist()
    return {r["text_sha256"]: r["source_id"] for r in sorted(rows, key=lambda r: r["source_id"], reverse=True)}
