"""The chained tables: a row that is changed, taken out, put in or written anew together with its hash is found."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake

from corpusgate.errors import CorpusgateError
from corpusgate.lake import store
from corpusgate.lake.chains import CHAINED, START, chain_of, heads
from corpusgate.lake.tables import TABLES
from corpusgate.release.seal import broken_seals, seal
from corpusgate.settings.place import Place
from corpusgate_testing.lake import place_in, rows

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
RELEASE, ROOT = "demo-0123456789ab", "f" * 64
#: A row of each chained table, by its number, and the field that somebody would like to be another.
ROWS: dict[str, tuple[Callable[[int], dict[str, Any]], str, Any]] = {
    "review": (
        lambda n: {"sample_id": "s", "record_id": f"r{n}", "reviewer": "reviewer1", "verdict": "bad", "risks": ["a1a"],
                   "reviewed_at": AT, "seconds": 1.5, "attempt": 1},
        "verdict", "good"),
    "review_assignment": (
        lambda n: {"sample_id": "s", "reviewer": f"r{n}", "state": "assigned", "double_share": 0.1,
                   "assigned_by": "lead", "assigned_at": AT, "attempt": 1},
        "double_share", 0.0),
    "admission_label": (
        lambda n: {"label_id": f"l{n}", "source_id": "s", "record_id": f"r{n}", "reviewer": "reviewer1",
                   "verdict": "bad", "risks": ["a1a"], "reviewed_at": AT},
        "verdict", "good"),
    "control_result": (
        lambda n: {"run_id": "run", "gate": "release_gate", "control_id": f"c{n}", "half": "computed", "scope_id": "x",
                   "stratum": "", "attempt": 1, "verdict": "fail", "figure": 0.06, "judged_at": AT},
        "verdict", "pass"),
    "attestation": (
        lambda n: {"attestation_id": f"a{n}", "control_id": "c", "by": "officer", "role": "counsel", "at": AT,
                   "expires_at": AT, "waiver": False},
        "expires_at", datetime(2036, 3, 1, tzinfo=UTC)),
    "step_run": (
        lambda n: {"run_id": f"run{n}", "step": "intake", "source_id": None, "attempt": 1, "rows_in": 5, "kept": 5,
                   "removed_by_rule": {"keyword": 1}, "run_at": AT},
        "kept", 4),
    "signoff": (
        lambda n: {"signoff_id": f"o{n}", "release_id": RELEASE, "by": "lead", "decision": "reject", "at": AT},
        "decision", "approve"),
}  # fmt: skip


@pytest.fixture
def sealed(tmp_path: Path) -> tuple[Place, Path]:
    """Three rows in each chained table, then a seal, then one row more."""
    place = place_in(tmp_path)
    store.ensure_tables(place)
    for name, (make, _, _) in ROWS.items():
        for n in range(3):
            store.append_new(place, name, [make(n)], "run")
    folder = place.releases / RELEASE
    folder.mkdir(parents=True)
    columns = seal(place, folder, ROOT, "trial")
    row = {"release_id": RELEASE, "channel": "trial", "digests": {"code": "1", **columns}, "published_at": AT}
    store.append_new(place, "release", [row], "run")
    for name, (make, _, _) in ROWS.items():
        store.append_new(place, name, [make(3)], "run")
    return place, folder


def problems(given: tuple[Place, Path]) -> list[str]:
    return list(broken_seals(*given, ROOT, RELEASE))


def overwrite(place: Place, name: str, changed: list[dict[str, Any]]) -> None:
    """What somebody with access to the files can do: the table's own rules do not hold."""
    write_deltalake(str(place.table(name)), store.to_arrow(TABLES[name], changed), mode="overwrite")


def in_order(place: Place, name: str) -> list[dict[str, Any]]:
    chain, found, at = {r["previous_sha256"]: r for r in rows(place, name)}, [], START
    while at in chain:
        found.append(chain[at])
        at = chain[at]["row_sha256"]
    return found


def test_every_chained_table_is_tried_here() -> None:
    assert set(CHAINED) == set(ROWS) >= {"review", "control_result", "attestation", "step_run"}


def test_untouched_tables_are_as_they_were_sealed_also_with_later_rows(sealed: tuple[Place, Path]) -> None:
    assert problems(sealed) == []
    assert {name: heads(sealed[0])[name].rows for name in CHAINED} == dict.fromkeys(CHAINED, 4)
    signed = json.loads((sealed[1] / "chains--trial.json").read_text("utf-8"))["sealed"]
    assert {name: end["rows"] for name, end in signed["chains"].items()} == dict.fromkeys(CHAINED, 3)


@pytest.mark.parametrize("name", CHAINED)
def test_one_changed_row_is_named(sealed: tuple[Place, Path], name: str) -> None:
    place, _ = sealed
    make, field, better = ROWS[name]
    all_rows = in_order(place, name)
    overwrite(place, name, [r if n != 1 else {**r, field: better} for n, r in enumerate(all_rows)])
    (said,) = problems(sealed)
    key = ", ".join(f"{c} {make(1)[c]}" for c in TABLES[name].key if make(1).get(c) not in (None, ""))
    assert said.startswith(f"{name}: the row {key} was changed")


