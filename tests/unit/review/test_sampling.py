"""What assessors draw: a frame for every control with a draw, the clause's sizes, the same items again, safe files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from corpusgate.cli import app
from corpusgate.decide.rules import apply_masks, parse_mask_set, text_sha256
from corpusgate.errors import CorpusgateError, UserError
from corpusgate.lake import store
from corpusgate.release.digests import canonical
from corpusgate.release.manifest import candidate_folder, release_id
from corpusgate.review.draw import MANUAL, TECHNICAL, place_in_draw
from corpusgate.review.export import CELL, export
from corpusgate.review.frames_of_controls import EVERY, FRAMES, about, frame_of
from corpusgate.review.sampling import draw_for, items, redraw
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place
from corpusgate_testing import banks
from corpusgate_testing.gates import AT, HOME, RELEASE, RUN_ID, VERSIONS, Lake, clean_lake, sha
from corpusgate_testing.lake import rows

KINDS = {"alpha": "open_source", "beta": "self_collected", "gamma": "user_input", "delta": "commercial",
         "epsilon": "synthetic", "zeta": "open_source"}  # fmt: skip
MANIFEST = {
    "corpus": "test", "detectors": VERSIONS, "leaves": {"root": "0" * 64},
    "sources": [{"source_id": s, "kind": k, "taken": s != "zeta", "parts": []} for s, k in KINDS.items()],
}  # fmt: skip
NAME = release_id(MANIFEST)
HOSTILE = '=HYPERLINK("http://evil.example","call 13800138000")'
RECORDS = 40


def lake_of(records: int = RECORDS) -> Lake:
    lake = clean_lake(records)
    extra = [("epsilon", "synthetic")]
    for source_id, kind in extra:
        lake.sources[source_id] = (kind, "zh", "CN", f"{source_id}.example")
    for row in lake.rows["release_record"]:
        row["release_id"] = NAME
    return lake


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Four sources of 40 records; three records of alpha hold personal information, one of them sensitive."""
    lake = lake_of()
    records = lake.of("alpha")
    for n, record in enumerate(records[:3]):
        text = HOSTILE if n == 0 else f"电话13800138000找{n}号"
        start = text.index("13800138000")
        document = lake.text_of(record)
        kept = next(r for r in lake.rows["release_record"] if r["record_id"] == record["record_id"])
        digest = text_sha256(text)
        for row in (document, record, kept):
            row["text_sha256"] = digest
        document["text"] = text
        kept["mask_set"] = f"pi_mobile:{start}-{start + 11}"
        kept["released_sha256"] = text_sha256(apply_masks(text, parse_mask_set(kept["mask_set"])))
        lake.find(record, family="personal_information", detector="personal_information", version="1",
                  risk="pi_id" if n == 2 else "pi_mobile", start=start, end=start + 11)  # fmt: skip
    lake.of("delta")[5]["generator"] = "model-7"
    lake.corpus = {"banks": ["generated", "refuse", "answer"]}
    run = lake.write(tmp_path_factory.mktemp("lake"))
    store.ensure_tables(run.place)
    _tables(run.place)
    for bank_id, questions in {"generated": 1100, "refuse": 350, "answer": 350}.items():
        banks.declare(run.place, bank_id)
        banks.take(run.place, bank_id, banks.MADE[bank_id](questions))
    folder = candidate_folder(run.place, NAME)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(canonical(MANIFEST))
    (folder / "run.json").write_text(json.dumps({"run_id": RUN_ID, "at": AT.isoformat()}))
    return run.place


def _tables(place: Place) -> None:
    periods = [
        {"source_id": "alpha", "part": p, "valid_from": AT, "recorded_at": AT, "declared": "MIT", "verdict": "pass",
         "read_from": "LICENSE"}
        for p in ("code", "text")
    ]  # fmt: skip
    store.append_new(place, "licence_period", periods, RUN_ID)
    judged = [
        {"run_id": RUN_ID, "gate": "source_gate", "control_id": c, "half": "computed", "scope": "source",
         "scope_id": f"s{n:02d}", "stratum": "", "k": 0, "n": 20, "figure": 0.0, "verdict": "pass", "judged_at": AT}
        for c in ("45654-4-1-1-a", "45654-4-1-1-b") for n in range(25)
    ]  # fmt: skip
    where = f"run_id = '{RUN_ID}'"
    store.replace(place, "control_result", judged[:-1], where, RUN_ID)
    store.replace(place, "control_result", judged, where, RUN_ID)  # a second attempt, which is in force
    given = [
        {"corpus": "test", "batch_id": "b1", "record_id": f"r{n:02d}", "annotator_id": who, "role": role}
        for n in range(30) for who, role in (("p1", "executor"), ("p2", "reviewer"))
    ]  # fmt: skip
    store.append_new(place, "assignment", given, RUN_ID)


