"""doccano: JSON lines, JSON or CSV of one member, or the zip with one file a member.

Who annotated is only the file's name, and lost where the project shares its annotation (`all.jsonl`); there are no
times and no approvals. The period, and what was exported, come from the sidecar.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from corpusgate.annotation.exports.given import (
    BYTES_MAX,
    DOUBLED,
    Given,
    about_task,
    decoded,
    json_lines,
    parsed,
    record_id_in,
    table_rows,
    text_or_none,
    texts,
)
from corpusgate.annotation.model import Raw, Refusal

WANTED = (
    "Export from doccano as JSONL, of a project whose members do not share annotations: that gives a zip with one file "
    "a member."
)
SHARED = "all"
#: More than any classification project has members, and more than text compresses.
MEMBERS_MAX, RATIO_MAX = 1000, 200


def read(given: Given) -> Iterator[Raw | Refusal]:
    """Every example of every member. An example without a label is a draft: it was not answered."""
    if given.suffix == ".zip":
        for name, data in _members(given):
            yield from _file(given, name, data)
    else:
        yield from _file(given, given.name, given.content())


def _members(given: Given) -> Iterator[tuple[str, bytes]]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(given.content()))
        infos = [i for i in archive.infolist() if not i.is_dir()]
    except zipfile.BadZipFile:
        raise given.wrong("not a zip", WANTED) from None
    if len(infos) > MEMBERS_MAX or sum(i.file_size for i in infos) > BYTES_MAX:
        raise given.wrong("it holds too many or too large files to be an export", WANTED)
    for info in infos:
        if info.file_size > RATIO_MAX * max(info.compress_size, 1) and info.file_size > 1 << 20:
            raise given.wrong(f"{info.filename[:80]!r} unpacks to more than {RATIO_MAX} times its size", WANTED)
        try:
            yield PurePosixPath(info.filename).name, archive.read(info)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as error:
            raise given.wrong(f"{info.filename[:80]!r} cannot be unpacked: {error}", WANTED) from None


def _file(given: Given, name: str, data: bytes) -> Iterator[Raw | Refusal]:
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix.lower()
    text = decoded(given, data)
    if suffix == ".jsonl":
        rows: Iterator[tuple[str, Any]] = json_lines(text, name)
    elif suffix == ".json":
        whole = parsed(given, text, WANTED)
        if not isinstance(whole, list):
            raise given.wrong(f"{name} is no list of examples", WANTED)
        rows = ((f"{name}/{n}", row) for n, row in enumerate(whole))
    elif suffix == ".csv":
        rows = ((p, _split(r)) for p, r in table_rows(given, text, ","))
    else:
        raise given.wrong(f"{name} is no JSONL, JSON or CSV (fastText loses the item's id)", WANTED)
    for pointer, row in rows:
        yield row if isinstance(row, Refusal) else _example(given, pointer, row, stem)


def _split(row: Mapping[str, Any]) -> dict[str, Any]:
    """In CSV several labels are joined by `#`."""
    return {**row, "label": [label for label in str(row.get("label") or "").split("#") if label]}


def _example(given: Given, pointer: str, row: Any, member: str) -> Raw | Refusal:
    sidecar = given.sidecar
    if not isinstance(row, dict):
        return Refusal(pointer, pointer, "not_json", "no object", WANTED)
    item, record = f"example {row.get('id')}", record_id_in(row.get(sidecar.item))
    if doubled := row.get(DOUBLED):
        remedy = "rename the field in the task's meta and export again"
        return Refusal(pointer, item, "doubled_field", f"{', '.join(doubled)} stands twice", remedy, record)
    labels = texts(row.get("label"))
    if labels is None:
        return Refusal(pointer, item, "label_unreadable", "labels are no list of names (spans?)", WANTED, record)
    annotator, origin = _annotator(given, member)
    # doccano's own id may have been replaced by a meta key of that name: ours is surer
    key = record or text_or_none(row.get("id"))
    return Raw(
        pointer=pointer, item=item, labels=labels, key=f"{key}:{annotator[0]}" if key and annotator else None,
        annotator_keys=annotator, state="submitted" if labels else "draft", origin=origin, **about_task(given, row),
    )  # fmt: skip


def _annotator(given: Given, member: str) -> tuple[tuple[str, ...], Any]:
    if given.sidecar.annotator is not None:
        return (given.sidecar.annotator,), {"annotator_id": "sidecar"}
    return ((member,), {}) if member != SHARED else ((), {})
