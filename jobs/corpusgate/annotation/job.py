"""What other rooms ask of annotation: the labels that may be used, the records of void batches."""

from __future__ import annotations

from typing import Any

from corpusgate.annotation import rules
from corpusgate.annotation.facts import ensure, read_facts
from corpusgate.annotation.model import Facts
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place

#: The control whose bound says when a safety batch is void.
FAILED_SHARE = "45674-8-3-c"
#: The control that says how long an examination counts.
EXAM = "45674-7-1-b"


def accepted_labels(place: Place, corpus: str | None = None) -> list[dict[str, Any]]:
    """The labels that may be used for training: `record_id, text_sha256, label, risks, kind, batch_id, rule_version,
    basis`, ordered by batch and record; of all corpora, or of one.

    Only of batches that somebody verified by hand and that are not void; only items whose executors agree or an
    arbitrator ruled (a majority is no ruling: 45674 7.3 c), which no reviewer rejected, which did not fail verification
    uncorrected, and, of safety annotation, which a reviewer approved. `basis` is unanimous, ruled, fixed or corrected.
    """
    ensure(place)
    return [row for facts in _facts(place, corpus) for row in rules.accepted(facts, batch_verdicts(place, facts))]


def void_records(place: Place, corpus: str) -> dict[str, str]:
    """record id -> the void batch it stands in; records that a passed batch holds too are not among them.

    Creates no table: one that went missing must be seen, not taken for an empty one.
    """
    if not store.read(place, "annotation_batch", ["batch_id"], f"corpus = {literal(corpus)}").num_rows:
        return {}
    facts = read_facts(place, corpus)
    return rules.void_records(facts, batch_verdicts(place, facts))


def batch_verdicts(place: Place, facts: Facts) -> dict[str, rules.Batch]:
    """Every batch with its verdict; the bound is the catalogue's."""
    return rules.batches(facts, load_catalogue(place)[FAILED_SHARE].holds)


def holds_days(place: Place) -> int:
    """How many days an examination counts before it must be repeated; the catalogue's."""
    days = load_catalogue(place)[EXAM].expires_days
    assert days is not None
    return days


def _facts(place: Place, corpus: str | None) -> list[Facts]:
    names = [corpus] if corpus else sorted(set(store.read(place, "annotation_batch", ["corpus"])["corpus"].to_pylist()))
    return [read_facts(place, name) for name in names]
