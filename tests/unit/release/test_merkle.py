"""The tree over the leaves: one definition, whatever computes it."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from corpusgate.lake import store
from corpusgate.release.merkle import BUCKETS, EMPTY, Bucket, all_buckets, buckets_of, buckets_sql, leaf, merkle_root
from corpusgate_testing.lake import place_in


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


leaves = st.lists(st.integers(0, 10_000).map(lambda n: sha(str(n))), max_size=40)


@given(leaves, st.randoms())
def test_the_root_does_not_depend_on_the_order(some, random):
    mixed = list(some)
    random.shuffle(mixed)
    assert merkle_root(buckets_of(some)) == merkle_root(buckets_of(mixed))


@given(leaves, st.integers(20_000, 30_000))
def test_a_leaf_more_changes_the_root_and_only_its_bucket(some, n):
    new = sha(str(n))
    before, after = (all_buckets(buckets_of(x)) for x in (some, [*some, new]))
    assert [b.prefix for b, a in zip(before, after, strict=True) if a != b] == [new[:2]]
    assert merkle_root(before) != merkle_root(after)


def test_no_leaf_at_all_has_the_root_of_256_empty_buckets():
    level = EMPTY
    for _ in range(8):
        level = sha(level + level)
    assert merkle_root([]) == level
    assert [b.prefix for b in all_buckets([])] == list(BUCKETS)


def test_a_leaf_says_every_part_and_null_is_empty():
    assert leaf("r", "t", None, "removed", "keyword") == sha("r|t||removed|keyword")
    assert leaf("r", "t", "m", "kept", None) == sha("r|t|m|kept|")


def test_sql_without_spark_gives_the_same_buckets(tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    some = [sha(str(n)) for n in range(2000)]
    rows = [{"sample_id": "s", "ordinal": n, "record_id": one} for n, one in enumerate(some)]
    store.replace(place, "sample_item", rows, "sample_id = 's'", "test")
    sql = buckets_sql("datafusion", "(SELECT record_id AS leaf FROM sample_item)")
    found = store.query(place, sql, ["sample_item"]).to_pylist()
    assert sorted(found, key=lambda r: r["bucket"]) == [
        {"bucket": b.prefix, "root": b.root, "leaves": b.leaves} for b in buckets_of(some)
    ]
    assert sum(b.leaves for b in buckets_of(some)) == 2000 and isinstance(buckets_of(some)[0], Bucket)
