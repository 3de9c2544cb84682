"""The evidence page: offline, without script, nothing of the corpus unescaped, both languages."""

import re
from html.parser import HTMLParser

import pytest

from corpusgate.evidence.drawing import Bar, bars
from corpusgate.evidence.page import render, style_source

HOSTILE = '<script>alert(1)</script>"\u202e<img src=x onerror=y>'


def told(**changes):
    told = {
        "run": {"id": HOSTILE, "corpus": "demo", "title": HOSTILE, "at": "2026-01-02T00:00:00+00:00"},
        "release_id": "demo-0123456789ab",
        "releases": [{"channel": "trial", "manifest_root": "f" * 64, "key_id": "k"}],
        "published": "ok",
        "verdicts": [verdict("pass"), verdict("fail", because=HOSTILE, next_act=HOSTILE, examples=["e" * 64], n=100)],
        "judgements": [
            {
                "verdict": "fail",
                "control_id": "45654-4-1-1-a",
                "half": "computed",
                "scope_id": HOSTILE,
                "stratum": HOSTILE,
                "figure": 0.06,
                "comparator": "<=",
                "bound": 0.05,
                "k": 6,
                "n": 100,
                "because": HOSTILE,
            }
        ],
        "sources": [
            {
                "source_id": "s",
                "title": HOSTILE,
                "kind": "open_source",
                "country": "CN",
                "language": "zh",
                "fixture": True,
                "state": "held",
                "held_by": "45654-4-1-1-a",
                "held_at": "admission",
                "because": HOSTILE,
                "licence": [],
                "items": 3,
                "kept": 2,
                "characters": 10,
                "removed": 1,
                "errored": 0,
            },
        ],
        "sizes": [
            {
                "source_id": HOSTILE,
                "language": "zh",
                "licence": None,
                "records": 2,
                "characters": 10,
                "bytes": 30,
                "masked": 0,
            }
        ],
        "removed": [{"source_id": "s", "outcome": "removed", "rule": HOSTILE, "records": 1}],
        "masks_in_notices": {"s": 2},
        "languages_dropped": ["en"],
        "steps": [
            {
                "step": "intake",
                "source_id": None,
                "state": "ok",
                "unit": "item",
                "rows_in": 3,
                "kept": 2,
                "removed": 1,
                "errored": 0,
                "removed_by_rule": {HOSTILE: 1},
                "seconds": 1.5,
            }
        ],
    }
    return {**told, **changes}


def verdict(name, **changes):
    base = {
        "verdict": name,
        "control_id": "45654-4-1-1-a",
        "clause": "45654-2025 4.1.1 a)",
        "title": HOSTILE,
        "scope": HOSTILE,
        "figure": "6 %",
        "bound": "<= 5 %",
        "n": None,
        "because": "",
        "next_act": "",
        "examples": [],
        "of": "source",
    }
    return {**base, **changes}


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def page():
    reader = Reader()
    reader.feed(render(told(), {}))
    return reader


def test_nothing_of_the_corpus_becomes_markup(page):
    assert "script" not in page.tags and "img" not in page.tags
    assert not [a for a in page.attributes if a[1].startswith("on") or a[1] == "style"]


def test_right_to_left_marks_are_shown_not_obeyed(page):
    assert "\u202e" not in "".join(page.text)
    assert "\\u202e" in "".join(page.text)


def test_the_page_fetches_nothing(page):
    assert not [a for a in page.attributes if a[1] in ("src", "href", "action", "srcset")]
    assert "url(" not in render(told(), {})


def test_verdicts_stand_worst_first_in_both_languages(page):
    text = "".join(page.text)
    assert text.index("不符合") > 0
    rows = re.findall(r'<tr><td><span class="verdict (\w+)"', render(told(), {}))
    assert rows[:2] == ["fail", "pass"]


def test_dropped_languages_and_masks_inside_notices_are_named(page):
    text = " ".join("".join(page.text).split())
    assert re.search(r"languages not served for want of a second source \(trial only\) ?: en", text)
    assert "Masks inside copyright notices" in text


def test_a_candidate_that_was_not_published_says_so():
    assert "not published" in render(told(releases=[]), {})


def test_a_run_that_ended_early_still_has_a_page():
    page = render(told(release_id=None, releases=[], verdicts=[], judgements=[], sizes=[], removed=[], steps=[]), {})
    assert "no verdict yet" in page


def test_the_policy_names_the_style_by_its_hash():
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", style_source())


def test_bars_share_one_scale_and_escape_their_labels():
    drawn = bars([Bar("<b>", (("kept", 10.0),)), Bar("half", (("kept", 5.0),))], "t")
    widths = [float(w) for w in re.findall(r'<rect class="kept"[^>]* width="([\d.]+)"', drawn)]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert "<b>" not in drawn
