"""The quality report of a corpus's annotation, from the tables: agreement, people, weeks, probable mistakes.

Only annotations that count (submitted, by people, no ground truth) of each item's latest round; functional and safety
annotation apart, as their labels differ. A report is plain data (JSON). `reading` says what a coefficient is worth:
`reliable`, `tentative`, `unreliable`, or `not_computable` with its reason; the last is never good news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpusgate.annotation import drift, mislabels
from corpusgate.annotation.agreement import (
    RELIABLE,
    TENTATIVE,
    Coefficient,
    Ratings,
    by_label,
    fleiss_kappa,
    krippendorff_alpha,
    pairs,
    prevalence,
    raw_agreement,
)
from corpusgate.annotation.dawid_skene import Estimate, estimate
from corpusgate.annotation.facts import ensure
from corpusgate.annotation.gold import Gold, gold
from corpusgate.annotation.model import KINDS, TABLE_OF
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.settings.place import Place

COLUMNS = ("batch_id", "record_id", "annotator_id", "label", "decided_at", "lead_time_s")
#: The engine gives views of texts, on which few functions work.
_PLAIN = {name: pa.string() for name in ("batch_id", "record_id", "annotator_id", "label")}
SUSPECTS = 200
"""At most so many suspected items in a report, the surest first; all are counted."""


def quality(place: Place, corpus: str) -> dict[str, Any]:
    """The report of a corpus: `corpus`, and under `kinds` one part a kind of annotation (see `of_kind`)."""
    ensure(place)
    names = {
        b["batch_id"]: b["name"]
        for b in store.read(place, "annotation_batch", ["batch_id", "name"], f"corpus = {literal(corpus)}").to_pylist()
    }
    parts = {}
    for kind in KINDS:
        table = _annotations(place, corpus, TABLE_OF[kind])
        if table.num_rows:
            parts[kind] = of_kind(table, _gold(place, corpus, TABLE_OF[kind]), names)
    return {"corpus": corpus, "kinds": parts}


def of_kind(table: pa.Table, known: Sequence[Gold] = (), names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The report of one kind of annotation; `table` has `COLUMNS`, one row an annotation that counts.

    `overall` and each of `batches`, `weeks`: annotations, items, items with two labels
    or more (`compared`), people, labels an item, raw agreement, alpha with its
    reading, prevalence. `labels`: agreement about each label. `pairs`: every two people. `people`: work, speed, gold
    questions, probable accuracy and confusion (rows the true class). `drift`: weeks that differ. `suspects`: items
    whose commonest label is probably wrong.
    """
    columns = _columns(table)
    r = columns.ratings
    told = estimate(r)
    dated, week = r.where(columns.dated), columns.week[columns.dated]
    by_person = drift.weeks(dated, week, columns.lead_time_s[columns.dated])
    return {
        "labels_named": list(r.labels), "overall": _agreement(r),
        "batches": [{"batch_id": b, "name": (names or {}).get(b) or b} | _agreement(r.where(at))
                    for b, at in columns.by_batch()],
        "weeks": [asdict(w) | _read(w.alpha) for w in drift.by_week(dated, week)],
        "labels": [asdict(one) | _read(one.alpha) for one in by_label(r)],
        "pairs": [{"one": p.one, "other": p.other, "items": p.items, "raw": p.raw, "kappa": p.kappa.value,
                   "why": p.kappa.why} for p in pairs(r)],
        "dawid_skene": _summary(told), "people": _people(columns, told, known),
        "drift": [asdict(w) | {"down": w.down, "hasty": w.hasty} for w in by_person if w.drifted or w.hasty],
        "weeks_of_people": [asdict(w) for w in by_person], "suspects": _suspects(columns, told),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """The annotations as arrays; `batch` numbers each one's batch. `dated`: it is known when the label was given."""

    ratings: Ratings
    batch: np.ndarray
    batches: Sequence[str]
    dated: np.ndarray
    week: np.ndarray
    lead_time_s: np.ndarray

    def by_batch(self) -> list[tuple[str, np.ndarray]]:
        """Each batch with the places of its annotations."""
        order = np.argsort(self.batch, kind="stable")
        edges = np.searchsorted(self.batch[order], np.arange(len(self.batches) + 1))
        return [(b, order[edges[n] : edges[n + 1]]) for n, b in enumerate(self.batches)]


def _columns(table: pa.Table) -> Columns:
    table = table.cast(pa.schema([f.with_type(_PLAIN.get(f.name, f.type)) for f in table.schema]))
    item = pc.call_function("binary_join_element_wise", [table["batch_id"], table["record_id"], " "])
    (items, item_names), (people, person_names), (labels, label_names), (batches, batch_names) = (
        _numbered(c) for c in (item, table["annotator_id"], table["label"], table["batch_id"])
    )
    micro = table["decided_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    seconds = pc.fill_null(micro, 0).to_numpy() // 1_000_000
    lead = pc.fill_null(table["lead_time_s"].cast(pa.float64()), float("nan")).to_numpy()
    r = Ratings(items, people, labels, item_names, person_names, label_names)
    dated = micro.is_valid().to_numpy()
    return Columns(r, batches, batch_names, dated, drift.week_numbers(seconds), lead)


def _numbered(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """A text column as numbers in the order of its names."""
    coded = pa.chunked_array(column).combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return place[coded.indices.to_numpy(zero_copy_only=False)], [names[o] for o in order]


def _agreement(r: Ratings) -> dict[str, Any]:
    counts = r.counts()
    alpha, fleiss = krippendorff_alpha(counts), fleiss_kappa(counts)
    shares = prevalence(counts)
    return {
        "annotations": int(counts.sum()), "items": len(counts), "compared": int((counts.sum(axis=1) > 1).sum()),
        "people": len(np.unique(r.person)),
        "labels_an_item": float(counts.sum() / len(counts)) if len(counts) else 0.0, "raw": raw_agreement(counts),
        "fleiss": fleiss.value, "fleiss_why": fleiss.why,
        "prevalence": {name: float(s) for name, s in zip(r.labels, shares, strict=True) if s},
    } | _read(alpha)  # fmt: skip


def _read(alpha: Coefficient) -> dict[str, Any]:
    return {"alpha": alpha.value, "why": alpha.why, "reading": reading(alpha)}


def reading(alpha: Coefficient) -> str:
    """What an alpha is worth by Krippendorff's customary bars; not computable is a reading of its own."""
    if alpha.value is None:
        return "not_computable"
    return "reliable" if alpha.value >= RELIABLE else "tentative" if alpha.value >= TENTATIVE else "unreliable"


def _summary(told: Estimate | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "iterations": told.iterations, "converged": told.converged, "reliable": told.reliable,
        "labels_an_item": told.labels_an_item, "prior": told.prior.tolist(),
    }  # fmt: skip


def _people(c: Columns, told: Estimate | None, known: Sequence[Gold]) -> list[dict[str, Any]]:
    r = c.ratings
    done = np.bincount(r.person, minlength=len(r.people))
    accuracy = told.accuracy() if told is not None else np.full(len(r.people), np.nan)
    tested = {g.person: asdict(g) | {"share": g.share} for g in known}
    timed = ~np.isnan(c.lead_time_s)
    order = np.lexsort((c.lead_time_s[timed], r.person[timed]))
    who, times = r.person[timed][order], c.lead_time_s[timed][order]
    edges = np.searchsorted(who, np.arange(len(r.people) + 1))
    return [
        {
            "person": name, "annotations": int(done[no]),
            "seconds": float(np.median(times[edges[no] : edges[no + 1]])) if edges[no + 1] > edges[no] else None,
            "accuracy": None if np.isnan(accuracy[no]) else float(accuracy[no]), "gold": tested.get(name),
            "confusion": None if told is None else told.confusion[no].tolist(),
            "weight": None if told is None else told.weight[no].tolist(),
        }
        for no, name in enumerate(r.people)
    ]  # fmt: skip


def _suspects(c: Columns, told: Estimate | None) -> dict[str, Any]:
    """Items whose commonest label (the first by name of equal ones) is probably wrong, given how people err."""
    if told is None:
        return {"count": 0, "items": []}
    r = c.ratings
    labels = len(r.labels)
    counts = np.bincount(r.item * labels + r.label, minlength=len(r.items) * labels).reshape(-1, labels)
    found = mislabels.likely_mislabelled(told.posterior, counts.argmax(axis=1))
    items = mislabels.named(found[:SUSPECTS], r.items, r.labels)
    for one in items:
        one["batch_id"], one["record_id"] = str(one.pop("item")).split(" ", 1)
    return {"count": len(found), "items": items}


def _annotations(place: Place, corpus: str, table: str) -> pa.Table:
    """The annotations that count, of each item's latest round."""
    sql = (
        f"SELECT {', '.join(COLUMNS)} FROM (SELECT *, MAX(COALESCE(round, 0)) OVER (PARTITION BY batch_id, record_id) "
        f"AS latest FROM {table} WHERE {_counting(corpus)}) AS a WHERE COALESCE(round, 0) = latest"
    )
    return store.query(place, sql, [table])


def _counting(corpus: str) -> str:
    return (
        f"corpus = {literal(corpus)} AND state = 'submitted' AND NOT COALESCE(is_gold, FALSE) "
        "AND NOT COALESCE(is_machine, FALSE) AND label IS NOT NULL"
    )


def _gold(place: Place, corpus: str, table: str) -> list[Gold]:
    """People's answers to the batches' gold questions, of every round: who learned in between was still asked."""
    sql = (
        "SELECT a.batch_id, a.record_id, a.annotator_id, a.label, a.lead_time_s, i.gold_label FROM "
        f"(SELECT * FROM {table} WHERE {_counting(corpus)}) AS a JOIN annotation_batch_item i "
        "ON a.batch_id = i.batch_id AND a.record_id = i.record_id WHERE i.gold_label IS NOT NULL"
    )
    rows = store.query(place, sql, [table, "annotation_batch_item"]).to_pylist()
    return gold(rows, {(r["batch_id"], r["record_id"]): r["gold_label"] for r in rows})