def sizes(place: Place, control: str) -> dict[tuple[str, str], tuple[int, int]]:
    return {(d.row["purpose"], d.row["stratum"]): (d.row["size"], d.row["frame_rows"])
            for d in draw_for(place, control, NAME, AT)}  # fmt: skip


def test_every_control_that_an_assessor_draws_for_has_a_frame() -> None:
    catalogue = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
    assert {c.id for c in catalogue if c.draw} == {*FRAMES, MANUAL, TECHNICAL}


@pytest.mark.parametrize(("control", "expected"), [
    # 10 % of 25 assessments, rounded up, of the attempt in force
    ("45654-4-1-1-a", {("assessor's draw", ""): (3, 25)}),
    ("45654-4-1-1-b", {("assessor's draw", ""): (3, 25)}),
    # a set with two licences is one set
    ("45654-4-1-3-a", {("assessor's draw", ""): (1, 1)}),
    ("45654-4-1-3-b", {("assessor's draw", ""): (40, 40), ("looked at closely", "closer"): (40, 40)}),
    ("45654-4-1-3-c", {("assessor's draw", ""): (1, 1)}),
    ("45654-4-1-3-d", {("assessor's draw", ""): (40, 40)}),
    ("45654-4-2-3-a", {("assessor's draw", ""): (3, 3), ("of all", ""): (160, 160)}),
    ("45654-4-2-3-b", {("assessor's draw", ""): (1, 1), ("of all", ""): (160, 160)}),
    ("45654-4-3-1-c", {("assessor's draw", ""): (10, 30)}),
    ("45652-draft-6-2-a", {("assessor's draw", k): (40, 40)
                           for k in ("open_source", "self_collected", "user_input", "commercial")}),
    ("45652-draft-6-3-c", {("assessor's draw", ""): (160, 160)}),
    ("45652-draft-7-2-b", {("assessor's draw", ""): (1, 1)}),
    # 1,000 of the bank to generate, 300 of each bank of refusals (minima make 1,130 and 340 of them)
    ("45654-5-2-a-manual", {("assessor's draw", ""): (1000, 1130)}),
    ("45654-5-2-a-technical", {("assessor's draw", ""): (1000, 1130)}),
    ("45654-b-2-2-2-d-refuse", {("assessor's draw", ""): (300, 350)}),
    ("45654-b-2-2-2-d-answer", {("assessor's draw", ""): (300, 350)}),
])  # fmt: skip
def test_frames_and_sizes_are_the_clause_s(
    place: Place, control: str, expected: dict[tuple[str, str], tuple[int, int]]
) -> None:
    assert sizes(place, control) == expected


#: Every draw that an assessor makes (45654-2025 Annex B; 45652-draft 8), with the control that it is asked for by.
DRAWS = {
    "assessments before collection": "45654-4-1-1-a", "verifications after collection": "45654-4-1-1-b",
    "licences of open-source sets": "45654-4-1-3-a", "self-collected items": "45654-4-1-3-b",
    "contracts": "45654-4-1-3-c", "user inputs": "45654-4-1-3-d", "manual review of each modality": MANUAL,
    "technical sample of each modality": TECHNICAL, "personal information": "45654-4-2-3-a",
    "sensitive personal information": "45654-4-2-3-b", "assignment logs": "45654-4-3-1-c",
    "questions, by hand": "45654-5-2-a-manual", "questions, technically": "45654-5-2-a-technical",
    "questions to refuse": "45654-b-2-2-2-d-refuse", "questions not to refuse": "45654-b-2-2-2-d-answer",
    "samples of each kind of source": "45652-draft-6-2-a", "results of risk identification": "45652-draft-6-2-b",
    "results on intellectual property": "45652-draft-6-2-c", "infringing data": "45652-draft-6-3-c",
    "metadata of generated data": "45652-draft-7-2-b", "generated data looked at": "45652-draft-7-2-d",
    "generated data filtered": "45652-draft-7-3-b",
}  # fmt: skip


@pytest.mark.parametrize("control", DRAWS.values(), ids=DRAWS.keys())
def test_every_draw_of_an_assessor_is_a_command(place: Place, monkeypatch: pytest.MonkeyPatch, control: str) -> None:
    for name in ("HOME", "CONF", "LAKE"):
        monkeypatch.setenv(f"CORPUSGATE_{name}", str(getattr(place, name.lower())))
    release = NAME
    if control == MANUAL:
        release = RELEASE  # drawn with the candidate
    if control == TECHNICAL:
        row = {**rows(place, "sample", f"release_id = '{RELEASE}'")[0], "sample_id": "t", "control_id": TECHNICAL}
        store.append_new(place, "sample", [row], RUN_ID)
        release = RELEASE
    words = ["sample", "draw", "--control", control, "--release", release, "--at", AT.isoformat(), "--format", "json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    drawn = json.loads(done.output)
    assert drawn and all(d["control_id"] == control and d["seed"] and d["size"] > 0 for d in drawn)


def test_the_draws_are_all_those_that_the_catalogue_names() -> None:
    catalogue = load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))
    assert set(DRAWS.values()) == {c.id for c in catalogue if c.draw}


