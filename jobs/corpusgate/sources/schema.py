"""The JSON Schema of a source's file, for editors: completion, and most mistakes while they are typed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from corpusgate.intake import read, readers
from corpusgate.settings.source import Source
from corpusgate.sources.reasons import REASONS


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of `conf/sources/*.yaml`, with the formats that are there and the options of each."""
    schema = Source.model_json_schema()
    schema["properties"].pop("id")  # the file's name is the id
    schema["required"] = [name for name in schema["required"] if name != "id"]
    definitions = schema["$defs"]
    reader = definitions["Reader"]
    reader["properties"]["format"]["enum"] = read.formats()
    reader["allOf"] = []
    for name in read.formats():
        options = import_module(f"{readers.__name__}.{name}").Options.model_json_schema()
        definitions |= options.pop("$defs", {})
        reader["allOf"].append(
            {
                "if": {"properties": {"format": {"const": name}}, "required": ["format"]},
                "then": {"properties": {"options": options}},
            }
        )
    finding = definitions["LicencePart"]["properties"]["finding"]
    finding["anyOf"] = [{"type": "string", "enum": sorted(REASONS)}, {"type": "null"}]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A source of corpusgate: conf/sources/<id>.yaml",
        **{k: v for k, v in schema.items() if k != "title"},
    }
