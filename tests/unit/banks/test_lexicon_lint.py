"""`lexicon lint`: every word measured as the shipped detector finds it, the damage named, every fault told."""

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks import lexicon_lint as lint
from corpusgate.banks.lexicon import load_lexicon
from corpusgate.banks.lexicon_report import Report
from corpusgate.cli import main
from corpusgate.errors import ConfigError, UserError
from corpusgate_testing.lexicons import HEAD, META, write_lexicon

WORDS = [
    ("w1", "性感", "deny", "a1f", 0.3),
    ("w2", "线上赌场", "deny", "a1h", 1.0),
    ("w3", "打击线上赌场", "allow", "", 0),
    ("w4", "社会", "deny", "a1a", 0),
    ("w5", "经济", "deny", "a1b", 0.2),
    ("w6", "从来没有", "deny", "a1b", 0.2),
]
HARMLESS = [
    "他很性感染上了病毒。",
    "她很性感。",
    "社会和经济，社会。",
    "社会经济发展",
    "警方打击线上赌场。",
    "天气好",
]


@pytest.fixture
def linted(tmp_path):
    return lint.read(write_lexicon(tmp_path, WORDS))


def measured(linted, texts=HARMLESS, at_most=0.2):
    sample = lint.measure(lint.measurer(linted), "test", texts, 1.0)
    return Report(linted, sample, None, at_most, 1.0)


def row(report, ident):
    return next(r for r in report.words() if r["id"] == ident)


def test_each_word_is_counted_in_texts_and_hits_and_silent_ones_are_told(linted):
    report = measured(linted)
    assert (row(report, "w4")["benign_texts"], row(report, "w4")["benign_hits"]) == (2, 3)
    assert row(report, "w4")["benign_share"] == round(2 / 6, 6)
    assert row(report, "w6")["benign_texts"] == 0 and report.summary()["never_hit"] == 2


def test_hits_that_cut_through_a_word_lower_the_boundary_share(linted):
    assert row(measured(linted), "w1")["benign_boundary"] == 0.5
    assert row(measured(linted), "w4")["benign_boundary"] == 1.0
    assert row(measured(linted), "w6")["benign_boundary"] is None


def test_an_allow_phrase_keeps_its_word_from_counting(linted):
    assert row(measured(linted), "w2")["benign_texts"] == 0
    assert measured(linted, ["来线上赌场"]).summary()["samples"]["benign"]["removed"] == 1


def test_damage_is_cumulative_and_worst_first(linted):
    rows = measured(linted).damage()
    assert [(r["id"], r["texts"], r["cumulative"]) for r in rows] == [
        ("w1", 2, round(2 / 6, 6)), ("w4", 2, round(4 / 6, 6)),
    ]  # fmt: skip
    assert measured(linted).nine_tenths() == 2


@given(st.lists(st.lists(st.sampled_from(["性感", "社会", "经济", "从来没有", "好"]), max_size=4), max_size=12))
@settings(max_examples=60, deadline=None)
def test_damage_reaches_exactly_the_texts_that_are_hit(tmp_path_factory, texts):
    linted = lint.read(write_lexicon(tmp_path_factory.mktemp("l"), WORDS))
    report = measured(linted, ["，".join(t) for t in texts])
    assert report.benign is not None
    steps = [together for _, _, together in lint.damage(linted.words, report.benign)]
    assert steps == sorted(set(steps)) and (steps[-1] if steps else 0) == report.benign.hit


def test_a_weighed_word_that_hits_too_much_fails_the_list_and_an_unweighed_one_does_not(linted):
    assert [w.id for w in measured(linted).too_common()] == ["w1", "w5"]
    assert not measured(linted).passes
    assert measured(linted, at_most=0.5).passes


