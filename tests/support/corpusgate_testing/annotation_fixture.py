"""A lake that has taken in the texts of the annotated fixture set. No Spark."""

from __future__ import annotations

from pathlib import Path

from corpusgate.annotation import fixtures
from corpusgate.annotation.demonstration import SOURCE
from corpusgate.intake.items import Item
from corpusgate.intake.rules import locator, record_id, text_sha256
from corpusgate.lake.run import Run
from corpusgate_testing.gates import clean_lake, sha


def fixture_lake(folder: Path) -> Run:
    """A lake whose corpus has the fixture's source, its texts taken in as intake would."""
    lake = clean_lake()
    lake.sources[SOURCE] = ("open_source", "zh", "CN", "fixture.example")
    lake.blocks[SOURCE] = {"fixture": True}
    for text in fixtures.texts():
        where = locator(Item("texts.jsonl", text["text"], key=text["key"]), text_sha256(text["text"]))
        about = {"text_sha256": text_sha256(text["text"]), "batch_id": "f" * 16}
        name = record_id(SOURCE, where, about["text_sha256"])
        lake.rows["record"].append(about | {
            "record_id": name, "source_id": SOURCE, "acquisition_id": sha("a"), "locator": where, "modality": "text",
            "role": "text", "attributes": {},
        })  # fmt: skip
        lake.rows["document"].append(about | {"text": text["text"]})
    return lake.write(folder)
