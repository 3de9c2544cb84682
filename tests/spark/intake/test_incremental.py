"""A changed source yields only its changed records; what it no longer has is buried, and nothing is lost on the way."""

from __future__ import annotations

import pytest

from corpusgate.intake import alone, known, states
from corpusgate.intake.job import intake
from corpusgate.intake.plan import BY_BATCH
from corpusgate.lake import store
from corpusgate.lake.frames import write_slice
from corpusgate.settings.profile import Profile
from corpusgate_testing.lake import duplicates, place_in, rows
from corpusgate_testing.taken import DAYS, content, first, line, read_again, second

pytestmark = pytest.mark.timeout(600)  # whole jobs, on a machine that may be busy


def screened(made, monkeypatch, run_id, at):
    """The run's result, and how many texts its workers screened: those that were staged with one."""
    import pyarrow.parquet as pq

    from corpusgate.intake import job

    seen = []
    real = job._store

    def spy(session, place, staging, *rest):
        table = pq.read_table(staging.rows, columns=["text_sha256", "text"])
        seen.extend({h for h, t in zip(*(c.to_pylist() for c in table.columns), strict=True) if t is not None})
        return real(session, place, staging, *rest)

    monkeypatch.setattr(job, "_store", spy)
    result = intake(made.run(run_id, at))
    monkeypatch.setattr(job, "_store", real)
    return result, len(seen)


def test_what_changed_is_read_what_is_new_is_screened_and_the_result_is_that_of_a_full_rebuild(
    spark, made, tmp_path, monkeypatch
):
    before = intake(first(made).run("r1", DAYS[0]))
    assert (before.kept, before.removed, before.errored) == (20, 2, 2)
    result, texts = screened(second(made), monkeypatch, "r2", DAYS[1])
    assert (result.facts["read"], result.facts["carried"]) == ({"s": 2}, {"s": 1})
    assert (texts, result.facts["texts"]) == (2, 2)  # of 12 that were read
    batch = result.facts["batches"]["s"]
    found = content(made.place, batch, BY_BATCH)

    full = made
    full.place = place_in(tmp_path / "full")
    store.ensure_tables(full.place)
    intake(first(full).run("r1", DAYS[0]))
    states.forget_report(full.place, states.read_state(full.place, "s").batch_id)
    whole, texts = screened(second(full), monkeypatch, "r2", DAYS[1])
    assert whole.facts["carried"] == {"s": 0} and texts == 16
    assert content(full.place, whole.facts["batches"]["s"], BY_BATCH) == found
    assert whole.facts["sources"] == result.facts["sources"]
    since = {r["locator"]: r["first_acquired_at"] for r in rows(full.place, "record", f"batch_id = '{batch}'")}
    assert (since["key:a2"], since["key:new"], since["key:a0"]) == (DAYS[0], DAYS[1], DAYS[1])
    assert (since["key:c1"], since["key:copy"]) == (DAYS[0], DAYS[1])  # the same record in another file
    assert not any(duplicates(full.place, n) for n in ("document", "screening", "finding", "signature"))

    monkeypatch.setattr(alone, "fits", lambda *_: True)
    for way, profile in (
        ("without Spark", Profile()),
        ("read by processes, written by Spark", Profile(alone_bytes=0, alone_records=10, processes=2)),
    ):
        made.place = place_in(tmp_path / way)
        store.ensure_tables(made.place)
        on_day_one = intake(first(made).run("r1", DAYS[0]), profile=profile)
        on_day_two = intake(second(made).run("r2", DAYS[1]), profile=profile)
        assert content(made.place, batch, BY_BATCH) == found, way
        assert on_day_one.model_dump(exclude={"seconds"}) == before.model_dump(exclude={"seconds"}), way
        assert on_day_two.model_dump(exclude={"seconds"}) == result.model_dump(exclude={"seconds"}), way


@pytest.mark.parametrize("stays", [True, False], ids=["the file stays", "the file goes"])
def test_what_is_to_be_read_again_does_not_go_over_when_the_source_changed_too(spark, made, stays):
    result, changed = read_again(made, stays)
    assert result.facts["carried"] == {"s": 2}
    there = rows(made.place, "record", f"batch_id = '{result.facts['batches']['s']}'")
    assert sorted(r["locator"] for r in there) == sorted(f"key:{x['id']}" for of in changed.values() for x in of)
    buried = {r["locator"] for r in rows(made.place, "tombstone")}
    assert buried == {"key:0-1", *(() if stays else ("key:1-0", "key:1-1"))}


def test_what_a_source_no_longer_has_is_buried_and_what_returns_is_not(spark, made):
    intake(first(made).run("r1", DAYS[0]))
    state = states.read_state(made.place, "s").batch_id
    result = intake(second(made).run("r2", DAYS[1]))
    assert result.facts["vanished"] == {"s": 6} and "6 gone from their sources" in result.because
    graves = {r["locator"]: r for r in rows(made.place, "tombstone")}
    assert set(graves) == {"key:a0", "key:a1", "key:c3", "key:c4", "key:c5", "key:s"}
    grave = graves["key:a1"]
    assert (grave["last_batch_id"], grave["vanished_in"], grave["vanished_at"]) == (state, "r2", DAYS[1])
    assert (grave["because"], grave["first_acquired_at"], grave["returned_in"]) == ("gone_from_source", DAYS[0], None)
    assert intake(second(made).run("r3", DAYS[2])).facts["vanished"] == {}, "said once"

    back = intake(first(made).run("r4", DAYS[3]))
    assert (back.facts["reused"], back.facts["returned"]) == (["s"], {"s": 6})
    open_now = {r["locator"] for r in rows(made.place, "tombstone", "returned_in IS NULL")}
    assert open_now == {"key:a0", "key:new", "key:copy"}
    assert {r["returned_in"] for r in rows(made.place, "tombstone") if r["locator"] == "key:a1"} == {"r4"}


