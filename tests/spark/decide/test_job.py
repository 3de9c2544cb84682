"""Deciding about every record: order of the rules, masks, survivors, accounting; what a candidate depends on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from corpusgate.decide.job import decide
from corpusgate.decide.rules import parse_mask_set, text_sha256
from corpusgate.errors import CorpusgateError, Unreconciled
from corpusgate.intake.detectors import personal_information
from corpusgate.intake.detectors.batch import make_batch
from corpusgate.intake.detectors.contamination import mark_of
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.detectors.signature import sign
from corpusgate.intake.rules import detector_version
from corpusgate.lake import store
from corpusgate.release.manifest import candidate_folder
from corpusgate.review.draw import redraw
from corpusgate_testing.decide import AT, VERSIONS, Text, World, judged
from corpusgate_testing.lake import duplicates, place_in, rows
from corpusgate_testing.near import edited, text_of

PHONE = "电话13800138000找张三"  # characters 2 to 13 are the number
CORPUS = [
    *(Text(f"一段没有问题的文字，第{n}段。", source=s, key=f"{s}{n}") for s in ("alpha", "beta") for n in range(6)),
    Text(PHONE, key="phone", personal=((2, 13, "pi_mobile"),)),
    Text("电话13900139000找张三", source="beta", key="phone", personal=((2, 13, "pi_mobile"),)),
    Text("坏话连篇", key="bad", weights=(("a1a", 0.6), ("a2b", 0.3), ("a3a", 0.1))),
    Text("半句坏话", key="half", weights=(("a1a", 0.9), ("a5a", 0.9))),
    Text("Guten Tag, wie geht es Ihnen?", key="german", language="de"),
    Text("嗯", key="short", language="und"),
    Text("过时的条文", key="old", source_rule="law-not-in-force", weights=(("a1a", 2.0),)),
    Text("证件号11010119900307123X", key="id", personal=((3, 21, "pi_id"),)),
    Text("相同", key="late"),
    Text("相同", key="early", source="beta", first_acquired_at=AT - timedelta(days=1)),
]
WORLD = World(policy={"personal_information": {"pi_id": "remove", "pi_mobile": "mask"}})
pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("engine")]  # Spark on a busy machine
OUT = ("decision", "release_record", "sample", "sample_item")


def new_place(tmp_path_factory, name):
    made = place_in(tmp_path_factory.mktemp(name))
    store.ensure_tables(made)
    return made


def outcome_of(place, texts):
    """source/key -> rule, or 'kept'."""
    rules = {r["record_id"]: r["rule"] for r in rows(place, "decision")}
    rules |= {r["record_id"]: "kept" for r in rows(place, "release_record")}
    return {f"{t.source}/{t.key}": rules[t.record_id] for t in texts}


@pytest.fixture(scope="module")
def decided(spark, tmp_path_factory):
    """The plain corpus, decided once: its lake and the step's result. Tests that use it only read."""
    place = new_place(tmp_path_factory, "plain")
    run = judged(place, CORPUS, world=WORLD)
    return place, run.write(decide(run))


def test_each_record_has_one_outcome_by_the_first_rule_that_holds(decided):
    place, result = decided
    found = outcome_of(place, CORPUS)
    assert found["alpha/bad"] == "keyword"  # 0.6 + 0.3 + 0.1 is 1, though not in every order of doubles
    assert found["alpha/half"] == "kept"  # A.5 does not count
    assert found["alpha/german"] == "language_not_served"
    assert found["alpha/short"] == "kept"
    assert found["alpha/old"] == "law-not-in-force"  # before keyword
    assert found["alpha/id"] == "personal_information"
    assert (result.rows_in, result.kept, result.removed, result.errored) == (22, 10, 12, 0)
    assert result.removed_by_rule == {
        "keyword": 1, "language_not_served": 1, "law-not-in-force": 1, "personal_information": 1, "exact_duplicate": 8,
    }  # fmt: skip
    assert not duplicates(place, "decision") and not duplicates(place, "release_record")


