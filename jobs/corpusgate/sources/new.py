"""`corpusgate source new`: a declaration for a folder of one's own text, with a comment at each field."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from corpusgate.errors import UserError
from corpusgate.settings.model import is_identifier

#: Stands where only the person knows; `source check` names each place where it is left.
TO_FILL = "FILL IN"

_FORMATS = {
    ".txt": "text", ".md": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv",
    ".html": "html", ".htm": "html", ".pdf": "pdf", ".parquet": "parquet", ".yaml": "yaml", ".yml": "yaml",
    ".warc": "warc",
    ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite",
}  # fmt: skip
_WITH_FIELDS = ("jsonl", "json", "csv", "parquet", "sqlite")
_LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING", "LICENCE", "NOTICE")
_SPDX = re.compile(r"SPDX-License-Identifier:\s*(\S[^\n]*\S|\S)")
_LOOKED_AT = 10_000


def scaffold(name: str, folder: Path | None = None) -> str:
    """YAML text for the source `name`; from a folder the format, the globs and a licence file are read off.

    Raises:
        UserError: the name is no id, or the folder is not there.
    """
    if not is_identifier(name):
        raise UserError(f"{name!r} is no id: use lower case, digits and hyphens, at most 63, e.g. my-notes.")
    if folder is not None and not folder.is_dir():
        raise UserError(f"There is no folder {folder}. Give the one that holds your texts.")
    suffix, count = _most(folder) if folder else (".txt", 0)
    reader = _FORMATS.get(suffix, "text")
    seen = f" # {count} such files seen" if count else ""
    path = json.dumps(
        str(folder.resolve()) if folder else f"{TO_FILL}: the folder that holds your texts", ensure_ascii=False
    )
    return _HEAD.format(fill=TO_FILL, path=path) + _reader(reader, suffix, seen) + _licence(folder) + _TAIL


def _most(folder: Path) -> tuple[str, int]:
    """The suffix that most files have, among those that a reader knows; the first by name where several tie."""
    found = Counter(path.suffix.lower() for path in _files(folder) if path.suffix.lower() in _FORMATS)
    if not found:
        return ".txt", 0
    return min(found.items(), key=lambda item: (-item[1], item[0]))


def _files(folder: Path) -> Iterator[Path]:
    for seen, path in enumerate(folder.rglob("*")):
        if seen >= _LOOKED_AT:
            return
        if path.is_file() and not path.is_symlink() and path.name not in _LICENCES:
            yield path


def _reader(name: str, suffix: str, seen: str) -> str:
    fields = _FIELDS.format(fill=TO_FILL) if name in _WITH_FIELDS else _NO_FIELDS
    query = f"  options:\n    query: {TO_FILL}, SELECT … FROM … ORDER BY …\n" if name == "sqlite" else ""
    return _READER.format(format=name, suffix=suffix, seen=seen) + query + fields


def _licence(folder: Path | None) -> str:
    for name in _LICENCES if folder else ():
        assert folder is not None
        path = folder / name
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            spdx = _SPDX.search(content.decode("utf-8", "replace"))
            return _DECLARED.format(
                name=name,
                expression=json.dumps(spdx[1] if spdx else TO_FILL, ensure_ascii=False),
                quote=json.dumps(spdx[0] if spdx else TO_FILL, ensure_ascii=False),
                sha256=hashlib.sha256(content).hexdigest(),
            )
    return _OWN.format(fill=TO_FILL)


_HEAD = """\
# A source of corpusgate. The file's name is its id. Check it with: corpusgate source check
title: {fill}
# open_source, self_collected (written or crawled by yourselves), commercial, user_input or synthetic
kind: self_collected
language: zh # BCP 47; mul for several
country: CN # where the provider is
category: {fill}, e.g. encyclopedia, news, literature
owner: {fill}, the role that answers for it
# What counts as one source: the site, organisation or data set by its name, never "public data".
provider: {fill}
# One sentence: platform, period, language, processing state.
description: {fill}
channel:
  type: folder # pip, apt and npm fetch packages: see conf/sources for examples
  path: {path}
"""
_READER = """\
reader:
  format: {format}
  include: ["**/*{suffix}"]{seen}
"""
_FIELDS = """\
  text: text # the field that holds the text
  # key: id # a field that names a record for good
  # fields: # what else to keep: name here -> field of the source
  #   title: title
  # ignore: [] # fields left out on purpose; any other is reported
"""
_NO_FIELDS = ""
_DECLARED = """\
# The words that decide about the licence, the file that they stand in, and its hash: all three are checked in each run.
licence:
  - declared:
      expression: {expression} # as they write it
      read_from: {name}
      quote: {quote}
      sha256: {sha256}
"""
_OWN = """\
# Text of your own needs a person who says so. For text of others write `declared:` instead, with expression, read_from,
# quote and sha256 of the file that states the licence.
licence:
  - concluded:
      expression: LicenseRef-Own-Work
      by: {fill}, name or role
      at: {fill}, the day as "2026-01-31"
      because: {fill}, who wrote the texts and by which contract they are yours
"""
_TAIL = """\
expected:
  records_min: 1 # fewer is an error: the format may have changed
"""