def test_a_twin_comes_back_when_the_file_that_had_its_place_goes(spark, made):
    result = intake(first(made).run("r1", DAYS[0]))
    assert result.removed == 2
    both = next(r for r in rows(made.place, "record") if r["locator"] == "key:both")
    names = {r["acquisition_id"]: r["name"] for r in rows(made.place, "acquisition")}
    first(made, DAYS[1])
    del made.raw["s"][names[both["acquisition_id"]]]
    result = intake(made.run("r2", DAYS[1]))
    batch = result.facts["batches"]["s"]
    assert result.removed == 1, "what stands twice in one file stays so"
    there = rows(made.place, "record", f"batch_id = '{batch}' AND locator = 'key:both'")
    assert [names[r["acquisition_id"]] for r in there] != [names[both["acquisition_id"]]] and len(there) == 1
    assert there[0]["first_acquired_at"] == DAYS[0]
    assert not [r for r in rows(made.place, "tombstone") if r["locator"] == "key:both"]


def test_a_new_file_that_comes_first_takes_the_place_of_a_twin_that_was_there(spark, made):
    """Which of two files keeps a twin does not depend on which came earlier."""
    lines = {f"{n}.jsonl": [line("same"), line(f"own{n}")] for n in range(8)}
    kept = {}
    for order in (list(lines), list(reversed(lines))):
        made.files("t", {})
        for day, name in zip(range(3), (order[:3], order[:5], order), strict=True):
            made.files("t", {n: lines[n] for n in name}, DAYS[day])
            result = intake(made.run(f"{order[0]}-{day}", DAYS[day]))
            assert (result.kept, result.removed) == (len(name) + 1, len(name) - 1)
        (row,) = rows(made.place, "record", f"batch_id = '{result.facts['batches']['t']}' AND locator = 'key:same'")
        kept[order[0]] = row["acquisition_id"]
        for name in ("record", "document", "screening", "finding", "signature", "quarantine", "acquisition"):
            store.replace(made.place, name, [], "TRUE", "a test")
        for file in (made.place.lake / "_batches").iterdir():
            file.unlink()
        (made.place.lake / "_states" / "t.json").unlink()
    assert len(set(kept.values())) == 1


def test_killed_between_slices_and_started_again_a_changed_source_loses_nothing(spark, made, tmp_path):
    def killed_after(slices):
        left = [slices]

        def write(*given):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            write_slice(*given)

        return write

    intake(first(made).run("r1", DAYS[0]))
    for slices in (1, 3, 5):
        with pytest.raises(KeyboardInterrupt):
            intake(second(made).run("r2", DAYS[1]), killed_after(slices))
    result = intake(second(made).run("r2", DAYS[1]))
    disturbed = content(made.place, result.facts["batches"]["s"], BY_BATCH), rows(made.place, "tombstone")
    made.place = place_in(tmp_path / "undisturbed")
    store.ensure_tables(made.place)
    intake(first(made).run("r1", DAYS[0]))
    result = intake(second(made).run("r2", DAYS[1]))
    assert disturbed == (content(made.place, result.facts["batches"]["s"], BY_BATCH), rows(made.place, "tombstone"))


def test_another_declaration_reads_anew_but_screens_no_text_again(spark, made, monkeypatch):
    intake(first(made).run("r1", DAYS[0]))
    batch = states.read_state(made.place, "s").batch_id
    before = content(made.place, batch, ("document", "screening", "finding", "signature"))
    made.files("s", {}, DAYS[1], ignore=["nothing"])
    files = dict(first(made).raw["s"])
    made.sources["s"]["reader"]["ignore"] = ["nothing"]
    made.raw["s"] = files
    result, texts = screened(made, monkeypatch, "r2", DAYS[1])
    assert result.facts["batches"]["s"] == batch and result.facts["read"] == {"s": 3}
    assert texts == 0, "the texts are known, whoever reads them again"
    assert content(made.place, batch, ("document", "screening", "finding", "signature")) == before
    assert rows(made.place, "tombstone") == []


def test_a_text_that_only_begins_like_a_known_one_is_screened(spark, made, monkeypatch):
    monkeypatch.setattr(known, "DIGITS", 16)
    intake(first(made).run("r1", DAYS[0]))
    real = known.prefixes
    # In the driver alone: every prefix that there can be, so that the workers take all for known.
    monkeypatch.setattr(known, "write", lambda place, batches, path: _everything(second(made), path, real))
    result = intake(second(made).run("r2", DAYS[1]))
    batch = result.facts["batches"]["s"]
    texts = {r["text_sha256"] for r in rows(made.place, "record", f"batch_id = '{batch}'")}
    assert texts <= {r["text_sha256"] for r in rows(made.place, "document")}
    assert all(r["language"] for r in rows(made.place, "record", f"batch_id = '{batch}'"))


def _everything(made, path, prefixes):
    """A file of prefixes that holds those of texts which nobody has screened."""
    import json

    import numpy as np

    from corpusgate.intake.rules import stored_text, text_sha256

    found = []
    for raw in made.raw["s"].values():
        for one in raw.decode().splitlines():
            if one != "{":
                found.append(text_sha256(stored_text(json.loads(one)["text"])))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.unique(prefixes(found)))
    return len(found)
