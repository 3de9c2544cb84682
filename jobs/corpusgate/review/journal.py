"""What a reviewer says, on disk before the page says so: one JSON line a word, in a file a sample and reviewer.

The files lie under the lake's `_journal/` and are only ever added to. A line that a crash cut off was never
acknowledged, and is passed over; one whose hash does not fit was edited, and stops the reading. `fold.py` brings the
lines into the table `review`; what is in force is read from both.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from corpusgate.errors import CorpusgateError, UserError
from corpusgate.lake.run import safe_name
from corpusgate.release.digests import canonical
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place

Says = Literal["good", "bad", "undone"]
#: Longest comment, in characters: a remark, not a copy of the text.
COMMENT = 2000
#: Characters of a wrong word that a message repeats: it may be a text that slipped into another column.
WORD = 12


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person says of an item as it was drawn (`released_sha256`). `risks` are keys of Annex A (`a1a` … `a5b`),
    of a bad item only. `seconds` is how long it took, None where nobody measured. `origin`: page, file, label_studio.

    `undone` takes the reviewer's earlier verdict on the item back: he or she has none then (see `undo`).
    """

    sample_id: str
    record_id: str
    released_sha256: str
    reviewer: str
    verdict: Says
    risks: tuple[str, ...]
    comment: str
    reviewed_at: datetime
    seconds: float | None
    origin: str = "page"

    def checked(self) -> Verdict:
        """Returns itself.

        Raises:
            UserError: no verdict, an unknown risk, a risk of a good item, a comment that is too long, a time without a
                zone.
        """
        if self.verdict not in ("good", "bad", "undone"):
            raise UserError(f"The verdict is good or bad, not {self.verdict[:WORD]!r}.")
        if unknown := sorted(set(self.risks) - set(RISKS)):
            raise UserError(
                f"No such risk: {', '.join(u[:WORD] for u in unknown[:5])}. Keys of Annex A are a1a to a5b."
            )
        if self.risks and self.verdict != "bad":
            raise UserError("An item with a risk is bad: say so, or take the risk out.")
        if len(self.comment) > COMMENT:
            raise UserError(f"The comment has {len(self.comment):,} characters; at most {COMMENT:,} are kept.")
        if self.reviewed_at.tzinfo is None:
            raise UserError("The time of a verdict has a zone.")
        return self


def undo(verdict: Verdict, at: datetime) -> Verdict:
    """The entry that takes a verdict back."""
    return Verdict(
        verdict.sample_id, verdict.record_id, verdict.released_sha256, verdict.reviewer, "undone", (), "", at, None,
        verdict.origin,
    )  # fmt: skip


def append(place: Place, verdict: Verdict) -> None:
    """Writes the verdict; when this returns it survives a crash of the machine. It does not ask whether the person may
    review the item: `assignments.may_say` does, and `record` both.

    Raises:
        UserError: it is none (see `Verdict.checked`).
    """
    append_all(place, [verdict])


def append_all(place: Place, verdicts: Sequence[Verdict]) -> None:
    """Writes several verdicts, synced once a file; all are checked before the first is written."""
    files: dict[Path, list[bytes]] = {}
    for verdict in verdicts:
        path = journal_file(place, verdict.checked().sample_id, verdict.reviewer)
        files.setdefault(path, []).append(_line(verdict))
    for path, lines in files.items():
        _write(path, b"".join(lines))


def read(place: Place, sample_id: str) -> list[Verdict]:
    """The verdicts in force in the journal: the newest of each reviewer on each item, those undone left out."""
    return in_force(v for _, v in entries(place, sample_id))


def entries(place: Place, sample_id: str) -> list[tuple[str, Verdict]]:
    """All that the journal holds of the sample with its hash, file by file, each in its order.

    Raises:
        CorpusgateError: a line was edited.
    """
    return [(name, v) for name, v in entries_in(_folder(place) / _named(sample_id)) if v.sample_id == sample_id]


def entries_in(folder: Path) -> Iterator[tuple[str, Verdict]]:
    """All that the files of a folder of the journal hold, each with its hash."""
    for path in sorted(folder.glob("*.jsonl")):
        yield from _entries(path)


