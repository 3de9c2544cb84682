"""A sample as a file for people: CSV, JSON lines or XLSX, with the released text of each item, never the stored one.

The text is made again from the stored one by the release's masks and must have the hash that was drawn. It is hostile:
nothing in a cell is a formula, and what a spreadsheet cannot hold is shown as an escape.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from corpusgate.decide.rules import apply_masks, parse_mask_set, text_sha256
from corpusgate.errors import CorpusgateError, UserError
from corpusgate.evidence.cells import as_csv, plain, word
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.release.digests import file_sha256
from corpusgate.review import label_studio
from corpusgate.review.assignments import items_for
from corpusgate.review.draw import GROUPS, ITEMS_RECORDED_MAX, OF_CANDIDATE, item_of
from corpusgate.review.groups import as_one, by_item, is_as_drawn, is_group
from corpusgate.review.sampling import frame_behind, items, sample_row
from corpusgate.settings.place import Place

FORMATS = ("csv", "jsonl", "xlsx", "label-studio")
#: Columns of every item; what people fill in comes last.
ITEM = ("sample_id", "ordinal", "record_id", "stratum", "released_sha256")
RECORD = ("source_id", "language", "text", "state")
TO_FILL = ("verdict", "risks", "comment")
#: Characters that a cell of a spreadsheet holds (Excel's limit is 32,767).
CELL = 32_000


def export(place: Place, sample_id: str, path: Path, form: str, at: datetime, reviewer: str | None = None) -> int:
    """Writes the sample to `path` and says so in the table `export`; returns how many items. `reviewer`: only the items
    that are this person's to judge and that he or she has not judged yet.

    Raises:
        UserError: no such sample or form, or it is not given to the reviewer.
        CorpusgateError: a text is not the one that was drawn.
    """
    if form not in FORMATS:
        raise UserError(f"No form {form!r}: {', '.join(FORMATS)}.")
    row = sample_row(place, sample_id)
    if row["size"] > ITEMS_RECORDED_MAX:
        raise UserError(f"The {row['size']} items of {sample_id} were not written out: it is a sample for machines.")
    names, rows = rows_of(place, row)
    if reviewer is not None:
        mine = {t.ordinal for t in items_for(place, sample_id, reviewer) if t.mine is None}
        rows = [r for r in rows if r["ordinal"] in mine]
    written(path, form, names, rows)
    about = {
        "release_id": row["release_id"], "path": str(path.resolve()), "format": f"sample {sample_id}, {form}",
        "records": len(rows), "sha256": file_sha256(path), "exported_at": at,
    }  # fmt: skip
    where = f"release_id = {quoted(row['release_id'])} AND path = {quoted(about['path'])}"
    with lease(place, f"export {sample_id}"):
        store.replace(place, "export", [about], where, "sample export")
    return len(rows)


def written(path: Path, form: str, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows in one of the forms, hostile text and all; for Label Studio its configuration beside them."""
    _write(path, {"csv": _csv, "jsonl": _jsonl, "xlsx": _xlsx, "label-studio": _label_studio}[form](names, rows))
    if form == "label-studio":
        _write(path.with_suffix(".config.xml"), label_studio.config(conversations="conversation" in names))


