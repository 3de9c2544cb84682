"""Ids, forms and choices of intake: plain functions on records, without disk and without Spark."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from corpusgate.intake.items import Item
from corpusgate.intake.register import Register
from corpusgate.settings.papers import GENERATED, generator_mark
from corpusgate.settings.source import LicencePart, Reader, Source

_DRIVE = re.compile(r"^[A-Za-z]:")
_SPECIAL = re.compile(r"[\[\]\\^&|~]")
# Of such an address the host is what it looks like; to take it apart by the standard costs ten times as much.
_PLAIN_URL = re.compile(r"https?://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]+)?(?:[/?#]|\Z)")


def detector_version(detector: str, versions: Mapping[str, str]) -> str:
    """The version under which the findings of `detector` stand in a run that names `versions` (family to version).

    A family's version names its detectors one by one, `personal_information-1 pi_check-1`; a finding carries its
    detector's own, here `1`.

    Raises:
        KeyError: no family names the detector.
    """
    for family in versions.values():
        for part in family.split(" "):
            name, _, own = part.partition("-")
            if name == detector:
                return own
    raise KeyError(detector)


def stored_text(text: str) -> str:
    """The text as it is stored: NFC, line ends LF (CRLF and CR become LF), nothing else changed. Idempotent."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", text)


def text_sha256(text: str | bytes) -> str:
    """Lower-case hex SHA-256 of the text's UTF-8, which may be given in its place.

    Raises:
        UnicodeEncodeError: the text holds a lone surrogate; `read_items` never hands one out.
    """
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()


def locator(item: Item, sha256: str, ordinal: int = 0) -> str:
    """Where the record stands in its source: its declared key, else member, text and ordinal among equal texts.

    Never a line number: one inserted row must not rename the rest (design.md, section 1). `ordinal` counts from 0
    within the member; which of several equal texts gets which is of no consequence.
    """
    if item.key is not None:
        return f"key:{item.key}"
    return f"{member_path(item.member)}#{sha256[:16]}#{ordinal}"


def record_id(source_id: str, where: str, sha256: str) -> str:
    """Id of a record: SHA-256 of source, locator and text hash."""
    return hashlib.sha256(f"record\0{source_id}\0{where}\0{sha256}".encode()).hexdigest()


def group_id(source_id: str, name: str | None) -> str | None:
    """Id of a group of records: SHA-256 of source and of the group's own name there; None where there is none."""
    return hashlib.sha256(f"group\0{source_id}\0{name}".encode()).hexdigest() if name else None


class Ordinals:
    """Counts equal texts of one member after another: call it with each record, in order.

    Memory grows with the distinct texts of one member (16 bytes of hash each); records with a key cost nothing.
    """

    def __init__(self) -> None:
        self._member: str | None = None
        self._seen: dict[bytes, int] = {}

    def __call__(self, item: Item, sha256: str) -> int:
        """Ordinal of this record among the equal texts of its member so far."""
        if item.key is not None:
            return 0
        if item.member != self._member:
            self._member, self._seen = item.member, {}
        text = bytes.fromhex(sha256[:32])
        ordinal = self._seen.get(text, 0)
        self._seen[text] = ordinal + 1
        return ordinal


def member_path(name: str) -> str:
    """One spelling of a path inside an archive or folder: `/` between parts, no `.`, no empty part, NFC.

    Raises:
        ValueError: absolute, with `..`, empty, or with a control character or broken encoding in it.
    """
    path = unicodedata.normalize("NFC", name.replace("\\", "/"))
    parts = [p for p in path.split("/") if p not in ("", ".")]
    if path.startswith("/") or _DRIVE.match(path):
        raise ValueError("absolute path")
    if ".." in parts:
        raise ValueError("path that leads out by '..'")
    if not parts:
        raise ValueError("empty path")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in path):
        raise ValueError("path with a control character or an undecodable byte")
    return "/".join(parts)