@pytest.mark.parametrize("name", CHAINED)
def test_a_row_changed_with_its_own_hash_breaks_the_chain_behind_it(sealed: tuple[Place, Path], name: str) -> None:
    place, _ = sealed
    _, field, better = ROWS[name]
    all_rows = in_order(place, name)
    forged = {**all_rows[1], field: better}
    forged["row_sha256"] = store.row_digest(forged)
    overwrite(place, name, [all_rows[0], forged, *all_rows[2:]])
    said = problems(sealed)
    assert any("is gone, or its hash was written anew" in p for p in said)
    assert any(p.startswith(f"{name}: the chain no longer leads to") for p in said)


@pytest.mark.parametrize("name", CHAINED)
def test_a_chain_that_is_written_anew_to_its_end_misses_the_sealed_head(sealed: tuple[Place, Path], name: str) -> None:
    place, _ = sealed
    _, field, better = ROWS[name]
    plain = [{k: v for k, v in r.items() if not k.endswith("_sha256")} for r in in_order(place, name)]
    plain[1][field] = better
    overwrite(place, name, store.chain(START, store.as_read(TABLES[name], plain)))
    assert chain_of(place, name).problems == (), "in itself the forged chain is whole"
    (said,) = problems(sealed)
    assert "which chains--trial.json sealed after 3 rows: rows were removed or written anew" in said


@pytest.mark.parametrize("name", CHAINED)
@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_row_that_is_taken_out_is_found(sealed: tuple[Place, Path], name: str, gone: int) -> None:
    place, _ = sealed
    overwrite(place, name, [r for n, r in enumerate(in_order(place, name)) if n != gone])
    assert any(p.startswith(f"{name}: ") for p in problems(sealed))


def test_sealed_rows_cut_off_at_the_end_are_found(sealed: tuple[Place, Path]) -> None:
    place, _ = sealed
    overwrite(place, "review", in_order(place, "review")[:2])
    (said,) = problems(sealed)
    assert said.startswith("review: the chain no longer leads to")


def test_an_emptied_table_is_found(sealed: tuple[Place, Path]) -> None:
    overwrite(sealed[0], "attestation", [])
    (said,) = problems(sealed)
    assert said.startswith("attestation: ")


def test_a_row_that_is_put_in_between_forks_the_chain(sealed: tuple[Place, Path]) -> None:
    place, _ = sealed
    all_rows = in_order(place, "review")
    extra = {**all_rows[1], "record_id": "invented"}
    extra["row_sha256"] = store.row_digest(extra)
    overwrite(place, "review", [*all_rows, extra])
    assert any("record_id invented" in p and "another row does too" in p for p in problems(sealed))


def test_a_changed_seal_does_not_fit_its_signature_and_the_release_s_row(sealed: tuple[Place, Path]) -> None:
    path = sealed[1] / "chains--trial.json"
    signed = json.loads(path.read_text("utf-8"))
    signed["sealed"]["chains"]["review"] = {"head": START, "rows": 0}
    path.write_text(json.dumps(signed), "utf-8")
    said = problems(sealed)
    assert any("its signature does not fit" in p for p in said)
    assert any("do not name the same heads" in p for p in said)


def test_a_seal_that_is_gone_or_no_seal_is_said(sealed: tuple[Place, Path]) -> None:
    path = sealed[1] / "chains--trial.json"
    path.write_text("[]", "utf-8")
    assert problems(sealed) == ["chains--trial.json cannot be read."]
    path.unlink()
    (said,) = problems(sealed)
    assert "is gone" in said


def test_what_was_sealed_first_stays_and_another_channel_seals_what_is_there_then(sealed: tuple[Place, Path]) -> None:
    place, folder = sealed
    first = (folder / "chains--trial.json").read_bytes()
    seal(place, folder, ROOT, "trial")
    assert (folder / "chains--trial.json").read_bytes() == first
    filing = seal(place, folder, ROOT, "filing")
    assert filing["chain_review"] == in_order(place, "review")[-1]["row_sha256"], "the reviews that filing waited for"
    assert problems(sealed) == []


def test_nothing_is_sealed_over_a_changed_row(sealed: tuple[Place, Path]) -> None:
    place, folder = sealed
    all_rows = in_order(place, "review")
    overwrite(place, "review", [{**all_rows[0], "verdict": "good"}, *all_rows[1:]])
    with pytest.raises(CorpusgateError, match=r"review is not as it was written.*record_id r0"):
        seal(place, folder, ROOT, "filing")
    assert not (folder / "chains--filing.json").exists()


def test_rows_appended_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    store.ensure_tables(place, ["review"])
    make = ROWS["review"][0]
    threads = [
        threading.Thread(target=store.append_new, args=(place, "review", [make(n)], f"run{n}")) for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = chain_of(place, "review")
    assert chain.problems == () and chain.head.rows == 6


def test_a_column_that_comes_later_changes_no_hash() -> None:
    row = {"a": 1, "row_sha256": "x", "previous_sha256": START}
    assert store.row_digest(row) == store.row_digest({**row, "later": None}) != store.row_digest({**row, "later": 0})
