"""A named test set that a corpus must not have seen. Declared in `conf/test_sets/<id>.yaml`; its file is the user's."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from corpusgate.settings.model import Declared, Identifier, Sha256

TestSetTreatment = Literal["report", "remove"]


class TestSet(Declared):
    """One test set as declared; `id` is the stem of its file. Nothing of the set is kept in the configuration."""

    __test__ = False  # no test of pytest's

    id: Identifier
    title: str
    source: str = Field(description="address from which anybody gets the same file")
    licence: str = Field(description="SPDX expression, or LicenseRef-…")
    sha256: Sha256 = Field(description="of the file; another file is refused")
    path: str = Field(description="where the file lies: absolute, or below var/test_sets")
    format: Literal["jsonl", "text"] = Field("jsonl", description="JSON lines, or a text file with an item a line")
    fields: tuple[str, ...] = Field(("text",), min_length=1, description="of a JSON line, put together: question, …")