def test_hundred_of_a_thousand_are_looked_at_closely(tmp_path: Path) -> None:
    lake = lake_of(1)
    base = lake.of("beta", "release_record")[0]
    lake.rows["release_record"] = [base | {"record_id": sha("more", n)} for n in range(1500)]
    run = lake.write(tmp_path)
    store.ensure_tables(run.place)
    folder = candidate_folder(run.place, NAME)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(canonical(MANIFEST))
    (folder / "run.json").write_text(json.dumps({"run_id": RUN_ID, "at": AT.isoformat()}))
    outer, inner = draw_for(run.place, "45654-4-1-3-b", NAME, AT)
    assert (outer.row["size"], outer.row["frame_rows"], inner.row["size"]) == (1000, 1500, 100)
    drawn = [i["record_id"] for i in items(run.place, outer.row["sample_id"])]
    close = [i["record_id"] for i in items(run.place, inner.row["sample_id"])]
    assert len(set(close)) == 100 and set(close) < set(drawn) and close != drawn[:100]
    ids = [r["record_id"] for r in lake.rows["release_record"]]
    assert drawn == sorted(ids, key=lambda r: place_in_draw("s/45654-4-1-3-b", r))[:1000], "the rule in plain Python"


def test_drawing_again_gives_the_same_sample_and_another_seed_another_one(place: Place) -> None:
    first = draw_for(place, "45654-4-1-1-a", NAME, AT)[0]
    again = draw_for(place, "45654-4-1-1-a", NAME, AT)[0]
    other = draw_for(place, "45654-4-1-1-a", NAME, AT, "assessor/1")[0]
    assert again.row == first.row and not again.fresh and other.row["sample_id"] != first.row["sample_id"]
    recorded, now = redraw(place, other.row["sample_id"])
    assert recorded == now and len(now) == 3


@pytest.mark.parametrize("control", sorted(set(FRAMES) - {"45652-draft-7-2-d", "45652-draft-7-3-b"}))
def test_every_sample_can_be_drawn_again(place: Place, control: str) -> None:
    for drawn in draw_for(place, control, NAME, AT):
        recorded, now = redraw(place, drawn.row["sample_id"])
        assert recorded == now and len(now) == drawn.row["size"] > 0


def test_a_frame_that_changed_is_said_and_the_first_draw_stays(tmp_path: Path) -> None:
    run = lake_of(2).write(tmp_path)
    store.ensure_tables(run.place)
    _tables(run.place)
    folder = candidate_folder(run.place, NAME)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(canonical(MANIFEST))
    (folder / "run.json").write_text(json.dumps({"run_id": RUN_ID, "at": AT.isoformat()}))
    first = draw_for(run.place, "45654-4-3-1-c", NAME, AT)[0].row
    more = {"corpus": "test", "batch_id": "b2", "record_id": "r", "annotator_id": "p1", "role": "executor"}
    store.append_new(run.place, "assignment", [more], RUN_ID)
    with pytest.raises(UserError, match=r"have changed since\. It stays"):
        draw_for(run.place, "45654-4-3-1-c", NAME, AT)
    assert first in rows(run.place, "sample")


def test_what_the_release_has_not_cannot_be_drawn(place: Place) -> None:
    of = about(place, NAME)
    assert of.of_kind("open_source") == ["alpha"], "a source that gave nothing is none"
    with pytest.raises(UserError, match="No assessor draws anything"):
        frame_of(of, "45654-4-2-2-a")
    with pytest.raises(UserError, match=r"No assessor draws anything for 45654-2025 4\.2\.2 a"):
        draw_for(place, "45654-4-2-2-a", NAME, AT)
    with pytest.raises(UserError, match="No sample of"):
        draw_for(place, MANUAL, NAME, AT)
    with pytest.raises(UserError, match="No release or candidate"):
        draw_for(place, "45654-4-1-1-a", "test-ffffffffffff", AT)
    assert [d.row["sample_id"] for d in draw_for(place, MANUAL, RELEASE, AT)] == ["sample-text"], "as decide drew it"


