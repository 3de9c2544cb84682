"""Near duplicates on records: whom a text is compared with, what an edge is, and that history leaves no trace."""

import hashlib
import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpusgate.decide.near import rules
from corpusgate.decide.near.rules import Known, Likeness, pair
from corpusgate.settings.corpus import NearDuplicates

LIMIT = 4
NAMES = [f"{n:02d}" for n in range(14)]
EDGE, NONE = Likeness(0.8, 0.9), Likeness(0.1, 0.2)

#: A text each with few buckets to choose from: most buckets are shared, many overfull.
WORLDS = st.fixed_dictionaries(
    {name: st.sets(st.tuples(st.integers(0, 1), st.sampled_from([b"x", b"y"])), max_size=3) for name in NAMES}
)


def judge(seed: int):
    """A comparison that always says the same of a pair, and an edge of about every second."""
    return lambda a, b: EDGE if hashlib.sha256(f"{seed}{pair(a, b)}".encode()).digest()[0] < 128 else NONE


def full(texts, compare) -> set[rules.Pair]:
    """The edges that a rebuild of exactly these texts finds."""
    return {p for p in rules.candidates(texts, LIMIT) if compare(*p).is_edge}


def test_a_signature_has_a_bucket_for_each_band():
    assert rules.buckets(bytes(range(16)), bands=2, rows=2) == ((0, bytes(range(8))), (1, bytes(range(8, 16))))
    with pytest.raises(ValueError, match="15 bytes"):
        rules.buckets(bytes(15), bands=2, rows=2)


def test_equal_minima_in_different_bands_are_no_meeting():
    a, b = b"\1\0\0\0" + b"\2\0\0\0", b"\2\0\0\0" + b"\3\0\0\0"
    assert not rules.candidates({n: rules.buckets(s, bands=2, rows=1) for n, s in (("a", a), ("b", b))})


def test_texts_of_a_bucket_are_compared_all_with_all():
    assert rules.links(["c", "a", "b"]) == {("a", "b"), ("a", "c"), ("b", "c")}


def test_a_bucket_of_more_than_1000_links_each_text_to_its_three_smallest_hashes():
    thousand = [f"{n:04d}" for n in range(1000)]
    assert len(rules.links(thousand)) == 1000 * 999 // 2
    linked = rules.links([*thousand, "1000"])
    assert len(linked) == 3 * 998 + 3
    assert {a for a, _ in linked} == {"0000", "0001", "0002"}


@pytest.mark.parametrize(("jaccard", "overlap", "edge"), [(0.4, 0.7, True), (0.39, 0.9, False), (0.9, 0.69, False)])
def test_an_edge_needs_both_floors(jaccard, overlap, edge):
    assert Likeness(jaccard, overlap).is_edge is edge


def test_jaccard_is_what_both_have_of_what_either_has():
    assert rules.jaccard({1, 2, 3}, {2, 3, 4}) == 0.5
    assert rules.jaccard(set(), set()) == 0.0


def test_overlap_counts_characters_that_stand_in_a_common_run():
    # Ten runs of 5 are 14 characters; the 4 runs that both have lie next to each other and cover 8 of them.
    a, b = [1, 2, 3, 4, *range(10, 16)], [*range(20, 26), 1, 2, 3, 4]
    assert rules.overlap(a, b, run=5) == 16 / 28
    assert rules.overlap(a, a, run=5) == 1.0
    assert rules.overlap(a, [], run=5) == 0.0


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_one_shared_block_overlaps_at_least_as_much_as_its_jaccard_promises(block, mine, yours):
    a, b = list(range(block + mine)), [*range(block), *range(1000, 1000 + yours)]
    promised = rules.overlap_at_least(rules.jaccard(set(a), set(b)))
    assert rules.overlap(a, b, run=5) >= promised * (len(a) + len(b)) / (len(a) + len(b) + 8)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=20), st.randoms())
def test_clusters_do_not_depend_on_the_order_of_edges(edges, rng):
    edges = [pair(a, b) for a, b in edges if a != b]
    found = rules.components(edges)
    shuffled = list(edges)
    rng.shuffle(shuffled)
    assert rules.components(shuffled) == found
    assert set(found) == {t for p in edges for t in p}
    for a, b in edges:
        assert found[a] == found[b] <= min(a, b)
    for cluster in set(found.values()):
        assert found[cluster] == cluster


def test_a_removed_bridge_splits_its_cluster():
    shared = {"a": [(0, b"x")], "b": [(0, b"x"), (1, b"y")], "c": [(1, b"y")]}
    known = Known(lambda a, b: EDGE)
    known.take_in({t: tuple(its) for t, its in shared.items()})
    assert rules.components(known.edges_among("abc")) == {"a": "a", "b": "a", "c": "a"}
    assert rules.components(known.edges_among("ac")) == {}


def test_a_pair_is_compared_once():
    asked: list[rules.Pair] = []
    known = Known(lambda a, b: asked.append(pair(a, b)) or EDGE)
    for name in NAMES:
        known.take_in({name: ((0, b"x"), (1, b"y"))})
        known.edges_among(NAMES)
    assert sorted(asked) == sorted(combinations(NAMES, 2))


@settings(max_examples=300, deadline=None)
@given(
    WORLDS,
    st.integers(0, 2**30),
    st.lists(st.tuples(st.sampled_from(["come", "go", "decide"]), st.sets(st.sampled_from(NAMES))), max_size=8),
    st.sets(st.sampled_from(NAMES)),
)
def test_whatever_came_and_went_the_edges_are_those_of_a_full_rebuild(world, seed, history, eligible):
    compare = judge(seed)
    known = Known(compare, limit=LIMIT)
    for what, names in history:
        if what == "come":
            known.take_in({n: tuple(world[n]) for n in names})
        elif what == "go":
            known.forget(names)
        else:
            known.edges_among(names)
    here = {n: tuple(world[n]) for n in eligible if n in known.texts}
    assert set(known.edges_among(eligible)) == full(here, compare)


def test_a_bucket_is_judged_anew_when_its_smallest_hashes_are_not_eligible():
    world = dict.fromkeys(NAMES, ((0, b"x"),))
    known = Known(lambda a, b: EDGE, limit=LIMIT)
    known.take_in(world)
    rest = NAMES[5:]
    clusters = rules.components(known.edges_among(rest))
    assert clusters == dict.fromkeys(rest, NAMES[5])


def test_random_worlds_have_overfull_buckets_to_test_with():
    rng = random.Random(1)
    choices = [(band, minima) for band in (0, 1) for minima in (b"x", b"y")]
    world = {n: set(rng.sample(choices, 2)) for n in NAMES}
    assert any(len(texts) > LIMIT for texts in rules.gather(world).values())


@pytest.mark.parametrize("wrong", [{"jaccard": 0.3}, {"overlap": 0.5}, {"jaccard": 1.1}])
def test_a_policy_cannot_ask_for_pairs_that_are_not_stored(wrong):
    with pytest.raises(ValidationError):
        NearDuplicates(**wrong)


def test_the_floors_are_those_that_the_policy_respects():
    fields = NearDuplicates.model_fields
    assert any(getattr(m, "ge", None) == rules.JACCARD_FLOOR for m in fields["jaccard"].metadata)
    assert any(getattr(m, "ge", None) == rules.OVERLAP_FLOOR for m in fields["overlap"].metadata)
