"""From what an export says, and what was stated beside it, to canonical rows: or the reason why not.

Plain functions. Every fact is checked against what is known here: the people, the batches as they were drawn, the
hashes of the records' texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from corpusgate.annotation.model import LABELS_JOINED_BY, Origin, Raw, RawReview, Refusal, Row, digest
from corpusgate.annotation.refusals import REMEDIES, Refused
from corpusgate.annotation.sidecar import Sidecar
from corpusgate.intake.rules import stored_text, text_sha256
from corpusgate.settings.model import RISKS

#: What makes one state of an annotation differ from another.
STATE_FIELDS: tuple[str, ...] = (
    "annotation_id", "batch_id", "record_id", "text_sha256", "kind", "round", "rule_version", "annotator_id", "label",
    "risks", "state", "is_gold", "is_machine", "decided_from", "decided_at", "lead_time_s",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Known:
    """What the lake knows: batches by id, their items, texts of records, and who is registered.

    `shown`: (batch id, record id) -> hash of the text that was given out. `texts`: record id -> hashes under which its
    text may come back (stored, or as released); a record that is not there is unknown. `by_text`: hash -> record ids.
    `labels`: (batch id, record id) -> what the executors said, for the reviewers' exports.
    """

    batches: dict[str, Row] = field(default_factory=dict)
    shown: dict[tuple[str, str], Row] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by_text: Mapping[str, Sequence[str]] = field(default_factory=dict)
    people: frozenset[str] = frozenset()
    labels: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Import:
    """One file being taken in: its tool, hashes and sidecar, the batch that the sidecar states, the corpus, the time of
    the run."""

    tool: str
    corpus: str
    sidecar: Sidecar
    batch_id: str | None
    at: datetime
    raw_file_sha256: str
    sidecar_sha256: str | None = None
    map_sha256: str | None = None


def found_record(raw: Raw, known: Known) -> str:
    """The record that an item is about: by our id, else by its text if only one record has it. Raises `Refused`."""
    if raw.record_id is not None:
        return raw.record_id
    if raw.text is None:
        raise Refused("record_lost", "neither our record id nor the text is there")
    ids = known.by_text.get(hash_of(raw.text), ())
    if len(ids) != 1:
        raise Refused("record_ambiguous" if ids else "record_unknown", f"{len(ids)} records have this text")
    return ids[0]


def hash_of(text: str) -> str:
    """The hash of a text as it would be stored: tools change line ends, which is no change of the text."""
    return text_sha256(stored_text(text))


def canonical(
    raw: Raw, known: Known, given: Import
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[Refusal]]:
    """The annotation row, approval rows and refusals of one annotation of an export.

    Of a reviewers' project (`role: reviewer`) the annotation is itself an approval, and there is no annotation row.
    """
    try:
        row = _annotation(raw, known, given)
    except Refused as refused:
        fate = [_refusal(raw, raw.pointer, refused)]
        lost = [_refusal(raw, f"{raw.pointer}/review", Refused(refused.reason, str(refused))) for _ in raw.reviews]
        return None, [], fate + lost
    approvals, refusals = [], []
    if given.sidecar.role == "reviewer":
        try:
            approvals.append(_as_review(row, known))
        except Refused as refused:
            refusals.append(_refusal(raw, raw.pointer, refused))
        return None, approvals, refusals
    for review in raw.reviews:
        try:
            approvals.append(_review(review, row, known, given))
        except Refused as refused:
            refusals.append(_refusal(raw, f"{raw.pointer}/review/{review.key}", refused))
    return row, approvals, refusals


def _annotation(raw: Raw, known: Known, given: Import) -> dict[str, Any]:
    origin: dict[str, Origin] = {"label": "export", "text_sha256": "export", **raw.origin}
    person = _person(raw.annotator_keys, known, given, origin, "annotator")
    if raw.key is None:
        raise Refused("annotation_id_lost", "the export has no id of the annotation")
    record = found_record(raw, known)
    if record not in known.texts:
        raise Refused("record_unknown", f"no record {record[:16]}… in this lake")
    origin["record_id"] = "export" if raw.record_id else "map"
    batch = _batch(raw, record, known, given, origin)
    text = _text(raw, batch["batch_id"], record, known)
    label, risks = _label(raw, batch["kind"], given, origin)
    first, last = _time(raw, given, origin)
    project = given.sidecar.tool_project or raw.project or ""
    origin["tool_project"] = "sidecar" if given.sidecar.tool_project else "export"
    row = {
        "annotation_id": digest("annotation", given.tool, project, raw.key)[:32], "corpus": given.corpus,
        "batch_id": batch["batch_id"], "record_id": record, "text_sha256": text, "kind": batch["kind"],
        "round": given.sidecar.round, "rule_version": batch["rule_version"], "annotator_id": person, "label": label,
        "risks": risks, "state": raw.state, "is_gold": raw.is_gold, "is_machine": raw.is_machine,
        "decided_from": first, "decided_at": last, "lead_time_s": raw.lead_time_s, "tool": given.tool,
        "tool_project": project, "tool_annotation_id": raw.key,
        "updated_at": _moment(raw.updated_at, given, "updated_at") or last,
        "exported_at": _moment(given.sidecar.exported_at or raw.exported_at, given, "exported_at"),
        "stated_at": given.sidecar.moment(given.sidecar.signed_at), "degraded": raw.degraded,
        "sidecar_sha256": given.sidecar_sha256, "map_sha256": given.map_sha256,
        "raw_file_sha256": given.raw_file_sha256, "raw_pointer": raw.pointer,
        "fact_origin": dict(sorted(origin.items())), "recorded_at": given.at,
    }  # fmt: skip
    row["state_sha256"] = digest(*(row[name] for name in STATE_FIELDS))
    return row


def _person(
    keys: Iterable[str], known: Known, given: Import, origin: dict[str, Origin], what: str
) -> str:  # fmt: skip
    keys = tuple(keys)
    if not keys:
        raise Refused(f"{what}_lost", f"the export does not say who the {what} was")
    for key in keys:
        if key in given.sidecar.people:
            origin.setdefault(f"{what}_id", "map")
            return given.sidecar.people[key]
    for key in keys:
        if key in known.people:
            origin.setdefault(f"{what}_id", "export")
            return key
    raise Refused("annotator_unmapped", f"nobody knows who {keys[0][:60]!r} is")


def _batch(raw: Raw, record: str, known: Known, given: Import, origin: dict[str, Origin]) -> Row:
    if raw.batch_id and given.batch_id and raw.batch_id != given.batch_id:
        raise Refused(
            "batch_differs", f"the task carries batch {raw.batch_id[:16]}, the sidecar states {given.batch_id}"
        )
    name = raw.batch_id or given.batch_id
    origin["batch_id"] = "export" if raw.batch_id else "sidecar"
    if name is None:
        raise Refused("batch_unknown", "neither the task nor the sidecar says which batch it belongs to")
    batch = known.batches.get(name)
    if batch is None or batch["corpus"] != given.corpus:
        raise Refused("batch_not_drawn", f"no batch {name[:16]!r} of the corpus {given.corpus}")
    if (name, record) not in known.shown:
        raise Refused("not_in_batch", f"record {record[:16]}… is not in batch {name} as it was drawn")
    if raw.rule_version and raw.rule_version != batch["rule_version"]:
        raise Refused("rule_version_differs", f"done by {raw.rule_version[:40]!r}, drawn for {batch['rule_version']!r}")
    origin["rule_version"] = "export" if raw.rule_version else origin["batch_id"]
    return batch


def _text(raw: Raw, batch: str, record: str, known: Known) -> str:
    """The hash of the record's text, having seen that the export's text is the one that was given out."""
    item = known.shown[(batch, record)]
    if raw.text is not None and hash_of(raw.text) not in {item["shown_sha256"], *known.texts[record]}:
        raise Refused("text_changed", f"the text's SHA-256 is {hash_of(raw.text)[:16]}…, given out was another")
    if raw.text is None and raw.origin.get("text_sha256") != "map":
        raise Refused("text_lost", "the export has no text to compare")
    return item["text_sha256"]


def _label(raw: Raw, kind: str, given: Import, origin: dict[str, Origin]) -> tuple[str | None, list[str]]:
    labels = sorted(set(raw.labels))
    if not labels:
        if raw.state == "submitted":
            raise Refused("no_label", "submitted without a label")
        return None, []
    known = given.sidecar.labels
    risks: set[str] = set()
    for label in labels:
        if label in known:
            risks |= set(known[label])
            origin["risks"] = "map"
        elif label in RISKS:
            risks.add(label)
        elif known or kind == "safety":
            raise Refused("label_not_mapped", f"nobody said what the label {label[:60]!r} stands for")
    return LABELS_JOINED_BY.join(labels), sorted(risks)


def _time(raw: Raw, given: Import, origin: dict[str, Origin]) -> tuple[datetime | None, datetime | None]:
    told = _moment(raw.decided_at, given, "decided_at")
    if told is not None:
        origin["decided_at"] = "export"
        if told > given.at:
            raise Refused("time_in_future", f"decided at {told.isoformat()}, which is after this import")
        return told, told
    if given.sidecar.span is not None:
        origin["decided_at"] = "sidecar"
        return given.sidecar.span
    if raw.state == "draft":
        return None, None
    raise Refused("time_unknown", "neither the export nor the sidecar says when")


def _moment(value: Any, given: Import, what: str) -> datetime | None:
    try:
        return given.sidecar.moment(value)
    except ValueError:
        raise Refused("time_unreadable", f"{what} is {str(value)[:40]!r}") from None


def _review(review: RawReview, row: Row, known: Known, given: Import) -> dict[str, Any]:
    origin: dict[str, Origin] = {"decision": "export", "batch_id": row["fact_origin"]["batch_id"]}
    person = _person(review.reviewer_keys, known, given, origin, "reviewer")
    when = _moment(review.reviewed_at, given, "reviewed_at")
    span = given.sidecar.span
    if when is None and span is None:
        raise Refused("time_unknown", "neither the export nor the sidecar says when it was reviewed")
    origin["reviewed_at"] = "export" if when else "sidecar"
    first, last = (when, when) if when else span or (None, None)
    label = LABELS_JOINED_BY.join(sorted(set(review.labels))) or None
    return {
        "approval_id": digest("approval", given.tool, row["tool_project"], review.key)[:32], "corpus": given.corpus,
        "batch_id": row["batch_id"], "record_id": row["record_id"], "annotation_id": row["annotation_id"],
        "reviewer_id": person, "decision": review.decision, "label": label, "reason": None, "reviewed_from": first,
        "reviewed_at": last, "raw_file_sha256": given.raw_file_sha256, "raw_pointer": row["raw_pointer"],
        "fact_origin": dict(sorted(origin.items())), "recorded_at": given.at,
    }  # fmt: skip


def _as_review(row: Row, known: Known) -> dict[str, Any]:
    """A reviewer's own label as an approval: the same label as the executors' approves, another one fixes."""
    if row["state"] != "submitted" or row["is_gold"] or row["is_machine"]:
        raise Refused("no_label", "a reviewer's answer that was skipped, made by a machine or set as ground truth")
    said = known.labels.get((row["batch_id"], row["record_id"]))
    if not said:
        raise Refused("nothing_to_review", "no executor's annotation of this item is here")
    origin = dict(row["fact_origin"])
    origin["reviewer_id"], origin["reviewed_at"] = origin.pop("annotator_id"), origin["decided_at"]
    origin["decision"] = "map"
    return {
        "approval_id": digest("approval", row["annotation_id"])[:32], "corpus": row["corpus"],
        "batch_id": row["batch_id"], "record_id": row["record_id"], "annotation_id": None,
        "reviewer_id": row["annotator_id"], "decision": "approve" if said == {row["label"]} else "fix",
        "label": None if said == {row["label"]} else row["label"], "reason": None,
        "reviewed_from": row["decided_from"], "reviewed_at": row["decided_at"],
        "raw_file_sha256": row["raw_file_sha256"], "raw_pointer": row["raw_pointer"], "fact_origin": origin,
        "recorded_at": row["recorded_at"],
    }  # fmt: skip


def _refusal(raw: Raw, pointer: str, refused: Refused) -> Refusal:
    return Refusal(pointer, raw.item, refused.reason, str(refused), REMEDIES[refused.reason], raw.record_id)


def order_of(row: Row) -> tuple[datetime, datetime, datetime]:
    """By what a newer state of an annotation is told: the tool's time, the export's, the lead's statement's."""
    return row["updated_at"] or _EPOCH, row["exported_at"] or _EPOCH, row["stated_at"] or _EPOCH
