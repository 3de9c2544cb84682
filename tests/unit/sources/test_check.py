"""`source check`, `source new` and the schema for editors."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.intake.read import formats
from corpusgate.settings.load import load_corpus, load_file, load_sources
from corpusgate.settings.place import Place
from corpusgate.settings.source import Source
from corpusgate.sources.check import check_source
from corpusgate.sources.new import TO_FILL, scaffold
from corpusgate.sources.schema import json_schema
from corpusgate_testing.sources import NOTES, REPOSITORY, installation

SHIPPED = sorted((REPOSITORY / "conf" / "sources").glob("*.yaml"))
HOME = Place(REPOSITORY, REPOSITORY / "conf", REPOSITORY / "var" / "lake", REPOSITORY / "var")

GOOD = (
    NOTES
    + """\
channel:
  type: npm
  package: demo
  version: 1.0.0
  integrity: sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==
reader:
  format: text
"""
)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_source_that_ships_is_without_mistake(path):
    assert check_source(HOME, path) == []


def test_the_demo_corpus_loads_with_all_its_sources():
    corpus = load_corpus(HOME, "demo")

    sources = load_sources(HOME, corpus)

    reviewed = load_corpus(HOME, "review-demo").sources  # so small that a person can see all of it
    assert sorted([*(s.id for s in sources), *reviewed]) == [p.stem for p in SHIPPED]
    assert corpus.commercial
    assert {s.provider for s in sources if s.fixture} == {"corpusgate fixtures"}  # fixtures add nothing to 4.1.2


def found(tmp_path: Path, text: str) -> list[str]:
    place = installation(tmp_path)
    path = place.conf / "sources" / "notes.yaml"
    path.write_text(text, "utf-8")
    return [line.removeprefix(f"{path}:") for line in check_source(place, path)]


def test_a_good_file_has_no_mistakes(tmp_path):
    assert found(tmp_path, GOOD) == []


def test_all_mistakes_of_a_file_are_named_at_once_with_line_and_field(tmp_path):
    text = GOOD.replace("provider: test notes", "provider: 公开数据集").replace("sha512-AAAA", "sha512-") + (
        '  include: ["/etc/*"]\n'
        "  options: {colour: red}\n"
        "  remove:\n"
        "    - {rule: old, field: status, is_in: [x], because: it is old}\n"
        "licence:\n"
        "  - include: ['**']\n"
        "    finding: licence_odd\n"
        "  - declared: {expression: MIT, read_from: ../LICENSE}\n"
        "  - id: c\n"
        "    concluded: {expression: Nonsense, by: me, at: '2026-01-01', because: so}\n"
        "expected: {records_min: 5, records_max: 4}\n"
    )

    said = found(tmp_path, text)

    assert {": ".join(line.split(": ")[:2]) for line in said} == {
        "7: provider",
        "13: channel.integrity",
        "16: reader.include.0",
        "17: reader.options.colour",
        "17: reader.options",  # says which options there are
        "19: reader.remove.0.field",
        "22: licence.0.finding",
        "23: licence.1",
        "23: licence.1.id",
        "23: licence.1.declared",
        "23: licence.1.declared.read_from",
        "24: licence.2",
        "25: licence.2.concluded.expression",
        "26: expected.records_max",
    }


def test_a_file_that_is_no_source_names_its_fields_and_lines(tmp_path):
    said = found(
        tmp_path, GOOD.replace("country: CN", "country: China\ncolour: red").replace("title: Notes", "title: FILL IN")
    )

    assert any(line.startswith("4: country:") for line in said)
    assert any(line.startswith("5: colour: is not a field") for line in said)
    assert any(line.startswith("1: title: still says 'FILL IN'") for line in said)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("package: demo", "package: --registry=evil", "channel.npm.package"),
        ("version: 1.0.0", "version: latest", "channel.npm.version"),
        ("  integrity: sha512-", "  integrity: sha1-", "channel.npm.integrity"),
        ("format: text", "format: docx", "reader.format"),
        ("kind: open_source", "kind: synthetic", "kind"),
        ("kind: open_source", "kind: user_input", "kind"),
        ("description: Notes of a test, written in 2026, in Chinese, not cleaned.", "description: text", "description"),
    ],
)
def test_one_mistake_is_named_by_its_field(tmp_path, old, new, field):
    said = found(tmp_path, GOOD.replace(old, new))

    assert [line.split(": ")[1] for line in said] == [field]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    text = (
        GOOD.split("channel:")[0]
        + "channel: {type: folder, path: nowhere, include: ['../*']}\nreader: {format: text}\n"
    )

    said = found(tmp_path, text)

    assert [line.split(": ")[1] for line in said] == ["channel.include.0", "channel.path"]
    assert "leads out" in said[0]
    assert "there is no folder" in said[1]


def test_a_new_source_says_where_to_fill_in_and_is_sound_once_that_is_done(tmp_path):
    place = installation(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    for n in range(3):
        (data / f"{n}.jsonl").write_text('{"text": "今天"}\n', "utf-8")
    (data / "LICENSE").write_text("Words.\nSPDX-License-Identifier: CC-BY-4.0\n", "utf-8")
    path = place.conf / "sources" / "my-notes.yaml"

    text = scaffold("my-notes", data)
    path.write_text(text, "utf-8")
    open_fields = [line.split(": ")[1] for line in check_source(place, path)]

    assert open_fields == []  # the licence file says itself what it is
    assert check_source(place, path) == []
    source = load_file(path, Source)
    assert (source.reader.format, source.reader.include, source.channel.path) == ("jsonl", ("**/*.jsonl",), str(data))
    declared = source.licence[0].declared
    assert (declared.expression, declared.quote) == ("CC-BY-4.0", "SPDX-License-Identifier: CC-BY-4.0")
    assert declared.sha256 == hashlib.sha256((data / "LICENSE").read_bytes()).hexdigest()


def test_a_folder_without_a_licence_file_asks_for_a_persons_word(tmp_path):
    (tmp_path / "a.txt").write_text("今天", "utf-8")

    text = scaffold("own", tmp_path)

    assert "LicenseRef-Own-Work" in text
    assert f"by: {TO_FILL}" in text


@pytest.mark.parametrize("name", ["My Notes", "", "../x", "a" * 64])
def test_a_name_that_is_no_id_is_refused(name):
    with pytest.raises(UserError, match="is no id"):
        scaffold(name)


def test_a_hostile_folder_name_stays_a_value(tmp_path):
    folder = tmp_path / 'x"\n  type: evil #'
    folder.mkdir()
    place = installation(tmp_path)
    path = place.conf / "sources" / "own.yaml"

    path.write_text(scaffold("own", folder), "utf-8")
    path.write_text(path.read_text("utf-8").replace(f'{TO_FILL}, the day as "2026-01-31"', '"2026-01-31"'), "utf-8")

    assert load_file(path, Source).channel.path == str(folder.resolve())


def test_the_schema_knows_the_formats_their_options_and_no_id():
    schema = json_schema()

    reader = schema["$defs"]["Reader"]
    assert reader["properties"]["format"]["enum"] == formats()
    assert "id" not in schema["properties"]
    assert "id" not in schema["required"]
    sqlite = next(c for c in reader["allOf"] if c["if"]["properties"]["format"]["const"] == "sqlite")
    assert "query" in sqlite["then"]["properties"]["options"]["properties"]
    assert json.loads(json.dumps(schema)) == schema
