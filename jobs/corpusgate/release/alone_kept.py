"""The kept records of a candidate without Spark: what a release shows of each, in which part it goes, its row's hash.

Hashes and names are those that `frames.py` makes (`parts.py` says how).
"""

from __future__ import annotations

import hashlib
from binascii import unhexlify
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpusgate.decide.rules import text_sha256
from corpusgate.lake import store
from corpusgate.lake.alone import fixed, picked
from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.release import parts
from corpusgate.release.parts import Wanted
from corpusgate.settings.place import Place

_SHOWN = pa.schema([
    *(TABLES["release_record"].schema.field(n) for n in (
        "record_id", "source_id", "language", "role", "group_id", "turn", "speaker", "text_sha256", "mask_set",
        "released_sha256", "bytes",
    )), *(pa.field(n, pa.string()) for n in ("url", "licence")),
])  # fmt: skip
_KEPT = (
    "SELECT {columns} FROM (SELECT * FROM release_record WHERE {release}) AS r "
    "LEFT JOIN ({origins}) AS o ON o.id = r.record_id "
    "LEFT JOIN (SELECT acquisition_id AS id, name FROM acquisition) AS a ON a.id = o.first "
    "LEFT JOIN (VALUES {licences}) AS l(source, part, licence, hashed) "
    "ON l.source = encode(r.source_id, 'hex') AND l.part = encode(r.licence_part, 'hex')"
)
_ORIGINS = "SELECT record_id AS id, url, acquisition_id AS first FROM record WHERE {batches}"
# One place that two sources' batches name is one record; whichever comes first, the same address.
_FIRST_ORIGINS = "SELECT id, min(url) AS url, min(first) AS first FROM ({origins}) AS named GROUP BY id"
_IN_PARTS = _SHOWN.append(pa.field("part", pa.string()))
_NONE = ("", "", None)
_HASH, _BUCKET, _NUMBER = 64, 2, 8
"""Characters of a hash, of what it begins with, and of the number by which a bucket is split."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept records: what a release shows of them (`rows`, in a query's types), their row `hashes` (rows of bytes), and
    of each the place of its part among `names`."""

    rows: list[pa.RecordBatch]
    hashes: np.ndarray
    part: np.ndarray
    names: list[str]

    def of(self, chosen: Collection[str]) -> pa.Table:
        """What a release shows of the records of these parts, by what their texts are found, and the `part`: in the
        order of parts, and in those of ids."""
        mine = np.isin(self.part, [at for at, name in enumerate(self.names) if name in chosen])
        names, pieces, start = pa.array(self.names, pa.string()), [_IN_PARTS.empty_table()], 0
        for rows in self.rows:
            there, part = (of[start : start + rows.num_rows] for of in (mine, self.part))
            start += rows.num_rows
            if there.any():
                found = pa.Table.from_batches([picked(rows, pa.array(there))]).cast(_SHOWN)
                pieces.append(found.append_column("part", names.take(pa.array(part[there]))))
        table = pa.concat_tables(pieces)
        table = table.set_column(_SHOWN.get_field_index("licence"), "licence", _written_out(table["licence"]))
        return table.sort_by([("part", "ascending"), ("record_id", "ascending")]).combine_chunks()


def kept(run: Run, release: str, licences: Iterable[tuple[str, str, str | None]]) -> Kept:
    """The kept records of a candidate. `licences`: (source, part of its licence, expression)."""
    intake, said = run.result("intake"), {of[:2]: of for of in licences}
    batches = one_of("batch_id", intake.facts["batches"].values() if intake else ())
    told = {"release": one_of("release_id", [release]), "licences": ", ".join(map(_licence, [*said.values(), _NONE]))}
    origins = _ORIGINS.format(batches=batches)
    found = _numbered(run.place, origins=origins, **told)
    if len(found.part) > store.partition_rows(run.place, "release_record").get(release, 0):
        # To group all of them is half of the query's cost, and hardly ever needed.
        found = _numbered(run.place, origins=_FIRST_ORIGINS.format(origins=origins), **told)
    return found