def test_a_list_that_would_be_refused_is_measured_all_the_same_and_every_fault_told(tmp_path):
    (tmp_path / "lexicon.yaml").write_text(META.format(text="x", word="nowhere"), "utf-8")
    lines = [
        "a\t賭博\tdeny\ta1h\tillegal\t0.5\t", "b\t赌\u200b博\tdeny\ta1h\tillegal\t0.5\t",
        "c\t赌\tdeny\ta1h\tillegal\t\t", "d\tab\tdeny\ta1h\tillegal\t\t", "e\t经济\tdeny\tb9x\tillegal\tmuch\t",
        "a\t社会\tdeny\t\tillegal\t\t",
    ]  # fmt: skip
    (tmp_path / "words.tsv").write_text(HEAD + "\n".join(lines) + "\n", "utf-8")
    report = measured(lint.read(tmp_path), ["赌", "赌博", "ab", "经济", "社会"])
    assert [(f["line"], f["fault"]) for f in report.faults()] == [
        (None, "declaration"), (6, "risk"), (6, "weight"), (7, "risk"), (7, "id"), (4, "short"), (5, "short"),
        (3, "duplicate"),
    ]  # fmt: skip
    assert report.summary()["samples"]["benign"]["hit"] == 5
    assert [r["faults"] for r in report.words()] == ["", "duplicate", "short", "short", "risk,weight", "risk,id"]
    with pytest.raises(ConfigError):
        load_lexicon(tmp_path)


def test_ten_thousand_words_on_a_thousand_texts_take_seconds(tmp_path):
    chars = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏"
    words = [f"{a}{b}{c}{d}" for a in chars for b in chars for c in chars[:6] for d in chars[6:12]][:10_000]
    write_lexicon(tmp_path, [(f"w{n}", w, "deny", "a1h", 0.1) for n, w in enumerate(words)])
    report = measured(lint.read(tmp_path), [words[n * 7] + "，" + chars for n in range(1000)])
    assert report.summary()["samples"]["benign"]["hit"] == 1000 and not report.faults()


@pytest.fixture
def said(capsys, monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["corpusgate", "lexicon", "lint", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code
        return code, capsys.readouterr()

    return run


def test_the_command_tells_tables_json_and_csv_and_ends_with_one_where_the_list_fails(tmp_path, said):
    write_lexicon(tmp_path, WORDS)
    texts = tmp_path / "benign.jsonl"
    texts.write_text("".join(json.dumps({"id": n, "text": t}) + "\n" for n, t in enumerate(HARMLESS)), "utf-8")
    code, out = said(tmp_path, "--sample", texts, "--format", "json")
    told = json.loads(out.out)
    assert code == 1 and told["too_common"] == 2 and told["damage"][0]["word"] == "性感"
    code, out = said(tmp_path, "--sample", texts, "--at-most", "0.5", "--format", "csv")
    assert code == 0 and out.out.splitlines()[1].startswith("2,w1,性感,deny,a1f")
    code, out = said(tmp_path, "--sample", texts)
    assert code == 1 and "2 words hit nine tenths" in out.out and "Fewer than 1000" in out.out


def test_a_users_mistake_is_one_sentence(tmp_path, said):
    code, out = said(tmp_path / "nowhere")
    assert code == 2 and "neither a folder nor a name" in out.err and "starter" in out.err
    write_lexicon(tmp_path, WORDS)
    code, out = said(tmp_path, "--sample", tmp_path / "gone.jsonl")
    assert code == 2 and "No such file" in out.err


def test_texts_of_the_lake_are_drawn_the_same_way_each_time(tmp_path):
    from corpusgate.banks.lexicon_samples import of_corpus
    from corpusgate.lake import store
    from corpusgate.settings.load import load_corpus
    from corpusgate_testing.decide import Text, World, declare, write_tables
    from corpusgate_testing.lake import place_in

    place = place_in(tmp_path)
    declare(place, World())
    corpus = load_corpus(place, "demo")
    with pytest.raises(UserError, match="No lake"):
        list(of_corpus(place, corpus, ["alpha"]))
    store.ensure_tables(place)
    with pytest.raises(UserError, match="no record of alpha"):
        list(of_corpus(place, corpus, ["alpha"]))
    write_tables(place, "alpha", [Text(f"第{n}段。") for n in range(30)])
    write_tables(place, "beta", [Text("另一处", source="beta")])
    drawn = sorted(of_corpus(place, corpus, ["alpha"], 10))
    assert len(drawn) == 10 and drawn == sorted(of_corpus(place, corpus, ["alpha"], 10))
    assert len(list(of_corpus(place, corpus, ["alpha", "beta"]))) == 31
