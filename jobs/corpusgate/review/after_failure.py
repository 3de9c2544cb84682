"""After a sample failed: where its bad items come from, and a new draw. Nobody draws until it passes unseen: a new seed
follows from the old one and a count, needs a recorded fix, and every draw stays and is shown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.figures import quoted
from corpusgate.gates.reviewed import draws_of
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.review import draw as draws
from corpusgate.review.desk import desk
from corpusgate.review.sampling import sample_row
from corpusgate.review.standing import standing
from corpusgate.settings.person import named_and_reasoned
from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles

#: What separates a seed from the number of its redraw.
AGAIN = "/again-"


@dataclass(frozen=True, slots=True)
class Cause:
    """Bad items of one source with one risk ('' where people named none), and the rules whose findings they carry."""

    source_id: str
    risk: str
    items: int
    rules: tuple[str, ...]


def causes(place: Place, sample_id: str) -> list[Cause]:
    """Where the bad items of a sample come from, most first: what has to be fixed.

    Raises:
        UserError: no such sample.
    """
    at = desk(place, sample_id)
    bad = [r for r in at.drawn.by_record if at.decision(r).outcome == "bad"]
    if not bad:
        return []
    release, item = quoted(at.drawn.row["release_id"]), draws.item_of(at.drawn.row["frame"], "k")
    sql = (
        f"SELECT {item} AS record_id, k.source_id, f.rule FROM release_record k LEFT JOIN finding f "
        f"ON f.text_sha256 = k.text_sha256 WHERE k.release_id = {release} AND {item} IN ({', '.join(map(quoted, bad))})"
    )
    source: dict[str, str] = {}
    fired: dict[str, set[str]] = {}
    for row in store.query(place, sql, ["release_record", "finding"]).to_pylist():
        source[row["record_id"]] = row["source_id"]
        fired.setdefault(row["record_id"], set()).update([row["rule"]] if row["rule"] else [])
    counted: Counter[tuple[str, str]] = Counter()
    rules: dict[tuple[str, str], Counter[str]] = {}
    for record in bad:
        risks = sorted({r for v in at.said[record].values() for r in v.risks}) or [""]
        for risk in risks:
            key = (source.get(record, ""), risk)
            counted[key] += 1
            rules.setdefault(key, Counter()).update(fired.get(record, ()))
    return [
        Cause(s, risk, n, tuple(rule for rule, _ in rules[(s, risk)].most_common(5)))
        for (s, risk), n in sorted(counted.items(), key=lambda c: (-c[1], c[0]))
    ]  # fmt: skip


def redraw_after(
    place: Place, sample_id: str, because: str, by: str, at: datetime, release_id: str | None = None
) -> dict[str, Any]:
    """Draws anew in the place of a sample that failed, from `release_id` (None: the same release); returns the row.

    The new seed is the old one and a count, so nobody chooses it; the old sample, its reviews and the reason stay, and
    every verdict on the new one names them (`sample.follows`).

    Raises:
        UserError: the sample did not fail, was followed in this release already, is of another corpus, `by` does not
            hold the role lead, or there is no reason. LakeBusy.
    """
    by, because = named_and_reasoned(by, because)
    load_roles(place).check(by, "lead")
    row, stands = sample_row(place, sample_id), standing(place, sample_id)
    if stands.can_still_pass:
        raise UserError(
            f"{sample_id} has not failed: {stands.bad} bad, at most {stands.bad_at_most} of {stands.needed} may be. "
            "There is no other draw in its place."
        )
    release = release_id or row["release_id"]
    if release.rpartition("-")[0] != row["release_id"].rpartition("-")[0]:
        raise UserError(f"{sample_id} is of {row['release_id']}: {release} is of another corpus.")
    drawn = draws_of(place, release, row["control_id"])
    if later := [r for r, _, _ in drawn if r["follows"] == sample_id]:
        raise UserError(f"{sample_id} was followed in {release} by {later[0]['sample_id']} already.")
    frames = [r for r, _, _ in drawn if r["stratum"] == row["stratum"]]
    if not frames:
        raise UserError(f"{release} has no sample of {row['control_id']} from {row['stratum'] or 'it'} to draw beside.")
    first, _, count = row["seed"].partition(AGAIN)
    one = draws.Draw(
        row["control_id"], row["purpose"], row["stratum"], f"{first}{AGAIN}{int(count or 0) + 1}", frames[0]["size"],
        frames[0]["frame_rows"], frames[0]["frame_sha256"], frames[0]["frame"],
    )  # fmt: skip
    about = {"follows": sample_id, "follows_because": because, "drawn_by": by}
    fresh = {**draws.sample_row(release, one, frames[0]["item_unit"], at), **about}
    _write(place, fresh, one, release)
    return fresh


def _write(place: Place, fresh: dict[str, Any], one: draws.Draw, release: str) -> None:
    chosen = (release, one.frame, one.stratum, one.seed, one.size)
    sql = draws.drawn_sql("datafusion", draws.RECORDS, *chosen)
    with lease(place, f"draw after {fresh['follows']}"):
        found = store.query(place, sql, ["release_record"]).to_pylist()
        items = draws.item_rows(release, one, [(r["record_id"], r["released_sha256"]) for r in found])
        where = f"sample_id = {quoted(fresh['sample_id'])}"
        store.replace(place, "sample_item", items, where, "draw after failure")
        store.replace(place, "sample", [fresh], where, "draw after failure")
