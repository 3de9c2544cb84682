"""Texts that are stored and screened already, as the workers are told of them: a sorted file of hash prefixes.

Eight bytes a text: which of the others begins like one of them only the whole hash tells, so what a worker takes for
known is looked up again, by the whole hash, before anything is written (`frames.stage_exceptions`).
"""

from __future__ import annotations

import tempfile
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusgate.lake import store
from corpusgate.lake.dialect import one_of
from corpusgate.settings.place import Place

if TYPE_CHECKING:
    import numpy as np

MOST = 200_000_000
"""Texts in one file: 1.6 GB, read where it lies."""
DIGITS = 16
"""Hex digits of a prefix."""


def within(batches: Sequence[str], rows: Mapping[str, int], first: Sequence[str]) -> list[str]:
    """The batches whose records all fit into one file together: those named `first` before the others, small ones
    before big ones."""
    chosen: list[str] = []
    left = MOST
    for batch in sorted(batches, key=lambda b: (b not in first, rows.get(b, 0), b)):
        left -= rows.get(batch, 0)
        if left < 0:
            break
        chosen.append(batch)
    return chosen


def write(place: Place, batches: Sequence[str], path: Path) -> int:
    """Writes the prefixes of all texts that records of these batches have; returns how many there are."""
    import numpy as np

    # not DISTINCT: what repeats goes once they are sorted, by eight bytes instead of by the whole hash
    sql = f"SELECT text_sha256 FROM record WHERE {one_of('batch_id', batches)}"
    parts = [_beginnings(b.column(0)) for b in store.stream(place, sql, ["record"])]
    every = np.sort(np.concatenate([np.empty(0, np.uint64), *parts]))
    # `numpy.unique` makes a hash table of them first, which costs twenty times as much
    found = every[np.diff(every, prepend=~every[:1]) != 0]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npy", delete=False) as file:
        np.save(file, found)
    Path(file.name).rename(path)
    return len(found)


def prefixes(hashes: Sequence[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """The first eight bytes of each hash as a number."""
    import numpy as np

    return np.frombuffer(bytes.fromhex("".join(h[:DIGITS] for h in hashes)), ">u8").astype(np.uint64)


def _beginnings(column: Any) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """As `prefixes`, of a column of hashes: without a Python text for each of them."""
    import numpy as np
    import pyarrow as pa

    hashes = column.cast(pa.string())
    if not len(hashes):
        return np.empty(0, np.uint64)
    _, ends, content = hashes.buffers()
    starts = np.frombuffer(ends, np.int32)[hashes.offset : hashes.offset + len(hashes)]
    digits = np.frombuffer(content, np.uint8)[starts[:, None] + np.arange(DIGITS, dtype=np.int32)]
    return np.frombuffer(unhexlify(digits.tobytes()), ">u8").astype(np.uint64)


def among(path: str, hashes: Sequence[str]) -> set[str]:
    """Those of the hashes whose prefixes stand in the file."""
    import numpy as np

    there = _opened(path)
    if not len(there) or not hashes:
        return set()
    asked = prefixes(hashes)
    at = np.minimum(np.searchsorted(there, asked), len(there) - 1)
    return {h for h, known in zip(hashes, there[at] == asked, strict=True) if known}


@lru_cache(maxsize=1)
def _opened(path: str) -> np.ndarray[Any, np.dtype[np.uint64]]:
    import numpy as np

    return np.load(path, mmap_mode="r")
