"""Whether the chained tables are as they were written: each row's hash, the row it follows, one beginning, one end.

A row's hash covers its content and the hash of the row before it. Whoever changes a row must change every one after it,
and then the head that a release sealed is no longer on the chain (`release/seal.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deltalake import DeltaTable

from corpusgate.errors import CorpusgateError
from corpusgate.lake import store
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place

START = "0" * 64
CHAINED: tuple[str, ...] = tuple(sorted(t.name for t in TABLES.values() if t.chained))
#: Changed rows that are named, of a table.
NAMED = 10


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the hash of its last row and how many rows lead to it."""

    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The rows of a table by their hash, and what is wrong with them, a sentence each."""

    name: str
    rows: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...]

    @property
    def head(self) -> Head:
        """The end of the chain; only of one without problems."""
        followed = {r["previous_sha256"] for r in self.rows.values()}
        ends = [h for h in self.rows if h not in followed]
        return Head(ends[0], len(self.rows)) if ends else Head(START, 0)

    def rows_to(self, sha256: str) -> int | None:
        """How many rows lead to this hash; None where it is not on the chain."""
        count, at = 0, sha256
        while at != START:
            row = self.rows.get(at)
            if row is None or count > len(self.rows):
                return None
            count, at = count + 1, row["previous_sha256"]
        return count


def chain_of(place: Place, name: str) -> Chain:
    """The chain of one table, walked; a table that is not there has none."""
    if not DeltaTable.is_deltatable(str(place.table(name))):
        return Chain(name, {}, ())
    rows = store.read(place, name).to_pylist()
    return Chain(name, {r["row_sha256"]: r for r in rows}, tuple(_problems(name, rows)))


def heads(place: Place) -> dict[str, Head]:
    """The end of each chain, to be sealed.

    Raises:
        CorpusgateError: a chain is broken; nothing is sealed over what somebody changed.
    """
    found = {}
    for name in CHAINED:
        chain = chain_of(place, name)
        if chain.problems:
            raise CorpusgateError(
                f"The table {name} is not as it was written, so nothing is sealed or published: {chain.problems[0]} "
                "Restore the table from a copy, or find out who changed it."
            )
        found[name] = chain.head
    return found


def _problems(name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    changed = [r for r in rows if store.row_digest(r) != r["row_sha256"]]
    for row in changed[:NAMED]:
        yield f"{name}: the row {_key(name, row)} was changed: its content does not give its hash {row['row_sha256']}."
    if len(changed) > NAMED:
        yield f"{name}: {len(changed) - NAMED} further rows were changed."
    there = {r["row_sha256"] for r in rows}
    orphans = [r for r in rows if r["previous_sha256"] not in there and r["previous_sha256"] != START]
    for row in orphans[:NAMED]:
        yield (
            f"{name}: the row that {_key(name, row)} follows ({row['previous_sha256']}) is gone, or its hash was "
            "written anew."
        )
    followers = Counter(r["previous_sha256"] for r in rows)
    for row in [r for r in rows if followers[r["previous_sha256"]] > 1][:NAMED]:
        yield f"{name}: the row {_key(name, row)} follows {row['previous_sha256']}, and another row does too."


def _key(name: str, row: Mapping[str, Any]) -> str:
    """The row by its key, as people find it in SQL."""
    return ", ".join(f"{c} {row[c]}" for c in TABLES[name].key if row[c] not in (None, ""))