def wanted(rows: Kept) -> dict[str, Wanted]:
    """The parts of these records by key."""
    order = np.argsort(rows.part, kind="stable")
    hashes = rows.hashes[order].view(f"S{_HASH}").reshape(-1)
    ends = np.cumsum(np.bincount(rows.part, minlength=len(rows.names))).tolist()
    pieces = zip(rows.names, [0, *ends], ends, strict=False)
    return {name: Wanted(_sha256(np.sort(hashes[start:end])), end - start) for name, start, end in pieces}


def _numbered(place: Place, **told: str) -> Kept:
    """All of them, with their rows' hashes and the numbers that say where they go."""
    shown, row = ", ".join(f'"{n}"' for n in _SHOWN.names), parts.row_sql("datafusion", "coalesce(l.hashed, '')")
    columns = (
        f"coalesce(bytes, 0) AS size, {row} AS row, {parts.bucket_sql('datafusion')} AS bucket, "
        f"{parts.number_sql('datafusion')} AS number"
    )
    rows, sizes, hashes, buckets, numbers = [], [], [], [], []
    sql = _KEPT.format(columns=f"{columns}, {shown}", **told)
    for batch in store.stream(place, sql, ["release_record", "record", "acquisition"]):
        size, hashed, bucket, number = store.plain(batch.select(range(4))).columns
        rows.append(batch.select(range(4, batch.num_columns)))
        sizes.append(size.to_numpy(zero_copy_only=False))
        hashes.append(fixed(hashed, _HASH))
        buckets.append(_value(fixed(bucket, _BUCKET)))
        numbers.append(_value(fixed(number, _NUMBER)))
    none = np.zeros(0, dtype=np.int64)
    part, names = _parts(*(np.concatenate([none, *of]) for of in (buckets, numbers, sizes)))
    return Kept(rows, np.concatenate([np.zeros((0, _HASH), dtype=np.uint8), *hashes]), part, names)


def _parts(buckets: np.ndarray, numbers: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The part of each record, as its place among the names; and the names."""
    rows, into = np.bincount(buckets, minlength=256), np.ones(256, dtype=np.int64)
    held = np.zeros(256, dtype=np.int64)
    np.add.at(held, buckets, sizes)
    there = {f"{b:02x}": (int(rows[b]), int(held[b])) for b in np.flatnonzero(rows).tolist()}
    for bucket, split in parts.splits(there).items():
        into[int(bucket, 16)] = split
    codes, part = np.unique(buckets << 32 | numbers % into[buckets], return_inverse=True)
    halves = ((code >> 32, code & 0xFFFFFFFF) for code in codes.tolist())
    return part, [f"{bucket:02x}-{into[bucket]}-{number}" for bucket, number in halves]


def _value(digits: np.ndarray) -> np.ndarray:
    """The numbers that rows of hex digits, two or eight each, are."""
    return np.frombuffer(unhexlify(digits.tobytes()), f">u{digits.shape[1] // 2}").astype(np.int64)


def _licence(of: tuple[str, str, str | None]) -> str:
    """A row of SQL. What others wrote stands there in hex digits, which nothing has to be escaped in."""
    source, part, expression = (None if text is None else text.encode().hex() for text in of)
    said = ("NULL", "NULL") if of[2] is None else (f"'{expression}'", f"'{text_sha256(of[2])}'")
    return f"('{source}', '{part}', {', '.join(said)})"


def _written_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts of a column of hex digits."""
    coded = column.combine_chunks().dictionary_encode()
    texts = pa.array([bytes.fromhex(digits).decode() for digits in coded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([texts.take(coded.indices)], pa.string())


def _sha256(rows: np.ndarray) -> str:
    return hashlib.sha256(rows.tobytes()).hexdigest()
