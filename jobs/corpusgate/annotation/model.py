"""The records of annotation: what an export says, what is refused of it, and all facts about a corpus's batches."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

Kind = Literal["functional", "safety"]
Role = Literal["executor", "reviewer", "arbitrator", "supervisor"]
State = Literal["submitted", "cancelled", "draft", "discarded"]
Origin = Literal["export", "sidecar", "map"]
Row = Mapping[str, Any]
Task = tuple[str, str]  # (batch id, record id)

KINDS: tuple[Kind, ...] = ("functional", "safety")
ROLES: tuple[Role, ...] = ("executor", "reviewer", "arbitrator", "supervisor")
#: The table of each kind's annotations, and that of their older states.
TABLE_OF: Mapping[str, str] = {"functional": "annotation", "safety": "safety_annotation"}
#: Days of validity are days where the annotators are: the standard is Chinese, and China has one zone.
ZONE = ZoneInfo("Asia/Shanghai")
#: Between several labels of one annotation; they are sorted.
LABELS_JOINED_BY = "|"

#: Facts about tasks that stand in a table of the same name, each with `corpus`.
REGISTERS_OF_BATCHES: tuple[str, ...] = (
    "assignment", "approval", "arbitration", "verification", "correction", "supervision", "batch_voiding",
)  # fmt: skip
#: Facts about people and rules: of the whole organisation, whatever the corpus.
REGISTERS_OF_PEOPLE: tuple[str, ...] = (
    "annotator", "annotator_role", "exam", "qualification", "revocation", "rule_document",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Raw:
    """One annotation as an export has it, before anything is added to it. `None` is what the export does not say.

    `pointer` says where in the file it stands. `annotator_keys` are the tool's names of the person, the surest first.
    Times are as written. `origin` names fields that the reader had from elsewhere than the export. `reviews` are what
    reviewers said of it there.
    """

    pointer: str
    item: str
    labels: tuple[str, ...]
    key: str | None = None
    project: str | None = None
    record_id: str | None = None
    batch_id: str | None = None
    rule_version: str | None = None
    text: str | None = None
    annotator_keys: tuple[str, ...] = ()
    state: State = "submitted"
    is_gold: bool = False
    is_machine: bool = False
    decided_at: Any = None
    updated_at: Any = None
    exported_at: Any = None
    lead_time_s: float | None = None
    degraded: bool = False
    reviews: tuple[RawReview, ...] = ()
    origin: Mapping[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawReview:
    """What a reviewer said of an annotation, as an export has it."""

    key: str
    reviewer_keys: tuple[str, ...]
    decision: Literal["approve", "reject", "fix"]
    reviewed_at: Any
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A fact that is not taken: where it stands, which item, the reason (a code), what was found, what to do."""

    pointer: str
    item: str
    reason: str
    detail: str
    remedy: str
    record_id: str | None = None


@dataclass
class Facts:
    """All that is known about the annotation of one corpus, and about people and rules; rows as the tables have them.

    `annotations` are both kinds together; `table_of` says in which table each annotation id was found.
    """

    corpus: str
    batches: Sequence[Row] = ()
    items: Sequence[Row] = ()
    annotations: Sequence[Row] = ()
    table_of: Mapping[str, str] = field(default_factory=dict)
    registers: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    #: record id -> role of the record (text, prompt, chosen, rejected), of the records in batches
    record_roles: Mapping[str, str] = field(default_factory=dict)
    #: records of the candidate or release that is judged; None: there is none
    released: frozenset[str] | None = None

    def of(self, register: str) -> Sequence[Row]:
        """The rows of a register."""
        return self.registers.get(register, ())


def batch_id(record_ids: Sequence[str], rule_version: str, kind: str, draw: int = 1) -> str:
    """The identity of a batch: 16 hex digits over its sorted record ids, the version of the rules and the kind.

    Fixed when the batch is drawn; whoever adds or takes out an item has another batch. `draw` counts how often exactly
    these were drawn: again only after the last one was void.
    """
    parts = ("annotation_batch", kind, rule_version, *sorted(record_ids), *([] if draw == 1 else [str(draw)]))
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:16]


def digest(*parts: object) -> str:
    """SHA-256 over parts as text, as an id."""
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def day_of(moment: datetime) -> date:
    """The day of a moment where the annotators are."""
    return moment.astimezone(ZONE).date()


def days_of(first: datetime | None, last: datetime | None) -> tuple[date, ...]:
    """Every day from one moment to the other; where the time of an act is only known as a period, all of its days.

    At most 366 days: a longer period has its first 365 and its last. Empty where no time is known.
    """
    if last is None:
        return ()
    begin, end = day_of(first or last), day_of(last)
    count = max((end - begin).days, 0)
    return (*(begin + timedelta(days=n) for n in range(min(count, 365))), end)
