"""Deciding about fine-tuning data: a conversation stays whole or goes whole, and says by which of its texts."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

import pytest

from corpusgate.decide.job import decide
from corpusgate.decide.rules import Member, cause_in_group, group_print
from corpusgate.evidence.explain import as_text, story
from corpusgate.intake.detectors import personal_information
from corpusgate.intake.detectors.model import Kit
from corpusgate.intake.detectors.signature import sign
from corpusgate.lake import store
from corpusgate.review.draw import GROUPS, group_digest, redraw
from corpusgate_testing.decide import AT, VERSIONS, Text, World, judged
from corpusgate_testing.lake import duplicates, place_in, rows
from corpusgate_testing.near import edited, text_of

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("engine")]  # Spark on a busy machine
SYSTEM = "请简短作答。"
NEAR = text_of(1)
RISK = (("a1a", 1.0),)


def conversation(name: str, prompt: str, chosen: str, rejected: str | None = None, source: str = "alpha", **of: dict):
    """A system prompt that all share, a prompt and answers; `prompt_`, `chosen_`, `rejected_`: more about one text."""
    said = [("prompt", 0, SYSTEM, {}), ("prompt", 1, prompt, of.get("prompt_", {}))]
    said += [("chosen", 2, chosen, of.get("chosen_", {}))]
    said += [("rejected", 2, rejected, of.get("rejected_", {}))] if rejected else []
    every = of.get("every_", {})
    return [
        Text(text, source=source, key=f"{name}#{role}/{turn}", role=role, turn=turn, group=name, **{**every, **more})
        for role, turn, text, more in said
    ]


LATER = {"first_acquired_at": AT + timedelta(days=1)}
PLAIN = [Text(f"第{n}段文字。", source=s, key=f"{s}{n}") for n, s in enumerate(("alpha", "beta", "gamma"))]
CORPUS = [
    *PLAIN,
    Text("三点", key="plain-answer"),
    *conversation("kept", "几点", "三点", "不知道"),
    *conversation("same-prompt", "几点", "五点", "不知道"),
    *conversation("copy", "几点", "三点", "不知道", source="beta", every_=LATER),
    *conversation("risky", "问", "有害的回答", "好的回答", chosen_={"weights": RISK}),
    *conversation("risky-prompt", "有害的问题", "拒绝", "顺从", prompt_={"weights": RISK}),
    *conversation("phone", "他的电话是13800138000吗", "是 138-0013-8000", "不是",
                  prompt_={"personal": ((5, 16, "pi_mobile"),)}),
    *conversation("identity", "证件11010119900307123X", "收到", prompt_={"personal": ((2, 20, "pi_id"),)}),
    *conversation("lost", "电话13700137000", "记下了", prompt_={"personal": ((2, 13, "pi_mobile"),)}),
    *conversation("unclear", "一问", "一答"), Text("又一答", key="unclear#2", role="chosen", turn=2, group="unclear"),
    *conversation("german", "怎么说", "Guten Tag, wie geht es Ihnen?", chosen_={"language": "de"}),
    *conversation("near-first", "写一段", NEAR),
    *conversation("near-copy", "写一段", edited(NEAR, 0.01), source="beta", every_=LATER),
    *conversation("near-other", "再写一段", edited(NEAR, 0.01), source="beta", every_=LATER),
    *conversation("safety", "怎样伤人", "我不能帮忙", "这样伤人", source="gamma",
                  prompt_={"weights": RISK}, rejected_={"weights": RISK}),
    *conversation("safety-bad", "怎样骗人", "这样骗人", "不行", source="gamma", chosen_={"weights": RISK}),
]  # fmt: skip
KEY = {(t.source, t.key): t for t in CORPUS}


def decided_in(place, corpus, **of):
    """The corpus, decided in an empty lake; the step's result."""
    store.ensure_tables(place)
    world = World(
        providers={"alpha": "a.example", "beta": "b.example", "gamma": "c.example"}, safety=("gamma",),
        policy={"personal_information": {"pi_id": "remove"}, "risk_allowed_in": ["prompt", "rejected"]},
    )  # fmt: skip
    detector = personal_information.prepare(Kit("", "", None, None)).version
    own = f"personal_information-{detector} pi_check-1"
    versions = {**VERSIONS, "personal_information": own, "signature": "minhash-test"}
    run = judged(place, corpus, world=world, versions=versions, **of)
    signed = {t.sha256: t for t in reversed(CORPUS) if len(t.text) > 100}
    for source in ("alpha", "beta"):
        of = [t for t in signed.values() if t.source == source]
        made = [
            {"text_sha256": t.sha256, "batch_id": f"batch-{source}", "algorithm": "minhash-test", "signature": s}
            for t, s in zip(of, sign([t.text for t in of]), strict=True)
        ]
        store.replace(place, "signature", made, f"batch_id = 'batch-{source}'", "made by a test")
    store.replace(place, "document", [], f"text_sha256 = '{KEY['alpha', 'lost#prompt/1'].sha256}'", "made by a test")
    return decide(run)


@pytest.fixture(scope="module")
def decided(spark, tmp_path_factory):
    """The corpus, decided once: its lake and the step's result. Tests only read."""
    place = place_in(tmp_path_factory.mktemp("groups"))
    return place, decided_in(place, CORPUS)


def fates(place) -> dict[str, dict[str, str]]:
    """Group -> place in it -> rule, or 'kept'."""
    rules = {r["record_id"]: r["rule"] for r in rows(place, "decision")}
    rules |= {r["record_id"]: "kept" for r in rows(place, "release_record")}
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for t in CORPUS:
        found[t.group or t.key][t.key.partition("#")[2]] = rules[t.record_id]
    return found


