"""The kept records of a candidate without Spark: in which part each goes, and the hash of its row.

Of all of them only that is held; what else a release shows of a record is asked for once more, of those whose parts are
written anew. Hashes and names are those that `frames.py` makes (`parts.py` says how).
"""

from __future__ import annotations

import hashlib
from binascii import unhexlify
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa

from corpusgate.decide.rules import text_sha256
from corpusgate.lake import store
from corpusgate.lake.alone import among, fixed
from corpusgate.lake.dialect import listed, one_of
from corpusgate.lake.run import Run
from corpusgate.lake.tables import TABLES
from corpusgate.release import parts
from corpusgate.release.parts import Wanted
from corpusgate.settings.place import Place

Ask = Callable[..., Iterator[pa.RecordBatch]]
"""Asks for columns (SQL) of the kept records, of those `where` chooses; an `earlier` release's stand beside them."""

_SHOWN = pa.schema([
    *(TABLES["release_record"].schema.field(n) for n in (
        "record_id", "source_id", "language", "role", "group_id", "turn", "speaker", "text_sha256", "mask_set",
        "released_sha256", "bytes",
    )), *(pa.field(n, pa.string()) for n in ("url", "licence", "was")),
])  # fmt: skip
_KEPT = (
    "SELECT {columns} FROM (SELECT * FROM release_record WHERE {release}{where}) AS r "
    "LEFT JOIN ({origins}) AS o ON o.id = r.record_id "
    "LEFT JOIN (SELECT acquisition_id AS id, name FROM acquisition) AS a ON a.id = o.first "
    "LEFT JOIN (VALUES {licences}) AS l(source, part, licence, hashed) "
    "ON l.source = encode(r.source_id, 'hex') AND l.part = encode(r.licence_part, 'hex')"
)
_EARLIER = (
    " LEFT JOIN (SELECT record_id AS id, released_sha256 AS was FROM release_record WHERE {release}) AS e "
    "ON e.id = r.record_id"
)
_ORIGINS = "SELECT record_id AS id, url, acquisition_id AS first FROM record WHERE {batches}"
# One place that two sources' batches name is one record; whichever comes first, the same address.
_FIRST_ORIGINS = f"SELECT id, min(url) AS url, min(first) AS first FROM ({_ORIGINS}) AS named GROUP BY id"
_NONE = ("", "", None)
_HASH, _BUCKET, _NUMBER = 64, 2, 8
"""Characters of a hash, of what it begins with, and of the number by which a bucket is split."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Kept records: `ids` and row `hashes` (rows of bytes), and of each the place of its part among `names`."""

    ids: pa.ChunkedArray
    hashes: np.ndarray
    part: np.ndarray
    names: list[str]
    ask: Ask

    def rows(self, chosen: Collection[str], earlier: str = "") -> pa.Table:
        """What a release shows of the records of these parts, and by what their texts are found; with the `part`, and
        the hash that the released text `was` in the `earlier` release."""
        there = np.isin(self.part, [at for at, name in enumerate(self.names) if name in chosen])
        lie = self.ids.filter(pa.array(there, pa.bool_())).to_pylist()
        part = dict(zip(lie, self.part[there].tolist(), strict=True))
        columns = ", ".join(f'"{n}"' for n in _SHOWN.names[:-1]) + (", e.was" if earlier else ", NULL AS was")
        where = listed("record_id", lie) if 2 * len(lie) < len(self.ids) else ""  # of most of them a list costs more
        found = self.ask(columns, earlier=earlier, where=where) if lie else iter(())
        table = pa.concat_tables([_SHOWN.empty_table(), *(pa.Table.from_batches([b]).cast(_SHOWN) for b in found)])
        if table.num_rows > len(lie):
            table = table.filter(among(table["record_id"], part.keys()))
        at = table.schema.get_field_index("licence")
        table = table.set_column(at, "licence", _written_out(table["licence"]))
        names = [self.names[part[record]] for record in table["record_id"].to_pylist()]
        return table.append_column("part", pa.array(names, pa.string()))


def kept(run: Run, release: str, licences: Iterable[tuple[str, str, str | None]]) -> Kept:
    """The kept records of a candidate. `licences`: (source, part of its licence, expression)."""
    intake, said = run.result("intake"), {of[:2]: of for of in licences}
    batches = one_of("batch_id", intake.facts["batches"].values() if intake else ())
    told = {"release": one_of("release_id", [release]), "licences": ", ".join(map(_licence, [*said.values(), _NONE]))}

    def numbered(origins: str) -> Kept:
        template = partial(_KEPT.format, origins=origins.format(batches=batches), **told)
        return _numbered(partial(_asked, run.place, template))

    found = numbered(_ORIGINS)
    if len(found.ids) > store.partition_rows(run.place, "release_record").get(release, 0):
        found = numbered(_FIRST_ORIGINS)  # to group all of them is half of the query's cost, and hardly ever needed
    return found


def wanted(rows: Kept) -> dict[str, Wanted]:
    """The parts of these records by key."""
    order = np.argsort(rows.part, kind="stable")
    hashes = rows.hashes[order].view(f"S{_HASH}").reshape(-1)
    ends = np.cumsum(np.bincount(rows.part, minlength=len(rows.names))).tolist()
    pieces = zip(rows.names, [0, *ends], ends, strict=False)
    return {name: Wanted(_sha256(np.sort(hashes[start:end])), end - start) for name, start, end in pieces}


def _asked(
    place: Place, template: Callable[..., str], columns: str, *, earlier: str = "", where: str = ""
) -> Iterator[pa.RecordBatch]:
    sql = template(columns=columns, where=f" AND {where}" if where else "")
    sql += _EARLIER.format(release=one_of("release_id", [earlier])) if earlier else ""
    yield from store.stream(place, sql, ["release_record", "record", "acquisition"])


def _numbered(ask: Ask) -> Kept:
    """All of them, by their ids, their rows' hashes and the numbers that say where they go."""
    row = parts.row_sql("datafusion", "coalesce(l.hashed, '')")
    columns = (
        f"record_id, coalesce(bytes, 0) AS size, {row} AS row, "
        f"{parts.bucket_sql('datafusion')} AS bucket, {parts.number_sql('datafusion')} AS number"
    )
    ids, sizes, hashes, buckets, numbers = [], [], [], [], []
    for batch in map(store.plain, ask(columns)):
        record, size, row, bucket, number = batch.columns
        ids.append(record)
        sizes.append(size.to_numpy(zero_copy_only=False))
        hashes.append(fixed(row, _HASH))
        buckets.append(_value(fixed(bucket, _BUCKET)))
        numbers.append(_value(fixed(number, _NUMBER)))
    none = np.zeros(0, dtype=np.int64)
    part, names = _parts(*(np.concatenate([none, *of]) for of in (buckets, numbers, sizes)))
    every = np.concatenate([np.zeros((0, _HASH), dtype=np.uint8), *hashes])
    return Kept(pa.chunked_array(ids, pa.string()), every, part, names, ask)


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
