"""A release without Spark: parts named and hashed as `parts.py` says, written in rounds; a lost text shows."""

from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from corpusgate.errors import CorpusgateError
from corpusgate.lake import store
from corpusgate.lake.run import StepResult
from corpusgate.release import alone, job, parts
from corpusgate.release.alone_kept import Kept
from corpusgate.release.digests import digests
from corpusgate.release.job import publish
from corpusgate.release.manifest import build, manifest_root, release_id, sources_of, write_candidate
from corpusgate.release.merkle import buckets_of
from corpusgate.release.pointer import read_pointer
from corpusgate.release.verify import verify
from corpusgate.settings.profile import Profile
from corpusgate_testing.decide import Text, judged
from corpusgate_testing.lake import place_in
from corpusgate_testing.release import gate, texts_of

PHONE = Text("Copyright 2026 a@b.cn\n电话", key="phone", url="https://a.example/?a|b", role="prompt", group="g", turn=0)
MASKS, MASKED = "pi_email:15-21", "Copyright 2026 [pi_email]\n电话"
TEXTS = [PHONE, *(Text(f"第{n}段。", key=f"a{n}") for n in range(5)), Text("乙", source="beta", language=None)]
LICENCES = [("alpha", "all", "MIT"), ("beta", "all", None)]


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def released(text):
    return MASKED if text.key == "phone" else text.text


def lay(place, release, texts):
    """The kept records of a release, as decide leaves them."""
    store.replace(place, "release_record", [
        {
            "release_id": release, "record_id": t.record_id, "source_id": t.source, "text_sha256": t.sha256,
            "mask_set": MASKS if t.key == "phone" else "", "released_sha256": sha(released(t)), "modality": "text",
            "language": t.language, "characters": len(released(t)), "bytes": len(released(t).encode()),
            "licence_part": "all", "role": t.role, "group_id": t.group, "turn": t.turn,
        }
        for t in texts
    ], f"release_id = '{release}'", "test")  # fmt: skip


