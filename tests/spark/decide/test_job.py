"""Deciding about every record: order of the rules, masks, survivors, accounting, and a candidate that depends on nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from corpusgate.decide.job import decide
from corpusgate.decide.rules import parse_mask_set, text_sha256
from corpusgate.errors import CorpusgateError, Unreconciled
from corpusgate.lake import store
from corpusgate.release.manifest import candidate_folder
from corpusgate.review.draw import redraw
from corpusgate_testing.decide import AT, Text, World, judged
from corpusgate_testing.lake import duplicates, rows

PHONE = "电话13800138000找张三"  # characters 2 to 13 are the number
CORPUS = [
    *(Text(f"一段没有问题的文字，第{n}段。", source=s, key=f"{s}{n}") for s in ("alpha", "beta") for n in range(6)),
    Text(PHONE, key="phone", personal=((2, 13, "pi_mobile"),)),
    Text("电话13900139000找张三", source="beta", key="phone", personal=((2, 13, "pi_mobile"),)),
    Text("坏话连篇", key="bad", weights=(("a1a", 0.6), ("a2b", 0.4))),
    Text("半句坏话", key="half", weights=(("a1a", 0.9), ("a5a", 0.9))),
    Text("Guten Tag, wie geht es Ihnen?", key="german", language="de"),
    Text("嗯", key="short", language="und"),
    Text("过时的条文", key="old", source_rule="law-not-in-force", weights=(("a1a", 2.0),)),
    Text("证件号11010119900307123X", key="id", personal=((3, 21, "pi_id"),)),
]
WORLD = World(policy={"personal_information": {"pi_id": "remove", "pi_mobile": "mask"}})


def outcome_by_key(place, texts):
    """key of source/key -> rule or 'kept'."""
    rules = {r["record_id"]: r["rule"] for r in rows(place, "decision")}
    kept = {r["record_id"] for r in rows(place, "release_record")}
    return {f"{t.source}/{t.key}": "kept" if t.record_id in kept else rules[t.record_id] for t in texts}


@pytest.fixture
def decided(spark, place):
    run = judged(place, CORPUS, world=WORLD)
    return run, run.write(decide(run))


def test_each_record_has_one_outcome_by_the_first_rule_that_holds(place, decided):
    _, result = decided
    found = outcome_by_key(place, CORPUS)
    assert found["alpha/bad"] == "keyword"  # 0.6 + 0.4 reaches 1 exactly
    assert found["alpha/half"] == "kept"  # A.5 does not count
    assert found["alpha/german"] == "language_not_served"
    assert found["alpha/short"] == "kept"
    assert found["alpha/old"] == "law-not-in-force"  # before keyword
    assert found["alpha/id"] == "personal_information"
    assert (result.rows_in, result.kept, result.removed, result.errored) == (20, 9, 11, 0)
    assert result.removed_by_rule == {
        "keyword": 1, "language_not_served": 1, "law-not-in-force": 1, "personal_information": 1, "exact_duplicate": 7,
    }  # fmt: skip
    assert not duplicates(place, "decision") and not duplicates(place, "release_record")


def test_masked_values_are_in_no_released_text_and_masks_make_duplicates(place, decided):
    kept = [r for r in rows(place, "release_record") if r["mask_set"]]
    assert [r["mask_set"] for r in kept] == ["pi_mobile:2-13"]
    assert kept[0]["released_sha256"] == text_sha256("电话[pi_mobile]找张三")
    assert kept[0]["characters"] == len("电话[pi_mobile]找张三")
    copies = [r for r in rows(place, "decision") if r["cluster"] == kept[0]["released_sha256"]]
    assert [(r["rule"], r["survivor"]) for r in copies] == [("exact_duplicate", kept[0]["record_id"])]


def test_the_first_acquired_copy_survives_then_the_smallest_id(spark, place):
    early = [Text("相同", key="late", first_acquired_at=AT), Text("相同", source="beta", first_acquired_at=AT - timedelta(1))]
    tie = [Text("一样", key=k) for k in "abc"]
    decide(judged(place, [*early, *tie]))
    kept = {r["record_id"] for r in rows(place, "release_record")}
    # nothing of one language stands on one provider alone here: both sources keep a record
    assert kept == {early[1].record_id, min(t.record_id for t in tie)}


def test_a_held_source_is_removed_whole_and_named(spark, place):
    texts = [*CORPUS, *(Text(f"第三家的文字{n}", source="gamma", key=str(n)) for n in range(3))]
    world = replace(WORLD, providers={"alpha": "a.example", "beta": "b.example", "gamma": "c.example"})
    result = decide(judged(place, texts, world=world, held={"gamma": "45654-4-1-1-b"}))
    assert result.facts["removed_by_rule_and_source"]["gamma"] == {"source_held": 3}


def test_a_language_of_one_provider_is_dropped_from_the_run(spark, place):
    texts = [*CORPUS, Text("An English text of one source alone.", language="en", key="en")]
    result = decide(judged(place, texts, world=replace(WORLD, languages=("zh", "en"))))
    assert result.facts["languages_dropped"] == ["en"]
    assert outcome_by_key(place, texts)["alpha/en"] == "language_not_served"


def test_personal_information_stays_only_with_a_basis_and_a_policy_that_keeps_it(spark, place):
    texts = [
        Text(PHONE, key="basis", basis="consent 7", personal=((2, 13, "pi_mobile"),)),
        Text(PHONE, source="beta", key="none", personal=((2, 13, "pi_mobile"),)),
    ]
    decide(judged(place, texts, world=World(policy={"personal_information": {"pi_mobile": "keep"}})))
    masks = {r["record_id"]: r["mask_set"] for r in rows(place, "release_record")}
    assert masks == {texts[0].record_id: "", texts[1].record_id: "pi_mobile:2-13"}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param(Text("短", key="x", personal=((0, 40, "pi_mobile"),)), "span_out_of_range", id="span out of the text"),
        pytest.param(Text("电话13800138000", key="x", personal=((2, 13, "pi_mobile"),)), "document_missing", id="text gone"),
    ],
)
def test_what_cannot_be_masked_is_errored_never_released(spark, place, text, rule):
    run = judged(place, [*CORPUS, text], world=WORLD)
    if rule == "document_missing":
        store.replace(place, "document", [], f"text_sha256 = '{text.sha256}'", "made by a test")
    result = decide(run)
    assert result.errored == 1
    assert outcome_by_key(place, [text]) == {"alpha/x": rule}


def test_the_candidate_is_the_same_at_any_partitioning_run_and_time(spark, place, tmp_path):
    seen = []
    before = spark.conf.get("spark.sql.shuffle.partitions")
    try:
        for n, partitions in enumerate((1, 7)):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            spark.conf.set("spark.sql.adaptive.enabled", "false")
            store_where = "release_id <> ''"
            for table in ("decision", "release_record", "sample", "sample_item"):
                key = "sample_id <> ''" if table == "sample_item" else store_where
                store.replace(place, table, [], key, "made by a test")
            run = judged(place, CORPUS, world=WORLD, run_id=f"run-{n}", at=AT + timedelta(days=n))
            facts = decide(run).facts
            manifest = (candidate_folder(place, facts["release_id"]) / "manifest.json").read_bytes()
            items = rows(place, "sample_item")
            seen.append((facts, manifest, rows(place, "decision"), rows(place, "release_record"), items))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
        spark.conf.set("spark.sql.adaptive.enabled", "true")
    assert seen[0] == seen[1]
    assert len(list((place.lake / "candidates").iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda t: [*t, Text("多出来的一段", key="new")], id="a text more"),
        pytest.param(lambda t: t[1:], id="a text less"),
        pytest.param(lambda t: [replace(t[0], weights=(("a3a", 1.0),)), *t[1:]], id="another decision"),
    ],
)
def test_another_content_is_another_release(spark, place, decided, change):
    _, first = decided
    second = decide(judged(place, change(CORPUS), world=WORLD, run_id="run-2"))
    assert second.facts["release_id"] != first.facts["release_id"]
    assert second.facts["leaves_root"] != first.facts["leaves_root"]


def test_deciding_again_writes_nothing(spark, place, decided):
    tables = ("decision", "release_record", "sample", "sample_item")
    before = [store.version(place, t) for t in tables]
    again = decide(judged(place, CORPUS, world=WORLD, run_id="run-2", keep_tables=True))
    assert again.facts == decided[1].facts
    assert [store.version(place, t) for t in tables] == before


def test_samples_are_drawn_from_what_is_kept_and_can_be_redrawn_in_order_without_spark(place, decided):
    _, result = decided
    by_control = {s["control_id"]: s for s in rows(place, "sample")}
    assert {c: s["size"] for c, s in by_control.items()} == {"45654-4-2-1-manual": 9, "45654-4-2-1-technical": 1}
    assert sorted(result.facts["samples"]) == sorted(s["sample_id"] for s in by_control.values())
    for sample in by_control.values():
        recorded, again = redraw(place, sample["sample_id"])
        assert len(recorded) == sample["size"] and recorded == again
        assert sample["frame_rows"] == 9


def test_a_record_more_or_less_than_intake_took_in_stops_the_run(spark, place):
    run = judged(place, CORPUS, world=WORLD)
    store.replace(place, "record", [], f"record_id = '{CORPUS[0].record_id}'", "made by a test")
    with pytest.raises(Unreconciled, match="alpha: 14 taken in, 13 found"):
        decide(run)
    assert rows(place, "decision") == []


def test_without_a_source_gate_nothing_is_decided(spark, place):
    run = judged(place, CORPUS, world=WORLD)
    (run.folder / "source_gate.json").unlink()
    with pytest.raises(CorpusgateError, match="source_gate"):
        decide(run)


def test_masks_of_a_text_with_more_matches_than_findings_cover_all_of_them(spark, place):
    from corpusgate.intake.detectors import personal_information
    from corpusgate.intake.detectors.batch import make_batch
    from corpusgate.intake.detectors.model import Kit

    detector = personal_information.prepare(Kit("", "", None, None))
    numbers = [f"138{n:08d}" for n in range(30)]
    text = "。".join(f"请打电话{n}联系" for n in numbers)
    found = [f for f in detector.find(make_batch([text]))[0] if f.risk == "pi_mobile"]
    spans = tuple((f.start, f.end, f.risk) for f in found)
    assert len(spans) < found[0].count == 30
    run = judged(place, [Text(text, personal=spans, counted=30), Text("另一家", source="beta")], world=WORLD)
    versions = {**run.result("intake").facts["versions"], "personal_information": detector.version}
    intake = run.result("intake")
    run.write(intake.model_copy(update={"facts": {**intake.facts, "versions": versions}}))
    given = store.read(place, "finding").to_pylist()
    store.replace(place, "finding", [{**g, "version": detector.version} for g in given], "batch_id <> ''", "made by a test")
    assert decide(run).kept == 2
    masks = next(r["mask_set"] for r in rows(place, "release_record") if r["mask_set"])
    assert [(s.start, s.end) for s in parse_mask_set(masks)] == [(text.index(n), text.index(n) + 11) for n in numbers]
