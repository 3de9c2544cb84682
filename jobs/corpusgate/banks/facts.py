"""Which versions of banks are in force at a time, and when each was last updated or looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from corpusgate.annotation.model import ZONE
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.settings.bank import Bank
from corpusgate.settings.load import load_bank
from corpusgate.settings.place import Place


@dataclass(frozen=True, slots=True)
class InForce:
    """A bank with its version in force (None: none was imported), and the day of its last update or review."""

    bank: Bank
    version: str | None = None
    updated_on: date | None = None
    entries: int = 0
    distinct: int = 0

    @property
    def said(self) -> str:
        """Bank and version, for a reason."""
        return f"{self.bank.id} {self.version}"


def in_force(place: Place, bank_ids: Iterable[str], at: datetime) -> list[InForce]:
    """The banks in the given order, each with the newest version of the day of `at` or before.

    Raises:
        UserError: a declaration is missing or wrong.
    """
    today = at.astimezone(ZONE).date()
    banks = [load_bank(place, name) for name in bank_ids]
    if not banks:
        return []
    names = f"bank_id IN ({', '.join(literal(b.id) for b in banks)})"
    versions = store.read(place, "bank_version", where=names).to_pylist()
    reviews = store.read(place, "bank_review", where=names).to_pylist()
    return [_of(bank, versions, reviews, today) for bank in banks]


def slices(found: Sequence[InForce]) -> str:
    """SQL: the entries of these versions; of none where there are none."""
    chosen = [
        f"(bank_id = {literal(f.bank.id)} AND version = {literal(f.version)})" for f in found if f.version is not None
    ]
    return f"({' OR '.join(chosen)})" if chosen else "FALSE"


def overview(place: Place, at: datetime) -> list[dict[str, Any]]:
    """The declared banks for people: version, size, last update, and the day when the next is due by own plan."""
    store.ensure_tables(place, ["bank_version", "bank_review"])
    names = sorted(p.stem for p in (place.conf / "banks").glob("*.yaml"))
    return [
        {
            "bank": f.bank.id, "kind": f.bank.kind, "version": f.version or "none imported", "entries": f.entries,
            "distinct": f.distinct, "updated_on": f.updated_on, "owner": f.bank.owner,
            "due_on": f.updated_on + timedelta(days=f.bank.refresh_days) if f.updated_on else at.date(),
        }
        for f in in_force(place, names, at)
    ]  # fmt: skip


def _of(bank: Bank, versions: list[dict[str, Any]], reviews: list[dict[str, Any]], today: date) -> InForce:
    # a version of another kind was imported under an earlier declaration: it is no version of this bank
    mine = [v for v in versions if v["bank_id"] == bank.id and v["kind"] == bank.kind and v["released_on"] <= today]
    if not mine:
        return InForce(bank)
    newest = max(mine, key=lambda v: (v["released_on"], v["recorded_at"]))
    looked = [
        r["reviewed_on"] for r in reviews
        if (r["bank_id"], r["version"]) == (bank.id, newest["version"]) and r["reviewed_on"] <= today
    ]  # fmt: skip
    return InForce(
        bank, newest["version"], max([newest["released_on"], *looked]), newest["kept"], newest["distinct_entries"]
    )