@pytest.fixture
def run(tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    lay(place, "demo-1", TEXTS)
    names = [{"acquisition_id": f"acq-{s}", "source_id": s, "name": n} for s, n in (("alpha", "a.txt"), ("beta", None))]
    store.replace(place, "acquisition", names, "TRUE", "test")
    return judged(place, TEXTS)


def written(run, made, release="demo-1", before=None):
    """The release's data by the driver alone: entries of its `files.json`, with those of linked files."""
    earlier = parts.earlier(before)
    rows = alone.kept(run, release, LICENCES)
    wanted = alone.wanted(rows)
    linked = [parts.link(f, before, made) for f in earlier.unchanged({k: w.sha256 for k, w in wanted.items()})]
    changed = {k: w for k, w in wanted.items() if k not in {f["part"] for f in linked}}
    fresh = [{**w, "content_sha256": changed[w["part"]].sha256} for w in alone.write(run, rows, changed, earlier, made)]
    made.mkdir(exist_ok=True)
    (made / "files.json").write_text(json.dumps({"format": parts.FORMAT, "files": linked + fresh}), "utf-8")
    return linked, fresh


def shown(run, licences=LICENCES):
    """What a release shows of the kept records, all parts asked for."""
    kept = alone.kept(run, "demo-1", licences)
    return kept.of(kept.names).to_pylist()


def test_a_record_lies_in_the_part_of_its_file_with_what_a_release_shows_of_it(run):
    rows = {r["record_id"]: r for r in shown(run)}
    assert {r["part"] for r in rows.values()} == {sha(f)[:2] + "-1-0" for f in ("alpha|a.txt", "beta|")}
    phone, other = rows[PHONE.record_id], rows[TEXTS[-1].record_id]
    assert (phone["licence"], phone["url"], phone["turn"]) == ("MIT", "https://a.example/?a|b", 0)
    assert (other["licence"], other["url"], other["language"]) == (None, None, None)


def test_of_a_place_that_two_batches_name_the_first_address_counts_and_no_other_batch(run):
    rows = store.read(run.place, "record", where=f"record_id = '{PHONE.record_id}'").to_pylist()
    for batch, url in (("batch-beta", "https://a.example/"), ("batch-of-before", "a")):
        more = [{**r, "batch_id": batch, "url": url} for r in rows]
        where = f"batch_id = '{batch}' AND record_id = '{PHONE.record_id}'"
        store.replace(run.place, "record", more, where, "test")
    found = [r for r in shown(run) if r["record_id"] == PHONE.record_id]
    assert [r["url"] for r in found] == ["https://a.example/"]


def test_a_bucket_of_many_records_is_split_by_the_record_ids_hash(run, monkeypatch):
    monkeypatch.setattr(parts, "ROWS", 2)
    for row in shown(run):
        into = 1 if row["source_id"] == "beta" else 4
        assert row["part"].split("-")[1:] == [str(into), str(int(sha(row["record_id"])[:8], 16) % into)]


ROW = {
    "record_id": "r", "source_id": "s", "language": "zh", "url": "u|\n\u2028😀", "licence": None, "role": "", "turn": 3,
    "group_id": None, "speaker": 'x"', "released_sha256": "f",
}  # fmt: skip


def hashed(folder, *rows):
    """The hash of each row, as the engine computes it."""
    from deltalake import DeltaTable, QueryBuilder, write_deltalake

    schema = pa.schema([(n, pa.int32() if n == "turn" else pa.string()) for n in ROW] + [("at", pa.int64())])
    write_deltalake(folder, pa.Table.from_pylist([{**r, "at": at} for at, r in enumerate(rows)], schema=schema))
    asked = QueryBuilder().register("rows", DeltaTable(folder))
    return pa.table(asked.execute(f"SELECT {parts.row_sql('datafusion')} AS row FROM rows ORDER BY at").read_all())[
        "row"
    ].to_pylist()


def test_a_rows_hash_is_over_what_a_release_shows_of_the_record(tmp_path):
    first, second = ROW, {**ROW, "record_id": "r2", "turn": None, "group_id": "g", "licence": "MIT"}
    assert hashed(tmp_path / "rows", first, second) == [
        sha(f"{r}|s|{sha('zh')}|{sha(ROW['url'])}|{licence}|{sha('')}|{group}|{turn}|{sha(ROW['speaker'])}|f")
        for r, licence, group, turn in (("r", "", "", "3"), ("r2", sha("MIT"), "g", ""))
    ]


def test_no_value_looks_like_another(tmp_path):
    odd = [None, "", "|", "a|", "|a", "a", "a|b", '"', "null"]
    free = ("language", "url", "licence", "role", "speaker")
    rows = [{**ROW, left: x, right: y} for left, right in itertools.pairwise(free) for x in odd for y in odd]
    distinct = {tuple(r.values()) for r in rows}
    assert len(set(hashed(tmp_path / "rows", *rows))) == len(distinct)


def test_a_parts_content_hash_is_over_its_rows_in_any_order():
    def kept(order):
        hashes = np.frombuffer("".join("bca"[n] * 64 for n in order).encode(), np.uint8).reshape(-1, 64)
        return Kept([], hashes, np.array([0, 1, 0])[order], ["p", "q"])

    expected = {"p": parts.Wanted(sha("a" * 64 + "b" * 64), 2), "q": parts.Wanted(sha("c" * 64), 1)}
    assert alone.wanted(kept([0, 1, 2])) == expected == alone.wanted(kept([2, 0, 1]))


def test_of_some_parts_only_their_records_are_shown_in_the_order_in_which_they_are_written(run, monkeypatch):
    kept = alone.kept(run, "demo-1", LICENCES)
    for name, records in (("alpha|a.txt", TEXTS[:-1]), ("beta|", TEXTS[-1:])):
        rows = kept.of([f"{sha(name)[:2]}-1-0"]).to_pylist()
        assert [r["record_id"] for r in rows] == sorted(t.record_id for t in records)
    assert kept.of([]).num_rows == 0
    monkeypatch.setattr(parts, "ROWS", 1)
    lie = [(r["part"], r["record_id"]) for r in shown(run)]
    assert lie == sorted(lie) and len({part for part, _ in lie}) > 3


def test_a_licence_is_the_one_of_its_source_and_part_however_it_is_written(run):
    odd = [("alpha", "all", "LicenseRef-'); DROP|\"\\{}ä"), ("beta", "all", ""), ("beta", "a'b|*", "MIT")]
    licences = [*odd, ("alpha", "other", "no")]
    kept, found = alone.kept(run, "demo-1", licences), shown(run, licences)
    ids = [record for rows in kept.rows for record in rows.column("record_id").to_pylist()]
    hashes = dict(zip(ids, (bytes(h).decode() for h in kept.hashes), strict=True))
    said = {"alpha": odd[0][2], "beta": ""}
    assert {(r["source_id"], r["licence"]) for r in found} == set(said.items())
    for row in found:
        free = {n: row[n] for n in ("language", "url", "licence", "role", "speaker")}
        told = {n: "" if v is None else sha(v) for n, v in free.items()}
        turn = "" if row["turn"] is None else row["turn"]
        assert hashes[row["record_id"]] == sha("|".join(map(str, [
            row["record_id"], row["source_id"], told["language"], told["url"], told["licence"], told["role"],
            row["group_id"] or "", turn, told["speaker"], row["released_sha256"],
        ])))  # fmt: skip


@pytest.mark.parametrize("named", [True, False], ids=["by name", "the batch is gone through"])
def test_texts_are_masked_and_the_next_release_takes_from_the_earlier_files_what_they_have(
    run, tmp_path, monkeypatch, named
):
    monkeypatch.setattr(alone, "NAMED", alone.NAMED if named else 0)
    _, first = written(run, tmp_path / "demo-1")
    assert [w["wrong"] for w in first] == [0, 0] and sum(w["records"] for w in first) == len(TEXTS)
    notices = {record: n for w in first for record, n in json.loads(w["notices"]).items()}
    assert notices == {PHONE.record_id: 1}

    more = [*TEXTS, Text("新的", key="new")]
    judged(run.place, more)
    lay(run.place, "demo-2", more)
    _, anew = written(run, tmp_path / "anew", "demo-2")
    asked = []
    real = store.stream
    monkeypatch.setattr(store, "stream", lambda place, sql, names: asked.append(sql) or real(place, sql, names))
    only_new = [d for d in store.read(run.place, "document").to_pylist() if d["text"] == "新的"]
    store.replace(run.place, "document", [{**d, "batch_id": "batch-new"} for d in only_new], "TRUE", "test")
    linked, fresh = written(run, tmp_path / "demo-2", "demo-2", tmp_path / "demo-1")
    assert [f["records"] for f in linked] == [1] and [w["wrong"] for w in fresh] == [0]
    also = f" AND lower(text_sha256) IN ('{only_new[0]['text_sha256']}')" if named else ""
    whole = "SELECT text_sha256, text FROM document WHERE batch_id IN ('batch-new')"
    assert [q for q in asked if " text " in q] == [whole + also]
    assert sorted(map(str, linked + fresh)) == sorted(map(str, anew))


def test_texts_of_many_batches_are_asked_for_in_turns(run, tmp_path, monkeypatch):
    """Up to `NAMED` texts of each batch are asked for by name, and batches are many: the engine dies of a long list."""
    _, at_once = written(run, tmp_path / "at-once")
    monkeypatch.setattr("corpusgate.lake.alone.AT_ONCE", 2)
    asked, real = [], store.stream
    monkeypatch.setattr(store, "stream", lambda place, sql, names: asked.append(sql) or real(place, sql, names))
    _, in_turns = written(run, tmp_path / "in-turns")
    assert in_turns == at_once and [w["wrong"] for w in in_turns] == [0, 0]
    named = [q.partition("lower(text_sha256) IN ")[2].count(", ") + 1 for q in asked if " text " in q]
    assert named == [2, 2, 2, 1]


def test_what_lies_in_another_part_now_is_not_taken_from_its_old_file(run, tmp_path):
    """With the file of its part stands how many of a record's masks lie inside notices."""
    written(run, tmp_path / "demo-1")
    rows = store.read(run.place, "record").to_pylist()
    moved = [{**r, "acquisition_id": "acq-beta"} if r["record_id"] == PHONE.record_id else r for r in rows]
    store.replace(run.place, "record", moved, "TRUE", "test")
    lay(run.place, "demo-2", TEXTS)
    _, fresh = written(run, tmp_path / "demo-2", "demo-2", tmp_path / "demo-1")
    assert [w["notices"] for w in fresh if w["records"] > 1] == ["{}"] and len(fresh) == 2
    assert sum(len(json.loads(w["notices"])) for w in fresh) == 1


def test_how_much_is_gathered_at_a_time_changes_no_byte(run, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROWS", 1)
    _, whole = written(run, tmp_path / "whole")
    monkeypatch.setattr(alone, "ROUND", 30)
    _, pieces = written(run, tmp_path / "pieces")
    assert whole == pieces and len(whole) > 3


def test_a_round_holds_whole_parts_up_to_its_bound():
    rows = [("a", 4), ("a", 4), ("b", 3), ("c", None), ("c", 0), ("d", 12)]
    found = pa.Table.from_pylist([{"part": part, "bytes": size} for part, size in rows])

    def gathered(most):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(alone, "ROUND", most)
            rounds = list(alone.rounds(found))
        assert all(rows["part"].unique().to_pylist() == [part] for some in rounds for part, rows in some)
        return ["".join(part * rows.num_rows for part, rows in some) for some in rounds]

    assert gathered(10) == ["aa", "bcc", "d"] and gathered(11) == ["aabcc", "d"]
    assert gathered(1000) == ["aabccd"] and gathered(1) == ["aa", "b", "cc", "d"]
    assert list(alone.rounds(found.slice(0, 0))) == []


def test_an_earlier_file_that_is_not_as_it_was_written_gives_no_text(run, tmp_path):
    written(run, tmp_path / "demo-1")
    before = parts.earlier(tmp_path / "demo-1")
    (first, second), texts = sorted(before.files), {t.record_id: released(t) for t in TEXTS}
    found = [before.texts(part).to_pylist() for part in (first, second)]
    assert {r["record_id"]: r["text"] for rows in found for r in rows} == texts
    path = tmp_path / "demo-1" / before.files[first]["path"]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    (tmp_path / "demo-1" / before.files[second]["path"]).unlink()
    assert [before.texts(part) for part in (first, second, "ff-1-0")] == [None] * 3
    lay(run.place, "demo-2", TEXTS)
    linked, fresh = written(run, tmp_path / "demo-2", "demo-2", tmp_path / "demo-1")
    assert not linked and [w["wrong"] for w in fresh] == [0, 0]
    assert sum(len(json.loads(w["notices"])) for w in fresh) == 1


def test_a_text_that_is_gone_or_lies_twice_shows_in_the_count_and_another_text_is_wrong(run, tmp_path):
    document = store.read(run.place, "document").to_pylist()
    phone, first, second = (next(d for d in document if d["text"] == t.text) for t in TEXTS[:3])
    rest = [d for d in document if d not in (phone, first, second)]
    store.replace(run.place, "document", [*rest, first, {**second, "text": "别的"}], "TRUE", "test")
    _, made = written(run, tmp_path / "gone")
    assert sum(w["records"] for w in made) == len(TEXTS) - 1
    assert [(w["wrong"], w["first_wrong"]) for w in made if w["wrong"]] == [(1, TEXTS[2].record_id)]
    store.replace(run.place, "document", [*document, {**first, "batch_id": "batch-beta"}], "TRUE", "test")
    _, made = written(run, tmp_path / "twice")
    assert sum(w["records"] for w in made) == len(TEXTS) + 1


def candidate(run, texts):
    """The run's candidate, judged and ready to be published."""
    record_counts = {s: {"kept": {"": sum(t.source == s for t in texts)}} for s in ("alpha", "beta")}
    manifest = build(
        run, buckets=buckets_of([t.record_id for t in texts]), counts=record_counts, digests=digests(run), detectors={},
        languages={"served": ["zh"], "dropped": []}, sources=sources_of(run, ["alpha", "beta"], {}), samples=[],
    )  # fmt: skip
    write_candidate(run, manifest, {})
    release = release_id(manifest)
    lay(run.place, release, texts)
    facts = {"release_id": release, "manifest_root": manifest_root(manifest), "parent": {"trial": None, "filing": None}}
    run.write(StepResult(step="decide", unit="record", rows_in=len(texts), kept=len(texts), facts=facts))
    gate(run)
    return release


def test_no_spark_is_so_much_as_imported(run):
    release = candidate(run, TEXTS)
    code = (
        "import sys; from pathlib import Path; from corpusgate.release.job import publish\n"
        "from corpusgate.lake.run import open_run; from corpusgate.settings.place import Place\n"
        "from corpusgate_testing.decide import AT; h = Path(sys.argv[1])\n"
        "run = open_run(Place(h, h / 'conf', h / 'lake', h / 'var'), 'demo', 'run-1', AT)\n"
        "print(publish(run).state, 'pyspark' in sys.modules)"
    )
    arguments = [sys.executable, "-c", code, str(run.place.home)]
    paths = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run(arguments, capture_output=True, text=True, env=paths, check=False)
    assert done.stdout.split() == ["ok", "False"], done.stderr
    assert texts_of(run.place, release) == {t.record_id: released(t) for t in TEXTS}
    assert not [p for p in verify(run.place, release) if "file" in p or "text" in p]


def test_a_release_of_nothing_is_one(run):
    release = candidate(run, [])
    assert publish(run).state == "ok" and texts_of(run.place, release) == {}
    assert read_pointer(run.place, "demo", "trial")["release_id"] == release


def test_beyond_the_profiles_limit_spark_does_it(run, monkeypatch):
    release, asked = candidate(run, TEXTS), []
    spark = SimpleNamespace(kept=lambda *given: asked.append(given), wanted=lambda _: {})
    monkeypatch.setattr("corpusgate.release.frames", spark, raising=False)
    for most in (len(TEXTS) - 1, len(TEXTS)):
        monkeypatch.setattr(job, "load_profile", lambda place, most=most: Profile(alone_records=most))
        if most < len(TEXTS):
            with pytest.raises(CorpusgateError, match="of 7 records 0 could be written"):
                publish(run)
            assert asked == [(run, release, [("alpha", "all", "CC0-1.0"), ("beta", "all", "CC0-1.0")])]
        else:
            assert publish(run).state == "ok" and len(asked) == 1