def exported(place: Place, tmp_path: Path, control: str, form: str) -> tuple[bytes, dict[str, Any]]:
    row = draw_for(place, control, NAME, AT)[0].row
    path = tmp_path / f"out.{form}"
    assert export(place, row["sample_id"], path, form, AT) == row["size"]
    assert path.stat().st_mode & 0o777 == 0o600
    (said,) = [r for r in rows(place, "export") if r["path"] == str(path.resolve())]
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() and said["records"] == row["size"]
    return path.read_bytes(), row


def test_json_lines_hold_the_released_text_and_never_the_stored_one(place: Place, tmp_path: Path) -> None:
    content, row = exported(place, tmp_path, "45654-4-2-3-a", "jsonl")
    lines = [json.loads(line) for line in content.decode("utf-8").splitlines()]
    assert len(lines) == row["size"] == 3 and "13800138000" not in content.decode("utf-8")
    for line in lines:
        assert "[pi_mobile]" in line["text"] and text_sha256(line["text"]) == line["released_sha256"]
        assert line["state"] == "as drawn" and line["verdict"] == line["risks"] == ""
    assert [line["ordinal"] for line in lines] == [1, 2, 3]


def test_no_cell_of_a_csv_is_a_formula(place: Place, tmp_path: Path) -> None:
    content, _ = exported(place, tmp_path, "45654-4-2-3-a", "csv")
    cells = [r["text"] for r in csv.DictReader(io.StringIO(content.decode("utf-8")))]
    (hostile,) = [c for c in cells if "HYPERLINK" in c]
    assert hostile.startswith("'=HYPERLINK")


def test_no_cell_of_a_spreadsheet_is_a_formula(place: Place, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    content, row = exported(place, tmp_path, "45654-4-2-3-a", "xlsx")
    sheet = load_workbook(io.BytesIO(content)).active
    assert sheet is not None and sheet.max_row == row["size"] + 1
    kinds = Counter(c.data_type for r in sheet.iter_rows() for c in r if c.value is not None)
    assert set(kinds) == {"s"}, "every cell is a string"
    assert any(str(c.value).startswith("=HYPERLINK") for r in sheet.iter_rows() for c in r)


def test_a_cell_shows_control_characters_and_says_where_it_was_cut() -> None:
    from corpusgate.review.export import _shown

    assert _shown("a\x00b\x1bc") == "a\\u0000b\\u001bc"
    cut = _shown("x" * 40_000)
    assert len(cut) < 32_767 and cut.startswith("x" * CELL) and "40,000 characters in all" in cut


def test_samples_of_other_tables_show_their_rows(place: Place, tmp_path: Path) -> None:
    content, _ = exported(place, tmp_path, "45654-4-1-1-a", "jsonl")
    line = json.loads(content.decode("utf-8").splitlines()[0])
    assert (line["share"], line["n"], line["k"], line["verdict"]) == (0.0, 20, 0, "pass")
    assert line["released_sha256"] == line["row_sha256"] and line["finding"] == ""
    content, _ = exported(place, tmp_path, "45654-4-3-1-c", "csv")
    assert b"executor p1; reviewer p2" in content
    content, _ = exported(place, tmp_path, "45654-b-2-2-2-d-answer", "csv")
    assert b"aspects" in content and b"answer ba" in content
    content, _ = exported(place, tmp_path, "45654-4-1-3-a", "csv")
    assert b"code: MIT (LICENSE); text: MIT (LICENSE)" in content


def test_a_text_that_is_not_the_drawn_one_is_not_exported(place: Place, tmp_path: Path) -> None:
    row = draw_for(place, "45654-4-2-3-b", NAME, AT)[0].row
    before = store.version(place, "release_record")
    (item,) = items(place, row["sample_id"])
    kept = rows(place, "release_record", f"record_id = '{item['record_id']}'")[0]
    where = f"release_id = '{NAME}' AND record_id = '{item['record_id']}'"
    store.replace(place, "release_record", [kept | {"mask_set": ""}], where, RUN_ID)
    try:
        with pytest.raises(CorpusgateError, match=item["record_id"]) as caught:
            export(place, row["sample_id"], tmp_path / "out.csv", "csv", AT)
        assert "13800138000" not in str(caught.value) and not (tmp_path / "out.csv").exists()
    finally:
        store.replace(place, "release_record", [kept], where, RUN_ID)
    assert store.version(place, "release_record") > before


def test_every_record_frame_is_one_of_released_records_alone(place: Place) -> None:
    of = about(place, NAME)
    for control in FRAMES:
        frame = frame_of(of, control)
        if frame.of_records:
            assert NAME in frame.sql and "FROM release_record k" in frame.sql
    assert frame_of(of, "45654-4-2-3-a", EVERY).name == EVERY
