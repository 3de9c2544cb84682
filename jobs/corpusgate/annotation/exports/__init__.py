"""Readers of what labelling tools export, one module a tool, found by the tool's name.

Each has `read(given) -> Iterator[Raw | Refusal]`: every annotation of the file comes out as one or the other. A file
that is not that tool's export at all raises UserError. Exports are other people's files about hostile text: nothing in
them is run, followed or expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from corpusgate.annotation.exports.given import Given
from corpusgate.annotation.model import Raw, Refusal
from corpusgate.errors import UserError

TOOLS: tuple[str, ...] = ("label_studio", "doccano", "argilla", "cvat", "table")


def read_export(tool: str, given: Given) -> Iterator[Raw | Refusal]:
    """Every annotation of the export, taken or refused.

    Raises:
        UserError: no such tool, or the file is none of its exports; the message says what to export instead.
    """
    if tool not in TOOLS:
        raise UserError(f"No tool {tool!r}; the tools are {', '.join(TOOLS)}. Others: export CSV, and map its columns.")
    yield from import_module(f"corpusgate.annotation.exports.{tool}").read(given)
