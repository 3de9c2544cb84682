"""The demonstration's own sources: the same bytes each time, and exactly the faults that they are said to have."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest

from corpusgate.collect.fixture_texts import SENTENCES, WORDS, text
from corpusgate.collect.fixtures import BAD, RECORDS, bad_phrases, make_fixtures, planted
from corpusgate.errors import UserError
from corpusgate.settings.load import load_file
from corpusgate.settings.model import PERSONAL
from corpusgate.settings.source import Source
from corpusgate_testing.sources import REPOSITORY

LEXICON = REPOSITORY / "conf" / "lexicons" / "starter"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fixtures")
    make_fixtures(folder, LEXICON)
    return folder


def rows(made: Path, source_id: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    return [json.loads(line) for line in (made / source_id / "texts.jsonl").read_bytes().decode(encoding).splitlines()]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


def test_the_same_bytes_come_out_each_time_and_what_is_right_is_left_alone(made, tmp_path):
    make_fixtures(tmp_path, LEXICON)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}

    make_fixtures(tmp_path, LEXICON)

    assert digests(tmp_path) == digests(made)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_file_cut_off_half_way_is_made_anew(tmp_path, made):
    make_fixtures(tmp_path, LEXICON)
    (tmp_path / "fixture-utf8" / "texts.jsonl").write_bytes(b"half")

    make_fixtures(tmp_path, LEXICON)

    assert digests(tmp_path) == digests(made)


def test_the_twins_hold_the_same_records_in_two_encodings(made):
    raw = (made / "fixture-gb18030" / "texts.jsonl").read_bytes()

    assert rows(made, "fixture-utf8") == rows(made, "fixture-gb18030", "gb18030")
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    with pytest.raises(UnicodeDecodeError):
        raw.decode("gb2312")  # some characters are only in the larger set


def test_texts_are_distinct_long_enough_and_vary(made):
    texts = [row["text"] for s in RECORDS if s not in ("fixture-planted", "fixture-hostile") for row in rows(made, s)]

    assert len(set(texts)) == len(texts) >= 500
    assert min(map(len, texts)) >= 80
    for sentence in SENTENCES:
        first = re.split(r"\{\w+\}", sentence)[-1]
        assert any(first in t for t in texts), sentence


def test_every_slot_of_a_sentence_has_words():
    assert all(set(re.findall(r"\{(\w+)\}", sentence)) <= set(WORDS) for sentence in SENTENCES)
    assert text(7) == text(7)


@pytest.mark.parametrize(("source_id", "share"), [("fixture-five-percent", 0.05), ("fixture-six-percent", 0.06)])
def test_the_share_of_bad_records_is_exactly_as_the_name_says(made, source_id, share):
    words = [r["word"] for r in csv.DictReader((LEXICON / "words.tsv").open(encoding="utf-8"), delimiter="\t",
                                               quoting=csv.QUOTE_NONE) if r["weight"] == "1.0"]  # fmt: skip

    bad = [row for row in rows(made, source_id) if any(word in row["text"] for word in words)]

    assert len(bad) / len(rows(made, source_id)) == share


def test_fewer_than_five_percent_of_the_planted_are_bad_and_three_lines_are_no_records(made):
    lines = (made / "fixture-planted" / "texts.jsonl").read_bytes().splitlines()
    good, faulty = 0, 0
    for line in lines:
        try:
            good += isinstance(json.loads(line.decode()), dict)
            faulty += not isinstance(json.loads(line.decode()), dict)
        except ValueError:
            faulty += 1

    assert (good, faulty) == (RECORDS["fixture-planted"], 3)
    assert BAD["fixture-planted"] / good < 0.05
    assert faulty / len(lines) < 0.01  # the errored share that would hold the source


def test_every_class_of_personal_information_is_planted_with_a_value_that_stands_in_the_text(made):
    body = (made / "fixture-planted" / "texts.jsonl").read_bytes().decode("utf-8", "replace")

    assert {p.risk for p in planted()} == set(PERSONAL)
    assert all(p.value in p.sentence and p.value in body for p in planted())


def test_planted_numbers_have_right_check_digits():
    # written out from the standards, not by the formula that made them
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, 4.2
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # ISO/IEC 7812-1, annex B

    for found in planted():
        if found.risk == "pi_id":
            rest = sum(w * int(d) for w, d in zip(weights, found.value, strict=False)) % 11
            assert found.value[17] == "10X98765432"[rest]
        if found.risk == "pi_card":
            digits = [int(d) for d in reversed(found.value)]
            assert (sum(digits[::2]) + sum(doubled[d] for d in digits[1::2])) % 10 == 0


def test_the_hostile_source_attacks_in_key_title_and_text(made):
    found = rows(made, "fixture-hostile")

    for attack in ("<script>", "=1+1", "@SUM", "../", "\u202e", "DROP TABLE", "{{"):
        assert any(attack in value for row in found for value in row.values()), attack
    assert any("../" in row["id"] for row in found)
    assert len({row["id"] for row in found}) == len(found)


def test_declarations_and_files_agree(made):
    for path in sorted((REPOSITORY / "conf" / "sources").glob("fixture-*.yaml")):
        source = load_file(path, Source)
        folder = made / source.id
        assert source.fixture
        assert source.channel.path == f"var/fixtures/{source.id}"
        for part in source.licence:
            content = (folder / part.declared.read_from).read_bytes()
            assert hashlib.sha256(content).hexdigest() == part.declared.sha256
            assert part.declared.quote in content.decode()
        assert (folder / "LICENSE").exists() == bool(source.licence)


def test_phrases_follow_the_lexicon_and_a_poor_one_is_named(tmp_path):
    assert len(set(bad_phrases(LEXICON, 6))) == 6
    assert bad_phrases(LEXICON, 6)[:5] == bad_phrases(LEXICON, 5)
    with pytest.raises(UserError, match=r"words\.tsv cannot be read"):
        bad_phrases(tmp_path, 1)
    (tmp_path / "words.tsv").write_text(
        "id\tword\tkind\trisks\tseverity\tweight\tnote\nx\t词语\tdeny\ta5a\tillegal\t1.0\t\n"
    )
    with pytest.raises(UserError, match="has 0 deny words"):
        bad_phrases(tmp_path, 1)