def rows_of(place: Place, sample: dict[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """The columns and rows of a sample, in the order of its draw.

    Raises:
        CorpusgateError: a text is not the one that was drawn; the message names the record, never its text.
    """
    drawn = [{**i, "sample_id": sample["sample_id"]} for i in items(place, sample["sample_id"])]
    # frames of release_record are drawn with the candidate, others when an assessor asks
    frame = None if sample["frame"] in OF_CANDIDATE else frame_behind(place, sample)
    if frame is None or frame.of_records:
        shown = [*RECORD[:-1], "conversation", "state"] if sample["frame"] == GROUPS else RECORD
        found, names = dict(_texts(place, sample)), [*ITEM, *shown, *TO_FILL]
    else:
        rows = store.query(place, frame.details, list(frame.tables)).to_pylist()
        found = {r["record_id"]: {k: v for k, v in r.items() if k != "record_id"} for r in rows}
        shown = list(dict.fromkeys(k for r in found.values() for k in r))
        names = [*ITEM, *shown, *(n for n in TO_FILL if n not in shown), *(["finding"] if "verdict" in shown else [])]
    return names, [{**dict.fromkeys(names, ""), **i, **found.get(i["record_id"], {})} for i in drawn]


def _texts(place: Place, sample: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """record_id -> source, language, released text, state: `as drawn`, or `gone` where it was erased or removed."""
    release, name = quoted(sample["release_id"]), quoted(sample["sample_id"])
    sql = f"""
    SELECT i.record_id AS item, i.released_sha256, k.record_id, k.role, k.turn, k.released_sha256 AS now_sha256,
           k.source_id, k.language, k.mask_set, d.text
    FROM sample_item i
    LEFT JOIN (SELECT * FROM release_record WHERE release_id = {release}) k
    ON {item_of(sample["frame"], "k")} = i.record_id
    LEFT JOIN document d ON d.text_sha256 = k.text_sha256
    WHERE i.sample_id = {name}
    """
    batches = store.stream(place, sql, ["sample_item", "release_record", "document"])
    for rows in by_item((r for batch in batches for r in batch.to_pylist()), sample["frame"]):
        texts = [_released(r) for r in rows if r["text"] is not None]
        there = len(texts) == len(rows)
        if is_group(rows):
            if there and not is_as_drawn(rows, rows[0]["released_sha256"]):
                raise _changed(rows[0]["item"])
            shown = {"conversation": as_one(rows, texts)[0] if there else ""}
        else:
            shown = {"text": texts[0] if there else ""}
        yield rows[0]["item"], {
            "source_id": rows[0]["source_id"], "language": rows[0]["language"], **shown,
            "state": "as drawn" if there else "gone",
        }  # fmt: skip


def _released(row: Mapping[str, Any]) -> str:
    try:
        text = apply_masks(row["text"], parse_mask_set(row["mask_set"]))
    except ValueError:
        text = None
    expected = row["now_sha256"] if is_group([row]) else row["released_sha256"]
    if text is None or text_sha256(text) != expected:
        raise _changed(row["record_id"])
    return text


def _changed(item: str) -> CorpusgateError:
    return CorpusgateError(
        f"The released text of record {item} is not the one that was drawn; nothing was exported. "
        "`corpusgate release verify` says what was changed."
    )


def _csv(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    return as_csv(rows, names).encode("utf-8")


def _jsonl(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    lines = (json.dumps({n: r.get(n) for n in names}, ensure_ascii=False, default=plain) + "\n" for r in rows)
    return "".join(lines).encode("utf-8")


def _label_studio(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    if "text" not in names:
        raise UserError("The items of this sample are no texts: export them as csv, jsonl or xlsx.")
    return label_studio.tasks(rows)


def _xlsx(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    """All cells are strings: a text that begins with = stays a text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet("sample")
    sheet.freeze_panes = "A2"
    for row in ({n: n for n in names}, *rows):
        cells = []
        for name in names:
            cell = WriteOnlyCell(sheet, value=_shown(word(row.get(name))))
            cell.data_type = "s"  # after the value, which is guessed to be a formula or an error otherwise
            cells.append(cell)
        sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _shown(text: str) -> str:
    """What a cell can hold: control characters as escapes, long texts cut, and said to be."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    shown = ILLEGAL_CHARACTERS_RE.sub(lambda m: f"\\u{ord(m[0]):04x}", text)
    if len(shown) <= CELL:
        return shown
    return f"{shown[:CELL]} [cut here; {len(text):,} characters in all: see the JSON lines]"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all; readable by its owner alone, until that person gives it on."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
