"""The offline bundle: plain Python in an empty environment finds it as it was sealed and names what was changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from corpusgate.errors import UserError
from corpusgate.evidence.bundle import WITHHELD, write_bundle
from corpusgate.gates.reviewed import MANUAL, judge_sample, tally
from corpusgate.lake import store
from corpusgate.lake.chains import CHAINED
from corpusgate.lake.tables import TABLES
from corpusgate.release.digests import canonical
from corpusgate.release.manifest import candidate_folder, manifest_root, release_id
from corpusgate.release.merkle import buckets_of, leaf, merkle_root
from corpusgate.release.seal import seal
from corpusgate.release.signing import sign
from corpusgate.review.desk import desk
from corpusgate.review.draw import (
    GROUPS,
    RECORDS,
    Draw,
    drawn_sql,
    item_rows,
    place_in_draw,
    sample_id,
    sample_row,
)
from corpusgate.review.fold import fold
from corpusgate.review.sampling import draw_for
from corpusgate.settings.catalogue import load_catalogue
from corpusgate_testing.gates import AT, RUN_ID, VERSIONS, Lake, sha
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room, at, retold, waiting

PHONE, HOSTILE = "13800138000", "<script>alert(1)</script> \x1b[31m"


def changed(lake: Lake) -> None:
    """A masked value, a hostile text, a record that was removed."""
    retold(lake, lake.of("alpha")[0], f"电话{PHONE}完", "pi_mobile:2-13")
    about = {"family": "personal_information", "detector": "personal_information", "version": "1"}
    lake.find(lake.of("alpha")[0], start=2, end=13, rule="pi", risk="pi_mobile", surface=PHONE, weight=0.0, **about)
    retold(lake, lake.of("beta")[0], HOSTILE)
    gone = lake.rows["release_record"].pop()
    lake.rows["decision"] = [
        {"release_id": "", "record_id": gone["record_id"], "source_id": gone["source_id"], "step": "decide",
         "text_sha256": gone["text_sha256"], "outcome": "removed", "rule": "keyword", "version": "1"}
    ]  # fmt: skip


def published(folder: Path) -> Room:
    """A release as publishing leaves it, reviewed by two people, with an assessor's draws; its tree is a true one."""
    room = waiting(folder, records=6, share=0.25, change=changed)
    place, old = room.place, room.release
    kept = [r for r in rows(place, "release_record") if r["release_id"] == old]
    gone = rows(place, "decision")
    leaves = [leaf(r["record_id"], r["text_sha256"], r["released_sha256"], "kept", None) for r in kept]
    leaves += [leaf(r["record_id"], r["text_sha256"], None, r["outcome"], r["rule"]) for r in gone]
    tree, frame = buckets_of(leaves), buckets_of([r["record_id"] for r in kept])
    manifest: dict[str, Any] = {
        "format": "corpusgate-manifest/1", "corpus": "test", "detectors": VERSIONS, "digests": {"conf": "0" * 64},
        "leaves": {"root": merkle_root(tree), "count": len(leaves),
                   "buckets": [[b.prefix, b.root, b.leaves] for b in sorted(tree, key=lambda b: b.prefix)]},
        "counts": {"by_outcome": {"kept": len(kept), "removed": 1, "errored": 0}, "by_rule": {}, "by_source": {}},
        "sources": [{"source_id": s, "kind": "open_source", "taken": True, "parts": []}
                    for s in ("alpha", "beta", "gamma", "delta")],
    }  # fmt: skip
    name, root = release_id(manifest), manifest_root(manifest)
    one = Draw(MANUAL, "manual review", "text", "seed-1", len(kept), len(kept), merkle_root(frame))
    ordered = sorted(kept, key=lambda r: place_in_draw("seed-1", r["record_id"]))
    items = item_rows(name, one, [(r["record_id"], r["released_sha256"]) for r in ordered])
    for table, found in (
        ("release_record", [{**r, "release_id": name} for r in kept]),
        ("decision", [{**r, "release_id": name} for r in gone]),
        ("sample_item", items), ("sample", [sample_row(name, one, "document", AT)]),
    ):  # fmt: skip
        store.replace(place, table, found, "true", "test")
    for where in (candidate_folder(place, name), place.releases / name):
        where.mkdir(parents=True)
        (where / "manifest.json").write_bytes(canonical(manifest))
    (candidate_folder(place, name) / "run.json").write_text(json.dumps({"run_id": RUN_ID, "at": AT.isoformat()}))
    made = Room(room.run, name, sample_id(name, one))
    made.give("ann", "ben")
    made.judge_all(["ann", "ben"], bad=lambda n: n == 2)
    fold(place, "test")
    _judge(made)
    draw_for(place, "45652-draft-6-3-c", name, AT)
    draw_for(place, "45654-4-1-3-a", name, AT) if rows(place, "licence_period") else None
    signed, chains = sign(place, root), seal(place, place.releases / name, root, "trial")
    (place.releases / name / "signature.json").write_text(json.dumps(signed))
    row = {"release_id": name, "corpus": "test", "channel": "trial", "manifest_root": root, "published_at": AT,
           "signature": signed["signature"], "key_id": signed["key_id"], "digests": chains}  # fmt: skip
    store.append_new(place, "release", [row], "test")
    return made


