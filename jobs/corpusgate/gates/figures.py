"""A figure: one number about one source or one stratum of a release, before anyone judges it.

Figures are computed in one pass over narrow columns (delta-rs, no JVM): `source_figures` and `release_figures`. A
figure that cannot be computed is `unreadable`, which is judged as a failure; one that must wait says for what."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from corpusgate.errors import CorpusgateError
from corpusgate.settings.model import RISKS_OF_SOURCE
from corpusgate.settings.papers import USER
from corpusgate.settings.source import Source

State = Literal["measured", "pending", "not_applicable", "unreadable"]
Half = Literal["computed", "human"]
Scope = Literal["source", "release"]

EXAMPLES = 10
"""Record ids shown with a figure that fails."""

LOG = logging.getLogger(__name__)


class GateInput(CorpusgateError):
    """What the gate must read is missing or contradicts itself: the control fails, whatever the rest says."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is what the control's bound is compared with; `k` of `n` are what it was made of, in the control's unit.

    `scope_id` is a source's id or a release's; `stratum` is e.g. `modality:text`, empty for the whole. `examples` are
    ids of at most ten records that speak against it, never their text."""

    control_id: str
    gate: str
    scope: Scope
    scope_id: str
    state: State
    stratum: str = ""
    half: Half = "computed"
    value: float | None = None
    k: int | None = None
    n: int | None = None
    because: str = ""
    examples: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, str, str]:
        """The row of the gate's table that it stands in."""
        return (self.scope, self.scope_id, self.stratum)


def share(k: int, n: int) -> float | None:
    """k of n; None where there is nothing to divide by (judged as empty)."""
    return k / n if n else None


def guarded(
    wanted: Sequence[tuple[str, str]], scope: Scope, scope_ids: Sequence[str], compute: Callable[[], list[Figure]]
) -> list[Figure]:
    """What `compute` returns for the `wanted` (control id, gate) and scopes.

    Where it raises, each of them is `unreadable`: a gate that crashes never passes anything.
    """
    try:
        return compute()
    except Exception as error:
        LOG.exception("the gate could not compute %s", ", ".join(c for c, _ in wanted))
        because = f"the gate could not read its input: {_first_line(error)}"
        return [Figure(c, g, scope, i, "unreadable", because=because) for c, g in wanted for i in scope_ids]


def quoted(text: str) -> str:
    """The text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def values(rows: Iterable[Sequence[str | None]]) -> str:
    """The rows as an SQL VALUES list; all columns are text."""
    return ", ".join("(" + ", ".join("NULL" if v is None else quoted(v) for v in row) + ")" for row in rows)


def version_of(detector: str, versions: Mapping[str, str]) -> str:
    """SQL: the versions under which this run's findings of a detector stand, as a list for IN.

    A family's version names its detectors one by one (`personal_information-1 pi_check-1`); a finding carries its
    detector's own, or the family's.

    Raises:
        GateInput: the run names no version of it, so nothing could be told from an absence of findings.
    """
    for family in versions.values():
        for part in family.split(" "):
            name, _, own = part.partition("-")
            if name == detector:
                return ", ".join(map(quoted, (own, family)))
    raise GateInput(f"the run names no version of the detector {detector} (families: {', '.join(versions) or 'none'})")


def texts_seen(versions: Mapping[str, str]) -> str:
    """SQL: text_sha256, screened, weight: whether each of the run's families saw the text in the run's version, and the
    weights of its keyword findings of the 29 risks of A.1 to A.4, added up exactly.

    Same arithmetic as the decision's (decimal, six places): ten words of 0.1 are 1, not a little less. Both in one
    grouping, a bit a family: to count distinct families cost three times as much.

    Raises:
        GateInput: the run names too few families to prove anything.
    """
    if missing := {"keyword", "personal_information"} - set(versions):
        raise GateInput(f"the run names no version of the detector family {' and '.join(sorted(missing))}")
    bits = " ".join(
        f"WHEN family = {quoted(family)} AND version = {quoted(version)} THEN {1 << n}"
        for n, (family, version) in enumerate(sorted(versions.items()))
    )
    risks = ", ".join(map(quoted, RISKS_OF_SOURCE))
    return (
        f"SELECT text_sha256, bit_or(seen) = {(1 << len(versions)) - 1} AS screened, SUM(weight) AS weight FROM ("
        f"SELECT text_sha256, CASE {bits} ELSE 0 END AS seen, CAST(NULL AS DECIMAL(18,6)) AS weight FROM screening "
        "UNION ALL SELECT text_sha256, 0 AS seen, CAST(weight AS DECIMAL(18,6)) AS weight FROM finding "
        f"WHERE family = 'keyword' AND version IN ({version_of('keyword', versions)}) AND risk IN ({risks})"
        ") GROUP BY text_sha256"
    )


def must_carry(source: Source) -> str:
    """What tells the origin of a source's records (45652-draft 6.2 a): the `address` of what was crawled, the data
    `set` and its organisation, the mark of the `generator`, or the `user` of a service. What we produced ourselves is a
    set of ours.
    """
    produced = source.collection is not None and source.collection.method == "produced"
    kinds = {"open_source": "set", "commercial": "set", "synthetic": "generator", "user_input": "user"}
    return ("set" if produced else "address") if source.kind == "self_collected" else kinds.get(source.kind, "")


#: SQL over `r` (record), `a` (its acquisition) and `c` (its source's provider, title and what records must `carry`, see
#: `must_carry`): whether the record lacks it. A time of acquisition and what was acquired belong to every kind.
LACKS_ORIGIN = (
    "(a.acquisition_id IS NULL OR a.fetched_at IS NULL "
    "OR COALESCE(r.locator, '') = '' OR COALESCE(c.provider, '') = '' "
    "OR (c.carry = 'address' AND COALESCE(r.url, '') = '') "
    "OR (c.carry = 'set' AND (COALESCE(c.title, '') = '' OR COALESCE(a.purl, '') = '')) "
    "OR (c.carry = 'generator' AND COALESCE(r.generator, '') = '') "
    f"OR (c.carry = 'user' AND COALESCE(r.attributes['{USER}'], '') = ''))"
)


def examples_of(condition: str) -> str:
    """SQL aggregate: the first ids of the records for which `condition` holds."""
    return f"array_slice(array_agg(record_id ORDER BY record_id) FILTER (WHERE {condition}), 1, {EXAMPLES})"


def count_of(condition: str, rows: str = "n") -> str:
    """SQL aggregate: how many records meet the condition, where each row stands for `rows` of them."""
    return f"SUM(CASE WHEN {condition} THEN {rows} ELSE 0 END)"


def shown_id(*conditions: str) -> str:
    """SQL: a record's id where a condition holds, else NULL. Grouped by it and the conditions, records that nothing
    speaks against are a few rows with a count, and only the others are put in order for `examples_of`."""
    return f"CASE WHEN {' OR '.join(conditions)} THEN record_id END"


def ids(cell: Any) -> tuple[str, ...]:
    """An aggregate's list of ids; empty for NULL."""
    return tuple(cell or ())


def _first_line(error: Exception) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    return f"{type(error).__name__}: {text[:300]}"
