"""One item as a reviewer reads it: the released text, checked against the hash that was drawn, and where findings lie.

The texts of a sample are made once, in one pass over the lake, into files of the lake's private folder `_review/`
(readable by its owner alone), so that opening an item reads that item only. Each text is checked again when it is
opened. `forget` removes the files.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from corpusgate.decide.rules import Span, apply_masks, parse_mask_set, text_sha256
from corpusgate.errors import CorpusgateError, UserError
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.run import safe_name
from corpusgate.release.verify import manifest_of
from corpusgate.review.assignments import may_see
from corpusgate.review.desk import Desk, desk, drawn_of
from corpusgate.review.draw import OF_CANDIDATE, item_of
from corpusgate.review.groups import as_one, by_item, is_as_drawn, is_group
from corpusgate.review.journal import Verdict
from corpusgate.settings.place import Place


@dataclass(frozen=True, slots=True)
class Found:
    """What a detector found in the text: code points of the released text, the rule, its risk (a key of Annex A, or a
    `pi_*` class). Never the value behind a mask: a masked finding spans the token that stands in its place."""

    start: int
    end: int
    rule: str
    risk: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a sample. `text` is the released one, empty where `state` is `gone` or `changed` (the item is void
    then). `mine` is the reviewer's verdict in force."""

    sample_id: str
    ordinal: int
    record_id: str
    released_sha256: str
    stratum: str
    source_id: str
    language: str
    text: str
    state: str
    findings: tuple[Found, ...]
    mine: Verdict | None

    def pieces(self) -> Iterator[tuple[str, tuple[Found, ...]]]:
        """The text in pieces, each with the findings that cover it: what a page escapes and marks, piece by piece."""
        edges = sorted({0, len(self.text), *(f.start for f in self.findings), *(f.end for f in self.findings)})
        for start, end in pairwise(edges):
            yield self.text[start:end], tuple(f for f in self.findings if f.start <= start and end <= f.end)


def item(place: Place, sample_id: str, ordinal: int, reviewer: str) -> Item:
    """The item with this number in the draw (from 1), for somebody to whom it is given.

    Raises:
        UserError: the sample is not given to this person, or the item goes to somebody else or does not exist.
        CorpusgateError: the text is not the one that was drawn, though the tables say so.
    """
    at = may_see(place, sample_id, reviewer)
    if not 1 <= ordinal <= len(at.drawn.items):
        raise UserError(f"{sample_id} has the items 1 to {len(at.drawn.items)}, not {ordinal}.")
    record = at.drawn.items[ordinal - 1]["record_id"]
    mine = at.said.get(record, {}).get(reviewer)
    if mine is None and reviewer not in at.asked(record):
        raise UserError(f"Item {ordinal} of {sample_id} is not {reviewer}'s to judge.")
    return _item(place, at, ordinal, mine)


def any_item(place: Place, sample_id: str, ordinal: int) -> Item:
    """The item with this number, for who reads every sample and judges none (an assessor): the caller knows that.

    Raises:
        UserError: no such sample or item. CorpusgateError: as `item`.
    """
    at = desk(place, sample_id)
    if not 1 <= ordinal <= len(at.drawn.items):
        raise UserError(f"{sample_id} has the items 1 to {len(at.drawn.items)}, not {ordinal}.")
    return _item(place, at, ordinal, None)


def prepare(place: Place, sample_id: str) -> Path:
    """Makes the sample's files, if they are not there for the texts as they are now; returns their folder.

    Raises:
        UserError: no such sample, or its items have no text. CorpusgateError: a text is not the one that was drawn.
    """
    drawn = drawn_of(place, sample_id)
    if drawn.row["frame"] not in OF_CANDIDATE and drawn.row["item_unit"] != "record":
        raise UserError(f"The items of {sample_id} are no texts ({drawn.row['frame']}): export them.")
    folder = place.lake / "_review" / safe_name(sample_id)
    stamp = "-".join(str(store.version(place, t)) for t in ("document", "release_record", "finding"))
    if not (folder / f"{stamp}.json").is_file():
        _make(place, drawn.row, folder, stamp)
    return folder / f"{stamp}.json"


def forget(place: Place, sample_id: str) -> None:
    """Removes the sample's files: after the review, and when a text must be erased."""
    shutil.rmtree(place.lake / "_review" / safe_name(sample_id), ignore_errors=True)


def released_spans(found: Sequence[Mapping[str, Any]], masks: Sequence[Span]) -> tuple[Found, ...]:
    """Findings of the stored text as spans of the released one; what a mask touches spans the mask's token."""
    moved = []
    for f in found:
        start, end = _moved(f["start"], masks, False), _moved(f["end"], masks, True)
        if start < end:
            moved.append(Found(start, end, f["rule"], f["risk"] or ""))
    return tuple(sorted(set(moved), key=lambda f: (f.start, f.end, f.rule)))


def _moved(position: int, masks: Sequence[Span], is_end: bool) -> int:
    shift = 0
    for mask in masks:
        if position >= mask.end:
            shift += len(mask.token) - (mask.end - mask.start)
        elif position > mask.start:  # inside: to the edge of the token
            return mask.start + shift + (len(mask.token) if is_end else 0)
        else:
            break
    return position + shift


