"""Intake: every raw record ends somewhere, once; however it is read, killed or repeated, the tables are the same."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from corpusgate.errors import DetectorMissing
from corpusgate.intake import frames, job, plan
from corpusgate.intake.job import intake
from corpusgate.lake import store
from corpusgate.lake.frames import write_slice
from corpusgate.settings.profile import Profile
from corpusgate_testing.lake import duplicates, place_in, rows

pytestmark = pytest.mark.timeout(600)  # whole jobs, on a machine that may be busy

TEXT = "今天的天气很好，我们一起去公园里散步，然后回家吃饭。"
CALL = "请拨打13800138000联系我们，谢谢大家。"
BY_BATCH = plan.BY_BATCH


def tables(place, names=BY_BATCH):
    return {name: rows(place, name) for name in names}


def no_write(*_):
    pytest.fail("nothing had to be written")


def small(made):
    """Two sources that share texts, with twins, faults, undeclared fields, a removal rule and a held licence part."""
    rule = {"rule": "not-in-force", "field": "status", "is_in": ["repealed"], "because": "not law any more"}
    made.source("a", [
        {"id": "1", "text": TEXT, "title": "标题", "url": "https://WWW.Example.org/x"},
        {"id": "2", "text": TEXT + "二"},
        {"id": "2", "text": TEXT + "二", "title": "again"},
        "not json", "not json",
        {"id": "3", "text": CALL, "stranger": 1},
    ])  # fmt: skip
    made.source("b", [
        {"id": "1", "text": TEXT, "status": "repealed"}, {"id": "9", "text": CALL}, {"id": "10", "text": CALL},
    ], fields={"status": "status"}, remove=[rule])  # fmt: skip
    made.source("held", [{"id": "1", "text": "never read"}])
    made.source("nc", [{"id": "1", "text": "only in the part that is held"}, "{"])
    return made


def test_every_item_is_kept_removed_or_errored_and_lies_where_it_belongs(spark, made):
    run = small(made).run(held=["held"], failing=["nc"])
    result = intake(run)
    assert (result.rows_in, result.kept, result.removed, result.errored) == (11, 6, 2, 3)
    assert result.removed_by_rule == {"duplicate_locator": 1, "licence_part_held": 1}
    assert result.facts["sources"]["a"] == {
        "rows_in": 6, "kept": 3, "removed": 1, "errored": 2, "removed_by_rule": {"duplicate_locator": 1},
    }  # fmt: skip
    assert set(result.facts["sources"]) == {"a", "b", "nc"}
    assert result.facts["signals"] == {"a": {"stranger": 1}}
    assert result.facts["errored_share"]["a"] == pytest.approx(2 / 6)
    assert result.facts["texts"] == 3

    records = {(r["source_id"], r["locator"]): r for r in rows(made.place, "record")}
    assert set(records) == {("a", f"key:{n}") for n in "123"} | {("b", f"key:{n}") for n in ("1", "9", "10")}
    first = records["a", "key:1"]
    assert (first["domain"], first["title"], first["language"], first["licence_part"]) == (
        "www.example.org", "标题", "zh", "all",
    )  # fmt: skip
    assert dict(first["attributes"]) == {"title": "标题", "url": "https://WWW.Example.org/x"}
    assert (first["characters"], first["bytes"]) == (len(TEXT), len(TEXT.encode()))
    assert first["batch_id"] == result.facts["batches"]["a"]
    assert records["a", "key:2"]["title"] is None  # of twins the first is kept
    assert records["b", "key:1"]["source_rule"] == "not-in-force"  # stored: deciding is not intake's

    assert sorted(d["text"] for d in rows(made.place, "document")) == sorted([TEXT, TEXT + "二", CALL])
    assert [q["locator"] for q in rows(made.place, "quarantine") if q["source_id"] == "a"] == [
        f"a.jsonl@{q['byte_offset']}" for q in rows(made.place, "quarantine") if q["source_id"] == "a"
    ]
    assert {(q["reason"], q["state"]) for q in rows(made.place, "quarantine")} == {("not_json", "open")}
    seen = {(s["text_sha256"], s["family"], s["version"]) for s in rows(made.place, "screening")}
    assert seen == {(r["text_sha256"], *fv) for r in records.values() for fv in result.facts["versions"].items()}
    mobile = [f for f in rows(made.place, "finding") if f["risk"] == "pi_mobile" and f["value_hmac"]]
    assert [(f["start"], f["end"], f["surface"], f["family"]) for f in mobile] == [
        (3, 14, None, "personal_information")
    ]
    assert not any(duplicates(made.place, name) for name in BY_BATCH)
    acquired = {a["source_id"]: a["batch_id"] for a in rows(made.place, "acquisition")}
    assert acquired.keys() == {"a", "b", "held", "nc"} and acquired["a"] == result.facts["batches"]["a"]
    assert not (made.place.lake / "_staging" / "r1").exists()

    # The same again: everything is reused, no slice is written, and no Spark is so much as imported.
    again = intake(small(made).run("r2", held=["held"], failing=["nc"]), write=no_write)
    assert again.facts["reused"] == ["a", "b", "nc"] and again.facts["texts"] == 0
    assert again.model_dump(exclude={"facts", "because"}) == result.model_dump(exclude={"facts", "because"})
    code = (
        "import sys; from pathlib import Path; from corpusgate.intake.job import intake\n"
        "from corpusgate.lake.run import open_run; from corpusgate.settings.place import Place\n"
        "from datetime import datetime, UTC; h = Path(sys.argv[1])\n"
        "run = open_run(Place(h, h / 'conf', h / 'lake', h / 'var'), 'c', 'r2', datetime(2026, 5, 4, tzinfo=UTC))\n"
        "print(intake(run).kept, 'pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(made.place.home)], capture_output=True, text=True)
    assert done.stdout.split() == ["6", "False"], done.stderr


def test_killed_between_slices_and_started_again_it_leaves_what_an_undisturbed_run_leaves(spark, made, tmp_path):
    many = [{"id": str(n), "text": f"{TEXT * 9}{n // 2}", "title": str(n)} for n in range(400)]
    nameless = [{"text": f"{TEXT}{n % 3}"} for n in range(9)]

    def corpus():
        made.source("a", many).source("b", [*many[300:], CALL]).source("c", nameless, key=None)
        return made.run()

    def killed_after(slices: int):
        left = [slices]

        def write(*given):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            write_slice(*given)

        return write

    with pytest.raises(KeyboardInterrupt):
        intake(corpus(), killed_after(2), Profile(tasks=2))
    disturbed = intake(corpus(), None, Profile(tasks=7, split_bytes=2**16))
    found = tables(made.place)

    made.place = place_in(tmp_path / "undisturbed")
    undisturbed = intake(corpus(), None, Profile(tasks=1))
    assert found == tables(made.place)
    assert disturbed == undisturbed
    assert disturbed.kept == 509
    assert len(plan.splits(plan.batches(made.run()), Profile(split_bytes=2**16))) > 5  # read in ranges, and whole
    assert {r["locator"].rpartition("#")[2] for r in found["record"] if r["source_id"] == "c"} == {"0", "1", "2"}


def test_only_what_changed_is_read_and_what_others_need_stays(spark, made):
    made.source("a", [{"id": "1", "text": TEXT}, {"id": "2", "text": CALL}, "{"])
    first = intake(made.run())
    before = tables(made.place)

    # A new source: the other one is not read again, and a text that is known is not stored twice.
    later = made.at["a"] + timedelta(days=1)
    made.source("b", [{"id": "1", "text": CALL}, {"id": "3", "text": "新的一条"}], at=later)
    second = intake(made.run("r2", later))
    batch = second.facts["batches"]["b"]
    assert (second.facts["reused"], second.facts["texts"]) == (["a"], 1)
    assert [d["text"] for d in rows(made.place, "document", f"batch_id = '{batch}'")] == ["新的一条"]
    assert len(rows(made.place, "record", f"batch_id = '{batch}'")) == 2
    for name in BY_BATCH:  # what was there is there unchanged
        assert [r for r in rows(made.place, name) if r["batch_id"] != batch] == before[name]
    assert not any(duplicates(made.place, name) for name in ("document", "screening", "finding"))

    # Another declaration (here: a licence that is held now) reads the batch anew, under the same id. The shared text
    # stays where it was, the other one goes; what a person said of a fault is not forgotten.
    before = tables(made.place)
    fault = {
        **before["quarantine"][0],
        "state": "dismissed",
        "state_by": "data steward",
        "state_because": "a stray line",
    }
    store.replace(made.place, "quarantine", [fault], f"batch_id = '{fault['batch_id']}'", "a person")
    third = intake(made.run("r3", later, failing=["a"]))
    assert third.facts["batches"]["a"] == first.facts["batches"]["a"]
    assert third.facts["sources"]["a"]["removed_by_rule"] == {"licence_part_held": 2}
    assert third.facts["reused"] == ["b"]
    assert {r["source_id"] for r in rows(made.place, "record")} == {"b"}
    gone = {d["text_sha256"] for d in before["document"] if d["text"] == TEXT}
    for name in ("document", "screening", "finding"):
        assert rows(made.place, name) == [r for r in before[name] if r["text_sha256"] not in gone]
    assert rows(made.place, "quarantine") == [fault]


def test_other_detectors_screen_stored_texts_again_as_a_full_rebuild_would(spark, made, tmp_path):
    def corpus(run_id):
        made.source("a", [{"id": "1", "text": TEXT + "甲乙丙丁戊"}, {"id": "2", "text": CALL}, "{"])
        made.source("b", [{"id": "1", "text": CALL}])
        return made.run(run_id)

    def add_word():
        words = made.place.conf / "lexicons" / "starter" / "words.tsv"
        row = ("new-01", "甲乙丙丁", "deny", "a1h", "illegal", "1.0", "")
        words.write_text(words.read_text("utf-8").rstrip("\n") + "\n" + "\t".join(row) + "\n", "utf-8")

    first = intake(corpus("r1"))
    add_word()
    run = corpus("r2")
    shutil.rmtree(made.place.var / "a")  # raw is gone: nothing but the stored texts can have been screened
    result = intake(run)
    assert (result.facts["again"], result.facts["texts"]) == (["a", "b"], 0)
    assert result.facts["versions"] != first.facts["versions"]
    assert result.facts["sources"] == first.facts["sources"]
    found = tables(made.place)
    assert any(f["surface"] == "甲乙丙丁" for f in found["finding"])

    made.place = place_in(tmp_path / "full")
    corpus("r0")
    add_word()
    intake(corpus("r2"))
    assert found == tables(made.place)


def test_a_worker_with_another_lexicon_stops_the_job_in_words_for_a_person(spark, made):
    made.source("a", [{"id": "1", "text": TEXT}])
    todo = plan.plan(made.run())
    wrong = replace(todo, kit=replace(todo.kit, lexicon_sha256="0" * 64))
    staging = frames.Staging(Path(made.place.lake / "_staging" / "x"))
    bins = plan.bins(plan.splits(todo.read, Profile()), Profile())
    with pytest.raises(DetectorMissing, match=r"^The lexicon in .* hashes to .*, and the run names 0000"):
        with job.in_their_own_words():
            frames.read_raw(spark, staging, bins, wrong)
    assert store.read(made.place, "record").num_rows == 0
