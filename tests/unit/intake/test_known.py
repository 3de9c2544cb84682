"""Texts that need no screening: the file says yes to each of them, and hardly to any other."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from corpusgate.intake import known
from corpusgate.lake import store
from corpusgate_testing.lake import place_in


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def place(tmp_path):
    made = place_in(tmp_path)
    store.ensure_tables(made, ["record"])
    rows = [
        {"record_id": f"{b}{n}", "source_id": b, "batch_id": b, "text_sha256": sha(str(n % 50))}
        for b, n in [*(("aa", n) for n in range(100)), ("bb", 1000)]
    ]
    store.append_new(made, "record", rows, "r")
    return made


def test_those_of_the_named_batches_are_known_and_no_others(place, tmp_path):
    path = tmp_path / "k" / "known.npy"
    assert known.write(place, ["aa"], path) == 50
    asked = [sha(str(n)) for n in (0, 49, 50, 1000)]
    assert known.among(str(path), asked) == set(asked[:2])
    assert known.among(str(path), []) == set()
    assert np.load(path).nbytes == 50 * 8


def test_a_column_gives_the_prefixes_that_its_texts_give():
    hashes = [sha(str(n)) for n in range(30)]
    for kind in (pa.string(), pa.string_view()):
        column = pa.array(hashes, kind)
        for part in (column, column[7:19], column[30:]):
            assert known._beginnings(part).tolist() == known.prefixes(part.to_pylist()).tolist()


def test_no_batch_knows_nothing(place, tmp_path):
    path = tmp_path / "none.npy"
    assert known.write(place, ["zz"], path) == 0
    assert known.among(str(path), [sha("0")]) == set()


def test_a_text_that_begins_like_a_known_one_is_taken_for_it_until_it_is_looked_up(place, tmp_path):
    path = tmp_path / "twin.npy"
    known.write(place, ["aa"], path)
    other = sha("0")[:16] + "f" * 48
    assert known.among(str(path), [other]) == {other}


def test_what_does_not_fit_is_left_out_own_batches_last(monkeypatch):
    monkeypatch.setattr(known, "MOST", 10)
    rows = {"own": 6, "small": 3, "big": 5}
    assert known.within(["big", "small", "own"], rows, ["own"]) == ["own", "small"]
    assert known.within(["own"], {"own": 11}, ["own"]) == []
