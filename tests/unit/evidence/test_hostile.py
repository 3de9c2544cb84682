"""Figures of a lake full of hostile words, drawn: markup, formulas and right-to-left marks stay words."""

from __future__ import annotations

import json
import re
import shutil
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from corpusgate.collect.job import fetch
from corpusgate.evidence.cells import as_csv
from corpusgate.evidence.figures import figures
from corpusgate.evidence.page import controls_of, render
from corpusgate.intake.job import fold
from corpusgate.lake import store
from corpusgate.lake.run import StepResult
from corpusgate.sources.conclude import Word, conclude
from corpusgate.sources.job import licence
from corpusgate_testing.sources import AT, REPOSITORY, installation, run_of

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}'
FORMULA = '=HYPERLINK("http://x.invalid","go")+cmd|\' /C calc\'!A0'
TURNED = "\u202egnp.exe\u2066 \u200b\x1b[31m"
HOSTILE = f"{MARKUP} {FORMULA} {TURNED}"
RELEASE = "test-0123456789ab"
#: What the page is made of. None of these runs, loads or sends anything.
TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "h3", "p", "span",
    "code", "b", "br", "div", "table", "thead", "tbody", "tr", "th", "td", "bdi", "svg", "rect", "text",
    "details", "summary",
}  # fmt: skip


@pytest.fixture
def told(tmp_path):
    """Figures of a run over two sources whose every free field is hostile; one is concluded, the other held."""
    place = installation(tmp_path, "bad", "worse")
    shutil.copytree(REPOSITORY / "conf" / "controls", place.conf / "controls")
    for name in ("bad", "worse"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text(HOSTILE, "utf-8")
        declared = {
            "title": HOSTILE, "kind": "open_source", "language": "zh", "country": "CN", "category": HOSTILE,
            "owner": HOSTILE, "provider": HOSTILE, "description": HOSTILE, "channel": {"type": "folder", "path": name},
            "reader": {"format": "text"}, "licence": [{"declared": {"expression": HOSTILE}}],
        }  # fmt: skip
        (place.conf / "sources" / f"{name}.yaml").write_text(json.dumps(declared), "utf-8")
    store.ensure_tables(place)
    words = Word("CC0-1.0", MARKUP, FORMULA, MARKUP + FORMULA, notes=(MARKUP, FORMULA))
    conclude(place, "bad", words, AT)
    run = run_of(place, "hostile run", AT + timedelta(hours=1))
    for source in run.sources:
        run.write(fetch(run, source))
        run.write(licence(run, source))
    fold(run)
    _decided(run)
    return figures(place, run.id)


def _decided(run):
    row = {"release_id": RELEASE, "record_id": "a" * 64, "source_id": "bad", "text_sha256": "b" * 64}
    kept = {**row, "language": HOSTILE, "characters": 9, "bytes": 9, "mask_set": "", "licence_part": "all"}
    store.append_new(run.place, "release_record", [kept], run.id)
    gone = {**row, "record_id": "c" * 64, "outcome": "removed", "rule": HOSTILE}
    store.append_new(run.place, "decision", [gone], run.id)
    facts = {"release_id": RELEASE, "languages_dropped": [HOSTILE]}
    run.write(StepResult(step="decide", unit="record", rows_in=2, kept=1, removed=1, removed_by_rule={HOSTILE: 1},
                         because=HOSTILE, facts=facts))  # fmt: skip
    verdict = {
        "run_id": run.id, "gate": "source_gate", "attempt": 1, "scope": "source", "scope_id": "bad", "half": "computed",
        "control_id": "45654-4-1-1-a", "clause": HOSTILE, "verdict": "fail", "stratum": HOSTILE, "because": HOSTILE,
        "examples": [HOSTILE], "judged_at": run.at,
    }  # fmt: skip
    known = {f.name for f in store.TABLES["control_result"].schema}
    store.append_new(run.place, "control_result", [{k: v for k, v in verdict.items() if k in known}], run.id)


class Reader(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_shows_hostile_words_and_obeys_none(told):
    page = render(told, {})
    read = Reader(page)
    text = "".join(read.text)

    assert read.tags <= TAGS
    assert not [a for a in read.attributes if a[1].startswith("on") or a[1] in ("style", "src", "href", "srcdoc")]
    for words in ("alert(1)", "HYPERLINK", "{{ 7*7 }}"):
        assert words in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x1b]", page)
    assert "\\u202e" in text


def test_every_place_where_others_speak_is_on_the_page(told):
    text = "".join(Reader(render(told, {})).text)

    bad, worse = told["sources"]
    assert (bad["state"], worse["state"], worse["held_at"]) == ("taken_in", "held", "licence")
    assert bad["licence"][0]["concluded_by"] == MARKUP
    for words in ("CC0-1.0", "test-0123456789ab", "test", "bad", "worse"):
        assert words in text
    assert text.count("<script>") >= 6  # title, clause, because, rule, language, notes: shown, each as words


def test_the_frozen_figures_are_plain_json_and_cells_start_no_formula(told):
    assert json.loads(json.dumps(told, default=str))["run"]["id"] == "hostile run"
    row = {"of": FORMULA, "note": MARKUP}
    assert "\"'=HYPERLINK" in as_csv([row], ["of", "note"])


def test_titles_of_controls_come_from_the_catalogue(tmp_path):
    assert controls_of(installation(tmp_path)) == {}
