"""The NOTICE: a line a source, others' words made tame, masks inside copyright notices counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.decide.rules import Span
from corpusgate.release.notice import masks_in_notices, notice

MAIL = "jane@example.org"


def spans(text):
    found, at = [], text.find(MAIL)
    while at >= 0:
        found.append(Span(at, at + len(MAIL), "pi_email"))
        at = text.find(MAIL, at + 1)
    return found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"Copyright (C) 2003 Jane <{MAIL}>", 1),
        (f"Text.\n\n(c) 1999 Jane, {MAIL}\nText.", 1),
        (f"版权所有 2003 张三 {MAIL}", 1),
        (f"Copyright 2003 by Jane Doe\n({MAIL}), all rights reserved.", 1),
        (f"Copyright 2003 by Jane Doe.\n\nWrite to {MAIL}.", 0),
        (f"Copyright 2003 by Jane Doe.\nA line between.\nWrite to {MAIL}.", 0),
        (f"{MAIL} and {MAIL}, © both", 2),
        (f"Write to {MAIL}.\nCopyright 2003", 0),
        (f"著作权法规定，可向 {MAIL} 举报。", 0),
        (f"Copyright 2003{' ' * 500}{MAIL}", 0),
        (f"(c) {MAIL}", 0),  # an item of a list, no year: no notice
        ("Copyright 2003", 0),
    ],
)
def test_a_mask_counts_on_the_line_of_a_notice_or_the_next(text, count):
    assert masks_in_notices(text, spans(text)) == count


@given(st.text("ab\n©", max_size=60), st.data())
def test_no_more_are_counted_than_there_are_and_none_without_a_notice(text, data):
    at = data.draw(st.integers(0, len(text)))
    span = Span(at, data.draw(st.integers(at, len(text))), "pi_email")

    counted = masks_in_notices(text, [span])

    assert counted in (0, 1)
    assert "©" in text or counted == 0


def manifest(**changes):
    part = {"part": "all", "expression": "GPL-2.0-only", "text_sha256": "a" * 64, "obligations": ["notice"]}
    source = {"source_id": "s", "title": "Notes\u202e\nof x", "purl": "pkg:pypi/x@1", "parts": [part]}
    return {"sources": [{**source, **changes}], "counts": {"by_source": {"s": {"kept": {"": 3}}}}}


def test_a_source_has_a_line_with_the_hash_of_its_licence_text():
    (line,) = [ln for ln in notice(manifest(), "demo-1").splitlines() if ln.startswith("- ")]

    assert line == (
        f"- Notes of x (pkg:pypi/x@1), all: GPL-2.0-only; licence text sha256:{'a' * 64}; obligations: notice"
    )


def test_masks_inside_notices_are_said_once_a_source():
    parts = [{"part": p, "expression": "MIT", "text_sha256": None, "obligations": []} for p in ("a", "b")]

    said = notice(manifest(parts=parts), "demo-1", {"s": 4, "other": 9})

    assert said.count("masks in copyright notices: 4") == 1
    assert "9" not in said


def test_a_source_without_kept_records_is_not_named():
    told = manifest()
    told["counts"]["by_source"] = {"s": {"removed": {"keyword": 3}}}

    assert not [ln for ln in notice(told, "demo-1").splitlines() if ln.startswith("- ")]