def test_masked_values_are_in_no_released_text_and_masks_make_duplicates(decided):
    place, _ = decided
    masked = [r for r in rows(place, "release_record") if r["mask_set"]]
    assert [r["mask_set"] for r in masked] == ["pi_mobile:2-13"]
    assert masked[0]["released_sha256"] == text_sha256("电话[pi_mobile]找张三")
    assert masked[0]["characters"] == len("电话[pi_mobile]找张三")
    copies = [r for r in rows(place, "decision") if r["cluster"] == masked[0]["released_sha256"]]
    assert [(r["rule"], r["survivor"]) for r in copies] == [("exact_duplicate", masked[0]["record_id"])]


def test_of_copies_the_first_acquired_survives_then_the_smallest_id(decided):
    place, _ = decided
    found = outcome_of(place, CORPUS)
    assert (found["beta/early"], found["alpha/late"]) == ("kept", "exact_duplicate")
    for n in range(6):
        pair = sorted((t for t in CORPUS if t.key in (f"alpha{n}", f"beta{n}")), key=lambda t: t.record_id)
        assert [found[f"{t.source}/{t.key}"] for t in pair] == ["kept", "exact_duplicate"]


def test_samples_are_drawn_from_what_is_kept_and_redrawn_in_order_without_spark(decided):
    place, result = decided
    by_control = {s["control_id"]: s for s in rows(place, "sample")}
    assert {c: s["size"] for c, s in by_control.items()} == {"45654-4-2-1-manual": 10, "45654-4-2-1-technical": 1}
    assert sorted(result.facts["samples"]) == sorted(s["sample_id"] for s in by_control.values())
    for sample in by_control.values():
        recorded, again = redraw(place, sample["sample_id"])
        assert len(recorded) == sample["size"] and recorded == again
        assert sample["frame_rows"] == 10


def test_the_candidate_is_the_same_at_any_partitioning_run_and_time(spark, decided, tmp_path_factory):
    place, other = decided[0], new_place(tmp_path_factory, "seven")
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", 7)
    spark.conf.set("spark.sql.adaptive.enabled", "false")  # it would put seven small partitions together
    try:
        run = judged(other, list(reversed(CORPUS)), world=WORLD, run_id="run-2", at=AT + timedelta(days=1))
        facts = decide(run).facts
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
        spark.conf.set("spark.sql.adaptive.enabled", "true")
    assert facts == decided[1].facts
    manifests = [(candidate_folder(p, facts["release_id"]) / "manifest.json").read_bytes() for p in (place, other)]
    assert manifests[0] == manifests[1]
    for table in ("decision", "release_record", "sample_item"):
        assert rows(place, table) == rows(other, table)


def test_deciding_again_writes_nothing(spark, decided):
    place, first = decided
    before = [store.version(place, t) for t in OUT]
    again = decide(judged(place, CORPUS, world=WORLD, run_id="run-2", keep_tables=True))
    assert again.facts == first.facts
    assert [store.version(place, t) for t in OUT] == before


def test_another_decision_is_another_release(spark, place, decided):
    changed = [replace(t, weights=(("a3a", 1.0),)) if t.key == "short" else t for t in CORPUS]
    result = decide(judged(place, changed, world=WORLD))
    assert result.facts["release_id"] != decided[1].facts["release_id"]
    assert result.facts["leaves_root"] != decided[1].facts["leaves_root"]


DETECTOR = personal_information.prepare(Kit("", "", None, None))
NUMBERS = [f"138{n:08d}" for n in range(30)]
NEAR = text_of(1)
LIST = "。".join(f"请打电话{n}联系" for n in NUMBERS)
ODD = [
    *(Text(f"第{n}段", source=s, key=f"{s}{n}") for n, s in enumerate(("alpha", "beta", "gamma", "gamma"))),
    Text("An English text of one source alone.", language="en", key="en"),
    Text("The same English text.", language="en", key="same-en", first_acquired_at=AT - timedelta(days=1)),
    Text(NEAR, key="first", first_acquired_at=AT - timedelta(days=1)),
    Text(edited(NEAR, 0.01), source="beta", key="nearly"),
    Text("短", key="beyond", personal=((0, 40, "pi_mobile"),)),
    Text("电话13700137000", key="gone", personal=((2, 13, "pi_mobile"),)),
    Text("电话13800138000找李四", key="basis", basis="consent 7", personal=((2, 13, "pi_mobile"),)),
    Text(PHONE, source="beta", key="no-basis", personal=((2, 13, "pi_mobile"),)),
    Text(LIST, key="list", counted=30, personal=tuple(
        (f.start, f.end, f.risk) for f in DETECTOR.find(make_batch([LIST]))[0] if f.risk == "pi_mobile")),
]  # fmt: skip


