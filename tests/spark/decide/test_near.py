"""Near duplicates in a lake: the columns do what the rules say, batch by batch, killed or not, overfull or not."""

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corpusgate.decide.near import components, frames, job, rules
from corpusgate.decide.near.compare import likeness
from corpusgate.decide.rules import text_sha256
from corpusgate.intake.detectors import signature
from corpusgate.lake import store
from corpusgate.settings.corpus import NearDuplicates
from corpusgate_testing.lake import duplicates, rows
from corpusgate_testing.near import edited, in_traditional, text_of

LIMIT = 4
ALGORITHM = "minhash-test"


def family(seed: int, size: int, share: float = 0.03) -> list[str]:
    """A text and edited copies of it."""
    text = text_of(seed)
    return [text, *(edited(text, share, n) for n in range(1, size))]


#: Three families, of 2, 3 and 9 texts (the last is overfull at a limit of 4), and five texts on their own.
FAMILIES = [family(1, 2), family(2, 3), family(3, 9, 0.01)]
TEXTS = [*itertools.chain(*FAMILIES), *(text_of(n) for n in range(20, 25))]


@pytest.fixture
def search(spark, place) -> job.Search:
    return job.Search(place, spark, ALGORITHM, "run-1", "demo", LIMIT)


def take_in(place, batch: str, texts: list[str]) -> None:
    """What intake leaves of new texts."""
    signed = zip(texts, signature.sign(texts), strict=True)
    named = [{"text_sha256": text_sha256(t), "batch_id": batch, "text": t} for t in texts]
    store.replace(place, "document", named, f"batch_id = '{batch}'", "run")
    found = [
        {"text_sha256": text_sha256(t), "batch_id": batch, "algorithm": ALGORITHM, "signature": s}
        for t, s in signed
        if s is not None
    ]
    store.replace(place, "signature", found, f"batch_id = '{batch}'", "run")


def full(texts: list[str], limit: int = LIMIT) -> dict[rules.Pair, tuple[float, float]]:
    """The edges of a full rebuild of these texts, by the rules on records."""
    signed = dict(zip(map(text_sha256, texts), signature.sign(texts), strict=True))
    runs = dict(zip(signed, signature.sequences(texts), strict=True))
    shared = {t: rules.buckets(s, signature.BANDS, signature.ROWS) for t, s in signed.items() if s is not None}
    compared = {p: likeness(runs[p[0]], runs[p[1]]) for p in rules.candidates(shared, limit)}
    return {p: like for p, like in compared.items() if like.is_edge}


def edges(search: job.Search, texts: list[str]) -> dict[rules.Pair, tuple[float, float]]:
    eligible = search.session.createDataFrame([(text_sha256(t),) for t in texts], "text_sha256 string").persist()
    job.compare_new(search)
    found = job.edges_among(search, eligible).collect()
    told = {(r["text_a"], r["text_b"]): (r["jaccard"], r["overlap"]) for r in found}
    assert len(told) == len(found), "an edge is told once"
    return told


def same(found, expected) -> None:
    assert found.keys() == expected.keys()
    for one, like in expected.items():
        assert found[one] == pytest.approx(like)


@pytest.mark.timeout(600)
def test_one_build_finds_the_edges_that_the_rules_find_and_compares_once(search, monkeypatch):
    take_in(search.place, "b1", TEXTS)
    expected = full(TEXTS)
    assert len(expected) > 15
    same(edges(search, TEXTS), expected)
    versions = {t: store.version(search.place, t) for t in ("near_edge", "near_bucket", "near_batch")}
    monkeypatch.setattr(frames, "check", lambda *a, **k: pytest.fail("compared again"))
    assert job.compare_new(search) == []
    same(edges(search, TEXTS), expected)
    assert {t: store.version(search.place, t) for t in versions} == versions


@pytest.mark.timeout(600)
def test_batches_that_come_one_by_one_leave_the_edges_of_one_build(search):
    order = random.Random(7).sample(TEXTS, len(TEXTS))
    take_in(search.place, "b0", order[:10])
    assert job.compare_new(search) == ["b0"]
    take_in(search.place, "b1", order[10:])
    same(edges(search, order), full(order))
    # A batch that lost texts is compared again; the edges of the other stay. Ineligible texts leave no trace, and the
    # overfull bucket chooses its centres among the others.
    take_in(search.place, "b0", order[2:10])
    assert job.compare_new(search) == ["b0"]
    part = [t for t in order[2:] if t not in FAMILIES[2][:4]]
    same(edges(search, part), full(part))
    assert not duplicates(search.place, "near_edge")


