"""Masked texts that are searched again: few are asked for by their hashes, many come by a join; both say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from corpusgate.decide.rules import text_sha256
from corpusgate.gates import personal
from corpusgate.gates.figures import GateInput
from corpusgate.gates.personal import Hits, personal_hits
from corpusgate.gates.strata import candidate
from corpusgate.lake import store
from corpusgate_testing.gates import Lake, batch, clean_lake

MASKS = "pi_mobile:3-14"
CLEAN = ("请拨打13800138000联系。", "请拨打[pi_mobile]联系。")
LEFT = ("请拨打13800138000或13912345678联系。", "请拨打[pi_mobile]或13912345678联系。")


def mask(lake: Lake, number: int, texts: tuple[str, str], **about: Any) -> str:
    """A record of alpha is released with a mask; returns its id."""
    stored, released = texts
    hashed = text_sha256(stored)
    record, kept = lake.of("alpha")[number], lake.of("alpha", "release_record")[number]
    record |= {"text_sha256": hashed} | about
    kept |= {"text_sha256": hashed, "mask_set": MASKS, "released_sha256": text_sha256(released)}
    if not any(d["text_sha256"] == hashed for d in lake.rows["document"]):
        size = {"characters": len(stored), "bytes": len(stored.encode())}
        lake.rows["document"].append({"text_sha256": hashed, "batch_id": batch("alpha"), "text": stored} | size)
    return record["record_id"]


def hits(lake: Lake, folder: Path) -> dict[str, Hits]:
    run = lake.write(folder)
    return personal_hits(run, candidate(run))


@pytest.fixture(params=[(20_000, 8000), (20_000, 1), (0, 1)], ids=["few", "few, in turns", "many"])
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    few, at_once = request.param
    monkeypatch.setattr(personal, "FEW", few)
    monkeypatch.setattr("corpusgate.lake.alone.AT_ONCE", at_once)


@pytest.mark.usefixtures("_few")
def test_masked_records_are_searched_in_their_released_form_unless_a_basis_covers_them(tmp_path: Path) -> None:
    lake = clean_lake(8)
    mask(lake, 0, CLEAN)
    left = [mask(lake, 1, LEFT), mask(lake, 2, LEFT)]  # two records of one text
    mask(lake, 3, LEFT, personal_information_basis="law: y")
    mask(lake, 4, LEFT, personal_information_basis="consent: x")
    stored = lake.of("alpha")[5]
    lake.personal(stored)
    lake.personal(lake.of("alpha")[0])  # of the stored text, which is not released
    expected = Hits(32, tuple(sorted([*left, stored["record_id"]])))
    assert hits(lake, tmp_path) == {"text": expected}


@pytest.mark.usefixtures("_few")
def test_a_masked_text_that_is_not_there_is_no_pass(tmp_path: Path) -> None:
    lake = clean_lake(4)
    mask(lake, 0, CLEAN)
    mask(lake, 1, LEFT)
    lake.rows["document"] = [d for d in lake.rows["document"] if d["text"] != CLEAN[0]]
    with pytest.raises(GateInput, match="2 masked records must be searched again, but the texts of only 1 are there"):
        hits(lake, tmp_path)


@pytest.mark.parametrize(("few", "tables"), [(1, ["document"]), (0, ["release_record", "document", "record"])])
def test_few_texts_are_read_without_a_join_and_many_without_their_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, tables: list[str]
) -> None:
    lake = clean_lake(4)
    mask(lake, 0, CLEAN)
    monkeypatch.setattr(personal, "FEW", few)
    seen: list[tuple[str, list[str]]] = []
    stream = store.stream

    def spy(place: Any, sql: str, read: list[str]) -> Iterator[Any]:
        seen.append((sql, read))
        return stream(place, sql, read)

    monkeypatch.setattr(store, "stream", spy)
    assert hits(lake, tmp_path) == {"text": Hits(16)}
    ((sql, read),) = seen
    assert read == tables and (text_sha256(CLEAN[0]) in sql) == bool(few)