def _judge(room: Room) -> None:
    """What the gate records of the sample."""
    control, sample = load_catalogue(room.place)[MANUAL], rows(room.place, "sample")[0]
    figure = judge_sample(control, room.release, "modality:text", sample, tally(desk(room.place, room.sample)))
    said = {
        "run_id": "r", "corpus": "test", "release_id": room.release, "gate": "release_gate", "control_id": MANUAL,
        "half": "human", "scope": "release", "scope_id": room.release, "stratum": figure.stratum, "k": figure.k,
        "n": figure.n, "verdict": "fail", "because": figure.because, "judged_at": at(99),
    }  # fmt: skip
    store.replace(room.place, "control_result", [said], "run_id = 'r' AND gate = 'release_gate'", "r")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Room, Path]:
    room = published(tmp_path_factory.mktemp("lake"))
    out = tmp_path_factory.mktemp("out") / "bundle"
    write_bundle(room.place, room.release, out, with_texts=True)
    return room, out


def pythons() -> list[str]:
    """The interpreters of this machine that the scripts promise to run on, the oldest first."""
    found = {shutil.which(f"python3.{n}") for n in range(9, 14)} | {sys.executable}
    return sorted(p for p in found if p and subprocess.run([p, "-I", "-S", "-c", ""], check=False).returncode == 0)


def run(folder: Path, elsewhere: Path, *command: str, python: str = sys.executable) -> tuple[int, str]:
    """A script of the bundle as a machine with nothing but Python runs it."""
    done = subprocess.run(
        [python, "-I", "-S", str(folder / command[0]), *command[1:]], cwd=elsewhere, env={}, capture_output=True,
        timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.mark.parametrize("python", pythons())
def test_plain_python_in_an_empty_environment_finds_everything_as_it_was_sealed(
    bundle: tuple[Room, Path], tmp_path: Path, python: str
) -> None:
    _, folder = bundle
    code, said = run(folder, tmp_path, "verify.py", python=python)
    assert code == 0 and "Everything is as it was sealed." in said, said
    code, said = run(folder, tmp_path, "redraw.py", python=python)
    assert code == 0 and said.startswith("2 samples drawn again, 0 with a difference."), said
    for number in (2, 3, 4, 5, 7, 12, 14, 15, 16, 19, 20, 21, 22):
        code, said = run(folder, tmp_path, "ask.py", str(number), python=python)
        assert code == 0, (number, said)


def test_it_needs_none_of_our_packages(bundle: tuple[Room, Path]) -> None:
    for script in bundle[1].glob("*.py"):
        assert "corpusgate" not in {w.split(".")[0] for line in script.read_text().splitlines()
                                    if line.startswith(("import ", "from ")) for w in line.split()[1:2]}  # fmt: skip


def test_it_holds_no_stored_text_no_value_and_no_path_of_ours(bundle: tuple[Room, Path]) -> None:
    room, folder = bundle
    everything = b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())
    assert PHONE.encode() not in everything and str(room.place.lake).encode() not in everything
    assert not (folder / "tables" / "document.jsonl").exists()
    about = json.loads((folder / "bundle.json").read_text("utf-8"))
    assert about["chained"] == list(CHAINED), "a sealed chain that is not there could not be walked"
    assert not {c for name in CHAINED for c in TABLES[name].schema.names} & set(WITHHELD), "or its rows be hashed"
    (texts,) = (folder / "texts").iterdir()
    assert "[pi_mobile]" in texts.read_text("utf-8")


