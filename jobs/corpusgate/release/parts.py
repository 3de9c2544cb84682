"""The data files of a release: parts that stay as they are while what they hold does, so that the next release links to
them instead of writing the same texts again.

Records that came from one raw file lie together: a source changes file by file. A bucket is what the hash of source and
file name says (256 of them); one that holds many records is split further, by record. A part's content hash is over its
rows: record, source, language, address, licence, its place in a group and the hash of the released text. Equal rows are
equal bytes: rows are sorted, and one writer with one set of settings writes each part whole.

What Spark (`frames.py`) and the driver (`alone.py`) both compute, hashes being SHA-256 in lower-case hex:

- A part's name is BUCKET-PARTS-NUMBER: the first two digits of the hash of `source_id|file name` (no file: empty); into
  how many parts that bucket is split; the first eight digits of the record id's hash, as a number, modulo that.
- A row's hash is over `record_id|source_id|language|url|licence|role|group_id|turn|speaker|released_sha256`. Language,
  address, licence, role and speaker, which others wrote, stand there as their hashes: none can hold a `|` and look like
  its neighbour. What is null is nothing at all, which the hash of an empty text is not.
- A part's content hash is over its rows' hashes, sorted, one after another.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpusgate.decide.masking import release_batches
from corpusgate.lake.dialect import Engine, sha256
from corpusgate.release.digests import file_sha256

#: What a part is made of and by; another word here, and nothing of an earlier release is linked to.
FORMAT = "parts/3"
#: The columns of a release's files. No title: detectors have not seen it, and masks do not reach it.
COLUMNS = ("record_id", "source_id", "language", "url", "licence", "role", "group_id", "turn", "speaker", "text")
ROWS, BYTES, PARTS = 128, 16 << 20, 4096
"""Records and bytes of text that a part should hold at most, and how many parts a release should have: beyond, they
grow. One record that changes writes its part anew: which of two copies survives may change in any part."""
_GROUP = 1024
_REPEATED = ["source_id", "language", "licence", "role", "speaker"]
"""What has a dictionary: of the rest one would be begun and given up, a fifth of what writing costs."""
_TOLD = ["source_id", "language", "licence"]
"""Of what the smallest and the greatest value stand in a file's foot. Of texts they would be whole texts."""

WRITTEN = pa.schema({
    "part": pa.string(), "path": pa.string(), "bytes": pa.int64(), "sha256": pa.string(), "records": pa.int64(),
    "wrong": pa.int64(), "first_wrong": pa.string(), "characters": pa.int64(), "notices": pa.string(),
})  # fmt: skip

File = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part that the release has: its content hash and how many records it holds."""

    sha256: str
    records: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """The parts of an earlier release by their keys (entries of its `files.json`), in its folder."""

    folder: Path
    files: Mapping[str, File]

    def unchanged(self, wanted: Mapping[str, str]) -> list[File]:
        """Its files of the wanted parts (key to content hash) that hold just that, and still are as they were."""
        return [f for k, f in sorted(self.files.items()) if wanted.get(k) == f["content_sha256"] and self.whole(f)]

    def whole(self, file: File) -> bool:
        """Whether the file's bytes are those that were written."""
        path = self.folder / file["path"]
        return path.is_file() and path.stat().st_size == file["bytes"] and file_sha256(path) == file["sha256"]

    def texts(self, part: str) -> pa.Table | None:
        """`record_id` and `text` of what it has of a part; None where it has no such part, or its file is not as it was
        written. Read at once: piece by piece, as Parquet is read, costs half as much again."""
        import pyarrow.parquet as pq

        file = self.files.get(part)
        path = self.folder / file["path"] if file else None
        data = path.read_bytes() if path and path.is_file() else b""
        if file is None or len(data) != file["bytes"] or hashlib.sha256(data).hexdigest() != file["sha256"]:
            return None
        return pq.ParquetFile(pa.BufferReader(data)).read(["record_id", "text"], use_threads=False)


def earlier(folder: Path | None) -> Earlier:
    """The parts of the release in a folder; none where there is none, or it has files of another make."""
    path = folder / "files.json" if folder else None
    if folder is None or path is None or not path.is_file():
        return Earlier(Path(), {})
    said = json.loads(path.read_text("utf-8"))
    files = said["files"] if said.get("format") == FORMAT else []
    return Earlier(folder, {f["part"]: f for f in files})


