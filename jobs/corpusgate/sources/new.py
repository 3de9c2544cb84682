"""`corpusgate source new`: a declaration for a folder of one's own text, with a comment at each field.

What the folder shows is drafted; what only a person knows is left open, and `source check` names each such place.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from corpusgate.errors import UserError
from corpusgate.lake.run import write_atomically
from corpusgate.settings.load import load_corpus
from corpusgate.settings.model import is_identifier
from corpusgate.settings.place import Place
from corpusgate.sources.survey import LICENCES, Survey, survey

#: Stands where only the person knows; `source check` names each place where it is left.
TO_FILL = "FILL IN"
#: Where the schema for editors lies, seen from a file in `conf/sources`.
SCHEMA = "../../var/source.schema.json"

_WITH_FIELDS = ("jsonl", "json", "csv", "parquet", "sqlite")
_SPDX = re.compile(r"SPDX-License-Identifier:\s*(\S[^\n]*\S|\S)")


def scaffold(name: str, folder: Path | None = None, today: date | None = None) -> str:
    """YAML text for the source `name`; from a folder title, description, format, globs and licence file are drafted.

    Without a licence file a person's word is asked for, dated `today` where that is given.

    Raises:
        UserError: the name is no id, or the folder is not there.
    """
    if not is_identifier(name):
        raise UserError(f"{name!r} is no id: use lower case, digits and hyphens, at most 63, e.g. my-notes.")
    if folder is not None and not folder.is_dir():
        raise UserError(f"There is no folder {folder}. Give the one that holds your texts.")
    seen = survey(folder) if folder else Survey()
    return _head(name, folder, seen) + _reader(seen) + _licence(folder, today) + _TAIL


def add_to_corpus(place: Place, corpus_id: str, name: str) -> bool:
    """Adds the source's id at the end of `sources` in the corpus's file; comments stay. False: it was there already.

    Raises:
        UserError: no such corpus. ConfigError: its file is wrong.
    """
    if name in load_corpus(place, corpus_id).sources:
        return False
    path = place.conf / "corpora" / f"{corpus_id}.yaml"
    text = path.read_text("utf-8")
    document = YAML(typ="rt").load(text)
    write_atomically(path, _in_block(text, document["sources"], name) or _in_flow(document, name))
    return True


def _in_block(text: str, sources: CommentedSeq, name: str) -> str | None:
    """The text with one more line after the list's last item; None where the list is not written as lines."""
    if sources.fa.flow_style() or not sources:
        return None
    lines = text.splitlines(keepends=True)
    row, column = sources.lc.item(len(sources) - 1)
    before = lines[row][:column]  # the indentation and the dash of the last item
    if before.strip() != "-":
        return None
    if not lines[row].endswith("\n"):
        lines[row] += "\n"
    return "".join([*lines[: row + 1], f"{before}{name}\n", *lines[row + 1 :]])


def _in_flow(document: CommentedMap, name: str) -> str:
    document["sources"].append(name)
    yaml, out = YAML(typ="rt"), io.StringIO()
    yaml.preserve_quotes, yaml.width = True, 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(document, out)
    return out.getvalue()


def _head(name: str, folder: Path | None, seen: Survey) -> str:
    if folder is None:
        path = _quoted(f"{TO_FILL}: the folder that holds your texts")
        return _HEAD.format(
            schema=SCHEMA, drafted="", title=TO_FILL, language="zh", provider=TO_FILL, description=TO_FILL, path=path,
            category=f"{TO_FILL}, e.g. encyclopedia, news, literature", owner=f"{TO_FILL}, the role that answers",
        )  # fmt: skip
    root = folder.resolve()
    title = root.name or name
    provider = title if title == name else f"{title} ({name})"
    description = seen.sentence(title) if seen.count else TO_FILL
    return _HEAD.format(
        schema=SCHEMA, title=_quoted(title), language=seen.language or "zh", category="own texts",
        owner="data sourcing lead", provider=_quoted(provider), description=_quoted(description),
        path=_quoted(str(root)), drafted=_DRAFTED,
    )  # fmt: skip


def _reader(seen: Survey) -> str:
    counted = f" # {seen.count} such files seen" if seen.count else ""
    fields = _FIELDS if seen.format in _WITH_FIELDS else ""
    query = f"  options:\n    query: {TO_FILL}, SELECT … FROM … ORDER BY …\n" if seen.format == "sqlite" else ""
    return _READER.format(format=seen.format, suffix=seen.suffix, seen=counted) + query + fields


def _licence(folder: Path | None, today: date | None) -> str:
    for name in LICENCES if folder else ():
        assert folder is not None
        path = folder / name
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            spdx = _SPDX.search(content.decode("utf-8", "replace"))
            quote, expression = (spdx[0], spdx[1]) if spdx else (TO_FILL, TO_FILL)
            sha256 = hashlib.sha256(content).hexdigest()
            return _DECLARED.format(name=name, expression=_quoted(expression), quote=_quoted(quote), sha256=sha256)
    at = f'"{today:%Y-%m-%d}"' if today else f'{TO_FILL}, the day as "2026-01-31"'
    return _OWN.format(fill=TO_FILL, at=at)


def _quoted(text: Any) -> str:
    """A YAML scalar that stays a value, whatever stands in it."""
    return json.dumps(str(text), ensure_ascii=False)


_DRAFTED = """\
# Drafted from the folder; correct what is not so. What still says FILL IN only you know.
"""
_HEAD = """\
# yaml-language-server: $schema={schema}
# A source of corpusgate. The file's name is its id. Check it with: corpusgate source check
{drafted}title: {title}
# open_source, self_collected (written or crawled by yourselves), commercial, user_input or synthetic
kind: self_collected
language: {language} # BCP 47; mul for several
country: CN # where the provider is
category: {category}
# grade: general # general, important or core, by your organisation's rules; asked for before filing
owner: {owner}
# What counts as one source: the site, organisation or data set by its name, never "public data".
provider: {provider}
# One sentence: platform, period, language, processing state.
description: {description}
# How it was collected: produced (written or recorded by yourselves) or crawled (then `record:` names the crawler's log)
collection:
  method: produced
  tool: by hand
  operator: data sourcing lead
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
  text: text # the field that holds the text; for conversations write chat instead, see docs/add-a-source.md
  # key: id # a field that names a record for good
  # fields: # what else to keep: name here -> field of the source
  #   title: title
  # ignore: [] # fields left out on purpose; any other is reported
"""
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
      at: {at}
      because: {fill}, who wrote the texts and by which contract they are yours
"""
_TAIL = """\
expected:
  records_min: 1 # fewer is an error: the format may have changed
"""
