"""The one door to the records of what was fetched: whatever the format, every raw record comes out as item or fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from corpusgate.errors import ConfigError
from corpusgate.intake import encoding, readers
from corpusgate.intake.apart import read_apart
from corpusgate.intake.encoding import Undecodable
from corpusgate.intake.items import Fault, Found, Item, Signal
from corpusgate.intake.members import UNREADABLE, Member, members
from corpusgate.intake.rules import stored_text
from corpusgate.intake.unpack import LimitExceeded
from corpusgate.settings.source import Reader

#: Part of a batch's id: raise it when a reader gives other records for the same bytes.
EXTRACTION_VERSION = "1"

#: Every reason that a fault can have, in words for a person.
REASONS: dict[str, str] = {
    "bad_role": "the field that says what a text is (text, prompt, chosen, rejected) says something else",
    "bad_turn": "the field that numbers the turns holds no whole number",
    "binary": "a file declared as text that holds NUL characters",
    "broken_archive": "the archive is damaged, or not what it begins as",
    "changed_in_store": "an object that is not the one that was listed in its store",
    "duplicate_member": "a second member under a path that was read already",
    "encrypted": "the member or document is encrypted",
    "line_too_long": "a line longer than the bound",
    "link_outside": "a link that leads out of the archive",
    "lone_surrogate": "half of a surrogate pair, which is no character",
    "no_answer": "a prompt without an answer, or two answers that are the same",
    "no_key": "the field that should name the record is missing or empty",
    "no_prompt": "an answer without a prompt",
    "no_records": "the place where the records should be is not there",
    "no_text": "no text where it should be, or only blanks",
    "no_turns": "no list of turns where the conversation should be",
    "not_a_file": "a device, pipe or other special file",
    "not_an_object": "a line or element that is not an object with fields",
    "not_csv": "not readable as CSV",
    "not_html": "not readable as HTML",
    "not_json": "not readable as JSON",
    "not_parquet": "not readable as Parquet",
    "not_pdf": "not readable as PDF",
    "not_sqlite": "not readable as an SQLite database with the declared query",
    "not_warc": "not readable as WARC",
    "memory": "reading took more memory than the bound",
    "not_yaml": "not readable as YAML",
    "parser_ended": "the parser crashed on it, or failed in a way of its own",
    "prompts_differ": "the chosen and the rejected conversation part before an answer",
    "ragged_row": "a row with more or fewer cells than the header",
    "ratio": "far more comes out of the compressed bytes than text explains",
    "timeout": "reading took longer than the bound",
    "too_large": "larger than the bound",
    "truncated": "the compressed bytes end early or are damaged",
    "undecodable": "bytes that are not in the encoding of the file",
    "unknown_role": "a turn of a speaker that the declaration does not name",
    "unsafe_name": "a member name that is absolute, leads out, or cannot be shown",
}

Stood = Callable[[str], Mapping[str, str]]
"""From a member to the lines that stood there before: the hash of each to the record that it gave."""

_FORMAT = re.compile(r"[a-z][a-z0-9]*")


def read_items(
    path: Path, name: str, reader: Reader, *, start: int = 0, end: int | None = None, stood: Stood | None = None
) -> Iterator[Found]:
    """Records of one acquisition: `path` holds its bytes, `name` is its own name.

    Texts come out as stored texts (NFC, LF). Nothing that the bytes hold raises: what cannot be read is a `Fault`. A
    field that nobody declared is a `Signal`, once. `start` and `end` choose the records that begin in a range of
    bytes; only where `split_reader` says so. A line that `stood` names comes out as `Stands`; where it is given,
    records that are lines come with the hash of theirs.

    Raises:
        ConfigError: the format does not exist or its options are wrong.
        OSError: the file at `path` cannot be read.
    """
    module = check(reader)
    said: set[str] = set()
    for member in members(path, name, reader):
        if isinstance(member, Fault):
            yield member
            continue
        if getattr(module, "APART", False):
            results = read_apart(module, member, reader)
        else:
            more: dict[str, Any] = {"start": start, "end": end} if start or end is not None else {}
            if stood is not None and getattr(module, "SPLITTABLE", False):
                more["stood"] = stood(member.name)
            results = module.read(member, reader, **more)
        for found in shielded(member, results):
            if isinstance(found, Item):
                yield _checked(found)
            elif not isinstance(found, Signal):
                yield found
            elif found.field not in said:
                said.add(found.field)
                yield found


def split_reader(path: Path, name: str, reader: Reader) -> Reader | None:
    """The reader to use for parts of this file, its encoding decided once for all of them; None: read it whole."""
    module = check(reader)
    if not getattr(module, "SPLITTABLE", False):
        return None
    member = next(iter(members(path, name, reader)), None)
    if not isinstance(member, Member) or member.path is None:
        return None
    codec = encoding.of_lines(member.open, reader.encoding)
    return None if encoding.is_wide(codec) else reader.model_copy(update={"encoding": codec})


def in_parts(reader: Reader) -> bool:
    """Whether plain files can be read in parts without a look: their encoding is declared, and is no wide one."""
    splittable = getattr(check(reader), "SPLITTABLE", False)
    return splittable and reader.encoding != encoding.AUTO and not encoding.is_wide(encoding.codec(reader.encoding))


def formats() -> list[str]:
    """The formats that can be declared: the modules under `readers/`."""
    return sorted(m.name for m in iter_modules(readers.__path__))


def check(reader: Reader) -> ModuleType:
    """The module of the reader's format, once format, options and encoding are known to be right.

    Raises:
        ConfigError: says every mistake.
    """
    if not _FORMAT.fullmatch(reader.format) or reader.format not in formats():
        raise ConfigError(f"reader.format: {reader.format!r} is not known; write one of {', '.join(formats())}.")
    module = import_module(f"{readers.__name__}.{reader.format}")
    if reader.chat is not None and not getattr(module, "HAS_FIELDS", False):
        raise ConfigError(
            f"reader.chat: {reader.format} has no fields; fine-tuning data come in one of {_with_fields()}."
        )
    if reader.encoding != encoding.AUTO:
        encoding.codec(reader.encoding)
    try:
        module.Options.model_validate(reader.options)
    except ValidationError as error:
        known = ", ".join(module.Options.model_fields) or "none"
        lines = [f"reader.options.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError("\n".join(lines) + f"\nThe options of {reader.format}: {known}.") from None
    return module


def _with_fields() -> str:
    modules = {name: import_module(f"{readers.__name__}.{name}") for name in formats()}
    return ", ".join(name for name, module in modules.items() if getattr(module, "HAS_FIELDS", False))


def nothing_stands(member: str) -> Mapping[str, str]:
    """For who wants the hashes of lines, and all of them read."""
    return {}


def shielded(member: Member, results: Iterator[Found]) -> Iterator[Found]:
    """The results, with a fault for what makes the member itself unreadable."""
    try:
        yield from results
    except LimitExceeded as error:
        yield Fault(member.name, error.reason, error.detail, error.offset)
    except Undecodable as error:
        yield Fault(member.name, "undecodable", error.detail, error.offset)
    except UNREADABLE as error:
        yield Fault(member.name, "truncated", f"{type(error).__name__}: {error}"[:300])


def _checked(item: Item) -> Item | Fault:
    """The item with its stored text and the UTF-8 of it, or why it cannot be stored."""
    text = stored_text(item.text)
    try:
        # A parser in a process of its own, that was taken over, may say anything of `utf8`, but not in bytes.
        if text != item.text or not isinstance(item.utf8, bytes):
            item.text, item.utf8 = text, text.encode()
        for value in (item.key or "", item.title or "", *item.attributes.values()):
            if not value.isascii():
                value.encode()
    except UnicodeEncodeError:
        return Fault(item.member, "lone_surrogate", "half of a surrogate pair: no character")
    if not text.strip():
        return Fault(item.member, "no_text", "only blanks")
    return item