def splits(buckets: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Into how many parts each bucket (to its records and bytes) is split: a power of two."""
    rows = max(ROWS, sum(n for n, _ in buckets.values()) // PARTS)
    size = max(BYTES, sum(b for _, b in buckets.values()) // PARTS)
    return {k: _power(max(-(-n // rows), -(-b // size))) for k, (n, b) in sorted(buckets.items())}


def bucket_sql(engine: Engine) -> str:
    """SQL for the bucket of a record, over `source_id` and its file's `name`."""
    of_file = "concat_ws('|', source_id, coalesce(name, ''))"
    return f"substr({sha256(engine, of_file)}, 1, 2)"


def number_sql(engine: Engine) -> str:
    """SQL for the eight digits that say, by a modulo, into which of its bucket's parts a record goes."""
    return f"substr({sha256(engine, 'record_id')}, 1, 8)"


def row_sql(engine: Engine, licence: str | None = None) -> str:
    """SQL for the hash of a row, over columns of these names. `licence`: SQL for the hash of that, empty for none."""
    said = {n: f"coalesce({sha256(engine, n)}, '')" for n in ("language", "url", "licence", "role", "speaker")}
    said["licence"] = licence or said["licence"]
    turn = "coalesce(cast(turn AS string), '')"
    row = (
        "record_id", "source_id", said["language"], said["url"], said["licence"], said["role"],
        "coalesce(group_id, '')", turn, said["speaker"], "released_sha256",
    )  # fmt: skip
    return sha256(engine, f"concat_ws('|', {', '.join(row)})")


def file_of(part: str) -> str:
    """Path of a part inside a release's folder."""
    return f"data/records-{part}.parquet"


def link(file: File, folder: Path, made: Path) -> File:
    """Gives the new release the earlier one's file: the same bytes under a second name, or a copy where the store has
    no such thing."""
    target = made / file["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(folder / file["path"], target)
    except OSError:
        shutil.copyfile(folder / file["path"], target)
    return file


def writer(made: str, files: Mapping[str, File]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For Spark's workers: writes parts below the folder `made` and yields a row of `WRITTEN` for each.

    Rows come sorted by `part` and `record_id`, with `COLUMNS` but for the text, `mask_set`, `released_sha256`, and
    `stored` (the stored text) or `had` (the released text, from the file that the part has in `files`).
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for row in written(batches, Path(made), files):
            yield pa.RecordBatch.from_pylist([row], schema=WRITTEN)

    return run


def written(batches: Iterable[pa.RecordBatch], made: Path, files: Mapping[str, File]) -> Iterator[dict[str, Any]]:
    """Writes parts below the folder `made`: what `writer` says, as rows."""
    for part, pieces in _by_part(batches):
        yield _written(made, part, pieces, json.loads(files.get(part, {}).get("notices", "{}")))


def _by_part(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, list[pa.RecordBatch]]]:
    key, pieces = "", list[pa.RecordBatch]()
    for batch in batches:
        names = batch.column("part").to_pylist()
        start = 0
        while start < len(names):
            end = start
            while end < len(names) and names[end] == names[start]:
                end += 1
            if pieces and names[start] != key:
                yield key, pieces
                pieces = []
            key = names[start]
            pieces.append(batch.slice(start, end - start))
            start = end
    if pieces:
        yield key, pieces


def _written(made: Path, part: str, pieces: Sequence[pa.RecordBatch], before: Mapping[str, int]) -> dict[str, Any]:
    """Writes one part whole; each text is checked against the hash that was decided about."""
    import pyarrow.parquet as pq

    done, wrong, notices = [], list[str](), dict[str, int]()
    for piece in pieces:
        texts, bad, masks = _texts(piece, before)
        wrong += bad
        notices |= masks
        columns = [*(piece.column(c) for c in COLUMNS[:-1]), texts]
        done.append(pa.table(dict(zip(COLUMNS, columns, strict=True))))
    table = done[0] if len(done) == 1 else pa.concat_tables(done).combine_chunks()
    path = made / file_of(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, compression="zstd", row_group_size=_GROUP, use_dictionary=_REPEATED, write_statistics=_TOLD
    )
    data = sink.getvalue()
    temporary.write_bytes(data)
    os.replace(temporary, path)
    return {
        "part": part, "path": file_of(part), "bytes": data.size, "sha256": hashlib.sha256(data).hexdigest(),
        "records": table.num_rows, "wrong": len(wrong), "first_wrong": min(wrong, default=None),
        "characters": pc.call_function("sum", [pc.call_function("utf8_length", [table.column("text")])]).as_py() or 0,
        "notices": json.dumps(notices, sort_keys=True),
    }  # fmt: skip


def _texts(piece: pa.RecordBatch, before: Mapping[str, int]) -> tuple[pa.Array, list[str], dict[str, int]]:
    """The released texts, the records whose text is not the one decided about, masks inside notices by record.

    Only of texts with masks are Python strings made.
    """
    names, had = piece.column("record_id").to_pylist(), piece.column("had")
    texts, notices = pc.call_function("coalesce", [had, piece.column("stored")]), dict[str, int]()
    held, masks = had.is_valid().to_pylist(), piece.column("mask_set").to_pylist()
    made = [bool(own) and not there for own, there in zip(masks, held, strict=True)]
    if any(made):
        chosen = pa.array(made, pa.bool_())
        masked = piece.filter(chosen)
        (new,) = release_batches(iter([masked.select(["stored", "mask_set", "released_sha256"])]))
        texts = pc.call_function("replace_with_mask", [texts, chosen, new.column("text")])
        counted = zip(masked.column("record_id").to_pylist(), new.column("notice_masks").to_pylist(), strict=True)
        notices |= {record: n for record, n in counted if n}
    notices |= {r: before[r] for r, there in zip(names, held, strict=True) if there and before.get(r)}
    expected = piece.column("released_sha256").to_pylist()
    checked = zip(names, hashes(texts), expected, strict=True)
    return texts, [record for record, found, sha256 in checked if found != sha256], notices


def hashes(texts: pa.Array) -> Iterator[str | None]:
    """SHA-256 of the UTF-8 of each text, from where it lies."""
    plain = texts.cast(pa.binary())
    _, offsets, data = plain.buffers()
    ends = memoryview(offsets).cast("i")[plain.offset : plain.offset + len(plain) + 1] if len(plain) else []
    held = memoryview(data) if data is not None else memoryview(b"")
    for at, there in enumerate(plain.is_valid().to_pylist()):
        yield hashlib.sha256(held[ends[at] : ends[at + 1]]).hexdigest() if there else None


def _power(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()
