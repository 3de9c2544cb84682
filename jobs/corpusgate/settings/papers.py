"""The proof that each kind of source must have on file, as optional blocks of its declaration (GB/T 45654-2025 4.1.3).

Documents lie outside the repository, in a folder of the team; a declaration names them by path and hash, so that a
verdict says what was looked at and a changed document is noticed.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from corpusgate.settings.model import Declared, Sha256

Topic = Literal["source", "quality", "safety"]
#: What a seller must commit to, and prove (4.1.3 c).
TOPICS: tuple[Topic, ...] = ("source", "quality", "safety")


#: Attributes of a record that say what generated it, where its source mixes several generators.
GENERATED: tuple[str, str, str] = ("generator_model", "generator_version", "generated_at")

#: Attribute of a record that says which user typed it, by the service's identifier and not by name (45652-draft 6.2 a).
USER = "user"


class Document(Declared):
    """A document on file: its bytes are looked for at `path` and must have the hash."""

    title: str
    path: str = Field(description="absolute, or relative to the corpusgate folder")
    sha256: Sha256


class Contract(Document):
    """A contract or cooperation agreement with legal effect; days are inclusive."""

    number: str
    parties: tuple[str, ...] = Field(min_length=2)
    valid_from: date
    valid_to: date | None = Field(None, description="last day; null: no end is agreed")
    covers_training: bool = Field(description="the contract grants use as training data")

    @model_validator(mode="after")
    def _in_order(self) -> Contract:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    def in_force(self, day: date) -> bool:
        """Whether the contract holds on that day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Commitment(Document):
    """What the seller commits to in writing, or the material that proves it."""

    about: tuple[Topic, ...] = Field(min_length=1)


class OwnReview(Document):
    """Our own review of what the seller gave."""

    by: str
    on: date
    accepted: bool


class Commercial(Declared):
    """Bought data: contract, the seller's commitments and proof, and our own review; all are needed."""

    contract: Contract
    commitments: tuple[Commitment, ...] = ()
    proof: tuple[Commitment, ...] = ()
    review: OwnReview | None = None


class UserInput(Declared):
    """What users typed: each item is joined with a row of the register of authorisations.

    The register is JSON Lines or CSV (by its name) with the columns `key`, `user`, `clause_version`, `authorised_at`
    and `withdrawn_at` (ISO 8601; empty: not withdrawn). Several rows of one key are several periods. Each record says
    who typed it in its attribute `user` (declare its field under reader.fields).
    """

    service: str
    register_path: str = Field(description="absolute, or relative to the corpusgate folder")
    joined_by: str = Field("key", description="'key': the record's own; else the record's attribute, e.g. user")
    entered_at: str = Field(description="the record's attribute that says when it was typed, ISO 8601")


class Collection(Declared):
    """How we came by what we collected ourselves (4.1.3 b): `crawled` from others, or `produced` by us."""

    method: Literal["crawled", "produced"]
    tool: str
    operator: str = Field(description="who collected (a role)")
    record: Document | None = Field(None, description="the crawler's or the producer's own log, where there is one")
    terms: tuple[Document, ...] = Field((), description="terms of service as they were seen")


class Generator(Declared):
    """What generated synthetic texts: the model or service, its version, and when (45652-draft 7.1 b)."""

    model: str = Field(min_length=1, pattern=r"^[^@\s]+$")
    version: str = Field(min_length=1, pattern=r"^\S+$")
    at: date
    terms: Document | None = Field(None, description="terms of the model, which may restrict training on its output")
    prompts: Document | None = None

    @property
    def mark(self) -> str:
        """As a record carries it."""
        return f"{self.model}@{self.version} {self.at.isoformat()}"


def generator_mark(model: str | None, version: str | None, at: str | None) -> str | None:
    """`model@version YYYY-MM-DD`, or None where one of the three is missing: half a statement proves nothing."""
    try:
        day = date.fromisoformat((at or "")[:10])
    except ValueError:
        return None
    known = model and version and not any(c.isspace() or c == "@" for c in model) and not any(map(str.isspace, version))
    return f"{model}@{version} {day.isoformat()}" if known else None