@pytest.fixture(scope="module")
def odd(spark, tmp_path_factory):
    """A held source, a language of one provider, texts that cannot be masked, a basis for keeping numbers."""
    place = new_place(tmp_path_factory, "odd")
    world = World(
        providers={"alpha": "a.example", "beta": "b.example", "gamma": "c.example"}, languages=("zh", "en"),
        policy={"personal_information": {"pi_mobile": "keep"}},
    )  # fmt: skip
    own = f"personal_information-{DETECTOR.version} pi_check-1"
    versions = {**VERSIONS, "personal_information": own, "signature": "minhash-test"}
    run = judged(place, ODD, world=world, held={"gamma": "45654-4-1-1-b"}, versions=versions)
    signed = [t for t in ODD if t.key in ("first", "nearly")]
    for text, signature in zip(signed, sign([t.text for t in signed]), strict=True):
        row = {"text_sha256": text.sha256, "batch_id": f"batch-{text.source}", "algorithm": "minhash-test"}
        batch = f"batch_id = '{row['batch_id']}'"
        store.replace(place, "signature", [{**row, "signature": signature}], batch, "made by a test")
    gone = next(t for t in ODD if t.key == "gone")
    store.replace(place, "document", [], f"text_sha256 = '{gone.sha256}'", "made by a test")
    return place, decide(run)


def test_a_held_source_is_removed_whole_and_named(odd):
    assert odd[1].facts["removed_by_rule_and_source"]["gamma"] == {"source_held": 2}


def test_a_language_of_one_provider_is_dropped_from_the_run(odd):
    place, result = odd
    assert result.facts["languages_dropped"] == ["en"]
    assert outcome_of(place, ODD)["alpha/en"] == outcome_of(place, ODD)["alpha/same-en"] == "language_not_served"


def test_a_near_duplicate_goes_where_texts_are_signed_and_its_survivor_is_named(odd, decided):
    place, result = odd
    pair = {t.key: t for t in ODD if t.key in ("first", "nearly")}
    found = next(d for d in rows(place, "decision") if d["record_id"] == pair["nearly"].record_id)
    assert (found["rule"], found["survivor"]) == ("near_duplicate", pair["first"].record_id)
    assert result.facts["near_duplicates"] == "judged"
    assert decided[1].facts["near_duplicates"] == "not judged"  # nothing was signed there


def test_what_cannot_be_masked_is_errored_never_released(odd):
    place, result = odd
    found = outcome_of(place, ODD)
    assert result.errored == 2
    assert (found["alpha/beyond"], found["alpha/gone"]) == ("span_out_of_range", "document_missing")


def test_personal_information_stays_only_with_a_basis_and_a_policy_that_keeps_it(odd):
    masks = {r["record_id"]: r["mask_set"] for r in rows(odd[0], "release_record")}
    by_key = {t.key: masks.get(t.record_id) for t in ODD}
    assert (by_key["basis"], by_key["no-basis"]) == ("", "pi_mobile:2-13")


def test_masks_of_a_text_with_more_matches_than_findings_cover_all_of_them(odd):
    text = next(t for t in ODD if t.key == "list")
    assert len(text.personal) < len(NUMBERS)
    masks = {r["record_id"]: r["mask_set"] for r in rows(odd[0], "release_record")}[text.record_id]
    assert [(s.start, s.end) for s in parse_mask_set(masks)] == [(LIST.index(n), LIST.index(n) + 11) for n in NUMBERS]


