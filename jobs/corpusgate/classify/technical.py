"""The technical sample (45654-2025 4.2.1, by B.2.1.2.1 b): at least 10 % of the released items of each modality, seen
by a model that did not filter them.

Items whose texts the model was taught with prove nothing; the next ones of the same draw take their place. A group is
bad where one of its texts is; what prompts and rejected answers of safety data may hold is told and not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpusgate.classify.job import card_of
from corpusgate.classify.model import Model, load
from corpusgate.classify.models import models, promoted
from corpusgate.decide.rules import apply_masks, parse_mask_set, text_sha256
from corpusgate.errors import DetectorMissing
from corpusgate.gates import statistics
from corpusgate.gates.figures import EXAMPLES, Figure, GateInput
from corpusgate.gates.strata import allowed_said, may_hold_risk
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import Run
from corpusgate.review.draw import RECORDS, TECHNICAL, drawn_sql, item_of, place_in_draw
from corpusgate.settings.control import Control

CHUNK, TEXT = 500, "text"


def technical_figures(run: Run, release_id: str, control: Control) -> list[Figure]:
    """One figure a modality: the share of the sample in which the promoted model finds nothing; pending without an
    independent model.

    Raises:
        GateInput: sample or texts are missing, or a text is not the one that was recorded.
    """
    model, because, taught = _independent(run)
    figures = []
    rows = store.read(
        run.place, "sample", where=f"release_id = {literal(release_id)} AND control_id = {literal(TECHNICAL)}"
    )
    samples = {r["stratum"]: r for r in rows.to_pylist()}
    for modality in sorted({*run.corpus.modalities, *samples}):
        stratum = f"modality:{modality}"
        if model is None or modality != TEXT or modality not in samples:
            said = because if model is None else f"no independent detector sees a sample of {modality}"
            figures.append(Figure(control.id, "content", "release", release_id, "pending", stratum, because=said))
            continue
        figures.append(_figure(run, release_id, control, stratum, samples[modality], model, taught))
    return figures


def _independent(run: Run) -> tuple[Model | None, str, frozenset[str]]:
    """The promoted model with the texts it was taught with; or why there is none that may judge."""
    if promoted(run.place, run.corpus.id) is None:
        return None, "no independent detector: no classifier is promoted for this corpus", frozenset()
    card = card_of(run.place, run.corpus.id)
    if card["fixture"]:
        return None, f"no independent detector: the model {card['version']} was taught with a fixture", frozenset()
    if not card["independent"]:
        return None, f"no independent detector: labels of the model {card['version']} came from a lexicon", frozenset()
    try:
        return load(models(run.place) / card["version"]), "", frozenset(card["train_texts"])
    except DetectorMissing as error:
        raise GateInput(str(error)) from None


def _figure(
    run: Run, release_id: str, control: Control, stratum: str, sample: Mapping[str, Any], model: Model,
    taught: frozenset[str],
) -> Figure:  # fmt: skip
    assert control.draw is not None
    needed = max(control.draw.size(sample["frame_rows"]), sample["size"])
    seed, frame = sample["seed"], sample["frame"]
    drawn = drawn_sql("datafusion", RECORDS, release_id, frame, TEXT, seed, needed + len(taught))
    item = item_of(frame, "r")
    chosen, skipped = _chosen(run, release_id, drawn, item, seed, needed, taught)
    judged = _judged(run, release_id, drawn, item, frozenset(chosen), model)
    harmful = {(i, may) for i, may, harm in judged if harm >= model.threshold}
    bad = {i for i, may in harmful if not may}
    allowed = {i for i, may in harmful if may} - bad
    n, k = len(chosen), len(chosen) - len(bad)
    said = f"{k} of {n} items of the technical sample pass the model {model.version}"
    said += f"; {skipped} it was taught with were passed over for the next of the draw" if skipped else ""
    said += allowed_said(len(allowed))
    said += f"; {statistics.said(k, n)}" if n else ""
    if n < needed:
        return Figure(
            control.id, "content", "release", release_id, "pending", stratum, k=k, n=n,
            because=f"{said}; {needed} are asked for, and the model was taught with the rest",
        )  # fmt: skip
    return Figure(
        control.id, "content", "release", release_id, "measured", stratum, value=k / n if n else None, k=k, n=n,
        because=said, examples=tuple(sorted(bad))[:EXAMPLES],
    )  # fmt: skip


def _chosen(
    run: Run, release_id: str, drawn: str, item: str, seed: str, needed: int, taught: frozenset[str]
) -> tuple[list[str], int]:
    """The first `needed` items in the order of the draw, without those taught with; how many were passed over."""
    sql = (
        f"SELECT d.record_id, r.text_sha256 FROM ({drawn}) AS d JOIN release_record r ON {item} = d.record_id "
        f"WHERE r.release_id = {literal(release_id)}"
    )
    texts: dict[str, set[str]] = {}
    for row in store.query(run.place, sql, ["release_record"]).to_pylist():
        texts.setdefault(row["record_id"], set()).add(row["text_sha256"])
    chosen: list[str] = []
    skipped = 0
    for one in sorted(texts, key=lambda i: place_in_draw(seed, i)):
        if len(chosen) == needed:
            break
        if texts[one] <= taught:
            skipped += 1
        else:
            chosen.append(one)
    return chosen, skipped


def _judged(
    run: Run, release_id: str, drawn: str, item: str, chosen: frozenset[str], model: Model
) -> Iterator[tuple[str, bool, float]]:  # fmt: skip
    """Of each released text of the chosen items: the item, whether the text may hold risk, its harm score.

    Raises:
        GateInput: a text is missing, or not the one that was recorded.
    """
    sql = (
        f"SELECT d.record_id AS item, {may_hold_risk(run)} AS may, r.record_id, r.mask_set, r.released_sha256, t.text "
        f"FROM ({drawn}) AS d JOIN release_record r ON {item} = d.record_id "
        f"LEFT JOIN document t ON r.text_sha256 = t.text_sha256 WHERE r.release_id = {literal(release_id)}"
    )
    seen, gone = set[str](), set[str]()
    for batch in store.stream(run.place, sql, ["release_record", "document"]):
        for start in range(0, batch.num_rows, CHUNK):
            rows = [r for r in batch.slice(start, CHUNK).to_pylist() if r["item"] in chosen]
            there = [r for r in rows if r["text"] is not None]
            seen |= {r["item"] for r in rows}
            gone |= {r["item"] for r in rows if r["text"] is None}
            for row, worst in zip(there, model.worst([_released(r) for r in there]), strict=True):
                yield row["item"], row["may"], worst.harm
    if (whole := len(seen - gone)) != len(chosen):
        raise GateInput(f"the technical sample has {len(chosen)} items, but the texts of only {whole} are there")


def _released(row: Mapping[str, Any]) -> str:
    try:
        text = apply_masks(row["text"], parse_mask_set(row["mask_set"]))
    except ValueError as error:
        raise GateInput(f"the masks of record {row['record_id']} do not fit its text: {error}") from None
    if text_sha256(text) != row["released_sha256"]:
        raise GateInput(f"the released text of record {row['record_id']} is not the one that was recorded")
    return text
