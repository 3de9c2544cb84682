"""Parquet: a row is a record; only the declared columns' values are read, row group by row group."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from corpusgate.intake.document import local_copy
from corpusgate.intake.fields import Fields
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.settings.model import Declared
from corpusgate.settings.source import Reader

HAS_FIELDS = APART = True
_ROWS = 256
_BUFFER = 1 << 20  # bytes of a column read at once: without it, all that a row group has of it


class Options(Declared):
    """Parquet needs none."""


def read(member: Member, reader: Reader) -> Iterator[Item | Fault | Signal]:
    """The rows, in batches of a few hundred; a column that nobody declared is a signal and is not read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = Fields(member.name, reader)
    with tempfile.TemporaryDirectory(prefix="corpusgate-") as folder:
        try:
            with pq.ParquetFile(local_copy(member, Path(folder)), memory_map=False, buffer_size=_BUFFER) as file:
                names = file.schema_arrow.names
                yield from fields.signals(dict.fromkeys(names))
                wanted = [n for n in names if n in fields.declared]
                for batch in file.iter_batches(batch_size=_ROWS, columns=wanted, use_threads=False):
                    for row in batch.to_pylist():
                        yield from fields.read(row)
        except MemoryError:  # also Arrow's own, which is an ArrowException besides
            raise
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            yield Fault(member.name, "not_parquet", f"{type(error).__name__}: {error}"[:300])