def folders(place: Place) -> list[Path]:
    """The journal's folders, one a sample."""
    return sorted(p for p in _folder(place).glob("*") if p.is_dir())


def in_force(said: Iterable[Verdict]) -> list[Verdict]:
    """The newest of each reviewer on each item, those undone left out; `said` is in the order in which it was said."""
    newest: dict[tuple[str, str], Verdict] = {}
    for verdict in said:
        newest.pop((verdict.record_id, verdict.reviewer), None)  # so that the newest stands last
        newest[(verdict.record_id, verdict.reviewer)] = verdict
    return [v for v in newest.values() if v.verdict != "undone"]


def journal_file(place: Place, sample_id: str, reviewer: str) -> Path:
    """Where the lines of a reviewer about a sample stand."""
    return _folder(place) / _named(sample_id) / f"{_named(reviewer)}.jsonl"


def entry_id(said: Mapping[str, Any]) -> str:
    """SHA-256 over what is said: the same word twice is one entry."""
    return hashlib.sha256(canonical(said)).hexdigest()


def as_said(verdict: Verdict) -> dict[str, Any]:
    """The verdict as a line's content: no floats, times in ISO 8601."""
    return {
        "sample_id": verdict.sample_id, "record_id": verdict.record_id, "released_sha256": verdict.released_sha256,
        "reviewer": verdict.reviewer, "verdict": verdict.verdict, "risks": list(verdict.risks),
        "comment": verdict.comment, "reviewed_at": verdict.reviewed_at.isoformat(),
        "milliseconds": None if verdict.seconds is None else round(verdict.seconds * 1000), "origin": verdict.origin,
    }  # fmt: skip


def _line(verdict: Verdict) -> bytes:
    said = as_said(verdict)
    return canonical({**said, "entry_id": entry_id(said)}) + b"\n"


#: File -> bytes that were read, their hash, what they hold. Files are only added to, so a page that asks at each
#: verdict parses the new lines alone; where the bytes before them are others it parses all.
_READ: dict[Path, tuple[int, bytes, list[tuple[str, Verdict]]]] = {}
_READ_AT_MOST = 64


def _entries(path: Path) -> list[tuple[str, Verdict]]:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1  # what follows may be a line that is being written
    size, digest, known = _READ.get(path, (0, hashlib.sha256().digest(), []))
    if size > whole or hashlib.sha256(content[:size]).digest() != digest:
        size, known = 0, []
    found = [*known, *_lines(path, content[size:whole], len(known))]
    if len(_READ) >= _READ_AT_MOST:
        _READ.clear()
    _READ[path] = (whole, hashlib.sha256(content[:whole]).digest(), found)
    return [*found, *_lines(path, content[whole:], len(found))]


def _lines(path: Path, content: bytes, before: int) -> Iterator[tuple[str, Verdict]]:
    for line in content.split(b"\n"):
        try:
            said = json.loads(line)
            told = said.pop("entry_id")
        except (ValueError, KeyError, AttributeError, TypeError):
            continue  # cut off by a crash, so never acknowledged; or the nothing after the last line
        before += 1
        if told != entry_id(said):
            raise CorpusgateError(f"{path}, entry {before} was edited: it does not give its hash. Restore the file.")
        spent = said["milliseconds"]
        yield (
            told,
            Verdict(
                said["sample_id"], said["record_id"], said["released_sha256"], said["reviewer"], said["verdict"],
                tuple(said["risks"]), said["comment"], datetime.fromisoformat(said["reviewed_at"]),
                None if spent is None else spent / 1000, said["origin"],
            ),
        )  # fmt: skip


def _write(path: Path, lines: bytes) -> None:
    folder, created = path.parent, not path.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, however the process ends
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                lines = b"\n" + lines  # what a crash cut off must not swallow the next line
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    if created:
        for made in (folder, folder.parent, folder.parent.parent):
            _sync_folder(made)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folder(place: Place) -> Path:
    return place.lake / "_journal"


def _named(text: str) -> str:
    """A file name that no other text gets."""
    plain = safe_name(text)
    short = plain == text and len(text) <= 80
    return plain if short else f"{plain[:80]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"
