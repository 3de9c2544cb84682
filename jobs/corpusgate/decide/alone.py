"""Decides without Spark about what is small beside the start of a JVM: up to `alone_records` of a profile.

The rules are those of `rules.py`, record by record; `frames.py` and `groups.py` say the same over columns, and the
tests decide the same corpora by both: the same release id, the same rows (docs/adr/0071-little-without-spark.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from corpusgate.annotation.job import void_records
from corpusgate.decide import alone_masks, records, rules
from corpusgate.decide.near import alone as near_alone
from corpusgate.decide.near.rules import components
from corpusgate.decide.outcome import Counts, batches_of
from corpusgate.decide.records import Found, Row
from corpusgate.lake import store
from corpusgate.lake.alone import HASHES
from corpusgate.lake.lease import commit_metadata
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.release.merkle import Bucket, buckets_of, leaf
from corpusgate.review import draw as draws
from corpusgate.sources.takedown import withdrawn

if TYPE_CHECKING:
    from corpusgate.decide.job import Inputs
    from corpusgate.settings.place import Place


@dataclass(frozen=True)
class InMemory:
    """The decided records of a candidate (see `outcome.Decided`)."""

    rows: Sequence[Row]

    @cached_property
    def kept(self) -> list[Row]:
        """Those that were kept."""
        return [row for row in self.rows if row.outcome == "kept"]

    @cached_property
    def others(self) -> list[Row]:
        """Those that were not."""
        return [row for row in self.rows if row.outcome != "kept"]

    @property
    def grouped(self) -> bool:
        """Whether any record is in a group."""
        return any(row.group_id is not None for row in self.rows)

    def counts(self) -> Counts:
        """Records by source, outcome and rule."""
        counts: Counts = {}
        for row in self.rows:
            by_rule = counts.setdefault(row.source_id, {}).setdefault(row.outcome, {})
            by_rule[row.because or ""] = by_rule.get(row.because or "", 0) + 1
        return counts

    def leaves(self) -> list[Bucket]:
        """The tree over all records."""
        kept = [leaf(r.record_id, r.text_sha256, r.released_sha256, "kept", None) for r in self.kept]
        return buckets_of(kept + [leaf(r.record_id, r.text_sha256, None, r.outcome, r.because) for r in self.others])

    def items(self, grouped: bool) -> dict[str, list[Bucket]]:
        """Modality to the tree over the ids of its kept items."""
        found: dict[str, list[str]] = defaultdict(list)
        for row in self.kept:
            found[row.modality or ""].append(row.unit if grouped else row.record_id)
        return {modality: buckets_of(set(ids) if grouped else ids) for modality, ids in found.items()}

    def drawn(self, run: Run, release: str, one: draws.Draw) -> list[tuple[str, str]]:
        """The items of a draw, in its order: id and hash of the released text. The engine that reads the tables hashes
        them at half the cost."""
        sql = draws.drawn_sql("datafusion", draws.RECORDS, release, one.frame, one.stratum, one.seed, one.size)
        found = store.query(run.place, sql, [draws.RECORDS])
        return list(zip(*(found[n].to_pylist() for n in ("record_id", "released_sha256")), strict=True))

    def write(self, run: Run, release: str, version: str) -> None:
        """Writes `decision` and `release_record` of the candidate."""
        for name, chosen in (("decision", self.others), ("release_record", self.kept)):
            _write(run.place, name, batches_of(name, chosen, release, version), release)


def decided(run: Run, given: Inputs) -> tuple[InMemory, tuple[str, ...]] | None:
    """All records with their outcome, and the languages that this run does not serve.

    None where it is too much after all: a bucket of the near search is overfull, or the texts that must be looked at
    take too much memory. Nothing but edges of near duplicates has been written then.
    """
    rows, found = _considered(run, given)
    policy, algorithm = run.corpus.policy, given.versions.get("signature")
    near = None
    if policy.near_duplicates is not None and algorithm is not None:
        near = near_alone.fresh(run.place, algorithm)
        if near is None:
            return None
    first = _rule(run, given, found, run.corpus.languages)
    runs = alone_masks.mask(run, given, rows, found, first, near.texts if near else frozenset())
    if runs is None:
        return None
    clusters = _clusters(run, near, runs, algorithm) if near and algorithm else None
    _judge(rows, first, clusters)
    pairs = {(r.language, run.source(r.source_id).provider) for r in rows if r.outcome == "kept"}
    dropped = rules.languages_to_drop(run.corpus.languages, pairs)
    if dropped:
        served = [language for language in run.corpus.languages if language not in dropped]
        _judge(rows, _rule(run, given, found, served), clusters)
    return InMemory(rows), dropped


def _considered(run: Run, given: Inputs) -> tuple[list[Row], dict[str, Found]]:
    """The records in the order of their ids, with the rules that come from elsewhere, and what was found in them."""
    there = records.considered(run.place, given.batches.values(), given.acquisitions, frozenset(given.parts))
    for record in void_records(run.place, run.corpus.id):
        if (row := there.get(record)) is not None:
            row.source_rule = row.source_rule or "void_batch"
    for record, rule in withdrawn(run.place).items():
        if (row := there.get(record)) is not None:
            row.source_rule = rule
    rows = list(there.values())
    texts = {r.text_sha256 for r in rows}
    return rows, records.findings(run.place, given.versions, run.corpus.policy.remove_signs, texts)


def _rule(run: Run, given: Inputs, found: Mapping[str, Found], served: Sequence[str]) -> Callable[[Row], str | None]:
    """The first rule that removes a record before masks and duplicates (`rules.removal_rule`)."""
    policy, zero, nothing = run.corpus.policy, Decimal(0), frozenset[str]()
    safety = frozenset(s.id for s in run.sources if s.safety)
    at, removed = records.exact(policy.remove_at), rules.removed_classes(policy.personal_information)
    held, unseen = frozenset(given.held), rules.sets_removed(policy.test_sets)
    signs, asked = frozenset(policy.remove_signs), served if policy.remove_languages_not_served else None

    @cache  # of most texts nothing is found, and what there is has few values
    def first(
        source: str, source_rule: str | None, language: str | None, role: str | None,
        score: Decimal, classes: frozenset[str], test_sets: frozenset[str], found_signs: frozenset[str],
    ) -> str | None:  # fmt: skip
        risk = rules.may_hold_risk(source in safety, role, policy.risk_allowed_in)
        facts = rules.Facts(source, source_rule, language, score, classes, risk, test_sets, found_signs)
        return rules.removal_rule(
            facts, held=held, served=asked, remove_at=at, removed=removed, unseen=unseen, signs=signs
        )

    def rule(row: Row) -> str | None:
        of = found.get(row.text_sha256)
        about = (row.source_id, row.source_rule, row.language, row.role)
        if of is None:
            return first(*about, zero, nothing, nothing, nothing)
        return first(*about, of.keyword_score, of.classes, frozenset(of.test_sets), frozenset(of.signs))

    return rule


def _clusters(
    run: Run, near: near_alone.Fresh, runs: alone_masks.Runs, algorithm: str
) -> Callable[[Collection[str]], dict[str, str]]:
    """From eligible texts to the cluster of each that has an edge to another of them."""
    policy = run.corpus.policy.near_duplicates
    assert policy is not None
    found = near_alone.edges(run.place, algorithm, run.id, near, near.compared(runs))
    return lambda eligible: components(near_alone.among(found, eligible, policy.jaccard, policy.overlap))


def _judge(
    rows: Sequence[Row],
    rule: Callable[[Row], str | None],
    clusters: Callable[[Collection[str]], dict[str, str]] | None,
) -> None:
    """Gives each record what becomes of it; what an earlier judgement said is forgotten."""
    for row in rows:
        row.rule, row.fault = rule(row), row.mask_fault
        row.cluster = row.survivor = row.cause = row.cause_record = None
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.group_id is not None:
            groups[row.group_id].append(row)
    for members in groups.values():
        _whole(members)
    _without_copies(rows, "exact_duplicate", lambda row: row.released_sha256)
    if clusters is not None:
        of = clusters({r.text_sha256 for r in rows if r.takes_part})
        _without_copies(rows, "near_duplicate", lambda row: of.get(row.text_sha256, row.text_sha256))


def _whole(members: Sequence[Row]) -> None:
    """A conversation stays whole or goes whole (docs/adr/0062-groups.md)."""
    as_members = [_member(r, "") for r in members]
    if rules.is_unclear(as_members):
        for row in members:
            row.fault = rules.GROUP_UNCLEAR
        as_members = [_member(r, "") for r in members]
    cause = rules.cause_in_group(as_members)
    if cause is None:
        return
    for row in members:
        if row.takes_part:
            row.rule = rules.GROUP_MEMBER_REMOVED
            row.cause, row.cause_record = cause


def _member(row: Row, token: str) -> rules.Member:
    return rules.Member(row.record_id, row.role or "", row.turn, token, row.because)


def _without_copies(rows: Iterable[Row], rule: str, token: Callable[[Row], str]) -> None:
    """Of units with equal tokens all but the first acquired get `rule`; each of a group's records names its counterpart
    as the survivor."""
    same: dict[tuple[str, ...] | str, list[tuple[Row, _Unit | None]]] = {}
    groups: dict[str, list[Row]] = defaultdict(list)
    lone: dict[str, Row] = {}  # most have no copy: a list is made where a second one comes
    for row in rows:
        if row.group_id is not None:
            groups[row.group_id].append(row)
        elif row.takes_part:
            key = token(row)
            if (first := lone.setdefault(key, row)) is not row:
                same.setdefault(key, [(first, None)]).append((row, None))
    for members in groups.values():
        unit = _unit(members, token)
        for row in members:
            if row.takes_part:
                same.setdefault((unit.whole, row.role or "", str(row.turn), token(row)), []).append((row, unit))
    for key, alike in same.items():
        if len(alike) > 1:
            _keep_first(alike, rule, key if isinstance(key, str) else key[0])


@dataclass(frozen=True, slots=True)
class _Unit:
    """A group among those that say the same: when it was first acquired, its smallest id, what it is compared by."""

    order: tuple[bool, int, str]
    whole: str


def _unit(members: Sequence[Row], token: Callable[[Row], str]) -> _Unit:
    ats = [r.at for r in members if r.at is not None]
    whole = rules.group_print([_member(r, token(r)) for r in members])
    return _Unit((not ats, min(ats, default=0), min(r.record_id for r in members)), whole)


def _keep_first(alike: Sequence[tuple[Row, _Unit | None]], rule: str, cluster: str) -> None:
    def order(of: tuple[Row, _Unit | None]) -> tuple[bool, int, str]:
        row, unit = of
        return unit.order if unit else (row.at is None, row.at or 0, row.record_id)

    first = min(alike, key=lambda of: (order(of), of[0].record_id))
    for of in alike:
        if order(of) != order(first):
            of[0].rule, of[0].cluster, of[0].survivor = rule, cluster, first[0].record_id


def _write(place: Place, name: str, batches: Iterable[pa.RecordBatch], release: str) -> None:
    from deltalake import CommitProperties, WriterProperties, write_deltalake

    write_deltalake(
        str(place.table(name)), pa.RecordBatchReader.from_batches(TABLES[name].schema, batches), mode="overwrite",
        predicate=f"release_id = {draws.literal(release)}",
        # Nearly all of it is hashes, which Snappy, as usual, does not make smaller: to try was a third of the writing.
        writer_properties=WriterProperties(compression="UNCOMPRESSED", column_properties=HASHES),
        commit_properties=CommitProperties(custom_metadata=commit_metadata(place)),
    )  # fmt: skip
