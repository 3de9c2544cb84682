"""What a worker makes of raw records, without Spark: one row each, batches of bounded size, each text screened once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpusgate.banks.lexicon import digest
from corpusgate.errors import DetectorMissing
from corpusgate.intake import detectors, known, rows, stage
from corpusgate.intake.detectors.model import Finding, Kit, Screened
from corpusgate.intake.register import effective
from corpusgate.intake.rows import STAGED
from corpusgate.intake.splits import Split
from corpusgate.intake.stage import Work
from corpusgate.settings.papers import UserInput
from corpusgate.settings.place import find_place
from corpusgate.settings.source import Source

AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Counting:
    """Stands for the detectors: says of every text one thing, and remembers how many it was given at once."""

    calls: list[int]

    def __call__(self, texts: Sequence[str]) -> list[Screened]:
        self.calls.append(len(texts))
        assert len(set(texts)) == len(texts)
        about = Finding("keyword", "1", "kw:x", "a1a", 0, 1, 1.0, 0.5, "x", None, None, 1)
        return [Screened((about,), "zh", 1.0, "Hans") for _ in texts]


@pytest.fixture
def screen() -> Counting:
    return Counting([])


def source(**reader) -> Source:
    body = {
        "id": "s", "title": "s", "kind": "self_collected", "language": "zh", "country": "CN", "category": "c",
        "owner": "o", "provider": "p", "description": "d", "channel": {"type": "folder", "path": "x"},
        "reader": {"format": "jsonl", "key": "id", **reader},
        "generator": {"model": "m", "version": "1", "at": "2026-10-01"},
        "licence": [{"id": "open", "include": ["open/**", "*.jsonl"]}, {"id": "rest", "include": ["**"]}],
    }  # fmt: skip
    return Source.model_validate(body)


def split(folder: Path, raw: bytes, of: Source, number: int = 0) -> Split:
    path = folder / f"{number}.jsonl"
    path.write_bytes(raw)
    return Split(number, of.id, f"acq{number}", str(path), path.name, AT, len(raw), of.reader)


def work(of: Source, *parts: str) -> Work:
    return Work({of.id: of}, {of.id: "batch"}, {of.id: frozenset(parts)}, Kit("", "", None, None), {})


def lines(*rows) -> bytes:
    return b"".join(json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in rows)


def staged(splits, told, screen) -> list[dict]:
    batches = list(stage.stage(splits, told, screen))
    assert all(b.schema == STAGED for b in batches)
    return pa.Table.from_batches(batches, STAGED).to_pylist()


def test_each_raw_record_is_one_row_and_a_signal_is_beside_them(tmp_path, screen):
    raw = lines({"id": 1, "text": "一"}, {"id": 2, "text": "二", "new": 0}) + b"{\n"
    found = staged([split(tmp_path, raw, source())], work(source(), "open"), screen)
    assert [(r["row"], r["outcome"], r["rule"]) for r in found] == [
        (0, "record", None), (1, "signal", "new"), (2, "record", None), (3, "fault", None),
    ]  # fmt: skip
    assert found[0]["text_sha256"] and found[0]["findings"][0]["family"] == "keyword"
    assert (found[0]["licence_part"], found[0]["generator"], found[0]["first_acquired_at"]) == (
        "open",
        "m@1 2026-10-01",
        AT,
    )
    assert (found[3]["reason"], found[3]["locator"], found[3]["text"]) == ("not_json", f"0.jsonl@{len(raw) - 2}", None)


def test_a_held_part_is_counted_and_neither_named_stored_nor_screened(tmp_path, screen):
    found = staged([split(tmp_path, lines({"id": 1, "text": "一"}), source())], work(source(), "rest"), screen)
    assert [(r["outcome"], r["rule"], r["text"], r["record_id"]) for r in found] == [
        ("removed", "licence_part_held", None, None)
    ]
    assert screen.calls == []


def test_equal_texts_of_a_batch_are_screened_once(tmp_path, screen):
    raw = lines(*({"id": n, "text": "同一条"} for n in range(5)))
    found = staged([split(tmp_path, raw, source())], work(source(), "open"), screen)
    assert screen.calls == [1]
    assert all(r["language"] == "zh" and len(r["findings"]) == 1 for r in found)


def test_batches_are_bounded_in_rows_and_in_text(tmp_path, screen, monkeypatch):
    short = split(tmp_path, lines(*({"id": n, "text": f"{n}"} for n in range(2500))), source())
    assert [b.num_rows for b in stage.stage([short], work(source(), "open"), screen)] == [1000, 1000, 500]
    long = split(tmp_path, lines(*({"id": n, "text": "长" * 900_000 + str(n)} for n in range(5))), source(), 1)
    assert [b.num_rows for b in stage.stage([long], work(source(), "open"), screen)] == [3, 2]


def test_rows_are_the_same_however_splits_are_shared_out(tmp_path, screen):
    made = [split(tmp_path, lines({"id": n, "text": f"{n}"}, {"id": n, "text": "都"}), source(), n) for n in range(4)]
    together = staged(made, work(source(), "open"), screen)
    apart = [r for s in made for r in staged([s], work(source(), "open"), screen)]
    assert together == apart


def test_nameless_records_count_equal_texts_within_their_member(tmp_path, screen):
    raw = lines(*({"text": t} for t in ("同", "异", "同")))
    found = staged([split(tmp_path, raw, source(key=None))], work(source(key=None), "open"), screen)
    assert [r["locator"].rpartition("#")[2] for r in found] == ["0", "0", "1"]
    assert len({r["record_id"] for r in found}) == 3


def test_faults_at_one_place_keep_apart():
    seen: dict[str, int] = {}
    of = stage.Origin(0, "s", "a", "b", 0)
    made = [stage._fault(of, 0, stage.Fault("m\ud800", "truncated", "d"), seen).locator for _ in range(2)]
    assert made == ["m\\ud800", "m\\ud800#1"]


def test_texts_that_are_known_are_neither_screened_nor_stored_and_keep_their_size(tmp_path, screen):
    raw = lines({"id": 1, "text": "知道"}, {"id": 2, "text": "e\u0301"}) + b"{\n"
    of = source()
    first = staged([split(tmp_path, raw, of)], work(of, "open"), screen)
    np.save(tmp_path / "known.npy", known.prefixes([first[0]["text_sha256"]]))
    told = replace(work(of, "open"), known=str(tmp_path / "known.npy"))
    found = staged([split(tmp_path, raw, of)], told, screen)
    assert [(r["known"], r["text"], r["bytes"], r["characters"], r["language"]) for r in found] == [
        (True, None, 6, 2, None), (False, "é", 2, 1, "zh"), (False, None, None, None, None),
    ]  # fmt: skip
    assert [r["findings"] is None for r in found] == [True, False, True], "what was not screened has no findings"
    assert screen.calls == [2, 1]


def test_a_text_without_findings_has_an_empty_list_of_them():
    about = Finding("keyword", "1", "kw:x", "a1a", 0, 1, 1.0, 0.5, None, None, None, 2)
    said = [Screened(found, "zh", 1.0, "Hans", b"s") for found in ((), (about, about), ())]
    batch = rows.screened(["a", "b", "c"], said)
    batch.validate(full=True)
    assert batch.schema == rows.SCREENED
    assert [len(f) for f in batch.column("findings").to_pylist()] == [0, 2, 0]
    expected = {"family": "keyword", **{n: getattr(about, n) for n in about.__dataclass_fields__}}
    assert batch.column("findings").to_pylist()[1][0] == expected


def test_a_stored_text_is_screened_again_in_pieces_of_bounded_size():
    texts = ["短"] * 1500 + ["长" * 1_500_000] * 2
    batch = pa.record_batch({"text_sha256": [str(n) for n in range(len(texts))], "text": texts})
    parts = list(stage._parts(batch))
    assert [len(hashes) for hashes, _ in parts] == [1000, 501, 1]
    assert [t for _, part in parts for t in part] == texts


class TestWorker:
    """Every worker proves that it screens with what the run names."""

    def kit(self) -> Kit:
        folder = find_place(Path(__file__)).conf / "lexicons" / "starter"
        return Kit(str(folder), digest(folder), b"k" * 32, "k")

    def test_loads_once_for_all_its_tasks(self):
        kit = self.kit()
        first = stage.screener(kit, detectors.versions(kit))
        assert stage.screener(self.kit(), detectors.versions(kit)) == first
        assert {f.risk for f in first(["请拨打13800138000。"])[0].findings} >= {"pi_mobile"}

    def test_another_lexicon_stops_it(self):
        with pytest.raises(DetectorMissing, match="hashes to"):
            stage.screener(replace(self.kit(), lexicon_sha256="0" * 64), detectors.versions(self.kit()))

    def test_a_missing_lexicon_stops_it(self, tmp_path):
        with pytest.raises(DetectorMissing, match=r"cannot be made ready|hashes to"):
            stage.screener(replace(self.kit(), lexicon_dir=str(tmp_path / "none")), detectors.versions(self.kit()))

    def test_other_code_stops_it(self):
        kit = replace(self.kit(), hmac_key_id="not loaded yet")
        with pytest.raises(DetectorMissing, match="the run names"):
            stage.screener(kit, {**detectors.versions(kit), "keyword": "older"})


def test_user_input_without_authorisation_is_counted_and_nothing_of_it_is_stored(tmp_path, screen):
    said = {"service": "chat", "register_path": "r", "entered_at": "typed"}
    of = source(fields={"typed": "typed"}).model_copy(update={"kind": "user_input", "user_input": UserInput(**said)})
    rows = [{"key": k, "user": "u", "clause_version": "1", "authorised_at": "2025-12-10"} for k in ("1", "2")]
    (tmp_path / "register").write_bytes(effective(rows, AT).content)
    raw = lines(
        {"id": 1, "text": "一", "typed": "2025-12-11"}, {"id": 2, "text": "二", "typed": "2025-12-09"},
        {"id": 3, "text": "三", "typed": "2025-12-11"},
    )  # fmt: skip
    told = replace(work(of, "open"), registers={of.id: str(tmp_path / "register")})
    found = staged([split(tmp_path, raw, of)], told, screen)
    assert [(r["outcome"], r["rule"], r["text"]) for r in found] == [
        ("record", None, "一"), ("removed", "not_authorised", None), ("removed", "not_authorised", None),
    ]  # fmt: skip
    without = staged([split(tmp_path, raw, of)], work(of, "open"), screen)
    assert {r["outcome"] for r in without} == {"removed"}, "no register: nothing is authorised"


def test_a_record_s_own_generator_goes_before_its_source_s_and_half_of_one_is_none(tmp_path, screen):
    names = ("generator_model", "generator_version", "generated_at")
    of = source(fields={n: n for n in names})
    raw = lines(
        {"id": 1, "text": "一"},
        {"id": 2, "text": "二", **dict(zip(names, ("x", "2", "2026-10-02T08:00:00Z"), strict=True))},
        {"id": 3, "text": "三", "generator_model": "x"},
    )
    found = staged([split(tmp_path, raw, of)], work(of, "open"), screen)
    assert [r["generator"] for r in found] == ["m@1 2026-10-01", "x@2 2026-10-02", None]
