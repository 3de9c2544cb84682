"""The verdict of clause 4.1.3 a) on one part of a source: what is stated, what was concluded, what the corpus needs.

The rule understands identifiers, hashes and quotes, never prose: what only reading can settle waits for a person.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from corpusgate.settings.corpus import Corpus
from corpusgate.settings.licence import USES, LicenceTable, Use
from corpusgate.settings.source import LicencePart, Parent, Source, Statement
from corpusgate.sources.expressions import Grants, Reading, grants, read
from corpusgate.sources.reasons import REASONS

Verdict = Literal["pass", "fail", "pending", "not_applicable"]

#: Who concludes where the source's own clean declaration is enough.
BY_RULE = "corpusgate, by rule"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a statement still stands in what was fetched: `stands` None where it could not be looked at from here."""

    stands: bool | None
    says: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict on one part; `grants` where an expression was concluded; `says` completes the reason's own words."""

    verdict: Verdict
    reason: str
    says: str = ""
    concluded: str | None = None
    grants: Grants | None = None

    def because(self, source_id: str, part: LicencePart) -> str:
        """The verdict in words, with the next act where one is due."""
        reason = REASONS[self.reason]
        where = f"conf/sources/{source_id}.yaml, licence part {part.id!r}"
        words = f"{reason.says}{f' ({self.says})' if self.says else ''}."
        command = f"corpusgate source conclude {source_id} --part {part.id} …"
        return words + (f" Next: {reason.next_act.format(where=where, command=command)}" if reason.next_act else "")


def needed_uses(corpus: Corpus) -> tuple[Use, ...]:
    """The uses that this corpus makes of every text: it trains on it and changes it (cleans, cuts, masks)."""
    needs: list[Use] = ["training", "derivatives"]
    if corpus.commercial:
        needs.append("commercial")
    if corpus.redistributed:
        needs.append("redistribution")
    return tuple(needs)


def judge(
    part: LicencePart, standing: Mapping[Statement, Standing], table: LicenceTable, needs: Collection[Use]
) -> Judgement:
    """Judges one part. `standing` has each of its statements that names a place; order of the rules: what has changed,
    what contradicts, what a person left open, what is concluded, what the source declares by itself."""
    if fallen := [s for s in standing.values() if s.stands is False]:
        return Judgement("fail", "licence_statement_changed", fallen[0].says)
    if part.contradicted:
        return Judgement("fail", part.finding or "licence_contradicted", _quotes(part))
    if part.concluded is None and part.finding is not None:
        return Judgement("pending", part.finding, _quotes(part))
    if part.concluded is not None:
        return _allowed(read(part.concluded.expression, table), "licence_concluded", table, needs)
    return _by_rule(part, standing, table, needs)


def _by_rule(
    part: LicencePart, standing: Mapping[Statement, Standing], table: LicenceTable, needs: Collection[Use]
) -> Judgement:
    declared = part.declared
    if declared is None:
        return Judgement("pending", "licence_missing")
    if declared.expression is None:
        return Judgement("pending", "licence_not_machine_readable", f"see {declared.read_from}")
    reading = read(declared.expression, table)
    if reading.expression is not None and (other := _other(part.evidence, reading.expression, table)):
        return Judgement("pending", "licence_ambiguous", other)
    if reading.expression is not None and not (declared.quote and declared.sha256 and _stands(declared, standing)):
        return Judgement("pending", "licence_unverified", f"declared: {declared.expression}")
    return _allowed(reading, "licence_declared", table, needs)


def _allowed(reading: Reading, reason: str, table: LicenceTable, needs: Collection[Use]) -> Judgement:
    if reading.expression is None:
        return Judgement("pending", f"licence_{reading.problem}", reading.says)
    granted = grants(reading.expression, table, needs)
    forbidden = [use for use in USES if use in needs and granted.use(use) == "no"]
    if forbidden:
        says = f"{reading.expression} does not allow {' and '.join(_USE_WORDS[u] for u in forbidden)}"
        return Judgement("fail", "licence_forbids_use", says, reading.expression, granted)
    unkept = [name for name in granted.obligations if not table.obligations[name].carried]
    if unkept:
        says = f"{reading.expression}: {' '.join(table.obligations[n].says for n in unkept).rstrip('.')}"
        return Judgement("pending", "licence_conditional", says, reading.expression, granted)
    return Judgement("pass", reason, reading.expression, reading.expression, granted)


