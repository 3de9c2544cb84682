"""Files as they are fetched, good and hostile, made byte by byte; and short ways to read them."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpusgate.intake.items import Fault, Found, Item
from corpusgate.intake.read import read_items
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.place import Place
from corpusgate.settings.source import Reader

AT = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
HMAC_HEX = "5a" * 32


def reader(format: str = "text", **given: Any) -> Reader:
    """A reader, with the defaults of a declaration."""
    return Reader(format=format, **given)


def found(path: Path, name: str | None = None, **given: Any) -> list[Found]:
    """Everything that reading the file gives; the format is that of its name unless it is given."""
    given.setdefault("format", path.suffix.removeprefix(".") or "text")
    return list(read_items(path, name or path.name, Reader(**given)))


def texts(results: Iterable[Found]) -> list[str]:
    """The texts among the results."""
    return [r.text for r in results if isinstance(r, Item)]


def reasons(results: Iterable[Found]) -> list[str]:
    """The reasons of the faults among the results."""
    return [r.reason for r in results if isinstance(r, Fault)]


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """A file of this name, text as UTF-8."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def jsonl(rows: Sequence[Mapping[str, Any]], encoding: str = "utf-8", end: str = "\n") -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(r, ensure_ascii=False) + end for r in rows).encode(encoding)


def zipped(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """A zip archive; `links` are symbolic links by their target."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, target)
    return out.getvalue()


def tarred(
    files: Mapping[str, bytes], links: Mapping[str, str] | None = None, hard: Mapping[str, str] | None = None
) -> bytes:
    """A plain tar archive; `links` are symbolic, `hard` are hard links, both by their target."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for kind, named in ((tarfile.SYMTYPE, links), (tarfile.LNKTYPE, hard)):
            for name, target in (named or {}).items():
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, target
                archive.addfile(info)
    return out.getvalue()


def deb(data: bytes, suffix: str = "xz") -> bytes:
    """A Debian package around a plain tar of its files, compressed as `suffix` says (xz, gz, zst, or none)."""
    packed = {"xz": lzma.compress, "gz": gzip.compress, "zst": _zst, "": bytes}[suffix](data)
    name = "data.tar" + (f".{suffix}" if suffix else "")
    parts = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": gzip.compress(tarred({"./control": b"Package: x\n"})),
        name: packed,
    }
    out = b"!<arch>\n"
    for part, content in parts.items():
        out += (
            f"{part:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
            + content
            + b"\n" * (len(content) % 2)
        )
    return out


def place_at(folder: Path) -> Place:
    """An installation under a folder, with the shipped controls and lexicons."""
    shipped = Path(__file__).resolve().parents[3] / "conf"
    conf = folder / "conf"
    conf.mkdir()
    for name in ("controls", "lexicons"):
        (conf / name).symlink_to(shipped / name)
    return Place(home=folder, conf=conf, lake=folder / "lake", var=folder / "var")


def run_over(place: Place, source: Mapping[str, Any], *, seed: str = "seed-1", run_id: str = "r1") -> Run:
    """A run over the corpus `demo` whose one source, `alpha`, is declared by `source` on top of plain defaults."""
    about = {
        "title": "Alpha", "kind": "open_source", "language": "zh", "country": "CN", "category": "test", "owner": "test",
        "provider": "alpha.example", "description": "made by a test", "channel": {"type": "folder", "path": "alpha"},
        "reader": {"format": "jsonl"}, "licence": [{"id": "all"}], **source,
    }  # fmt: skip
    corpus = {
        "title": "Demo", "intended_use": "pre_training", "commercial": True, "languages": ["zh"],
        "service_type": "chat", "item_unit": "document", "home_country": "CN", "seed": seed, "sources": ["alpha"],
        "policy": {"lexicon": "starter", "personal_information": {}},
    }  # fmt: skip
    written(place.conf, "sources/alpha.yaml", json.dumps(about))
    written(place.conf, "corpora/demo.yaml", json.dumps(corpus))
    return open_run(place, "demo", run_id, AT)


def fetched(run: Run, files: Sequence[Path], passing: Sequence[str] = ("all",), held: Sequence[str] = ()) -> None:
    """Leaves the results of fetch and licence, as if these files had been fetched and the parts judged so."""
    facts = [
        {"acquisition_id": f"{n:064x}", "name": f.name, "path": str(f), "fetched_at": AT.isoformat(),
         "bytes": f.stat().st_size}
        for n, f in enumerate(files)
    ]  # fmt: skip
    parts = [{"part": p, "verdict": "pass"} for p in passing] + [{"part": p, "verdict": "pending"} for p in held]
    common = {"source_id": "alpha", "run": run}
    _result(step="fetch", unit="object", rows=len(files), facts={"acquisitions": facts}, **common)
    _result(step="licence", unit="part", rows=len(parts), facts={"parts": parts}, **common)


def _result(run: Run, step: str, source_id: str, unit: str, rows: int, facts: dict[str, Any]) -> None:
    run.write(StepResult(step=step, source_id=source_id, unit=unit, rows_in=rows, kept=rows, facts=facts))


def _zst(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor().compress(data)
