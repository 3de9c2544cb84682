"""Draws for assessors, made when they are asked for: by control, from a release, by a recorded seed, once.

Who does not like a sample cannot have another one in its place: the same seed gives the same items, another seed is
another row, and both stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.attest import one_control
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.dialect import Engine, literal, sha256
from corpusgate.lake.lease import lease
from corpusgate.release.merkle import Bucket, buckets_sql, merkle_root
from corpusgate.review import draw as draws
from corpusgate.review.frames_of_controls import (
    EVERY,
    Frame,
    Of,
    about,
    closer,
    frame_of,
    kinds_there,
    stratified,
)
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.control import Control
from corpusgate.settings.control import Draw as Asked
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place

PURPOSE, WHOLE, CLOSER = "assessor's draw", "of all", "looked at closely"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row of `sample`, and whether it was drawn just now."""

    row: dict[str, Any]
    fresh: bool


def draw_for(place: Place, number: str, release_id: str, at: datetime, seed: str | None = None) -> list[Drawn]:
    """Every draw that an assessor makes for a control, from a release: one sample a stratum, a closer one where asked.

    Raises:
        UserError: nothing is drawn for the control, the frame is empty, or the sample was drawn from a frame that has
            changed since. LakeBusy: a step of a rebuild is writing.
    """
    control = one_control(load_catalogue(place), number)
    if control.id in (draws.MANUAL, draws.TECHNICAL):
        return _with_candidate(place, control, release_id)
    if control.draw is None:
        raise UserError(f"No assessor draws anything for {control.clause} ({control.id}).")
    store.ensure_tables(place)
    of = about(place, release_id)
    corpus = load_corpus(place, of.corpus)
    seed = seed or f"{corpus.seed}/{control.id}"
    literal(seed)  # refuses what no engine could quote
    with lease(place, f"sample {control.id}"):
        drawn = _draw_frame(place, of, control, frame_of(of, control.id), seed, at, control.draw)
        if control.draw.whole:  # also where the data that the clause is about are not there: that is what it looks for
            whole = Asked(clause=control.draw.clause, frame=EVERY, count=control.draw.whole)
            drawn += _draw_frame(place, of, control, frame_of(of, control.id, EVERY), f"{seed}/whole", at, whole, WHOLE)
        return drawn


def redraw(place: Place, sample_id: str) -> tuple[list[str], list[str]]:
    """The ids of a sample's items as recorded, and as drawn again from the lake now, both in order.

    Raises:
        UserError: no such sample, or one whose items were not written out for their number.
    """
    recorded = [r["record_id"] for r in items(place, sample_id)]
    sql, tables = redraw_sql(place, sample_id, "datafusion")
    return recorded, store.query(place, sql, tables).column("record_id").to_pylist()


def redraw_sql(place: Place, sample_id: str, engine: Engine) -> tuple[str, list[str]]:
    """The statement that draws a sample again, `record_id, released_sha256` in the order of the draw, in an engine's
    words, and the tables that it reads by their names: the same template for Spark, delta-rs and DuckDB.

    Raises:
        UserError: no such sample, or one whose items were not written out for their number.
    """
    row = sample_row(place, sample_id)
    if row["size"] > draws.ITEMS_RECORDED_MAX:
        raise UserError(
            f"The {row['size']} items of {sample_id} were not written out; draw them by its seed and frame."
        )
    seed, size = row["seed"], row["size"]
    if row["frame"] in draws.OF_CANDIDATE:
        chosen = (row["release_id"], row["frame"], row["stratum"], seed, size)
        return draws.drawn_sql(engine, draws.RECORDS, *chosen), [draws.RECORDS]
    frame = frame_behind(place, row, engine)
    stratum = "" if row["purpose"] == CLOSER else row["stratum"]
    return draws.draw_sql(engine, f"{stratified(frame, stratum)} AS s", "true", seed, size), list(frame.tables)


def sample_row(place: Place, sample_id: str) -> dict[str, Any]:
    """The row of a sample.

    Raises:
        UserError: there is none.
    """
    rows = store.read(place, "sample", where=f"sample_id = {quoted(sample_id)}").to_pylist()
    if not rows:
        raise UserError(f"No sample {sample_id!r}: `corpusgate sample list` shows those there are.")
    return rows[0]