@pytest.mark.timeout(600)
def test_killed_before_the_batch_was_noted_it_is_compared_again_and_leaves_the_same(search, monkeypatch):
    take_in(search.place, "b1", TEXTS[:6])
    take_in(search.place, "b2", TEXTS[6:])
    whole = store.replace

    def killed(place, name, *rest):
        if name == "near_batch":
            raise KeyboardInterrupt
        whole(place, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(job.store, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            job.compare_new(search)
    left = rows(search.place, "near_edge")
    assert left and not rows(search.place, "near_batch")
    assert job.compare_new(search) == ["b1", "b2"]
    assert rows(search.place, "near_edge") == left
    assert not duplicates(search.place, "near_edge")
    assert edges(replace(search, algorithm="minhash-other"), TEXTS) == {}, "other signatures are another search"


@pytest.mark.parametrize("partitions", [1, 7])
def test_partitioning_changes_nothing(search, partitions):
    texts = [*TEXTS[:9], in_traditional(TEXTS[0])]
    take_in(search.place, "b1", texts)
    signed = search.read("signature").repartition(partitions)
    documents = search.session.read.format("delta").load(str(search.place.table("document"))).repartition(partitions)
    gathered = frames.gathering(signed)
    buckets = frames.shared(gathered)
    members = frames.members(gathered, buckets)
    found = {
        (r["text_a"], r["text_b"]): (r["jaccard"], r["overlap"]) for r in frames.check(members, documents).collect()
    }
    assert frames.overfull(buckets, gathered).isEmpty()
    same(found, full(texts, 1000))
    assert found[rules.pair(text_sha256(texts[0]), text_sha256(texts[-1]))] == (1.0, 1.0), (
        "a twin in traditional script"
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("few", [True, False])
def test_clusters_are_those_of_the_rules_in_one_task_and_in_rounds(spark, few):
    rng = random.Random(3)
    names = [f"{n:03d}" for n in rng.sample(range(300), 300)]
    path = [rules.pair(a, b) for a, b in itertools.pairwise(names[:40])]  # a long way to its smallest
    pairs = path + [rules.pair(*rng.sample(names[40:], 2)) for _ in range(150)]
    frame = spark.createDataFrame(pairs, "text_a string, text_b string").repartition(5)
    found = components.clusters(frame, few=few).collect()
    assert len(found) == len({r["text_sha256"] for r in found})
    assert {r["text_sha256"]: r["cluster"] for r in found} == rules.components(pairs)
    assert components.clusters(frame.limit(0), few=few).collect() == []


RECORDS = (
    "record_id string, text_sha256 string, released_sha256 string, first_acquired_at timestamp, rule string, "
    "fault string, cluster string, survivor string"
)


def record(name: str, text: str, day: int, rule=None, fault=None, cluster=None, survivor=None):
    digest = text_sha256(text)
    return (name, digest, digest, datetime(2026, 11, day, tzinfo=UTC), rule, fault, cluster, survivor)


def judged(search, records, policy: NearDuplicates) -> dict[str, tuple]:
    frame = search.session.createDataFrame(records, RECORDS).persist()
    found = job.without_near_duplicates(search, policy, frame)
    assert found.columns == frame.columns
    return {r["record_id"]: (r["rule"], r["cluster"], r["survivor"]) for r in found.collect()}


@pytest.mark.timeout(600)
def test_of_a_cluster_the_record_that_was_acquired_first_stays(search):
    (a, b, c), (d, e), alone = FAMILIES[1], FAMILIES[0], TEXTS[-1]
    left = text_of(40)
    bridge = edited(left, 0.05, 1)
    right = edited(bridge, 0.05, 2)
    take_in(search.place, "b1", [a, b, c, d, e, alone, left, bridge, right])
    policy = NearDuplicates(jaccard=0.5)
    there = {p for p, like in full([left, bridge, right]).items() if like.jaccard >= 0.5}
    assert len(there) == 2, "left and right are further from each other than from the bridge"
    stays, first = (None, None, None), min(map(text_sha256, (a, b, c)))
    records = [
        record("a", a, 3), record("b", b, 1), record("c", c, 1),
        # Out already, or not to be decided: these take no part and stay as they are.
        record("d1", d, 1, "exact_duplicate", None, "c", "s"), record("d2", d, 1, None, "document_missing"),
        record("e", e, 2),
        # One text under two masks.
        record("m1", alone, 2), record("m2", alone, 1),
        record("left", left, 1), record("bridge", bridge, 2), record("right", right, 3),
    ]  # fmt: skip
    found = judged(search, records, policy)
    copy = ("near_duplicate", first, "b")
    assert [found[n] for n in "abc"] == [copy, stays, copy]
    assert [found[n] for n in ("d1", "d2", "e")] == [("exact_duplicate", "c", "s"), stays, stays]
    assert [found[n] for n in ("m1", "m2")] == [("near_duplicate", text_sha256(alone), "m2"), stays]
    assert [found[n][::2] for n in ("left", "bridge", "right")] == [(None, None), *2 * [("near_duplicate", "left")]]

    # Without its bridge the cluster is two; and a stricter policy needs no new comparison.
    version = store.version(search.place, "near_edge")
    records[-2] = record("bridge", bridge, 2, "keyword")
    assert [judged(search, records, policy)[n][0] for n in ("left", "bridge", "right")] == [None, "keyword", None]
    strict = judged(search, records, NearDuplicates(jaccard=0.95))
    assert [strict[n] for n in "abc"] == [stays] * 3
    assert store.version(search.place, "near_edge") == version
