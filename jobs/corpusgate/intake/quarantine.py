"""The way out of the quarantine: a person has rows read again, or says that they are no records at all.

Either word stays with the row (who, why, when), also when its batch is read anew. Rows that people dismissed no longer
count in the errored share that holds a source; they stay errored in the accounting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from corpusgate.errors import UserError
from corpusgate.intake.states import forget_report, present
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.settings.person import named_and_reasoned
from corpusgate.settings.place import Place

Word = Literal["retried", "dismissed"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which rows: by locator, or all of a source, of a reason; at least one of locators and source."""

    locators: tuple[str, ...] = ()
    source: str | None = None
    reason: str | None = None

    @property
    def where(self) -> str:
        """SQL over the columns of `quarantine`."""
        tests = [f"locator IN ({', '.join(map(_quoted, self.locators))})"] if self.locators else []
        tests += [f"source_id = {_quoted(self.source)}"] if self.source else []
        tests += [f"reason = {_quoted(self.reason)}"] if self.reason else []
        return " AND ".join(tests)


def say(
    place: Place, word: Word, chosen: Chosen, *, by: str, because: str, at: datetime
) -> list[dict[str, Any]]:  # fmt: skip
    """Records the word on the chosen rows and returns them; `retried` makes the next intake read their batches again.

    Rows that carry the same word of the same person and reason already are left as they are, and named again.

    Raises:
        UserError: nothing is chosen, a locator is not there, or the person or reason is none. LakeBusy.
    """
    by, because = named_and_reasoned(by, because)
    if not (chosen.locators or chosen.source):
        raise UserError("Say which rows: their locators, or --source; see `corpusgate quarantine list`.")
    with lease(place, f"quarantine {word}"):
        store.ensure_tables(place, ["quarantine"])
        now = present(place)  # what was said of a source's earlier states is history
        rows = [
            r for r in store.read(place, "quarantine", where=chosen.where).to_pylist()
            if now.get(r["source_id"], r["batch_id"]) == r["batch_id"]
        ]  # fmt: skip
        if missing := sorted(set(chosen.locators) - {r["locator"] for r in rows}):
            raise UserError(
                f"Nothing in the quarantine has the locator {missing[0]!r}; see `corpusgate quarantine list`."
            )
        if not rows:
            raise UserError("Nothing in the quarantine is chosen by this; see `corpusgate quarantine list`.")
        said = {"state": word, "state_by": by, "state_because": because}
        fresh = [r for r in rows if any(r[n] != v for n, v in said.items())]
        _write(place, fresh, {**said, "state_at": at})
        if word == "retried":
            # Last: a batch whose report is gone is read again, whatever its rows say by then.
            for batch in sorted({r["batch_id"] for r in rows}):
                forget_report(place, batch, sorted({r["acquisition_id"] for r in rows if r["batch_id"] == batch}))
    return [{**r, **said} for r in rows]


def _write(place: Place, rows: Sequence[dict[str, Any]], said: dict[str, Any]) -> None:
    """Each batch's slice as a whole, with the changed rows in it: a partition is what a write replaces."""
    changed = {(r["acquisition_id"], r["locator"]) for r in rows}
    for batch in sorted({r["batch_id"] for r in rows}):
        where = f"batch_id = {_quoted(batch)}"
        whole = store.read(place, "quarantine", where=where).to_pylist()
        now = [r | said if (r["acquisition_id"], r["locator"]) in changed else r for r in whole]
        store.replace(place, "quarantine", now, where, f"quarantine {said['state']}")


def _quoted(text: str) -> str:
    """As an SQL string: locators hold names of members, which may be anything."""
    return "'" + text.replace("'", "''") + "'"
