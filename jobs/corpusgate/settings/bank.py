"""A bank: keywords, test questions or a model's answers (45654-2025 B.1). Declared in `conf/banks/<id>.yaml`.

What the bank holds is imported with `corpusgate bank import`; here stands what it is, for which service, who keeps it,
and how the columns of its files are to be read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from corpusgate.settings.model import Declared, Identifier
from corpusgate.settings.source import Modality

BankKind = Literal["keywords", "generated_content", "should_refuse", "should_not_refuse", "responses"]
Contents = Literal["keywords", "questions", "responses"]
Aspect = Literal[
    "system", "beliefs", "image", "culture", "customs", "ethnic_groups", "geography", "history", "heroes",
    "gender", "age", "occupation", "health",
]  # fmt: skip
#: The 13 aspects of questions that must not be refused (B.1.3 b): 9 of the country, 4 of people.
ASPECTS: tuple[Aspect, ...] = (
    "system", "beliefs", "image", "culture", "customs", "ethnic_groups", "geography", "history", "heroes",
    "gender", "age", "occupation", "health",
)  # fmt: skip
QUESTIONS: tuple[BankKind, ...] = ("generated_content", "should_refuse", "should_not_refuse")
_CONTENTS: dict[BankKind, Contents] = {"keywords": "keywords", "responses": "responses"}

#: Columns that a file of each contents may have, and those that it must.
COLUMNS: dict[Contents, tuple[str, ...]] = {
    "keywords": ("keyword_id", "word", "risks", "severity", "language", "origin"),
    "questions": ("question_id", "text", "risks", "aspects", "language", "modality", "origin"),
    "responses": ("response_id", "question_bank", "question_id", "model", "text", "answered_at", "method", "verdict",
                  "refused", "judged_by"),
}  # fmt: skip
_NEEDED: dict[BankKind, tuple[str, ...]] = {
    "keywords": ("word", "risks"), "generated_content": ("text", "risks"), "should_refuse": ("text",),
    "should_not_refuse": ("text", "aspects"),
    "responses": ("question_bank", "question_id", "model", "answered_at", "method"),
}  # fmt: skip
#: YAML reads 1 and true as they are; a cell is text.
Cell = Annotated[str, BeforeValidator(lambda v: v if isinstance(v, str) else str(v).lower())]


class BankColumns(Declared):
    """How a bank's files are read: our column -> the file's, or a constant for all rows.

    `values` translates cells of our columns; `only` takes the rows whose (file's) column has one of these values and
    passes over the others. Lists in one cell are parted by `split_by`.
    """

    format: Literal["csv", "jsonl", "xlsx"]
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    sheet: str | None = Field(None, description="of a workbook; null: its first")
    columns: dict[str, str]
    constants: dict[str, Cell] = Field(default_factory=dict)
    values: dict[str, dict[Cell, str]] = Field(default_factory=dict)
    only: dict[str, tuple[Cell, ...]] = Field(default_factory=dict)
    split_by: str = Field(",", min_length=1)


class Bank(Declared):
    """One bank as declared; `id` is the stem of its file."""

    id: Identifier
    title: str
    kind: BankKind
    service: str = Field(description="the service that it is kept for, as its filing names it")
    languages: tuple[str, ...] = Field(("zh",), min_length=1, description="languages that the service supports")
    modalities: tuple[Modality, ...] = Field(("text",), min_length=1, description="modalities that the service gives")
    source: str = Field(description="where its entries come from")
    licence: str | None = None
    owner: str = Field(description="who keeps it current (a role)")
    refresh_days: int = Field(ge=1, description="own plan: a new version or a dated review at least so often")
    aspects_elsewhere: tuple[Aspect, ...] = Field(
        (), description="of a model of one field: aspects that it does not touch; they are in the bank to refuse"
    )
    columns: BankColumns

    @property
    def contents(self) -> Contents:
        """What `corpusgate bank import` calls it."""
        return _CONTENTS.get(self.kind, "questions")

    @model_validator(mode="after")
    def _whole(self) -> Bank:
        known = COLUMNS[self.contents]
        said: dict[str, Any] = {**self.columns.columns, **self.columns.constants}
        if unknown := sorted({*said, *self.columns.values} - set(known)):
            raise ValueError(f"columns: {', '.join(unknown)}: those of {self.contents} are {', '.join(known)}")
        if missing := [name for name in _NEEDED[self.kind] if name not in said]:
            raise ValueError(f"columns: a bank of kind {self.kind} needs {', '.join(missing)}")
        if self.kind == "should_refuse" and not {"risks", "aspects"} & set(said):
            raise ValueError("columns: a bank of kind should_refuse needs risks (or aspects, see aspects_elsewhere)")
        if self.kind == "responses" and not {"verdict", "refused"} & set(said):
            raise ValueError("columns: a bank of kind responses needs verdict or refused")
        if self.aspects_elsewhere and self.kind != "should_not_refuse":
            raise ValueError("aspects_elsewhere belongs to the bank of kind should_not_refuse")
        return self