def _item(place: Place, at: Desk, ordinal: int, mine: Verdict | None) -> Item:
    drawn = at.drawn.items[ordinal - 1]
    index = prepare(place, at.drawn.row["sample_id"])
    about = _index(index, index.stat().st_mtime_ns).get(drawn["record_id"], {})
    text, state = "", "gone"
    if about.get("length") is not None:
        with index.with_suffix(".bin").open("rb") as file:
            file.seek(about["offset"])
            text, state = file.read(about["length"]).decode("utf-8", "surrogatepass"), "as drawn"
        if text_sha256(text) != about.get("shown_sha256", drawn["released_sha256"]):
            raise _changed(drawn["record_id"])
    if drawn["record_id"] not in at.drawn.current:
        text, state = "", "changed" if about else "gone"
    found = tuple(Found(*f) for f in about.get("findings", ())) if text else ()
    return Item(
        at.drawn.row["sample_id"], ordinal, drawn["record_id"], drawn["released_sha256"], drawn["stratum"] or "",
        about.get("source_id") or "", about.get("language") or "", text, state, found, mine,
    )  # fmt: skip


@lru_cache(maxsize=8)
def _index(path: Path, written: int) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def _make(place: Place, sample: Mapping[str, Any], folder: Path, stamp: str) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    findings = _findings(place, sample)
    index, offset = {}, 0
    made = folder / f".{stamp}.{os.getpid()}"
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for rows in by_item(_texts(place, sample), sample["frame"]):
            about = {"source_id": rows[0]["source_id"], "language": rows[0]["language"]}
            if (shown := _shown(rows, findings)) is not None:
                content = shown[0].encode("utf-8", "surrogatepass")
                file.write(content)
                about |= {
                    "offset": offset, "length": len(content),
                    "findings": [[f.start, f.end, f.rule, f.risk] for f in shown[1]],
                    # of a group the tables hold a hash over its texts, not of what is shown
                    **({"shown_sha256": text_sha256(shown[0])} if is_group(rows) else {}),
                }  # fmt: skip
                offset += len(content)
            index[rows[0]["item"]] = about
    os.replace(made, folder / f"{stamp}.bin")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(index, file, ensure_ascii=False)
    os.replace(made, folder / f"{stamp}.json")
    for old in folder.iterdir():
        if not old.name.startswith((stamp, ".")):
            old.unlink(missing_ok=True)


def _texts(place: Place, sample: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    sql = (
        "SELECT i.record_id AS item, i.released_sha256, k.record_id, k.role, k.turn, k.released_sha256 AS now_sha256, "
        "k.source_id, k.language, k.mask_set, k.text_sha256, d.text "
        "FROM (SELECT record_id, released_sha256 FROM sample_item "
        f"WHERE sample_id = {quoted(sample['sample_id'])}) AS i "
        "LEFT JOIN (SELECT record_id, group_id, role, turn, released_sha256, source_id, language, mask_set, "
        f"text_sha256 FROM release_record WHERE release_id = {quoted(sample['release_id'])}) AS k "
        f"ON {item_of(sample['frame'], 'k')} = i.record_id "
        "LEFT JOIN document d ON d.text_sha256 = k.text_sha256"
    )
    for batch in store.stream(place, sql, ["sample_item", "release_record", "document"]):
        yield from batch.to_pylist()


def _shown(
    rows: Sequence[Mapping[str, Any]], findings: Mapping[str, Sequence[Mapping[str, Any]]]
) -> tuple[str, tuple[Found, ...]] | None:
    """What a person sees of an item, with the findings in it; None where it is not as it was drawn: it is void."""
    masks = [parse_mask_set(r["mask_set"]) for r in rows]
    texts = [None if r["text"] is None else _released(r, m) for r, m in zip(rows, masks, strict=True)]
    whole = [t for t in texts if t is not None]
    if len(whole) < len(rows):
        return None
    spans = [released_spans(findings.get(r["text_sha256"], ()), m) for r, m in zip(rows, masks, strict=True)]
    if not is_group(rows):
        return (whole[0], spans[0]) if rows[0]["now_sha256"] == rows[0]["released_sha256"] else None
    if not is_as_drawn(rows, rows[0]["released_sha256"]):
        return None
    text, starts = as_one(rows, whole)
    moved = (replace(f, start=f.start + at, end=f.end + at) for at, of in zip(starts, spans, strict=True) for f in of)
    return text, tuple(moved)


def _released(row: Mapping[str, Any], masks: Sequence[Span]) -> str | None:
    """The released text; None where it is not the one that the release records."""
    try:
        text = apply_masks(row["text"], masks)
    except ValueError:
        return None
    return text if text_sha256(text) == row["now_sha256"] else None


def _findings(place: Place, sample: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """text -> its findings with a span, by the detectors and versions that the release names."""
    versions = manifest_of(place, sample["release_id"]).get("detectors", {})
    known = sorted({(p.partition("-")[0], v) for family in versions.values() for p in family.split(" ")
                    for v in (p.partition("-")[2], family)})  # fmt: skip
    if not known:
        return {}
    seen = " OR ".join(f"(f.detector = {quoted(d)} AND f.version = {quoted(v)})" for d, v in known)
    sql = (
        'SELECT DISTINCT f.text_sha256, f.rule, f.risk, f.start, f."end" FROM finding f JOIN release_record k '
        f"ON k.text_sha256 = f.text_sha256 JOIN sample_item i ON i.record_id = {item_of(sample['frame'], 'k')} "
        f"WHERE i.sample_id = {quoted(sample['sample_id'])} AND k.release_id = {quoted(sample['release_id'])} "
        f'AND f."end" > f.start AND ({seen})'
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in store.query(place, sql, ["finding", "release_record", "sample_item"]).to_pylist():
        found.setdefault(row["text_sha256"], []).append(row)
    return found


def _changed(record_id: str) -> CorpusgateError:
    return CorpusgateError(
        f"The kept text of record {record_id} is not the one that was drawn. Remove the lake's folder _review/ and "
        "open the item again; `corpusgate release verify` says what else was changed."
    )
