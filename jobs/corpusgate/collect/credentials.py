"""What a file says of its own use: the training-and-data-mining assertions of C2PA manifests (CAWG 1.1, and C2PA's own
before it), embedded in media, PDF and office files or beside any file as `.c2pa`.

Read by the C2PA project's library in a child (`intake/apart.py`), which may ask no network. A reservation counts
whether or not its signature can be trusted: whoever cannot prove that it is theirs may still be its author. One that is
there and cannot be read reserves, as a TDMRep file does.
"""

from __future__ import annotations

import io
import json
import mmap
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from corpusgate.collect.web.signals import ALLOWED, REFUSED, SILENT, Said, strictest
from corpusgate.intake.apart import read_apart
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

APART = True
MANIFEST_MAX = 16 << 20
"""Bytes of a manifest that lies beside a file or is linked to."""
SIGNAL = "c2pa"
SIDECAR, SUFFIX = "application/c2pa", ".c2pa"

_LABELS = ("cawg.training-mining", "c2pa.training-mining")
#: What making a corpus is; inference is not.
_USES = ("data_mining", "ai_training", "ai_generative_training")
_MARKS = (b"c2pa", b"jumb", b"C2PA")
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_MAGIC = (
    (b"%PDF-", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"), (b"II*\x00", "image/tiff"), (b"MM\x00*", "image/tiff"), (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"), (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"), (b"PK\x03\x04", "zip"),
)  # fmt: skip


class Options(Declared):
    """What reading manifests understands."""

    media: str = ""
    seconds: int = Field(20, ge=1)


def of_file(path: Path | None, name: str, sidecar: bytes | None = None) -> list[Said]:
    """What the file at `path`, and the manifest beside it, say of training and mining; empty where they say nothing."""
    found = []
    if path is not None and (media := media_type(path)) and (media == "application/pdf" or _marked(path)):
        member = Member(name, lambda: path.open("rb"), path.stat().st_size, path)
        found.append(_verdict(member, media, _marked(path)))
    if sidecar is not None:
        beside = Member(f"{name}.c2pa", lambda: io.BytesIO(sidecar), len(sidecar))
        found.append(_verdict(beside, SIDECAR, True) if len(sidecar) <= MANIFEST_MAX else REFUSED)
    verdict = strictest(found)
    return [] if verdict == SILENT else [Said(SIGNAL, verdict)]


def sidecar(path: Path | None, name: str, others: Mapping[str, Path]) -> bytes | None:
    """The manifest beside a file, by its name: in its folder (`path`), or among the other objects of its source.

    At most `MANIFEST_MAX` and one byte, so that who reads it sees that it is too large.
    """
    if name.endswith(SUFFIX):
        return None
    stem = name[: -len(Path(name).suffix)] if Path(name).suffix else name
    wanted = [others.get(n + SUFFIX) for n in (stem, name)]
    if path is not None:
        wanted += [path.with_suffix(SUFFIX), path.with_name(path.name + SUFFIX)]
    for one in wanted:
        if one is not None and one.is_file() and not one.is_symlink():
            with one.open("rb") as file:
                return file.read(MANIFEST_MAX + 1)
    return None


def media_type(path: Path) -> str | None:
    """The type of a file that can carry a manifest, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "image/avif" if brand == b"avif" else "image/heic" if brand in (b"heic", b"mif1") else "video/mp4"
    return next((media for magic, media in _MAGIC if head.startswith(magic)), None)


def verdict_of(said: Mapping[str, str]) -> str:
    """The verdict of assertions, use -> allowed, notAllowed or constrained; what is constrained is no permission."""
    uses = [value for name, value in said.items() if name.rpartition(".")[2] in _USES]
    return SILENT if not uses else ALLOWED if all(v == "allowed" for v in uses) else REFUSED


def read(member: Member, reader: Reader) -> Iterator[Item | Fault]:
    """In the child: one item with the assertions of all manifests as JSON, the stricter of two that differ."""
    import c2pa

    options = Options.model_validate(reader.options)
    nothing = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}
    try:
        with member.open() as stream:
            context = c2pa.Context(c2pa.Settings.from_dict(nothing))
            store = json.loads(c2pa.Reader(options.media, stream, context=context).json())
    except c2pa.C2paError.ManifestNotFound:  # ty: ignore[missing-attribute]
        embedded = options.media != SIDECAR  # what was put beside a file to be read must be a manifest
        yield Item(member.name, "{}") if embedded else Fault(member.name, "unreadable", "no manifest")
    except c2pa.C2paError as error:
        yield Fault(member.name, "unreadable", str(error)[:300])
    else:
        yield Item(member.name, json.dumps(dict(_assertions(store)), sort_keys=True))


def _assertions(store: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Uses and what is said of them, allowed ones first: of two about one use the stricter is the last."""
    said = []
    for manifest in store.get("manifests", {}).values():
        for assertion in manifest.get("assertions", ()):
            if str(assertion.get("label", "")).split("__")[0] in _LABELS:
                entries = (assertion.get("data") or {}).get("entries") or {}
                said += [(str(n), str((e or {}).get("use", ""))) for n, e in entries.items()]
    yield from sorted(said, key=lambda pair: pair[1] != "allowed")


def _verdict(member: Member, media: str, marked: bool) -> str:
    """SILENT for a file that cannot be read and has no mark of a manifest: it is damaged in its own way."""
    reader = Reader(format="c2pa", options={"media": media})
    for one in read_apart(sys.modules[__name__], member, reader):
        if isinstance(one, Item):
            return verdict_of(json.loads(one.text))
    return REFUSED if marked else SILENT


def _marked(path: Path) -> bool:
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(mark) >= 0 for mark in _MARKS)
