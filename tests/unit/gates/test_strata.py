"""What a candidate keeps, by slice: texts that occur twice, families that saw a text, records that are gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpusgate.gates.collected import collect
from corpusgate.gates.figures import EXAMPLES
from corpusgate.gates.strata import Strata, candidate, strata
from corpusgate_testing.gates import VERSIONS, Lake, clean_lake, sha

ALL = ("all", "")


def found_in(lake: Lake, folder: Path) -> Strata:
    run = lake.write(folder)
    return strata(run, candidate(run))


def same_text(lake: Lake, one: tuple[str, int], other: tuple[str, int]) -> str:
    """The second record gets the text of the first, collected and released; returns the text's hash."""
    text = lake.of(one[0])[one[1]]["text_sha256"]
    for table in ("record", "release_record"):
        lake.of(other[0], table)[other[1]]["text_sha256"] = text
    return text


def unseen(lake: Lake, text: str, family: str = "keyword") -> None:
    lake.rows["screening"] = [
        s for s in lake.rows["screening"] if (s["text_sha256"], s["family"]) != (text, family)
    ]  # fmt: skip


def test_a_text_counts_once_in_each_slice_that_it_occurs_in(tmp_path: Path) -> None:
    lake = clean_lake(5)
    same_text(lake, ("alpha", 0), ("alpha", 1))
    same_text(lake, ("alpha", 0), ("delta", 0))
    found = found_in(lake, tmp_path)
    assert {name: (found[name].records, found[name].texts) for name in found} == {
        ALL: (20, 18),
        ("modality", "text"): (20, 18),
        ("language", "zh"): (10, 9),
        ("language", "en"): (10, 10),
        ("source", "alpha"): (5, 4),
        ("source", "beta"): (5, 5),
        ("source", "gamma"): (5, 5),
        ("source", "delta"): (5, 5),
        ("kind", "open_source"): (10, 9),
        ("kind", "self_collected"): (5, 5),
        ("kind", "commercial"): (5, 5),
    }
    assert {name: found[name].providers for name in (ALL, ("kind", "open_source"))} == {
        ALL: 4, ("kind", "open_source"): 2,
    }  # fmt: skip


def test_records_of_one_unseen_text_are_all_named_and_the_text_counts_once(tmp_path: Path) -> None:
    lake = clean_lake(5)
    unseen(lake, same_text(lake, ("alpha", 0), ("delta", 0)))
    found = found_in(lake, tmp_path)
    records = sorted(lake.of(s)[0]["record_id"] for s in ("alpha", "delta"))
    assert found[ALL].unscreened == (1, tuple(records))
    assert found[ALL].counted("unidentified") == (2, tuple(records))
    assert found["source", "alpha"].unscreened == (1, (lake.of("alpha")[0]["record_id"],))
    assert found["source", "beta"].unscreened == (0, ())


def twice_by_one(lake: Lake, text: str) -> None:
    """One family saw the text twice (two batches have it), and one never."""
    unseen(lake, text)
    seen = {"text_sha256": text, "family": "language_quality", "version": VERSIONS["language_quality"]}
    lake.rows["screening"].append(seen | {"batch_id": "0" * 16})


def by_another_version(lake: Lake, text: str) -> None:
    unseen(lake, text)
    seen = {"text_sha256": text, "family": "keyword", "version": VERSIONS["language_quality"]}
    lake.rows["screening"].append(seen | {"batch_id": lake.of("alpha")[0]["batch_id"]})


def by_none(lake: Lake, text: str) -> None:
    for family in VERSIONS:
        unseen(lake, text, family)


@pytest.mark.parametrize("change", [twice_by_one, by_another_version, by_none])
def test_only_every_family_in_its_version_is_a_screening(tmp_path: Path, change: Callable[[Lake, str], Any]) -> None:
    lake = clean_lake(3)
    record = lake.of("alpha")[0]
    change(lake, record["text_sha256"])
    run = lake.write(tmp_path)
    assert strata(run, candidate(run))[ALL].unscreened == (1, (record["record_id"],))
    intake = lake.result("intake").facts
    collected = collect(run, ["alpha", "beta"], intake)
    assert (collected["alpha"].unscreened, collected["beta"].unscreened) == ((1, (record["record_id"],)), (0, ()))


def test_weights_add_up_exactly_and_only_those_of_the_run_s_version_and_a1_to_a4(tmp_path: Path) -> None:
    lake = clean_lake(4)
    lake.policy["remove_at"] = 0.3
    three, less, outside, old = lake.of("alpha")
    for record, about in ((three, {}), (outside, {"risk": "a5a"}), (old, {"version": "0"})):
        for _ in range(3):
            lake.find(record, weight=0.1, **about)
    lake.find(less, weight=0.299999)
    run = lake.write(tmp_path)
    assert strata(run, candidate(run))[ALL].counted("risky") == (1, (three["record_id"],))
    assert collect(run, ["alpha"], lake.result("intake").facts)["alpha"].illegal == (1, (three["record_id"],))


def test_a_released_record_that_is_in_no_batch_has_no_origin(tmp_path: Path) -> None:
    lake = clean_lake(12)
    gone = [r for r in lake.rows["record"] if r["source_id"] == "alpha"]
    lake.rows["record"] = [r for r in lake.rows["record"] if r["source_id"] != "alpha"]
    lake.rows["record"] += [{**r, "batch_id": "0" * 16} for r in gone]  # an earlier state of the source has them
    found = found_in(lake, tmp_path)
    assert found[ALL].counted("originless") == (12, tuple(sorted(r["record_id"] for r in gone)[:EXAMPLES]))
    assert found["source", "beta"].counted("originless") == (0, ())


def test_texts_of_a_source_count_once_and_other_states_of_it_not_at_all(tmp_path: Path) -> None:
    lake = clean_lake(6)
    same_text(lake, ("alpha", 0), ("alpha", 1))
    same_text(lake, ("alpha", 0), ("beta", 1))
    earlier = [{**r, "record_id": sha(r["record_id"]), "batch_id": "0" * 16} for r in lake.of("beta")]
    lake.rows["record"] += earlier
    run = lake.write(tmp_path)
    found = collect(run, ["alpha", "beta"], lake.result("intake").facts)
    assert {s: (c.records, c.texts) for s, c in found.items()} == {"alpha": (6, 5), "beta": (6, 6)}