def test_questions_are_answered_from_the_tables(bundle: tuple[Room, Path], tmp_path: Path) -> None:
    room, folder = bundle
    code, said = run(folder, tmp_path, "ask.py", "4")
    assert code == 0 and "keyword" in said and "1 rows" in said
    code, said = run(folder, tmp_path, "ask.py", "8", f"sample={room.sample}")
    assert "ann" in said and "ben" in said
    code, said = run(folder, tmp_path, "ask.py", "1", "source=alpha")
    assert code == 0 and "6 rows" in said
    record = rows(room.place, "release_record")[0]
    code, said = run(folder, tmp_path, "ask.py", "9", f"text={record['released_sha256']}")
    assert record["record_id"] in said
    code, said = run(folder, tmp_path, "ask.py", "17", f"record={record['record_id']}")
    assert record["released_sha256"] in said
    code, said = run(folder, tmp_path, "ask.py", "sql", "SELECT count(*) AS n FROM release_record")
    assert code == 0 and "23" in said
    code, said = run(folder, tmp_path, "ask.py", "sql", "DELETE FROM review")
    assert code == 2 and "readonly" in said.replace(" ", "").replace("-", "")
    assert run(folder, tmp_path, "ask.py", "1")[0] == 2 and run(folder, tmp_path, "ask.py", "11")[0] == 2
    assert run(folder, tmp_path, "ask.py", "99")[0] == 2
    code, said = run(folder, tmp_path, "ask.py")
    assert code == 0 and all(f"{n:3d}  " in said for n in range(1, 24))


def tampered(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def edit(path: Path, change: Any, number: int = 0) -> dict[str, Any]:
    lines = path.read_text("utf-8").splitlines()
    row = json.loads(lines[number])
    change(row)
    lines[number] = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return row


@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        ("release_record", {"text_sha256": "0" * 64}, "records whose leaf begins with"),
        ("review", {"verdict": "good", "comment": "mine"}, "review: the row"),
        ("control_result", {"n": 1}, "control_result: the row"),
        ("sample_item", {"record_id": "0" * 64}, "drawn again it has other items"),
        ("sample", {"seed": "seed-2"}, "drawn again it has other items"),
        ("decision", {"rule": "other"}, "records whose leaf begins with"),
        ("release", {"manifest_root": "0" * 64}, "names another root"),
        ("attestation", None, ""),
    ],
)
def test_a_row_that_was_changed_is_named(
    bundle: tuple[Room, Path], tmp_path: Path, table: str, change: dict[str, Any] | None, named: str
) -> None:
    folder = tampered(bundle[1], tmp_path / "b")
    path = folder / "tables" / f"{table}.jsonl"
    if change is None:
        path.write_bytes(b'{"attestation_id":"mine","previous_sha256":"' + b"0" * 64 + b'","row_sha256":"f"}\n')
        code, said = run(folder, tmp_path, "verify.py")
        assert code == 1 and "attestation, row 1 was changed or added: attestation_id mine" in said
        return
    row = edit(path, lambda r: r.update(change))
    code, said = run(folder, tmp_path, "verify.py")
    key = [k for k in json.loads((folder / "bundle.json").read_text())["tables"][table]["key"] if row.get(k)]
    assert code == 1 and f"tables/{table}.jsonl was changed" in said
    assert f"{table}, row 1 was changed or added" in said and str(row[key[0]]) in said
    assert named in said, said


def test_whoever_changes_the_lists_too_lacks_the_key(bundle: tuple[Room, Path], tmp_path: Path) -> None:
    import hashlib

    folder = tampered(bundle[1], tmp_path / "b")
    path = folder / "tables" / "source.jsonl"
    path.write_bytes(b"")
    (folder / "rows" / "source.txt").write_bytes(b"")
    about = json.loads((folder / "bundle.json").read_text())
    for name in ("tables/source.jsonl", "rows/source.txt"):
        about["files"][name] = {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0}
    about["files"]["manifest.json"]["bytes"] = 1
    (folder / "bundle.json").write_bytes(canonical(about))
    code, said = run(folder, tmp_path, "verify.py")
    assert code == 1 and "bundle.json: its signature does not fit" in said


