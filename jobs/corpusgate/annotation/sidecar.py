"""What the annotation lead states beside an export: the people behind the tool's names, the batch, the period. And the
column map of a table. Both are evidence files: kept by hash like the export."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from corpusgate.annotation.model import Kind
from corpusgate.settings.load import load_file
from corpusgate.settings.model import RISKS, Declared

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
#: YAML reads 17 as a number; a person's key in a tool may be one.
Key = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, int) else v)]
COLUMNS: tuple[str, ...] = (
    "record_id", "text", "label", "annotator", "annotation_id", "project", "batch_id", "rule_version", "state",
    "decided_at", "updated_at", "lead_time_s", "is_gold", "is_machine", "reviewer", "decision", "review_label",
    "reviewed_at",
)  # fmt: skip


class Period(Declared):
    """First and last day of the work, for tools that keep no times. Both belong to it."""

    first: date
    last: date

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.last < self.first:
            raise ValueError("the period ends before it begins")
        return self


class Stated(Declared):
    """A batch: one that `annotation assign` drew (`id`), or one of the lead's own, by `name`, `kind` and
    `rule_version`: its items are fixed by the first export that names it."""

    id: str | None = Field(None, pattern=r"^[0-9a-f]{16}$")
    name: Text | None = None
    kind: Kind | None = None
    rule_version: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> Stated:
        others = (self.name, self.kind, self.rule_version)
        if (self.id is None) == (None in others) or (self.id is not None and any(others)):
            raise ValueError("give either id, or name, kind and rule_version")
        return self


class Job(Declared):
    """Who worked on which images of a CVAT task: a segment of the export by its id, or frames from first to last."""

    annotator: Key
    segment: int | None = None
    first: int | None = Field(None, ge=0)
    last: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _range(self) -> Job:
        if (self.segment is None) == (self.first is None or self.last is None):
            raise ValueError("give either segment, or first and last")
        return self


class Sidecar(Declared):
    """What an export does not say, stated by the annotation lead. Every fact taken from here is marked as testimony.

    `people`: the tool's name of a person -> annotator_id. `labels`: the tool's label -> risks of Annex A it stands for
    (an empty list: none). `item` and `text`: the fields that hold our record id and the text.
    """

    tool_project: Text | None = None
    batch: Stated | None = None
    role: Literal["executor", "reviewer"] = "executor"
    round: int = Field(1, ge=1)
    period: Period | None = None
    exported_at: datetime | None = None
    zone: str = Field("Asia/Shanghai", description="of times without a zone")
    people: dict[Key, Text] = Field(default_factory=dict)
    annotator: Key | None = Field(None, description="who made every annotation of the file")
    labels: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    question: str | None = Field(None, description="which control or question holds the label, where there are several")
    item: str = "record_id"
    text: str = "text"
    jobs: tuple[Job, ...] = ()
    confirmed_only: bool | None = Field(None, description="doccano: whether only confirmed items were exported")
    signed_by: Text
    signed_role: Literal["annotation_lead"]
    signed_at: datetime

    @field_validator("labels")
    @classmethod
    def _risks(cls, labels: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for label, risks in labels.items():
            if unknown := sorted(set(risks) - set(RISKS)):
                raise ValueError(f"{label}: {', '.join(unknown)}: risks are a1a to a5b (docs/controls.md)")
        return labels

    @field_validator("zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("no such time zone; write it as Asia/Shanghai") from None
        return name

    def moment(self, value: Any) -> datetime | None:
        """A time of the export in UTC; without a zone it is in the sidecar's. None for an empty value.

        Raises:
            ValueError: it is no ISO 8601 time.
        """
        if value is None or value == "":
            return None
        read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
        return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(self.zone))).astimezone(UTC)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """Begin of the period's first day and the last microsecond of its last, in UTC."""
        if self.period is None:
            return None
        zone = ZoneInfo(self.zone)
        first = datetime.combine(self.period.first, time.min, zone)
        after = datetime.combine(self.period.last + timedelta(days=1), time.min, zone)
        return first.astimezone(UTC), after.astimezone(UTC) - timedelta(microseconds=1)


class ColumnMap(Declared):
    """How the columns of a table are to be read: our name -> the table's. `values` translates cells of a column."""

    format: Literal["csv", "jsonl"]
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    columns: dict[str, str]
    values: dict[str, dict[Key, str]] = Field(default_factory=dict)
    labels_split_by: str | None = None

    @field_validator("columns", "values")
    @classmethod
    def _known(cls, given: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(set(given) - set(COLUMNS)):
            raise ValueError(f"{', '.join(unknown)}: columns that can be mapped are {', '.join(COLUMNS)}")
        return given

    @model_validator(mode="after")
    def _enough(self) -> ColumnMap:
        if "label" not in self.columns or not {"record_id", "text"} & set(self.columns):
            raise ValueError("columns needs label, and record_id or text")
        return self


def read_sidecar(path: Path) -> Sidecar:
    """The sidecar. Raises ConfigError with every mistake of the file by line."""
    return load_file(path, Sidecar, named=False)


def read_map(path: Path) -> ColumnMap:
    """The column map. Raises ConfigError with every mistake of the file by line."""
    return load_file(path, ColumnMap, named=False)


#: Stands where no sidecar was given: states nothing, signed by nobody.
NOTHING_STATED = Sidecar.model_construct(
    signed_by="", signed_role="annotation_lead", signed_at=datetime(1970, 1, 1, tzinfo=UTC)
)
