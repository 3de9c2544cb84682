"""Installations, declarations, archives and package clients for the tests of sources and of collecting."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpusgate.collect.rules import acquisition_id
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.place import Place
from corpusgate.settings.source import Source

REPOSITORY = Path(__file__).parents[3]
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

NOTES = """\
title: Notes
kind: open_source
language: zh
country: CN
category: notes
owner: test
provider: test notes
description: Notes of a test, written in 2026, in Chinese, not cleaned.
"""
"""The beginning of a source's file, without channel and reader."""

CORPUS = """\
title: Test corpus
intended_use: pre_training
commercial: {commercial}
languages: [zh]
service_type: test
item_unit: document
home_country: CN
seed: test
sources: [{sources}]
policy:
  lexicon: starter
  personal_information: {{}}
"""


def installation(folder: Path, *sources: str, commercial: bool = True) -> Place:
    """An empty installation below `folder` with the shipped table of licences and a corpus `test` of these sources."""
    conf = folder / "conf"
    for name in ("corpora", "sources"):
        (conf / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(REPOSITORY / "conf" / "licences.yaml", conf / "licences.yaml")
    corpus = CORPUS.format(sources=", ".join(sources), commercial=str(commercial).lower())
    (conf / "corpora" / "test.yaml").write_text(corpus, "utf-8")
    return Place(home=folder, conf=conf, lake=folder / "var" / "lake", var=folder / "var")


def run_of(place: Place, run_id: str = "r1", at: datetime = AT) -> Run:
    """A run of the corpus `test`."""
    return open_run(place, "test", run_id, at)


def declared(**changes: Any) -> Source:
    """A source as declared, of the folder channel unless changed."""
    fields: dict[str, Any] = {
        "id": "notes", "title": "Notes", "kind": "open_source", "language": "zh", "country": "CN", "category": "notes",
        "owner": "test", "provider": "test notes",
        "description": "Notes of a test, written in 2026, in Chinese, not cleaned.",
        "channel": {"type": "folder", "path": "data"}, "reader": {"format": "text"},
    }  # fmt: skip
    return Source.model_validate(fields | changes)


def fetched(run: Run, source: Source, *paths: Path) -> StepResult:
    """Leaves the result of a fetch step that brought these files."""
    facts = []
    for path in paths:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        facts.append({
            "acquisition_id": acquisition_id(source.id, path.name, sha256), "name": path.name, "purl": source.purl,
            "path": str(path), "fetched_at": run.at.isoformat(), "bytes": path.stat().st_size, "sha256": sha256,
            "etag": None, "status": "archived", "agent": "test",
        })  # fmt: skip
    return run.write(
        StepResult(step="fetch", source_id=source.id, unit="object", rows_in=len(facts), kept=len(facts),
                   facts={"acquisitions": facts, "signals": []})
    )  # fmt: skip


def archive(path: Path, suffix: str, members: Mapping[str, bytes]) -> Path:
    """A file that holds the members: `.whl` (zip), `.tgz` (npm) or `.deb` (ar with data.tar.xz)."""
    if suffix == ".whl":
        with zipfile.ZipFile(path, "w") as file:
            for name, content in members.items():
                file.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    elif suffix == ".tgz":
        path.write_bytes(_tar(members, "gz"))
    else:
        data = _tar({f"./{name}": content for name, content in members.items()}, "xz")
        parts = {
            "debian-binary": b"2.0\n",
            "control.tar.xz": _tar({"./control": b"Package: test\n"}, "xz"),
            "data.tar.xz": data,
        }
        path.write_bytes(b"!<arch>\n" + b"".join(_ar(name, content) for name, content in parts.items()))
    return path


def program(folder: Path, name: str, body: str) -> Path:
    """An executable Python script that stands in for a package client; `args` holds its arguments."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable} -SE\nimport os, sys\nargs = sys.argv[1:]\n{body}", "utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _tar(members: Mapping[str, bytes], kind: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{kind}") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _ar(name: str, content: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
    return head + content + b"\n" * (len(content) % 2)
