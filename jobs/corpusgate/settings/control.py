"""A control: one clause turned into a judgement. `conf/controls/<clause>.yaml`; the bound lives there, once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from corpusgate.settings.model import Declared, Identifier

Verdict = Literal["pass", "fail", "pending", "waived", "not_applicable"]
Comparator = Literal["<=", ">=", "==", "<", ">"]

#: Clauses that nobody may waive (design, section 6).
NEVER_WAIVED: tuple[str, ...] = ("4.1.1", "4.1.3", "4.2.1", "4.2.3")


class Control(Declared):
    """One control as declared; `id` is the stem of its file, e.g. `45654-4-1-1-a`.

    `computed` controls compare `figure` with `bound` by `comparator`; `attested` ones wait for a person's attestation;
    `both` combine the halves: fail > pending > waived > pass.
    """

    id: Identifier
    clause: str = Field(description="as people cite it: '45654-2025 4.1.1 a)'")
    aliases: tuple[str, ...] = Field((), description="old numbers: 'TC260-003 5.1 a)'")
    title: str
    title_zh: str
    requirement: str = Field(description="in our words")
    requirement_zh: str
    level: Literal["shall", "should"]
    body: Literal["normative", "annex"]
    certainty: Literal["F", "A", "Pd", "Fd", "own"] = Field(description="in which text it was read; Pd: the draft only")
    mode: Literal["computed", "attested", "both"]
    gate: Literal["admission", "source", "content", "annotation", "lexicon", "questions", "release"]
    scope: Literal["source", "release"]
    figure: str | None = Field(None, description="name of the figure that is compared")
    comparator: Comparator | None = None
    bound: float | None = None
    unit: str | None = Field(None, description="what n counts: record, source, text, item")
    waivable: bool = False
    blocks: tuple[Literal["trial", "filing"], ...] = ("filing",)
    expires_days: int | None = Field(None, description="how long an attestation holds")
    attestation_role: str | None = None
    because: str = Field(description="why this bound and this reading")
    next_act: str = Field(description="what to do when it fails or is pending")
    next_act_zh: str

    @model_validator(mode="after")
    def _whole(self) -> Control:
        if self.mode in ("computed", "both") and (self.figure is None or self.comparator is None or self.bound is None):
            raise ValueError("a computed control needs figure, comparator and bound")
        if self.waivable and any(self.clause_number.startswith(c) for c in NEVER_WAIVED):
            raise ValueError(f"{self.clause_number} can never be waived")
        return self

    @property
    def clause_number(self) -> str:
        """The number alone: '4.1.1 a)' of '45654-2025 4.1.1 a)'."""
        return self.clause.split(" ", 1)[-1]

    def holds(self, value: float) -> bool:
        """Whether `value` meets the bound, exactly at the bound included where the comparator says so."""
        b = self.bound
        assert b is not None
        tests: dict[str, Any] = {
            "<=": value <= b, ">=": value >= b, "==": value == b, "<": value < b, ">": value > b,
        }  # fmt: skip
        return bool(tests[self.comparator or "=="])