def along(
    judgement: Judgement, parents: Sequence[Parent], table: LicenceTable, needs: Collection[Use]
) -> Judgement:  # fmt: skip
    """The judgement once the chain of data sets behind the source is looked at: the most restrictive hop decides, and
    the obligations of all hops are carried. A hop can make it stricter, never laxer."""
    if judgement.concluded is None:
        return judgement
    expression = judgement.concluded
    for parent in parents:
        reading = (
            read(parent.expression, table) if parent.expression else Reading(None, "unknown", "no licence is known")
        )
        if reading.expression is None:
            return Judgement("pending", "licence_parent_unknown", f"{parent.title}: {reading.says}")
        expression = read(f"({expression}) AND ({reading.expression})", table).expression or expression
        hop = _allowed(Reading(expression), judgement.reason, table, needs)
        if hop.verdict != "pass":
            if judgement.verdict == "fail":
                return judgement
            return replace(hop, says=f"through {parent.title} {parent.version}: {hop.says}")
        judgement = judgement if judgement.verdict != "pass" else hop
    return judgement


def part_facts(source: Source, part: LicencePart, judgement: Judgement, table: LicenceTable) -> dict[str, Any]:
    """What the licence step says of a part (contract, "licence facts"): verdict, statements, granted uses, obligations.

    Where nothing was concluded no use is granted: `use_*` are then null.
    """
    declared, concluded, granted = part.declared, part.concluded, judgement.grants
    by_rule = concluded is None and judgement.concluded is not None
    because = judgement.because(source.id, part)
    return {
        "part": part.id,
        "include": list(part.include),
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "declared": _declared(part, table),
        "concluded": judgement.concluded,
        "read_from": declared.read_from if declared else None,
        "quote": declared.quote if declared else None,
        "text_sha256": declared.sha256 if declared else None,
        "concluded_by": concluded.by if concluded else BY_RULE if by_rule else None,
        "concluded_role": concluded.role if concluded else None,
        "concluded_at": concluded.at if concluded else None,
        "because": f"{because} {concluded.because}" if concluded else because,
        "provisional": concluded.provisional if concluded else False,
        **{f"use_{use}": granted.use(use) if granted else None for use in USES},
        "obligations": list(granted.obligations) if granted else [],
        "notes": list(concluded.notes) if concluded else [],
    }


def of_source(verdicts: Sequence[tuple[Verdict, str]]) -> tuple[Verdict, str]:
    """Verdict and reason of a source from those of its parts: one that passes is enough; else the worst speaks."""
    for wanted in ("pass", "fail", "pending"):
        for verdict, reason in verdicts:
            if verdict == wanted:
                return verdict, reason
    return "pending", "licence_missing"


def _declared(part: LicencePart, table: LicenceTable) -> str | None:
    if part.declared is None or part.declared.expression is None:
        return None
    return read(part.declared.expression, table).expression or part.declared.expression


def _other(evidence: Sequence[Statement], declared: str, table: LicenceTable) -> str:
    """Another licence stated beside the declared one: the source says two things, and a person says which holds."""
    for statement in evidence:
        if statement.expression is None:
            continue
        stated = read(statement.expression, table)
        if stated.expression != declared:
            return f"declared: {declared}; {statement.read_from} states {statement.expression}"
    return ""


def _stands(statement: Statement, standing: Mapping[Statement, Standing]) -> bool:
    found = standing.get(statement)
    return found is not None and found.stands is True


def _quotes(part: LicencePart) -> str:
    said = [f"{s.read_from}: “{s.quote}”" for s in part.evidence if s.quote]
    declared = part.declared.expression if part.declared and part.declared.expression else "nothing"
    return "; ".join([f"declared: {declared}", *said]) if said or part.declared else ""


_USE_WORDS: dict[Use, str] = {
    "training": "training on it",
    "commercial": "commercial use",
    "redistribution": "handing the corpus on",
    "derivatives": "changed copies",
}
