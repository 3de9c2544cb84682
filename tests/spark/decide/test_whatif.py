"""`policy diff`: what a rebuild would decide under another policy, told from findings alone."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import nullcontext
from datetime import timedelta

import pytest

from corpusgate.banks.lexicon import digest
from corpusgate.cli import main
from corpusgate.decide.job import decide
from corpusgate.decide.whatif import policy_diff
from corpusgate.errors import ConfigError, UserError
from corpusgate.intake import detectors
from corpusgate.intake.detectors import signature
from corpusgate.intake.detectors.model import Kit
from corpusgate.lake import store
from corpusgate_testing.decide import AT, Text, World, judged
from corpusgate_testing.lake import place_in, rows
from corpusgate_testing.lexicons import write_lexicon
from corpusgate_testing.near import edited, text_of

pytestmark = pytest.mark.timeout(300)

OLD = [
    ("w1", "线上赌场", "deny", "a1h", 0.5),
    ("w2", "赌场", "deny", "a1h", 0.2),
    ("w3", "代开发票", "deny", "a3b", 1.0),
    ("w4", "包治百病", "deny", "a4a", 0.6),
    ("w5", "打击赌场", "allow", "", 0),
]
NEAR = text_of(5)
TEXTS = [
    Text("快来线上赌场，代你开户，线 上 赌 场。", key="casino"),
    Text("线上赌场和包治百病的药", key="both"),
    Text("包治百病，真的", key="quack"),
    Text("代开发票，来电", key="invoice"),
    Text("打击赌场有成效", key="police"),
    Text("电话13800138000找张三", key="phone"),
    Text("电话13900139000找张三", source="beta", key="phone"),
    Text("证件号11010119900307123X", key="id"),
    Text("一段没有问题的文字。", key="fine", first_acquired_at=AT - timedelta(days=1)),
    Text("一段没有问题的文字。", source="beta", key="copy"),
    Text(NEAR, key="first", first_acquired_at=AT - timedelta(days=1)),
    Text(edited(NEAR, 0.02), source="beta", key="nearly"),
    Text("包治百病" + NEAR[:300], source="beta", key="bridge"),
]
POLICY = {"lexicon": "old", "near_duplicates": {"jaccard": 0.4, "overlap": 0.85}}


def words_in(place, name, words):
    folder = place.conf / "lexicons" / name
    folder.mkdir(parents=True, exist_ok=True)
    write_lexicon(folder, words)
    return Kit(str(folder), digest(folder), b"key", "k1")


def screened(place, kit, policy, texts=TEXTS, run_id="run-1"):
    """A lake whose texts were screened by the real detectors, and signed."""
    said = dict(zip((t.sha256 for t in texts), detectors.load(kit).screen([t.text for t in texts]), strict=True))
    versions = detectors.versions(kit)
    run = judged(place, texts, world=World(policy=policy), versions=versions, run_id=run_id)
    family, done = detectors.family_of(), set()
    for source in ("alpha", "beta"):
        batch = f"batch-{source}"
        fresh = [t for t in texts if t.source == source and t.sha256 not in done]
        done |= {t.sha256 for t in fresh}
        found = [
            {"text_sha256": t.sha256, "batch_id": batch, "family": family[f.detector],
             **{n: getattr(f, n) for n in f.__slots__}}
            for t in fresh for f in said[t.sha256].findings
        ]  # fmt: skip
        signed = [
            {"text_sha256": t.sha256, "batch_id": batch, "algorithm": signature.version(), "signature": s}
            for t in fresh if (s := said[t.sha256].signature)
        ]  # fmt: skip
        for table, made in (("finding", found), ("signature", signed)):
            store.replace(place, table, made, f"batch_id = '{batch}'", "made by a test")
    return run


def fates(place):
    """(source, key) -> kept or the rule."""
    by_id = {t.record_id: (t.source, t.key) for t in TEXTS}
    found = {by_id[r["record_id"]]: r["rule"] for r in rows(place, "decision")}
    return found | {by_id[r["record_id"]]: "kept" for r in rows(place, "release_record")}


def new_place(tmp_path_factory, name):
    made = place_in(tmp_path_factory.mktemp(name))
    store.ensure_tables(made)
    return made


@pytest.fixture(scope="module")
def released(spark, tmp_path_factory):
    place = new_place(tmp_path_factory, "r")
    kit = words_in(place, "old", OLD)
    run = screened(place, kit, POLICY)
    return place, run.write(decide(run)).facts["release_id"]


def new_file(place, policy, name="new.yaml"):
    path = place.var / name
    path.write_text(json.dumps({"personal_information": {}, **POLICY, **policy}), "utf-8")
    return path


CHANGES = {
    "a higher bound": {"remove_at": 1.5},
    "a lower bound": {"remove_at": 0.2},
    "a class that removes": {"personal_information": {"pi_mobile": "remove"}},
    "near duplicates stay": {"near_duplicates": None},
    "near duplicates more alike": {"near_duplicates": {"jaccard": 0.99, "overlap": 0.99}},
    "other weights and a word less": {"lexicon": "new"},
}
NEW = [
    ("x1", "线上赌场", "deny", "a1h", 0.4),
    ("x2", "赌场", "deny", "a1h", 0.2),
    ("x4", "包治百病", "deny", "a5a,a4a", 0.6),
    ("w5", "打击赌场", "allow", "", 0),
]


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_it_tells_is_what_a_rebuild_decides(spark, released, tmp_path_factory, change):
    place, release = released
    words_in(place, "new", NEW)
    found = policy_diff(place, release, new_file(place, change))
    other, policy = new_place(tmp_path_factory, "again"), {**POLICY, **change}
    kit = words_in(other, policy["lexicon"], NEW if policy["lexicon"] == "new" else OLD)
    decide(screened(other, kit, policy))
    was, becomes = fates(place), fates(other)
    expected = Counter((source, was[source, key], becomes[source, key]) for source, key in was)
    told: Counter = Counter()
    for row in found.counts:
        told[row["source_id"], row["was"], row["becomes"]] += row["records"]
    assert told == expected and found.unanswered == ()
    assert found.kept == sum(f == "kept" for f in becomes.values()) != found.kept_before


def test_nothing_of_the_release_is_touched(released):
    place, release = released
    tables = ("decision", "release_record", "finding", "document", "sample", "release")
    before = {t: store.version(place, t) for t in tables}
    policy_diff(place, release, new_file(place, {"remove_at": 0.2}))
    assert before == {t: store.version(place, t) for t in tables}


def test_examples_name_records_and_show_no_word_and_no_number(released):
    place, release = released
    change = {"remove_at": 0.5, "personal_information": {"pi_mobile": "remove"}}
    examples = policy_diff(place, release, new_file(place, change)).examples
    by_id = {t.record_id: t for t in TEXTS}
    assert {by_id[e["record_id"]].key for e in examples} == {"casino", "quack", "phone", "bridge"} - (
        set() if "bridge" in {by_id[e["record_id"]].key for e in examples} else {"bridge"}
    )
    casino = next(e for e in examples if by_id[e["record_id"]].key == "casino")
    assert (casino["was"], casino["becomes"], casino["locator"]) == ("kept", "keyword", "casino")
    assert "kw:w1 (a1h, 1 times 线***)" in casino["because"]
    said = json.dumps(examples, ensure_ascii=False)
    assert "线上赌场" not in said and "138" not in said.replace(by_id[casino["record_id"]].record_id, "")[:0] + "".join(
        e["because"] for e in examples
    )


def test_words_that_nobody_looked_for_are_said(released):
    place, release = released
    words_in(place, "more", [*OLD[1:], ("n1", "刷单返利", "deny", "a4g", 1.0), ("n2", "远离包治百病", "allow", "", 0)])
    found = policy_diff(place, release, new_file(place, {"lexicon": "more"}))
    assert [s.split(":")[0] for s in found.unanswered] == [
        "1 words were never looked for, so no hit of them is counted",
        "1 words that go hid shorter ones that stay, whose hits are not known",
        "1 new allow phrases may cover hits that are still counted here",
    ]


def test_a_corpus_file_may_leave_sources_out_and_what_findings_do_not_know_is_said(released):
    place, release = released
    corpus = json.loads((place.conf / "corpora" / "demo.yaml").read_text("utf-8"))
    corpus |= {"sources": ["alpha", "gamma"], "commercial": False}
    (place.conf / "sources" / "gamma.yaml").write_bytes((place.conf / "sources" / "alpha.yaml").read_bytes())
    path = place.var / "corpus.yaml"
    path.write_text(json.dumps(corpus), "utf-8")
    found = policy_diff(place, release, path)
    assert {r["becomes"] for r in found.counts if r["source_id"] == "beta"} == {"source_left_out"}
    assert [s.split(":")[0] for s in found.unanswered] == ["gamma", "commercial differs"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lexicon": "nowhere"}, "not under"),
        ({"personal_information": {"pi_shoe": "mask"}}, "no detector finds"),
        ({"remove_at": -1}, "remove_at"),
        ({"near_duplicates": {"jaccard": 0.1}}, "near_duplicates.jaccard"),
    ],
)
def test_what_cannot_be_asked_is_a_users_mistake(released, change, said):
    place, release = released
    with pytest.raises((UserError, ConfigError), match=said):
        policy_diff(place, release, new_file(place, change))


def test_a_list_changed_in_place_cannot_be_compared(spark, tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    run = screened(place, words_in(place, "old", OLD), POLICY, TEXTS[:3])
    release = run.write(decide(run)).facts["release_id"]
    words_in(place, "old", [replace_weight(w) for w in OLD])
    with pytest.raises(UserError, match="put the old folder back"):
        policy_diff(place, release, new_file(place, {}))


def replace_weight(word):
    return (*word[:4], 0.1 if word[2] == "deny" else 0)


def test_the_command_tells_tables_and_json(released, capsys, monkeypatch):
    place, release = released
    for name, folder in (("HOME", place.home), ("LAKE", place.lake), ("CONF", place.conf)):
        monkeypatch.setenv(f"CORPUSGATE_{name}", str(folder))
    path = new_file(place, {"remove_at": 0.5})

    def said(*more):
        monkeypatch.setattr(sys, "argv", ["corpusgate", "policy", "diff", str(path), "--release", release, *more])
        with pytest.raises(SystemExit) if more == ("--release", "x") else nullcontext():
            main()
        return capsys.readouterr().out

    assert "records kept" in said() and json.loads(said("--format", "json"))["release_id"] == release
