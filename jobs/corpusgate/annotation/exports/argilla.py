"""Argilla 2: records flattened (`to_list(flatten=True)`, or a data set saved as JSON, JSON lines or Parquet).

The nested form drops each response's status, so a discarded answer looks like a valid one: it is refused. There are no
times and no reviewers; a suggestion is a model's and never counts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from corpusgate.annotation.exports.given import (
    Given,
    about_task,
    decoded,
    json_lines,
    parsed,
    record_id_in,
    text_or_none,
    texts,
)
from corpusgate.annotation.model import Raw, Refusal, State

WANTED = "Export the records flattened: dataset.records.to_list(flatten=True), written as JSON."
#: A response's status in Argilla -> the state here.
STATES: dict[str, State] = {"submitted": "submitted", "draft": "draft", "discarded": "discarded"}


def read(given: Given) -> Iterator[Raw | Refusal]:
    """Every response to the question, one a person and record."""
    for pointer, record in _records(given):
        if isinstance(record, Refusal):
            yield record
        else:
            yield from _responses(given, pointer, record)


def _records(given: Given) -> Iterator[tuple[str, dict[str, Any] | Refusal]]:
    if given.suffix == ".parquet":
        yield from _parquet(given)
        return
    text = decoded(given, given.content())
    if given.suffix == ".jsonl" or not text.lstrip().startswith("["):
        yield from json_lines(text, given.name)
        return
    whole = parsed(given, text, WANTED)
    for n, record in enumerate(whole):
        here = f"/{n}"
        yield here, record if isinstance(record, dict) else Refusal(here, here, "not_json", "no object", WANTED)


def _parquet(given: Given) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        rows = parquet.read_table(io.BytesIO(given.content())).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise given.wrong(f"no Parquet: {str(error)[:120]}", WANTED) from None
    yield from ((f"/{n}", row) for n, row in enumerate(rows))


def _responses(given: Given, pointer: str, record: Mapping[str, Any]) -> Iterator[Raw | Refusal]:
    item = f"record {text_or_none(record.get('id')) or '?'}"
    known = record_id_in(record.get(given.sidecar.item), record.get("id"))

    def refused(reason: str, detail: str, remedy: str = WANTED) -> Refusal:
        return Refusal(pointer, item, reason, detail, remedy, known)

    if "responses" in record or isinstance(record.get("fields"), dict):
        yield refused("status_dropped", "nested form: the status of each response is lost")
        return
    questions = sorted(k.removesuffix(".responses") for k in record if k.endswith(".responses"))
    question = given.sidecar.question or (questions[0] if len(questions) == 1 else None)
    if question is None or question not in questions:
        found = f"questions there are: {', '.join(questions) or 'none'}"
        yield refused("question_ambiguous", found, "name the question in the sidecar: question")
        return
    values = record.get(f"{question}.responses") or []
    people, statuses = (record.get(f"{question}.responses.{part}") for part in ("users", "status"))
    if values and people is None:
        yield refused("annotator_lost", f"{question}.responses.users is missing")
    elif values and statuses is None:
        yield refused("status_dropped", f"{question}.responses.status is missing")
    elif values and not len(values) == len(people or ()) == len(statuses or ()):
        yield refused("lists_differ", "responses, users and statuses are not of one length")
    else:
        for n, (value, person, status) in enumerate(zip(values, people or (), statuses or (), strict=True)):
            yield _response(given, f"{pointer}/{question}/{n}", item, record, value, person, status)


def _response(
    given: Given, pointer: str, item: str, record: Mapping[str, Any], value: Any, person: Any, status: Any
) -> Raw | Refusal:
    known = record_id_in(record.get(given.sidecar.item), record.get("id"))
    state = STATES.get(str(status))
    if state is None:
        return Refusal(pointer, item, "status_unknown", f"a response's status is {str(status)[:40]!r}", WANTED, known)
    labels = texts(value) if value is not None else ()
    if labels is None:
        return Refusal(pointer, item, "label_unreadable", "a response is no label or list of labels", WANTED, known)
    user = text_or_none(person)
    key = text_or_none(record.get("id")) or text_or_none(record.get("_server_id"))
    return Raw(
        pointer=pointer, item=item, labels=labels, key=f"{key}:{user}" if key and user else None,
        annotator_keys=(user,) if user else (), state=state, **about_task(given, record, record.get("id")),
    )  # fmt: skip
