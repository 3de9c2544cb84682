"""What was collected of each source, in one pass: how many records, and how many speak against each control."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from corpusgate.gates.figures import (
    LACKS_ORIGIN,
    GateInput,
    count_of,
    examples_of,
    ids,
    must_carry,
    shown_id,
    texts_seen,
    values,
)
from corpusgate.gates.strata import may_hold_risk, passing_parts, removal
from corpusgate.lake import store
from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run
from corpusgate.review.people import TABLES as PEOPLE
from corpusgate.review.people import people_sql


@dataclass(frozen=True, slots=True)
class Collected:
    """What one pass over the records of a source gives: how many, and how many (with ids) speak against each
    control. `allowed` hold risk and may (see `strata.may_hold_risk`)."""

    records: int
    texts: int
    illegal: tuple[int, tuple[str, ...]]
    unscreened: tuple[int, tuple[str, ...]]
    originless: tuple[int, tuple[str, ...]]
    unlicensed: tuple[int, tuple[str, ...]]
    judged: int = 0
    overruled: int = 0
    allowed: int = 0


NOTHING = Collected(0, 0, (0, ()), (0, ()), (0, ()), (0, ()))


def collect(run: Run, source_ids: list[str], facts: Mapping[str, Any]) -> dict[str, Collected]:
    """One statement over the records of the sources' current batches; `facts` are intake's.

    Raises:
        GateInput: intake names no batch of a source.
    """
    if missing := [s for s in source_ids if s not in facts["batches"]]:
        raise GateInput(f"intake names no batch of {', '.join(missing)}")
    tables = list(dict.fromkeys(("record", "acquisition", "finding", "screening", *PEOPLE)))
    rows = store.query(run.place, _sql(run, source_ids, facts), tables)
    return {
        r["source_id"]: Collected(
            records=r["records"], texts=r["texts"],
            illegal=(r["illegal"], ids(r["illegal_ids"])), unscreened=(r["unscreened"], ids(r["unscreened_ids"])),
            originless=(r["originless"], ids(r["originless_ids"])),
            unlicensed=(r["unlicensed"], ids(r["unlicensed_ids"])), judged=r["judged"], overruled=r["overruled"],
            allowed=r["allowed"],
        )
        for r in rows.to_pylist()
    }  # fmt: skip


def hexadecimal(batch_id: str) -> str:
    """The batch's id, which goes into SQL as it is.

    Raises:
        GateInput: it holds anything but hexadecimal digits.
    """
    if not re.fullmatch(r"[0-9a-f]{1,64}", batch_id):
        raise GateInput("intake names a batch whose id is not hexadecimal")
    return batch_id


def _sql(run: Run, source_ids: list[str], facts: Mapping[str, Any]) -> str:
    """A row a source. Records that nothing speaks against come down to a row a source before anything is put in
    order."""
    with_ids = ("illegal", "originless", "unlicensed")
    counted = ", ".join(
        [f"{count_of(n)} AS {n}, {examples_of(n)} AS {n}_ids" for n in with_ids]
        + [f"{count_of(n)} AS {n}" for n in ("judged", "overruled", "allowed")]
    )
    # earlier states are not so much as read
    batches = one_of("batch_id", (hexadecimal(facts["batches"][s]) for s in source_ids))
    return f"""
    WITH {_declared(run, source_ids, facts)},
    f AS ({texts_seen(facts["versions"])}),
    h AS ({people_sql()}),
    l AS ({_of_records(run, batches)}),
    r AS ({_with_findings(run)}),
    g AS (
      SELECT source_id, illegal, allowed, judged, overruled, unscreened, originless, unlicensed,
             {shown_id("unscreened", *with_ids)} AS record_id, CASE WHEN unscreened THEN text_sha256 END AS text,
             COUNT(*) AS n
      FROM r GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
    ),
    t AS (
      SELECT source_id, batch_id, COUNT(DISTINCT text_sha256) AS texts FROM record WHERE {batches} GROUP BY 1, 2
    )
    SELECT g.source_id, MAX(t.texts) AS texts, SUM(n) AS records, {counted}, COUNT(DISTINCT text) AS unscreened,
           {examples_of("unscreened")} AS unscreened_ids
    FROM c JOIN t ON t.source_id = c.source_id AND t.batch_id = c.batch_id JOIN g ON g.source_id = c.source_id
    GROUP BY g.source_id ORDER BY g.source_id
    """


def _declared(run: Run, source_ids: list[str], facts: Mapping[str, Any]) -> str:
    """`c`, what each source declares, and `p`, its licence parts that passed."""
    sources = [run.source(s) for s in source_ids]
    chosen = values(
        (s.id, hexadecimal(facts["batches"][s.id]), must_carry(s), s.provider, s.title) for s in sources
    )  # fmt: skip
    parts = values((s, part) for s in source_ids for part in passing_parts(run, s)) or "(NULL, NULL)"
    return (
        f"c AS (SELECT * FROM (VALUES {chosen}) AS t(source_id, batch_id, carry, provider, title)), "
        f"p AS (SELECT * FROM (VALUES {parts}) AS t(source_id, part))"
    )


def _of_records(run: Run, batches: str) -> str:
    """What a record says itself. A join builds its table of what stands left: the smaller side, here and below."""
    return f"""
      SELECT r.record_id, r.source_id, r.text_sha256, {may_hold_risk(run)} AS may, {LACKS_ORIGIN} AS originless,
             p.part IS NULL AS unlicensed
      FROM p RIGHT JOIN (c JOIN (
        acquisition a RIGHT JOIN (SELECT * FROM record WHERE {batches}) r ON r.acquisition_id = a.acquisition_id
      ) ON r.source_id = c.source_id AND r.batch_id = c.batch_id)
      ON r.source_id = p.source_id AND COALESCE(r.licence_part, 'all') = p.part
    """


def _with_findings(run: Run) -> str:
    """What detectors and people say of the records `l` besides; a person's word stands over a detector's."""
    machine = f"COALESCE(f.weight, CAST(0 AS DECIMAL(18,6))) >= {removal(run)}"
    return f"""
      SELECT l.record_id, l.source_id, l.text_sha256, originless, unlicensed,
             COALESCE(h.illegal, {machine}) AND NOT may AS illegal, COALESCE(h.illegal, {machine}) AND may AS allowed,
             h.record_id IS NOT NULL AS judged, h.illegal <> ({machine}) AS overruled,
             NOT COALESCE(f.screened, FALSE) AS unscreened
      FROM f RIGHT JOIN (h RIGHT JOIN l ON h.record_id = l.record_id AND h.text_sha256 = l.text_sha256)
      ON f.text_sha256 = l.text_sha256
    """