def domain(url: str | None) -> str | None:
    """Host of an address, lower case, in its ASCII form, without port and trailing dot; None where there is none."""
    if not url:
        return None
    if plain := _PLAIN_URL.match(url):
        return plain[1]
    try:
        host = urlsplit(url.strip()).hostname
        if not host or any(c.isspace() for c in host):
            return None
        host = host.rstrip(".")
        return (host if host.isascii() else host.encode("idna").decode("ascii")).lower() or None
    except (ValueError, UnicodeError):
        return None


def matches(member: str, include: Sequence[str], exclude: Sequence[str] = ()) -> bool:
    """Whether globs choose the member: one of `include` and none of `exclude`.

    Globs are pathlib's of Python 3.13 (`full_match`), over the whole path and with regard to case: `*` and `?` stay
    within one part, `[…]` is a set, `**` as a part stands for any number of parts, also none; at the end it takes
    everything below. A compressed file is also found under its name without `.gz`, `.zst`, `.xz` or `.bz2`.
    """
    names = [member]
    stem, _, suffix = member.rpartition(".")
    if suffix in ("gz", "zst", "xz", "bz2"):
        names.append(stem)
    return _any(names, include) and not _any(names, exclude)


def licence_part(member: str, parts: Sequence[LicencePart]) -> str | None:
    """Id of the first part of a source's licence whose globs choose the member; None where no part does.

    A source that declares no part has one all the same: a person may conclude about it.
    """
    for part in parts or (LicencePart(),):
        if _included(member, part.include):
            return part.id
    return None


@lru_cache(maxsize=4096)
def _included(member: str, include: tuple[str, ...]) -> bool:
    # Asked for each record, and many records of a member come one after the other.
    return matches(member, include)


def source_rule(reader: Reader, item: Item) -> str | None:
    """Name of the first of the source's removal rules that the record falls under, or None.

    A rule's field is a name on either side of `fields`. A record without the field has no value that could be in
    `not_in`: it is removed; `is_in` does not reach it.
    """
    for rule in reader.remove:
        value = _declared(reader, item, rule.field)
        if rule.not_in is not None and value not in rule.not_in:
            return rule.rule
        if rule.is_in is not None and value is not None and value in rule.is_in:
            return rule.rule
    return None


def generated_by(source: Source, item: Item) -> str | None:
    """What generated the record (`model@version day`): as the record says, else as its source declares; None: unknown.

    A record that says a part of it does not get the rest from its source.
    """
    said = list(map(item.attributes.get, GENERATED))
    if any(said):
        return generator_mark(*said)
    return source.generator.mark if source.generator else None


def authorised(source: Source, item: Item, register: Register | None) -> bool:
    """Whether a record may be used at all: user input only where the register covers it; other kinds always."""
    said = source.user_input
    if source.kind != "user_input":
        return True
    if said is None or register is None:
        return False
    key = item.key if said.joined_by == "key" else item.attributes.get(said.joined_by)
    return register.covers(key, item.attributes.get(said.entered_at))


def _declared(reader: Reader, item: Item, name: str) -> str | None:
    if name in item.attributes:
        return item.attributes[name]
    for attribute, source_field in reader.fields.items():
        if source_field == name:
            return item.attributes.get(attribute)
    return None


def _any(names: list[str], globs: Sequence[str]) -> bool:
    return any(_pattern(g).fullmatch(n) for g in globs for n in names)


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    parts = [p for p in glob.split("/") if p not in ("", ".")]
    out: list[str] = []
    for i, part in enumerate(parts):
        last = i == len(parts) - 1
        if part == "**":
            out.append("(?:[^/]+/)*[^/]+" if last else "(?:[^/]+/)*")
        else:
            out.append(_part(part) + ("" if last else "/"))
    return re.compile("".join(out), re.DOTALL)


def _part(part: str) -> str:
    out, i = "", 0
    while i < len(part):
        c, i = part[i], i + 1
        if c == "*":
            out += "[^/]*"
        elif c == "?":
            out += "[^/]"
        elif c == "[" and (close := part.find("]", i + 1)) > 0:
            inner = part[i:close]
            negated = inner.startswith("!")
            body = _SPECIAL.sub(lambda m: "\\" + m[0], inner[negated:])
            out += f"[{'^' if negated else ''}{body}]"
            i = close + 1
        else:
            out += re.escape(c)
    return out
