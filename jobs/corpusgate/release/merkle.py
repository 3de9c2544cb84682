"""The tree over a candidate's records: leaves, buckets, root. One definition for Spark, delta-rs and plain Python.

- A leaf is SHA-256 over `record_id|text_sha256|released_sha256|outcome|rule`, in hex; what is null is empty. Every
  record that was considered has one, kept or not.
- A bucket holds the leaves that begin with the same two hex digits; its groups those with the same four. A group's
  root is SHA-256 over its leaves, sorted, one after another; a bucket's root is SHA-256 over its groups in order, each
  as its four digits and its root.
  A bucket without leaves has the root of nothing, SHA-256 of the empty text. (Groups bound what one worker holds: at
  ten billion records about 150,000 leaves.)
- The root is that of the binary tree over the 256 bucket roots in order: SHA-256 over left and right, in hex, eight
  levels up.

The same tree over record ids, in place of leaves, is the hash of a sample's frame.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from corpusgate.lake.dialect import Engine, joined, sha256

ALGORITHM = "sha256-merkle-256/1"
BUCKETS: tuple[str, ...] = tuple(f"{n:02x}" for n in range(256))
EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: its first two hex digits, root and number of leaves."""

    prefix: str
    root: str
    leaves: int


def leaf(record_id: str, text_sha256: str, released_sha256: str | None, outcome: str, rule: str | None) -> str:
    """The leaf of one record."""
    return _sha256("|".join((record_id, text_sha256, released_sha256 or "", outcome, rule or "")))


def leaf_sql(engine: Engine) -> str:
    """SQL for the leaf, over columns of the same names."""
    fields = "record_id, text_sha256, coalesce(released_sha256, ''), outcome, coalesce(rule, '')"
    return sha256(engine, f"concat_ws('|', {fields})")


def buckets_sql(engine: Engine, leaves: str, by: tuple[str, ...] = ()) -> str:
    """SQL over a relation with a column `leaf` (and `by`): `by…, bucket, root, leaves`, at most 256 rows each.

    `leaves` is a table's name or a query in brackets.
    """
    also = "".join(f"{c}, " for c in by)
    root = sha256(engine, joined(engine, "leaf"))
    groups = (
        f"SELECT {also}substr(leaf, 1, 4) AS prefix, {root} AS root, count(*) AS leaves "
        f"FROM {leaves} AS l GROUP BY {also}substr(leaf, 1, 4)"
    )
    # The prefix leads each part, so that sorting the parts sorts by it; fixed widths keep the joined text unambiguous.
    part = "concat(prefix, root)"
    return (
        f"SELECT {also}substr(prefix, 1, 2) AS bucket, {sha256(engine, joined(engine, part))} AS root, "
        f"sum(leaves) AS leaves FROM ({groups}) AS g GROUP BY {also}substr(prefix, 1, 2)"
    )


def buckets_of(leaves: Iterable[str]) -> list[Bucket]:
    """The same in plain Python, for what fits into memory."""
    roots: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for prefix, group in groupby(sorted(leaves), itemgetter(slice(4))):
        members = list(group)
        roots[prefix[:2]].append((prefix + _sha256("".join(members)), len(members)))
    return [Bucket(p, _sha256("".join(r for r, _ in parts)), sum(n for _, n in parts)) for p, parts in roots.items()]


def all_buckets(found: Iterable[Bucket]) -> list[Bucket]:
    """All 256 in order, those without leaves put in."""
    there = {b.prefix: b for b in found}
    return [there.get(prefix, Bucket(prefix, EMPTY, 0)) for prefix in BUCKETS]


def merkle_root(found: Iterable[Bucket]) -> str:
    """The root of the binary tree over the buckets' roots."""
    level = [b.root for b in all_buckets(found)]
    while len(level) > 1:
        level = [_sha256(left + right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
