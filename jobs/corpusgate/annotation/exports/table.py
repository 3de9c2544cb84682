"""Any CSV or JSON lines, by a declared column map: what contractors hand over who use a platform of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast, get_args

from corpusgate.annotation.exports.given import (
    Given,
    decoded,
    json_lines,
    number_or_none,
    record_id_in,
    table_rows,
    text_or_none,
    texts,
    unescaped,
)
from corpusgate.annotation.model import Raw, RawReview, Refusal, State
from corpusgate.annotation.sidecar import ColumnMap
from corpusgate.errors import UserError

Decision = Literal["approve", "reject", "fix"]
_TRUE = ("1", "true", "yes", "y", "是")


def read(given: Given) -> Iterator[Raw | Refusal]:
    """Every row of the table.

    Raises:
        UserError: there is no map, or the table has not the columns that it names.
    """
    if given.columns is None:
        raise UserError(f"{given.name}: a table is read by a column map; give one with --map (format, columns).")
    text = decoded(given, given.content(), given.columns.encoding)
    if given.columns.format == "csv":
        rows: Iterator[tuple[str, Any]] = table_rows(given, text, given.columns.delimiter)
    else:
        rows = json_lines(text, given.name)
    checked = False
    for pointer, row in rows:
        if isinstance(row, Refusal):
            yield row
            continue
        if not checked and given.columns.format == "csv":
            _check_columns(given, given.columns, row)
        checked = True
        yield _row(given.columns, pointer, row)


def _check_columns(given: Given, columns: ColumnMap, row: Mapping[str, Any]) -> None:
    if missing := sorted(set(columns.columns.values()) - set(row)):
        raise given.wrong(
            f"the map names columns that are not there: {', '.join(missing)}",
            f"Columns there are: {', '.join(map(str, row))[:300]}. Correct the map.",
        )


def _row(columns: ColumnMap, pointer: str, row: Mapping[str, Any]) -> Raw | Refusal:
    cell = {name: _value(columns, name, row.get(theirs)) for name, theirs in columns.columns.items()}
    record = record_id_in(cell.get("record_id"))
    item = text_or_none(cell.get("record_id")) or pointer
    labels = _labels(columns, cell.get("label"))
    state = cell.get("state") or "submitted"
    decision = cell.get("decision") or None

    def refused(reason: str, detail: str, remedy: str) -> Refusal:
        return Refusal(pointer, item[:120], reason, detail, remedy, record)

    if labels is None:
        return refused("label_unreadable", "the label is neither a text nor a list of texts", "correct the table")
    if state not in get_args(State):
        return refused("state_unknown", f"state {str(state)[:40]!r}", "translate it in the map: values, state")
    if decision is not None and decision not in get_args(Decision):
        return refused("decision_unknown", f"decision {str(decision)[:40]!r}", "translate it in the map: values")
    annotator = text_or_none(cell.get("annotator"))
    key = text_or_none(cell.get("annotation_id")) or (f"{item}:{annotator}" if annotator else None)
    text = cell.get("text")
    return Raw(
        pointer=pointer, item=item[:120], labels=labels, key=key, project=text_or_none(cell.get("project")),
        record_id=record, batch_id=text_or_none(cell.get("batch_id")),
        rule_version=text_or_none(cell.get("rule_version")), annotator_keys=(annotator,) if annotator else (),
        text=(unescaped(text) if columns.format == "csv" else text) if isinstance(text, str) and text else None,
        state=cast("State", state), is_gold=_true(cell.get("is_gold")), is_machine=_true(cell.get("is_machine")),
        decided_at=cell.get("decided_at"), updated_at=cell.get("updated_at") or cell.get("decided_at"),
        lead_time_s=number_or_none(cell.get("lead_time_s")),
        reviews=_review(key, cell, decision, columns) if decision else (),
        origin={name: "map" for name in columns.values if name in ("label", "state")},
    )  # fmt: skip


def _review(key: str | None, cell: Mapping[str, Any], decision: str, columns: ColumnMap) -> tuple[RawReview, ...]:
    reviewer = text_or_none(cell.get("reviewer"))
    labels = _labels(columns, cell.get("review_label")) or ()
    said, when = cast("Decision", decision), cell.get("reviewed_at")
    return (RawReview(f"{key}:review", (reviewer,) if reviewer else (), said, when, labels),)


def _labels(columns: ColumnMap, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return ()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (str(value),)
    if isinstance(value, str) and columns.labels_split_by:
        return tuple(part.strip() for part in value.split(columns.labels_split_by) if part.strip())
    return texts(value)


def _value(columns: ColumnMap, name: str, value: Any) -> Any:
    """A cell, translated where the map says so."""
    translated = columns.values.get(name, {})
    return translated.get(str(value), value) if isinstance(value, str | int) else value


def _true(value: Any) -> bool:
    return value is True or (value is not None and str(value).strip().lower() in _TRUE)
