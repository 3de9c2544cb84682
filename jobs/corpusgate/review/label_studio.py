"""A sample as tasks of Label Studio, and the labelling configuration by whose names its export is read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from corpusgate.evidence.cells import plain
from corpusgate.settings.model import RISKS

#: What a task shows and brings back.
DATA = ("sample_id", "ordinal", "record_id", "stratum", "released_sha256", "source_id", "language", "text",
        "conversation")  # fmt: skip


def tasks(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One task an item, in the order of the draw; items that are gone have no text and are left out."""
    made = [{"data": {n: r.get(n) for n in DATA if n in r}} for r in rows if r.get("state", "as drawn") == "as drawn"]
    return json.dumps(made, ensure_ascii=False, indent=1, default=plain).encode("utf-8")


def config(*, conversations: bool = False) -> bytes:
    """The labelling configuration: verdict, risks by the keys of Annex A, comment. Its text is plain, not HTML.

    `conversations`: items are groups or texts, and a task has one of the two.
    """
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name="text", value="$text")
    if conversations:
        ElementTree.SubElement(view, "Text", name="conversation", value="$conversation")
    verdict = ElementTree.SubElement(
        view, "Choices", name="verdict", toName="text", choice="single", required="true", showInline="true"
    )
    for word in ("good", "bad"):
        ElementTree.SubElement(verdict, "Choice", value=word)
    risks = ElementTree.SubElement(
        view, "Choices", name="risks", toName="text", choice="multiple", visibleWhen="choice-selected",
        whenTagName="verdict", whenChoiceValue="bad",
    )  # fmt: skip
    for risk in RISKS:
        ElementTree.SubElement(risks, "Choice", value=risk)
    ElementTree.SubElement(view, "TextArea", name="comment", toName="text", rows="2", maxSubmissions="1")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="utf-8")
