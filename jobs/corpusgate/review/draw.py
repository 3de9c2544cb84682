"""Draws: which items a sample takes is a function of (seed, item's id), so that anybody can draw it again.

Items are ordered by SHA-256 over `seed|id`, then by the id, and the first n are taken; the engine and its partitions do
not matter. An item's place does not depend on what else is there: one that comes or goes moves only those after it.

An item is a record, or, in fine-tuning data, a group of records: a conversation is drawn and judged as a whole. Then
`sample_item.record_id` is the group's id, and `released_sha256` a hash over all of its released texts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.dialect import Engine, joined, literal, sha256
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.place import Place

ALGORITHM = "order by sha256(seed|record_id), record_id; first n"
MANUAL, TECHNICAL = "45654-4-2-1-manual", "45654-4-2-1-technical"
#: What `sample.frame` says of draws from a candidate: each record is an item, or each group.
RECORDS, GROUPS = "release_record", "release_record by group"
OF_CANDIDATE = (RECORDS, GROUPS)
#: How `sample.item_unit` begins where items are groups; what follows is a record without a group.
GROUP_UNIT = "group, else "
#: SQL: the id of the item that a record belongs to.
ITEM = "coalesce(group_id, record_id)"
#: Above this the technical sample's items are not written out: seed, size and frame draw them again.
ITEMS_RECORDED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw from the kept records of a candidate: for which control, of which stratum (a modality), how many."""

    control_id: str
    purpose: str
    stratum: str
    seed: str
    size: int
    frame_rows: int
    frame_sha256: str
    frame: str = RECORDS

    @property
    def recorded(self) -> bool:
        """Whether its items are written to `sample_item`."""
        return self.size <= ITEMS_RECORDED_MAX

    def descriptor(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {
            "control_id": self.control_id, "stratum": self.stratum, "seed": self.seed, "size": self.size,
            "frame_rows": self.frame_rows, "frame_sha256": self.frame_sha256, "algorithm": ALGORITHM,
            **({"frame": self.frame} if self.frame != RECORDS else {}),
        }  # fmt: skip


def planned(corpus: Corpus, frames: Sequence[tuple[str, int, str]], frame: str = RECORDS) -> list[Draw]:
    """The draws of every candidate: for people and for a second detector, from each modality.

    `frames` has (modality, kept items, hash of their ids); `frame` says what an item is. People get
    `policy.review_sample` items, all where there are fewer (45654-2025 B.2.1.2.1 a); the technical sample is
    `policy.technical_share` of them, rounded up (b).
    """
    draws = []
    for modality, rows, digest in sorted(frames):
        people = min(corpus.policy.review_sample, rows)
        technical = share_of(corpus.policy.technical_share, rows)
        draws += [
            Draw(MANUAL, "manual review", modality, _seed(corpus, MANUAL), people, rows, digest, frame),
            Draw(TECHNICAL, "technical sample", modality, _seed(corpus, TECHNICAL), technical, rows, digest, frame),
        ]
    return draws


def share_of(share: float, rows: int) -> int:
    """At least this share of the rows: rounded up, but 0.1 of 30 is 3, whatever a double makes of it."""
    return math.ceil(round(share * rows, 9))


def draw_sql(engine: Engine, frame: str, where: str, seed: str, n: int) -> str:
    """The template: `record_id, released_sha256` of the first `n` rows of `frame` in the order of the draw."""
    order = sha256(engine, f"concat({literal(seed + '|')}, record_id)")
    # The hash is a column first: as a sort key Spark would make it anew at each comparison.
    placed = f"SELECT record_id, released_sha256, {order} AS place FROM {frame} WHERE {where}"
    return f"SELECT record_id, released_sha256 FROM ({placed}) AS placed ORDER BY place, record_id LIMIT {int(n)}"


def drawn_sql(engine: Engine, table: str, release_id: str, frame: str, stratum: str, seed: str, n: int) -> str:
    """The first `n` items of a stratum of a release, in the order of the draw; `table` is `release_record`."""
    if frame == RECORDS:
        return draw_sql(engine, table, frame_where(release_id, stratum), seed, n)
    return draw_sql(engine, f"{items_sql(engine, table, frame_where(release_id, stratum))} AS f", "true", seed, n)


def items_sql(engine: Engine, table: str, where: str) -> str:
    """SQL in brackets: `record_id, released_sha256` of the items, groups whole, of the rows of `release_record` chosen
    by `where`."""
    digest = sha256(engine, joined(engine, "concat(record_id, released_sha256)"))
    hashed = f"CASE WHEN max(group_id) IS NULL THEN min(released_sha256) ELSE {digest} END"
    return f"(SELECT {ITEM} AS record_id, {hashed} AS released_sha256 FROM {table} WHERE {where} GROUP BY {ITEM})"


def now_sql(release_id: str, frame: str) -> str:
    """SQL in brackets: `record_id, released_sha256` of a release's items as they are now."""
    where = f"release_id = {literal(release_id)}"
    records = f"(SELECT record_id, released_sha256 FROM {RECORDS} WHERE {where})"
    return items_sql("datafusion", RECORDS, where) if frame == GROUPS else records


def item_of(frame: str, record: str) -> str:
    """SQL: the id of the item that a row `record` of `release_record` belongs to, in this frame."""
    return f"coalesce({record}.group_id, {record}.record_id)" if frame == GROUPS else f"{record}.record_id"


def group_digest(members: Iterable[tuple[str, str]]) -> str:
    """The hash of a group that was drawn, from (record id, hash of its released text): the template in plain Python."""
    return hashlib.sha256("".join(sorted(r + released for r, released in members)).encode()).hexdigest()


def place_in_draw(seed: str, record_id: str) -> tuple[str, str]:
    """The key a record is ordered by: the template in plain Python."""
    return hashlib.sha256(f"{seed}|{record_id}".encode()).hexdigest(), record_id


def frame_where(release_id: str, stratum: str) -> str:
    """The rows of `release_record` that a draw is taken from."""
    return f"release_id = {literal(release_id)} AND modality = {literal(stratum)}"


def sample_id(release_id: str, draw: Draw) -> str:
    """Sixteen hex digits over release, control, stratum and seed."""
    return hashlib.sha256("|".join((release_id, draw.control_id, draw.stratum, draw.seed)).encode()).hexdigest()[:16]


def sample_row(release_id: str, draw: Draw, item_unit: str, drawn_at: Any) -> dict[str, Any]:
    """The draw as a row of `sample`."""
    unit = f"{GROUP_UNIT}{item_unit.removeprefix(GROUP_UNIT)}" if draw.frame == GROUPS else item_unit
    return {
        "sample_id": sample_id(release_id, draw), "release_id": release_id, "control_id": draw.control_id,
        "purpose": draw.purpose, "frame": draw.frame, "frame_sha256": draw.frame_sha256,
        "frame_rows": draw.frame_rows, "stratum": draw.stratum, "seed": draw.seed, "size": draw.size,
        "algorithm": ALGORITHM, "item_unit": unit, "drawn_at": drawn_at,
    }  # fmt: skip


def item_rows(release_id: str, draw: Draw, items: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The drawn (record_id, released_sha256) as rows of `sample_item`; ordinals count from 1."""
    name = sample_id(release_id, draw)
    return [
        {"sample_id": name, "ordinal": n, "record_id": record, "released_sha256": released, "stratum": draw.stratum}
        for n, (record, released) in enumerate(items, 1)
    ]


def redraw(place: Place, sample: str) -> tuple[list[str], list[str]]:
    """The record ids of a sample as recorded, and as drawn again from the lake now, both in order. No JVM.

    Raises:
        UserError: no such sample, or one whose items were not written out for their number.
    """
    rows = store.read(place, "sample", where=f"sample_id = {literal(sample)}").to_pylist()
    if not rows:
        raise UserError(
            f"No sample {sample!r}: `corpusgate sql 'SELECT sample_id, control_id FROM sample'` lists them."
        )
    about = rows[0]
    if about["size"] > ITEMS_RECORDED_MAX:
        raise UserError(f"The {about['size']} items of {sample} were not written out; draw them by its seed and frame.")
    recorded = store.query(
        place,
        f"SELECT record_id FROM sample_item WHERE sample_id = {literal(sample)} ORDER BY ordinal",
        ["sample_item"],
    )
    chosen = (about["release_id"], about["frame"], about["stratum"], about["seed"], about["size"])
    again = store.query(place, drawn_sql("datafusion", RECORDS, *chosen), [RECORDS])
    return recorded.column("record_id").to_pylist(), again.column("record_id").to_pylist()


def _seed(corpus: Corpus, control_id: str) -> str:
    # a seed a control, so that the two samples are drawn independently of one another
    return f"{corpus.seed}/{control_id}"