def test_a_record_more_or_less_than_intake_took_in_stops_the_run(spark, place):
    run = judged(place, CORPUS, world=WORLD)
    store.replace(place, "record", [], f"record_id = '{CORPUS[0].record_id}'", "made by a test")
    with pytest.raises(Unreconciled, match="alpha: 14 taken in, 13 found"):
        decide(run)
    assert rows(place, "decision") == []


def test_without_a_source_gate_nothing_is_decided(place):
    run = judged(place, CORPUS, world=WORLD)
    (run.folder / "source_gate.json").unlink()
    with pytest.raises(CorpusgateError, match="source_gate"):
        decide(run)


def test_a_policy_that_asks_for_near_duplicates_of_unsigned_texts_decides_nothing(place):
    run = judged(place, CORPUS, world=World(policy={**WORLD.policy, "near_duplicates": {}}))
    with pytest.raises(CorpusgateError, match=r"signed no text of this run.*near_duplicates to null"):
        decide(run)
    assert rows(place, "decision") == rows(place, "release_record") == []


def with_set(place, treatment, text="这是考题的原文。"):
    """A run over three texts of which one overlaps with the test set `quiz`, which the policy treats so."""
    declared = {
        "title": "Quiz", "source": "https://quiz.example", "licence": "MIT", "sha256": "0" * 64, "path": "quiz.txt",
        "format": "text",
    }  # fmt: skip
    (place.conf / "test_sets").mkdir(exist_ok=True)
    (place.conf / "test_sets" / "quiz.yaml").write_text(json.dumps(declared), "utf-8")
    looked = f"contamination-1+fold.0+{mark_of('quiz', '0' * 64, ())}"
    versions = {**VERSIONS, "language_quality": f"language_quality-l1 {looked}"}
    texts = [Text(text, key="exam"), Text("无关。", key="other"), Text("也无关。", source="beta", key="third")]
    run = judged(place, texts, world=World(policy={"test_sets": {"quiz": treatment}}), versions=versions)
    found = {
        "text_sha256": texts[0].sha256, "batch_id": "batch-alpha", "family": "language_quality",
        "detector": "contamination", "version": detector_version("contamination", versions), "rule": "test_set:quiz",
        "risk": "q_contamination", "start": 0, "end": 8, "score": 1.0, "weight": 0.0, "count": 1,
    }  # fmt: skip
    store.replace(place, "finding", [found], "batch_id = 'batch-alpha'", "made by a test")
    return texts, run


@pytest.mark.parametrize(("treatment", "fate"), [("remove", "contamination"), ("report", "kept")])
def test_what_overlaps_with_a_test_set_goes_where_the_policy_says_so(spark, place, treatment, fate):
    texts, run = with_set(place, treatment)
    decide(run)
    found = outcome_of(place, texts)
    assert (found["alpha/exam"], found["alpha/other"], found["beta/third"]) == (fate, "kept", "kept")


def test_a_test_set_that_was_not_looked_for_decides_nothing(place):
    _, run = with_set(place, "report")
    path = place.conf / "test_sets" / "quiz.yaml"
    path.write_text(path.read_text("utf-8").replace("0" * 64, "1" * 64), "utf-8")
    with pytest.raises(CorpusgateError, match="names the test sets quiz, and intake did not look"):
        decide(run)


def test_signs_of_poor_text_remove_what_the_policy_names(spark, place):
    texts = [Text("坏码", key="broken"), Text("短行", key="short"), Text("好的。", source="beta", key="good")]
    run = judged(place, texts, world=World(policy={"remove_signs": ["q_mojibake"]}))
    found = [
        {"text_sha256": t.sha256, "batch_id": "batch-alpha", "family": "language_quality", "rule": risk, "risk": risk,
         "detector": "language_quality", "version": "l1", "start": 0, "end": 0, "score": 1.0, "weight": 0.0, "count": 1}
        for t, risk in zip(texts, ("q_mojibake", "q_short_lines"), strict=False)
    ]  # fmt: skip
    store.replace(place, "finding", found, "batch_id = 'batch-alpha'", "made by a test")
    decide(run)
    assert outcome_of(place, texts) == {"alpha/broken": "quality", "alpha/short": "kept", "beta/good": "kept"}
