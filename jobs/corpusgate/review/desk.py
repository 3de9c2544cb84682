"""A sample as the review room sees it: its items, to whom it was given, what was said, who may not judge what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.review import rules
from corpusgate.review.draw import ITEMS_RECORDED_MAX, item_of, now_sql
from corpusgate.review.fold import in_force
from corpusgate.review.journal import Verdict
from corpusgate.review.sampling import items, sample_row
from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles

RECORDS = "record"


@dataclass(frozen=True)
class Drawn:
    """The part of a sample that does not change: its row, its items in order; `current` holds the records whose text
    is still the one that was drawn."""

    row: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]
    current: frozenset[str]

    @cached_property
    def by_record(self) -> dict[str, Mapping[str, Any]]:
        """The items by their record."""
        return {i["record_id"]: i for i in self.items}


@dataclass(frozen=True)
class Given:
    """To whom a sample was given: people in force, all who ever had it, the share that is judged twice."""

    people: tuple[str, ...]
    ever: frozenset[str]
    share: float


@dataclass(frozen=True)
class Desk:
    """One sample with everything that a reviewer, a gate or an officer asks of it."""

    drawn: Drawn
    given: Given
    verdicts: tuple[Verdict, ...]
    barred: Mapping[str, frozenset[str]]

    @cached_property
    def double(self) -> frozenset[str]:
        """The records that two people judge."""
        return rules.doubled(self.drawn.row["seed"], self.drawn.by_record, self.given.share)

    @cached_property
    def said(self) -> dict[str, dict[str, Verdict]]:
        """record -> person -> verdict, of those that count: of the text that was drawn and is still there, by somebody
        to whom the sample was given and who did not label it."""
        told: dict[str, dict[str, Verdict]] = {}
        for v in self.verdicts:
            if self.counts(v):
                told.setdefault(v.record_id, {})[v.reviewer] = v
        return told

    def counts(self, v: Verdict) -> bool:
        """Whether the verdict counts."""
        item = self.drawn.by_record.get(v.record_id)
        return (
            item is not None and v.record_id in self.drawn.current and v.released_sha256 == item["released_sha256"]
            and v.reviewer in self.given.ever and v.record_id not in self.barred.get(v.reviewer, ())
        )  # fmt: skip

    def decision(self, record_id: str) -> rules.Decision:
        """What was decided of an item."""
        told = self.said.get(record_id, {})
        return rules.decision([v.verdict for v in told.values()], record_id in self.double)

    def asked(self, record_id: str) -> list[str]:
        """Who is to judge the item next."""
        if record_id not in self.drawn.current:
            return []
        may = [p for p in self.given.people if record_id not in self.barred.get(p, ())]
        told = {p: v.verdict for p, v in self.said.get(record_id, {}).items()}
        return rules.asked(self.drawn.row["seed"], record_id, may, told, record_id in self.double)


def desk(place: Place, sample_id: str, *, table_only: bool = False) -> Desk:
    """The sample's desk. `table_only`: without what the journal holds beyond the table, as a gate counts.

    Raises:
        UserError: no such sample, or one for machines.
    """
    drawn = drawn_of(place, sample_id)
    given = given_of(place, sample_id, strict=table_only)
    verdicts = tuple(in_force(place, sample_id, table_only=table_only))
    return Desk(drawn, given, verdicts, _barred(place, drawn, given.ever))


def drawn_of(place: Place, sample_id: str) -> Drawn:
    """The unchanging part, kept from call to call as long as the tables behind it stay as they are.

    Raises:
        UserError: no such sample, or one for machines.
    """
    versions = tuple(store.version(place, t) for t in ("sample", "sample_item", "release_record"))
    return _drawn(place, sample_id, versions)


def given_of(place: Place, sample_id: str, *, strict: bool = False) -> Given:
    """To whom the sample was given. `strict`: a table that is gone is no empty one."""
    if not strict and not (place.table("review_assignment") / "_delta_log").is_dir():
        return Given((), frozenset(), 0.0)
    rows = store.read(place, "review_assignment", where=f"sample_id = {quoted(sample_id)}").to_pylist()
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda r: r["attempt"]):
        newest[row["reviewer"]] = row
    people = tuple(sorted(p for p, r in newest.items() if r["state"] == "assigned"))
    share = min(rows, key=lambda r: (r["assigned_at"], r["reviewer"]))["double_share"] if rows else 0.0
    return Given(people, frozenset(newest), share)


@lru_cache(maxsize=16)
def _drawn(place: Place, sample_id: str, versions: tuple[int, ...]) -> Drawn:
    row = sample_row(place, sample_id)
    if row["size"] > ITEMS_RECORDED_MAX or row["control_id"].endswith("-technical"):
        raise UserError(f"{sample_id} is a sample for machines: nobody reviews it.")
    found = items(place, sample_id)
    now = store.query(
        place,
        "SELECT i.record_id, k.released_sha256 FROM sample_item i "
        f"JOIN {now_sql(row['release_id'], row['frame'])} AS k "
        f"ON k.record_id = i.record_id WHERE i.sample_id = {quoted(sample_id)}",
        ["sample_item", "release_record"],
    ).to_pylist()
    is_now = {r["record_id"]: r["released_sha256"] for r in now}
    current = frozenset(i["record_id"] for i in found if is_now.get(i["record_id"]) == i["released_sha256"])
    return Drawn(row, tuple(found), current)


def _barred(place: Place, drawn: Drawn, people: frozenset[str]) -> dict[str, frozenset[str]]:
    """person -> records of the sample whose text he or she labelled, under whatever name."""
    tables = tuple(t for t in ("annotation", "safety_annotation") if (place.table(t) / "_delta_log").is_dir())
    if not tables or not people:
        return {}
    as_what = load_roles(place).annotates_as
    asked = (*tables, "sample_item", "release_record")
    of = (drawn.row["sample_id"], drawn.row["release_id"], drawn.row["frame"])
    found = _labelled(place, *of, tables, tuple(store.version(place, t) for t in asked))
    return {
        p: frozenset().union(*(found.get(name, ()) for name in (p, *as_what.get(p, ())))) for p in people
    }  # fmt: skip


@lru_cache(maxsize=16)
def _labelled(
    place: Place, sample_id: str, release: str, frame: str, tables: tuple[str, ...], versions: tuple[int, ...]
) -> Mapping[str, frozenset[str]]:
    """annotator -> records of the sample whose text he or she labelled. Kept as `_drawn` is: a page asks at every
    verdict, and the join goes through all records of the release."""
    labelled = " UNION ".join(f"SELECT record_id, text_sha256, annotator_id FROM {t}" for t in tables)
    mine = (
        f"SELECT i.record_id AS item, k.record_id, k.text_sha256 FROM sample_item i JOIN release_record k "
        f"ON {item_of(frame, 'k')} = i.record_id "
        f"WHERE i.sample_id = {quoted(sample_id)} AND k.release_id = {quoted(release)}"
    )
    sql = " UNION ".join(  # by either name of the text: one join with OR would compare everything with everything
        f"SELECT m.item AS record_id, a.annotator_id FROM ({mine}) AS m JOIN ({labelled}) AS a ON a.{by} = m.{by}"
        for by in ("record_id", "text_sha256")
    )
    found: dict[str, set[str]] = {}
    for row in store.query(place, sql, [*tables, "sample_item", "release_record"]).to_pylist():
        found.setdefault(row["annotator_id"], set()).add(row["record_id"])
    return {annotator: frozenset(records) for annotator, records in found.items()}
