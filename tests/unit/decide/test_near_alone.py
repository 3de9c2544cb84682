"""The near search of one process against the rules on records: batch by batch, the same edges."""

from __future__ import annotations

import random

import numpy as np
import pytest

from corpusgate.decide.near import alone, rules
from corpusgate.decide.near.compare import likeness
from corpusgate.decide.near.xxh64 import xxh64
from corpusgate.decide.rules import text_sha256
from corpusgate.intake.detectors import signature
from corpusgate.lake import store
from corpusgate_testing.lake import place_in, rows
from corpusgate_testing.near import edited, text_of

ALGORITHM = "minhash-test"


def a_batch(rng: random.Random, many: int) -> list[str]:
    texts = (
        edited(text_of(rng.randrange(5)), rng.choice([0.0, 0.01, 0.04, 0.2]), rng.randrange(3)) for _ in range(many)
    )
    return sorted(set(texts))


def take_in(place, name: str, texts: list[str]) -> None:
    signed = zip(texts, signature.sign(texts), strict=True)
    found = [
        {"text_sha256": text_sha256(t), "batch_id": name, "algorithm": ALGORITHM, "signature": s}
        for t, s in signed
        if s
    ]
    store.replace(place, "signature", found, f"batch_id = '{name}'", "run")


def search(place, texts: dict[str, str], missing: frozenset[str] = frozenset()) -> dict[rules.Pair, rules.Likeness]:
    new = alone.fresh(place, ALGORITHM)
    assert new is not None
    read = sorted(new.texts - missing)
    runs = dict(zip(read, signature.sequences([texts[t] for t in read]), strict=True))
    found = alone.edges(place, ALGORITHM, "run", new, new.compared(runs))
    return {p: rules.Likeness(r["jaccard"], r["overlap"]) for p, r in found.items()}


@pytest.fixture
def place(tmp_path):
    made = place_in(tmp_path)
    store.ensure_tables(made, ["signature", "near_edge", "near_bucket", "near_batch"])
    return made


@pytest.mark.parametrize("seed", range(6))
def test_batch_after_batch_the_edges_are_those_of_the_rules(place, seed):
    rng, texts, runs = random.Random(seed), {}, {}
    known = rules.Known(lambda a, b: likeness(runs[a], runs[b]))
    for n in range(3):
        fresh = [t for t in a_batch(rng, 12) if text_sha256(t) not in texts]
        take_in(place, f"b{n}", fresh)
        mine = dict(zip(map(text_sha256, fresh), fresh, strict=True))
        texts |= mine
        runs |= dict(zip(mine, signature.sequences(fresh), strict=True))
        signed = dict(zip(mine, signature.sign(fresh), strict=True))
        known.take_in({t: rules.buckets(s, signature.BANDS, signature.ROWS) for t, s in signed.items() if s})
        assert search(place, texts) == known.edges
    assert known.edges
    assert search(place, {}) == known.edges  # all were compared: no text is read again


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("new", [("b0",), ("b1", "b2"), ("b0", "b1", "b2"), ()])
def test_new_signatures_are_gathered_in_all_buckets_and_others_where_a_new_one_is(place, seed, new):
    rng, numbers, batch_of = random.Random(seed), {}, {}
    for name in ("b0", "b1", "b2"):
        found = []
        for _ in range(rng.randrange(1, 30)):
            # Bands often have some of their minima in common, and now and then all.
            minima = np.array(rng.choices((0, 1, 2**31, 2**32 - 1), k=signature.BYTES // 4), dtype="<u4")
            text = text_sha256(str(rng.random()))
            signed, every = minima.view(np.uint8).reshape(1, -1), np.arange(signature.BANDS)
            numbers[text] = set(alone.bucket_numbers(signed, every).tolist())
            batch_of[text] = name
            row = {"text_sha256": text, "batch_id": name, "algorithm": ALGORITHM, "signature": minima.tobytes()}
            found.append(row)
        store.replace(place, "signature", found, f"batch_id = '{name}'", "run")
    gathered = alone.gathered(place, "true", new or ("none",), all_new=len(new) == 3)
    touched = {b for text, its in numbers.items() if batch_of[text] in new for b in its}
    met = [(gathered.texts[r], b) for rows, its in zip(gathered.rows, gathered.buckets, strict=True)
           for r, b in zip(rows.tolist(), its.tolist(), strict=True)]  # fmt: skip
    assert len(met) == len(set(met))
    assert set(met) == {(text, b) for text, its in numbers.items() for b in its & touched}
    assert gathered.batches == [batch_of[text] for text in gathered.texts]
    assert [b in new for b in gathered.batches] == [n < gathered.new for n in range(len(gathered.texts))]


def test_a_signature_of_another_length_is_refused(place):
    row = {"text_sha256": text_sha256("a"), "batch_id": "b0", "algorithm": ALGORITHM, "signature": b"short"}
    store.replace(place, "signature", [row], "true", "run")
    with pytest.raises(ValueError, match="not 448 bytes long"):
        alone.fresh(place, ALGORITHM)


def test_a_text_that_is_gone_takes_no_part_and_does_not_stop_the_others(place):
    texts = {text_sha256(t): t for t in (text_of(1), edited(text_of(1), 0.01), edited(text_of(1), 0.01, 1))}
    take_in(place, "b0", list(texts.values()))
    gone = min(texts)
    assert {t for p in search(place, texts, frozenset({gone})) for t in p} == set(texts) - {gone}


def test_killed_before_the_batch_is_noted_it_is_compared_again_and_nothing_is_twice(place):
    texts = {text_sha256(t): t for t in (text_of(1), edited(text_of(1), 0.01))}
    take_in(place, "b0", list(texts.values()))
    first = search(place, texts)
    store.replace(place, "near_batch", [], "true", "run")
    assert search(place, texts) == first and len(rows(place, "near_edge")) == 1


def test_an_overfull_bucket_is_left_to_spark(place):
    texts = [edited(text_of(1), 0.01, n) for n in range(6)]
    take_in(place, "b0", texts)
    assert alone.fresh(place, ALGORITHM, limit=len(texts)) is not None
    assert alone.fresh(place, ALGORITHM, limit=2) is None


@pytest.mark.parametrize(
    ("text", "seed", "expected"),
    # XXH64 of the specification's kind of input, as the reference program prints it
    [("", 0, 0xEF46DB3751D8E999), ("abcd", 0, 0xDE0327B0D25D92CC)],
)
def test_the_hash_is_xxh64(text, seed, expected):
    values = np.frombuffer(text.encode(), dtype=np.uint8).reshape(1, len(text))
    assert int(xxh64(values, np.uint64(seed))[0]) == expected


def test_a_width_that_is_no_multiple_of_four_is_refused():
    with pytest.raises(ValueError, match="5 bytes"):
        xxh64(np.zeros((1, 5), dtype=np.uint8))
