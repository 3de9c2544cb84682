"""A control: one clause turned into a judgement. `conf/controls/<clause>.yaml`; the bound lives there, once."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from corpusgate.settings.model import Declared, Identifier
from corpusgate.settings.source import Kind

Verdict = Literal["pass", "fail", "pending", "waived", "not_applicable"]
Comparator = Literal["<=", ">=", "==", "<", ">"]
Gate = Literal["admission", "source", "content", "annotation", "lexicon", "questions", "release"]
Binding = Literal["batch", "release", "corpus"]

#: Clauses that nobody may waive (design, section 6).
NEVER_WAIVED: tuple[str, ...] = ("4.1.1", "4.1.3", "4.2.1", "4.2.3")


class Draw(Declared):
    """What an assessor draws for a clause (Annex B): `count` items, a `share` of the frame, or both."""

    clause: str = Field(description="the clause that gives the figures: 'B.2.1.2.1 a)'")
    frame: str = Field(description="what is drawn from, in words or a table's name")
    count: int | None = Field(None, ge=1)
    share: float | None = Field(None, gt=0, le=1)
    combine: Literal["larger", "either"] = Field("larger", description="which of count and share where both are given")
    redraw: int | None = Field(None, ge=1, description="how many of the drawn are drawn again and looked at closely")
    whole: int | None = Field(None, ge=1, description="items drawn besides, from all released records")
    per: str | None = Field(None, description="each of what: modality, kind of source")

    def size(self, rows: int) -> int:
        """Items to draw from `rows`: shares rounded up; never more than there are (then a census)."""
        wanted = [n for n in (self.count, None if self.share is None else _ceil(self.share * rows)) if n is not None]
        chosen = (min if self.combine == "either" else max)(wanted, default=0)
        return min(chosen, rows)


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
    gate: Gate
    also_at: tuple[Gate, ...] = Field((), description="further gates where the same figure meets the same bound")
    scope: Literal["source", "release"]
    only_for: tuple[Kind, ...] = Field((), description="kinds of source it speaks of; none there: not applicable")
    same_as: Identifier | None = Field(None, description="control of another text whose figure and bound it shares")
    only_use: Literal["pre_training", "fine_tuning"] | None = Field(
        None, description="intended use of the corpus that it speaks of; another one: not applicable"
    )
    all_of: tuple[str, ...] = Field(
        (), description="clauses whose shalls together are its verdict: no figure of its own is computed"
    )
    figure: str | None = Field(None, description="name of the figure that is compared")
    comparator: Comparator | None = None
    bound: float | None = None
    bound_from: Literal["errored_share_max"] | None = Field(None, description="field of the corpus policy")
    unit: str | None = Field(None, description="what n counts: record, source, text, item")
    minima: dict[str, int] = Field(default_factory=dict, description="bounds of parts of the figure")
    draw: Draw | None = Field(None, description="what an assessor draws for it")
    waivable: bool = False
    blocks: tuple[Literal["trial", "filing"], ...] = ("filing",)
    expires_days: int | None = Field(None, description="how long an attestation holds")
    attestation_role: str | None = None
    attests: str | None = Field(None, description="what the person vouches for")
    attests_zh: str | None = None
    attested_over: Binding | None = Field(None, description="else by scope: batch, release")
    waits_for: str | None = Field(None, description="what is missing to compute it: pending till then")
    because: str = Field(description="why this bound and this reading")
    next_act: str = Field(description="what to do when it fails or is pending")
    next_act_zh: str

    @model_validator(mode="after")
    def _whole(self) -> Control:
        if self.mode in ("computed", "both") and (self.figure is None or self.comparator is None or self.bound is None):
            raise ValueError("a computed control needs figure, comparator and bound")
        if self.mode in ("attested", "both") and not (self.attests and self.attests_zh and self.attestation_role):
            raise ValueError("an attested control needs attests, attests_zh and attestation_role")
        if self.all_of and (self.mode != "computed" or self.waivable or self.waits_for or self.scope != "release"):
            raise ValueError("all_of: mode computed, scope release, nothing waited for; its parts are waived, not it")
        if self.level == "should" and self.blocks:
            raise ValueError("a should is shown and blocks nothing: write blocks: []")
        if self.waivable and any(self.clause_number.startswith(c) for c in NEVER_WAIVED):
            raise ValueError(f"{self.clause_number} can never be waived")
        return self

    @property
    def computed(self) -> bool:
        """Whether the pipeline computes a figure for it now: it waits for nothing, and is no sum of other verdicts."""
        return self.mode in ("computed", "both") and self.waits_for is None and not self.all_of

    @property
    def binding(self) -> Binding:
        """What an attestation of it must bind to."""
        return self.attested_over or ("batch" if self.scope == "source" else "release")

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


def _ceil(value: float) -> int:
    """Rounds up, but not over the dust of binary fractions (0.1 * 30 is 3, not 4)."""
    return -int(-round(value, 9) // 1)