def items(place: Place, sample_id: str) -> list[dict[str, Any]]:
    """The sample's items in the order of the draw."""
    rows = store.read(place, "sample_item", where=f"sample_id = {quoted(sample_id)}").to_pylist()
    return sorted(rows, key=lambda r: r["ordinal"])


def frame_behind(place: Place, row: dict[str, Any], engine: Engine = "datafusion") -> Frame:
    """The frame that a sample was drawn from, in the SQL of an engine."""
    if row["purpose"] == CLOSER:
        return closer(row["frame"].rpartition(" ")[2])
    return frame_of(about(place, row["release_id"], engine), row["control_id"], row["frame"])


def _with_candidate(place: Place, control: Control, release_id: str) -> list[Drawn]:
    where = f"release_id = {quoted(release_id)} AND control_id = {quoted(control.id)}"
    rows = store.read(place, "sample", where=where).to_pylist()
    if not rows:
        raise UserError(f"No sample of {control.clause} for {release_id!r}: it is drawn when a candidate is frozen.")
    return [Drawn(r, False) for r in sorted(rows, key=lambda r: r["stratum"])]


def _draw_frame(
    place: Place, of: Of, control: Control, frame: Frame, seed: str, at: datetime, asked: Asked, purpose: str = PURPOSE
) -> list[Drawn]:
    strata = _strata(place, frame)
    if not strata and asked.whole:
        return []
    if not strata:
        raise UserError(
            f"Nothing to draw for {control.clause}: {of.release_id} has no {frame.name} (kinds of source there: "
            f"{kinds_there(of)}). Where the release has no such data the clause does not apply to it."
        )
    drawn = []
    for stratum, rows, digest in strata:
        one = draws.Draw(control.id, purpose, stratum, seed, asked.size(rows), rows, digest)
        drawn.append(_record(place, of, one, frame, stratum, at))
        if asked.redraw:
            few = min(asked.redraw, one.size)
            inner = closer(drawn[-1].row["sample_id"])
            near = draws.Draw(control.id, CLOSER, f"{stratum}closer", f"{seed}/closer", few, one.size, digest)
            drawn.append(_record(place, of, near, inner, "", at))
    return drawn


def _record(place: Place, of: Of, one: draws.Draw, frame: Frame, stratum: str, at: datetime) -> Drawn:
    row = {**draws.sample_row(of.release_id, one, frame.unit, at), "frame": frame.name}
    there = store.read(place, "sample", where=f"sample_id = {quoted(row['sample_id'])}").to_pylist()
    if there:
        if (there[0]["frame_sha256"], there[0]["size"]) != (row["frame_sha256"], row["size"]):
            raise UserError(
                f"Sample {row['sample_id']} was drawn on {there[0]['drawn_at']:%Y-%m-%d} from {frame.name} as they "
                "were then; they have changed since. It stays as it is; draw another one with --seed."
            )
        return Drawn(there[0], False)
    where = f"sample_id = {quoted(row['sample_id'])}"
    if one.recorded:
        found = _take(place, frame, stratum, one.seed, one.size)
        store.replace(place, "sample_item", draws.item_rows(of.release_id, one, found), where, "sample draw")
    store.replace(place, "sample", [row], where, "sample draw")
    return Drawn(store.read(place, "sample", where=where).to_pylist()[0], True)


def _take(place: Place, frame: Frame, stratum: str, seed: str, size: int) -> list[tuple[str, str]]:
    sql = draws.draw_sql("datafusion", f"{stratified(frame, stratum)} AS s", "true", seed, size)
    rows = store.query(place, sql, list(frame.tables)).to_pylist()
    return [(r["record_id"], r["released_sha256"]) for r in rows]


def _strata(place: Place, frame: Frame) -> list[tuple[str, int, str]]:
    """(stratum, items, hash of their ids), a stratum each."""
    leaf = "record_id" if frame.of_records else sha256("datafusion", "record_id")
    leaves = f"(SELECT stratum, {leaf} AS leaf FROM ({frame.sql}) AS f)"
    rows: Sequence[dict[str, Any]] = store.query(
        place, buckets_sql("datafusion", leaves, ("stratum",)), list(frame.tables)
    ).to_pylist()
    buckets: dict[str, list[Bucket]] = {}
    for r in rows:
        buckets.setdefault(r["stratum"] or "", []).append(Bucket(r["bucket"], r["root"], r["leaves"]))
    return [(s, sum(b.leaves for b in found), merkle_root(found)) for s, found in sorted(buckets.items())]