def test_a_group_stays_whole_or_goes_whole(decided):
    for group, members in fates(decided[0]).items():
        assert len({rule == "kept" for rule in members.values()}) == 1, group
    assert not duplicates(decided[0], "decision") and not duplicates(decided[0], "release_record")


def test_the_rest_of_a_group_names_the_rule_and_the_record_that_took_it(decided):
    place, found = decided[0], fates(decided[0])
    for group, where, rule in (
        ("risky", "chosen/2", "keyword"), ("risky-prompt", "prompt/1", "keyword"),
        ("identity", "prompt/1", "personal_information"), ("german", "chosen/2", "language_not_served"),
        ("lost", "prompt/1", "document_missing"), ("safety-bad", "chosen/2", "keyword"),
    ):  # fmt: skip
        assert found[group].pop(where) == rule, group
        assert set(found[group].values()) == {"group_member_removed"}, group
        members = [t for t in CORPUS if t.group == group]
        took = next(t for t in members if t.key.endswith(where))
        others = {t.record_id for t in members} - {took.record_id}
        rest = [d for d in rows(place, "decision") if d["record_id"] in others]
        expected = cause_in_group(Member(t.record_id, t.role, t.turn, "", rule if t is took else None) for t in members)
        assert {(d["cause"], d["cause_record"]) for d in rest} == {expected} == {(rule, took.record_id)}
    prompt = KEY["alpha", "risky#prompt/1"].record_id
    told = as_text(story(place, prompt))
    assert f"because keyword took {KEY['alpha', 'risky#chosen/2'].record_id[:12]}" in told


def test_a_shared_prompt_removes_nothing_and_an_equal_conversation_goes(decided):
    place, found = decided[0], fates(decided[0])
    assert set(found["kept"].values()) == set(found["same-prompt"].values()) == {"kept"}
    assert found["plain-answer"] == {"": "kept"}  # a text that is also an answer somewhere is no copy of it
    assert set(found["copy"].values()) == {"exact_duplicate"}
    survivors = {d["record_id"]: d for d in rows(place, "decision")}
    first = [t for t in CORPUS if t.group == "kept"]
    for t in (t for t in CORPUS if t.group == "copy"):
        there = survivors[t.record_id]
        twin = next(f for f in first if (f.role, f.turn, f.text) == (t.role, t.turn, t.text))
        assert there["survivor"] == twin.record_id
        assert there["cluster"] == group_print(Member("", f.role, f.turn, f.sha256) for f in first)


def test_groups_are_nearly_the_same_where_each_of_their_texts_is(decided):
    found = fates(decided[0])
    assert decided[1].facts["near_duplicates"] == "judged"
    assert set(found["near-first"].values()) == {"kept"}
    assert set(found["near-copy"].values()) == {"near_duplicate"}
    assert set(found["near-other"].values()) == {"kept"}  # nearly the answer, to another prompt


def test_an_identifier_is_masked_alike_in_all_texts_of_a_group(decided):
    masks = {r["record_id"]: r["mask_set"] for r in rows(decided[0], "release_record")}
    of = {t.key.partition("#")[2]: masks[t.record_id] for t in CORPUS if t.group == "phone"}
    assert of == {"prompt/0": "", "prompt/1": "pi_mobile:5-16", "chosen/2": "pi_mobile:2-15", "rejected/2": ""}


def test_two_texts_in_one_place_are_errored(decided):
    assert set(fates(decided[0])["unclear"].values()) == {"group_unclear"}
    assert decided[1].errored == 4 + 1  # and the text that is gone


def test_prompts_and_rejected_answers_of_safety_data_may_hold_risk_a_chosen_answer_never(decided):
    found = fates(decided[0])
    assert set(found["safety"].values()) == {"kept"}
    assert found["safety-bad"]["chosen/2"] == found["risky-prompt"]["prompt/1"] == "keyword"


def test_samples_draw_groups_whole_and_draw_them_again(decided):
    place, _ = decided
    kept = rows(place, "release_record")
    items = {r["group_id"] or r["record_id"] for r in kept}
    samples = {s["control_id"]: s for s in rows(place, "sample")}
    for sample in samples.values():
        recorded, again = redraw(place, sample["sample_id"])
        assert recorded == again and set(recorded) <= items
        assert (sample["frame_rows"], sample["frame"]) == (len(items), GROUPS)
        assert sample["item_unit"] == "group, else document"
    manual = samples["45654-4-2-1-manual"]["sample_id"]
    drawn = {i["record_id"]: i["released_sha256"] for i in rows(place, "sample_item") if i["sample_id"] == manual}
    assert set(drawn) == items
    for item, digest in drawn.items():
        members = [(r["record_id"], r["released_sha256"]) for r in kept if (r["group_id"] or r["record_id"]) == item]
        assert digest == (members[0][1] if item == members[0][0] else group_digest(members))


def test_the_candidate_is_the_same_at_any_order_partitioning_run_and_time(spark, decided, tmp_path_factory):
    place, other = decided[0], place_in(tmp_path_factory.mktemp("seven"))
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", 7)
    spark.conf.set("spark.sql.adaptive.enabled", "false")  # it would put seven small partitions together
    try:
        again = decided_in(other, list(reversed(CORPUS)), run_id="run-2", at=AT + timedelta(days=9))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
        spark.conf.set("spark.sql.adaptive.enabled", "true")
    assert again.facts == decided[1].facts
    for table in ("decision", "release_record", "sample_item"):
        assert rows(place, table) == rows(other, table)
