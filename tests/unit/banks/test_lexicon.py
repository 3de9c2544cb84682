"""Lexicons: all mistakes at once, with their lines; the starter does no harm."""

from pathlib import Path

import pytest

from corpusgate.banks.lexicon import RISKS, digest, load_lexicon
from corpusgate.errors import ConfigError
from corpusgate_testing.lexicons import HEAD, META, write_lexicon

STARTER = Path(__file__).parents[3] / "conf" / "lexicons" / "starter"


def test_the_risks_are_the_31_of_annex_a():
    assert len(RISKS) == 31
    assert {"a1a", "a1h", "a2i", "a3e", "a4g", "a5b"} <= RISKS


def test_the_starter_loads_and_covers_the_17_risks_of_a1_and_a2():
    starter = load_lexicon(STARTER)
    covered = {risk for word in starter.words for risk in word.risks}
    assert {r for r in RISKS if r[:2] in ("a1", "a2", "a3", "a4")} <= covered
    assert len(starter.words) > 300
    assert all(len(w.key) >= 4 for w in starter.words if w.weight == 1.0)


def test_every_mistake_is_told_with_its_line(tmp_path):
    (tmp_path / "lexicon.yaml").write_text(META.format(text="x", word="nowhere").replace("licence: Apache-2.0\n", ""))
    (tmp_path / "words.tsv").write_text(
        HEAD
        + "a\t賭博\tdeny\ta1h\tillegal\t0.5\t\n"
        + "b\t赌\u200b博\tdeny\ta9z\tillegal\t0.5\t\n"
        + "a\t线上赌场\tdeny\ta1h\tbad\t2\t\n"
        + "c\t赌\tmaybe\ta1h\tillegal\tmany\t\n"
        + "d\t两列\n"
        + "e\t允许的话\tallow\t\t\t1\t\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_lexicon(tmp_path)
    message = str(caught.value)
    for part in (
        "licence is missing",
        "is no deny word",
        "words.tsv:3: unknown risk a9z",
        "is the same as '賭博' in line 2",
        "words.tsv:4: id a is used twice",
        "words.tsv:4: severity 'bad'",
        "words.tsv:4: weight '2'",
        "words.tsv:5: kind 'maybe'",
        "words.tsv:5: weight 'many'",
        "words.tsv:5: '赌' is too short",
        "words.tsv:6: 2 columns",
        "words.tsv:7: an allow word has no weight",
    ):
        assert part in message, part


@pytest.mark.parametrize("content", [b"\xff\xfe", b"id word\n", HEAD.encode()])
def test_unreadable_words_are_a_config_error(tmp_path, content):
    write_lexicon(tmp_path, [("a", "线上赌场", "deny", "a1h", 1)])
    (tmp_path / "words.tsv").write_bytes(content)
    with pytest.raises(ConfigError):
        load_lexicon(tmp_path)


@pytest.mark.parametrize("content", ["- a list\n", "a: [\n", "canary: text\n"])
def test_unreadable_meta_is_a_config_error(tmp_path, content):
    write_lexicon(tmp_path, [("a", "线上赌场", "deny", "a1h", 1)])
    (tmp_path / "lexicon.yaml").write_text(content)
    with pytest.raises(ConfigError):
        load_lexicon(tmp_path)


def test_the_digest_changes_with_any_file(tmp_path):
    write_lexicon(tmp_path, [("a", "线上赌场", "deny", "a1h", 1)])
    before = digest(tmp_path)
    assert before == digest(tmp_path) == load_lexicon(tmp_path).sha256
    with open(tmp_path / "lexicon.yaml", "a") as file:
        file.write("# more\n")
    assert digest(tmp_path) != before


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"lexicon\.yaml cannot be read"):
        digest(tmp_path)