@pytest.mark.parametrize(("name", "said"), [
    ("manifest.json", "manifest.json was changed"), ("signature.json", "signature.json"),
    ("chains--trial.json", "chains--trial.json was changed"), ("verify.py", "verify.py was changed"),
])  # fmt: skip
def test_a_file_that_was_changed_is_named(bundle: tuple[Room, Path], tmp_path: Path, name: str, said: str) -> None:
    folder = tampered(bundle[1], tmp_path / "b")
    content = (folder / name).read_text("utf-8")
    other = content + "\n# x" if name.endswith(".py") else content.replace("a", "b", 1)
    (folder / name).write_text(other, "utf-8")
    code, told = run(folder, tmp_path, "verify.py")
    assert code == 1 and said in told, told


def test_files_that_are_gone_or_strange_are_named(bundle: tuple[Room, Path], tmp_path: Path) -> None:
    folder = tampered(bundle[1], tmp_path / "b")
    (folder / "tables" / "review.jsonl").unlink()
    (folder / "extra.txt").write_text("x")
    code, said = run(folder, tmp_path, "verify.py")
    assert code == 1 and "tables/review.jsonl is gone" in said and "extra.txt is no file of the bundle" in said


def test_the_same_lake_gives_the_same_zip_and_nothing_is_overwritten(bundle: tuple[Room, Path], tmp_path: Path) -> None:
    room, folder = bundle
    one, two = tmp_path / "a.zip", tmp_path / "b.zip"
    first, second = (write_bundle(room.place, room.release, p, with_texts=True) for p in (one, two))
    assert one.read_bytes() == two.read_bytes() and first.sha256 == second.sha256
    with zipfile.ZipFile(one) as archive:
        archive.extractall(tmp_path / "c")
    assert (tmp_path / "c" / "bundle.json").read_bytes() == (folder / "bundle.json").read_bytes()
    assert run(tmp_path / "c", tmp_path, "verify.py")[0] == 0
    with pytest.raises(UserError, match="is there already"):
        write_bundle(room.place, room.release, one)
    with pytest.raises(UserError, match="No release or candidate"):
        write_bundle(room.place, "test-ffffffffffff", tmp_path / "d")
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "b.zip", "c"], "nothing half-made is left"


def test_groups_are_drawn_whole_again(tmp_path: Path) -> None:
    room = published(tmp_path)
    kept = rows(room.place, "release_record")
    grouped = [{**r, "group_id": sha("group", n // 2) if n < 10 else None} for n, r in enumerate(kept)]
    store.replace(room.place, "release_record", grouped, "true", "test")
    ids = sorted({r["group_id"] or r["record_id"] for r in grouped})
    one = Draw(
        "45654-4-2-1-technical", "technical sample", "text", "seed-2", 9, len(ids), merkle_root(buckets_of(ids)), GROUPS
    )
    sql = drawn_sql("datafusion", RECORDS, room.release, GROUPS, "text", one.seed, one.size)
    drawn = [(r["record_id"], r["released_sha256"]) for r in store.query(room.place, sql, [RECORDS]).to_pylist()]
    assert any(i in {r["group_id"] for r in grouped} for i, _ in drawn)
    store.append_new(room.place, "sample", [sample_row(room.release, one, "document", AT)], "test")
    store.append_new(room.place, "sample_item", item_rows(room.release, one, drawn), "test")
    write_bundle(room.place, room.release, tmp_path / "b")
    code, said = run(tmp_path / "b", tmp_path, "redraw.py")
    assert code == 0 and said.startswith("3 samples drawn again, 0 with a difference."), said
    assert run(tmp_path / "b", tmp_path, "verify.py")[0] == 0


def test_the_terminal_is_not_steered_by_what_a_row_says(bundle: tuple[Room, Path], tmp_path: Path) -> None:
    room, folder = bundle
    assert any(HOSTILE in p.read_text("utf-8") or "u001b" in p.read_text("utf-8") for p in (folder / "texts").iterdir())
    code, said = run(folder, tmp_path, "ask.py", "sql", "SELECT char(27) || '[31m' AS x")
    assert code == 0 and "\x1b" not in said and "\\u001b[31m" in said
    assert room
