"""`corpusgate source check`: every mistake of one declaration at once: line, field, what is wrong, what to write.

Nothing is fetched: what only the bytes can show (a quote, a hash) is the licence step's.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from pathlib import Path

from corpusgate.errors import ConfigError
from corpusgate.intake import read as reading
from corpusgate.intake.rules import member_path
from corpusgate.settings.licence import LicenceTable, load_licences
from corpusgate.settings.load import line_of, load_file, plain
from corpusgate.settings.papers import GENERATED
from corpusgate.settings.place import Place
from corpusgate.settings.source import FolderChannel, LicencePart, NpmChannel, PipChannel, Source, Statement
from corpusgate.sources.expressions import read
from corpusgate.sources.new import TO_FILL
from corpusgate.sources.reasons import REASONS

Loc = tuple[str | int, ...]
Found = Iterator[tuple[Loc, str]]

#: Names that say nothing about where data came from; filings come back because of them.
VAGUE = (
    "公共网络",
    "公开网络",
    "互联网公开数据",
    "公开数据集",
    "网络公开数据",
    "public network",
    "public datasets",
    "the internet",
)
_DESCRIPTION_LEAST = 40


def check_source(place: Place, path: Path) -> list[str]:
    """The mistakes of the file at `path`, as `file:line: field: what is wrong; what to write`; none: it is fine.

    Raises:
        ConfigError: not this file but `conf/licences.yaml` is wrong.
    """
    table = load_licences(place)
    try:
        source = load_file(path, Source)
    except ConfigError as error:
        said = str(error).splitlines()
        return said + [line for line in _worded(path, _unfilled(plain(path))) if not _same_field(line, said)]
    return _worded(path, mistakes(place, source, table))


def _worded(path: Path, found: Found) -> list[str]:
    lines = sorted((line_of(path, loc), _field(loc), says) for loc, says in found)
    return [f"{path}:{line}: {field}: {says}" for line, field, says in lines]


def _same_field(line: str, said: list[str]) -> bool:
    place = line[: line.index(": still says")]
    return any(other.startswith(f"{place}:") for other in said)


def mistakes(place: Place, source: Source, table: LicenceTable) -> Found:
    """What the model cannot see: globs, formats, hashes, papers of each kind, licence parts. Yields field and words."""
    yield from _unfilled(source.model_dump(mode="json"))
    yield from _about(source)
    yield from _channel(place, source)
    yield from _reader(source)
    yield from _parts(source, table)
    expected = source.expected
    if expected.records_max is not None and expected.records_max < expected.records_min:
        yield ("expected", "records_max"), "is smaller than records_min; write the larger number here."


def _unfilled(declared: object) -> Found:
    for loc, value in _texts(declared, ()):
        if TO_FILL in value:
            yield loc, f"still says {TO_FILL!r}; write your own words."


def _about(source: Source) -> Found:
    for name in ("title", "provider", "description"):
        value = str(getattr(source, name))
        for vague in VAGUE:
            if value.strip().casefold() == vague or (name != "description" and vague in value.casefold()):
                yield (name,), f"{vague!r} names no source; write the site, organisation or data set by its name."
    if len(source.description) < _DESCRIPTION_LEAST and TO_FILL not in source.description:
        yield ("description",), "says too little; write platform, period, language and processing state in a sentence."
    if source.kind == "synthetic" and not (source.generator or set(GENERATED) <= source.reader.fields.keys()):
        yield (
            ("kind",),
            "is synthetic; write `generator:` with model, version and time as well, or the three as fields of each "
            f"record ({', '.join(GENERATED)}).",
        )
    for kind, block in (("commercial", "commercial"), ("user_input", "user_input"), ("self_collected", "collection")):
        if source.kind == kind and getattr(source, block) is None:
            yield ("kind",), f"is {kind}; write `{block}:` with the papers of this kind as well."
        if source.kind != kind and getattr(source, block) is not None:
            yield (block,), f"belongs to the kind {kind}, and kind is {source.kind}."
    if source.kind == "user_input" and source.user_input and not source.personal_information_basis:
        yield (
            ("kind",),
            "is user_input; write `personal_information_basis:` with the authorisation and its document as well.",
        )


def _channel(place: Place, source: Source) -> Found:
    channel = source.channel
    if isinstance(channel, PipChannel) and not channel.file.endswith(".whl"):
        yield (
            ("channel", "file"),
            f"{channel.file!r} is no wheel; only .whl files are fetched, others would run their build.",
        )
    if isinstance(channel, NpmChannel):
        try:
            size = len(base64.b64decode(channel.integrity.removeprefix("sha512-"), validate=True))
        except binascii.Error:
            size = 0
        if size != 64:
            yield ("channel", "integrity"), "is no SHA-512; copy `npm view NAME@VERSION dist.integrity`."
    if isinstance(channel, FolderChannel):
        folder = Path(channel.path) if Path(channel.path).is_absolute() else place.home / channel.path
        if not source.fixture and TO_FILL not in channel.path and not folder.is_dir():
            yield ("channel", "path"), f"there is no folder {folder}; correct the path, or put the files there."
        yield from _globs(("channel", "include"), channel.include)


def _reader(source: Source) -> Found:
    reader = source.reader
    yield from _globs(("reader", "include"), reader.include)
    yield from _globs(("reader", "exclude"), reader.exclude)
    try:
        reading.check(reader)
    except ConfigError as error:
        for line in str(error).splitlines():
            field, colon, says = line.partition(": ")
            yield (
                (tuple(field.split(".")), says)
                if colon and field.startswith("reader")
                else (("reader", "options"), line)
            )
    declared = {*reader.fields, *reader.fields.values()}
    for at, rule in enumerate(reader.remove):
        if rule.field not in declared:
            there = ", ".join(sorted(reader.fields)) or "none"
            yield (
                ("reader", "remove", at, "field"),
                f"{rule.field!r} is not among reader.fields ({there}); declare it there.",
            )


def _parts(source: Source, table: LicenceTable) -> Found:
    seen: set[str] = set()
    open_to_all: str | None = None
    for at, part in enumerate(source.licence):
        loc: Loc = ("licence", at)
        if part.id in seen:
            yield (*loc, "id"), f"{part.id!r} names two parts; give each its own id."
        if open_to_all is not None:
            yield loc, f"is never reached: the part {open_to_all!r} before it takes everything; put it first."
        seen.add(part.id)
        if "**" in part.include and open_to_all is None:
            open_to_all = part.id
        yield from _globs((*loc, "include"), part.include)
        yield from _conclusion(loc, part, table)
        for name, statement in _named_statements(part):
            yield from _statement((*loc, *name), statement)


def _conclusion(loc: Loc, part: LicencePart, table: LicenceTable) -> Found:
    if part.finding is not None and part.finding not in REASONS:
        yield (*loc, "finding"), f"{part.finding!r} is not known; write one of {', '.join(REASONS)}."
    if part.concluded is None:
        return
    if part.contradicted or part.finding:
        yield (*loc, "concluded"), "stands beside a finding that nothing can be concluded; take one of the two out."
    reading = read(part.concluded.expression, table)
    if reading.expression is None and TO_FILL not in part.concluded.expression:
        yield (*loc, "concluded", "expression"), f"{reading.says}; write an expression that the table knows."


def _statement(loc: Loc, statement: Statement) -> Found:
    if statement.read_from is None:
        if statement.quote or statement.sha256:
            yield loc, "has a quote or hash and no read_from; write the path of the file that it stands in."
        return
    if "://" not in statement.read_from:
        try:
            member_path(statement.read_from)
        except ValueError as error:
            yield (
                (*loc, "read_from"),
                f"{error}; write the path inside the fetched file or folder, e.g. package/LICENSE.",
            )
    if not statement.quote:
        yield loc, "has no quote; write the words that decide, as they stand there."
    if not statement.sha256:
        yield loc, "has no sha256; write the hash of the file that holds the quote."


def _named_statements(part: LicencePart) -> Iterator[tuple[Loc, Statement]]:
    if part.declared is not None:
        yield ("declared",), part.declared
    for at, statement in enumerate(part.evidence):
        yield ("evidence", at), statement


def _globs(loc: Loc, globs: Iterable[str]) -> Found:
    for at, glob in enumerate(globs):
        if glob.startswith(("/", "~")) or "\\" in glob or ".." in glob.split("/") or glob[1:3] == ":/":
            yield (
                (*loc, at),
                f"{glob!r} leads out; write a glob relative to the fetched file or folder, with / and without '..'.",
            )
        elif not glob.strip():
            yield (*loc, at), "is empty; write a glob such as **/*.txt."


def _texts(node: object, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if isinstance(node, str):
        yield loc, node
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, (*loc, str(name)))
    elif isinstance(node, list | tuple):
        for at, value in enumerate(node):
            yield from _texts(value, (*loc, at))


def _field(loc: Loc) -> str:
    return ".".join(str(part) for part in loc) or "(file)"
