"""The licence step: do the statements still stand in what was fetched, and what follows for clause 4.1.3 a)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from corpusgate.errors import ConfigError, UserError
from corpusgate.intake.members import Member, members
from corpusgate.intake.rules import licence_part, matches, member_path
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.licence import LicenceTable, load_licences
from corpusgate.settings.source import LicencePart, Reader, Source, Statement
from corpusgate.sources.judge import Judgement, Standing, judge, needed_uses, of_source, part_facts
from corpusgate.sources.reasons import REASONS
from corpusgate.sources.rules import PERIOD_COLUMNS

CONTROL = "45654-4-1-3-a"
#: Bytes of a file that a statement may stand in; licence and copyright files are far smaller.
STATEMENT_LIMIT = 16 << 20
_EVERYTHING = Reader(format="text", include=("**",))


@dataclass(slots=True)
class Look:
    """What one walk through the fetched bytes showed: files that statements name, and members that each part takes."""

    files: dict[str, bytes] = field(default_factory=dict)
    taken: Counter[str | None] = field(default_factory=Counter)


def licence(run: Run, source: Source) -> StepResult:
    """Judges each part of a source's licence; the source is held where no part passes.

    Facts: `verdict`, `reason`, `parts` (`judge.part_facts`, with `members`, `valid_from` and `recorded_at`).

    Raises:
        UserError: the source was not fetched in this run.
        ConfigError: the table or the declaration is wrong.
    """
    fetched = run.result("fetch", source.id)
    if fetched is None:
        raise UserError(f"{source.id} was not fetched in the run {run.id}: run the step fetch first.")
    if fetched.state not in ("ok", "unchanged"):
        return StepResult(
            step="licence", source_id=source.id, state=fetched.state, unit="part", rows_in=0, kept=0,
            held_by=fetched.held_by, because=f"not judged: {fetched.because}", facts={"parts": []},
        )  # fmt: skip
    acquisitions = fetched.facts["acquisitions"]
    table = load_licences(run.place)
    parts = list(source.licence) or [LicencePart()]
    look = walk([(Path(a["path"]), a["name"]) for a in acquisitions], source, parts)
    judged = [(part, _judged(run, part, look, table)) for part in parts]
    since = min(a["fetched_at"] for a in acquisitions)
    facts = [{**part_facts(source, p, j, table), "members": look.taken[p.id], "valid_from": since} for p, j in judged]
    _first_recorded(run, source, facts)
    return _result(source, judged, facts)


def walk(acquisitions: list[tuple[Path, str]], source: Source, parts: list[LicencePart]) -> Look:
    """One pass over the members: reads the files that statements name, counts what the reader takes by part."""
    named = {_path(s) for p in parts for s in _statements(p)}
    look = Look()
    for path, name in acquisitions:
        for member in members(path, name, _EVERYTHING):
            if not isinstance(member, Member):
                continue
            if member.name in named:
                with member.open() as stream:
                    look.files[member.name] = stream.read(STATEMENT_LIMIT + 1)
            if matches(member.name, source.reader.include, source.reader.exclude):
                look.taken[licence_part(member.name, parts)] += 1
    return look


def standing(statement: Statement, files: Mapping[str, bytes]) -> Standing:
    """Whether file, hash and quote of a statement are in what was fetched. White space of quotes is not compared; the
    hash is that of the member as it is read (a compressed one decompressed)."""
    place = statement.read_from or ""
    if "://" in place:
        return Standing(None, f"{place} was not asked")
    content = files.get(_path(statement))
    if content is None:
        return Standing(False, f"there is no file {place} in what was fetched")
    if len(content) > STATEMENT_LIMIT:
        return Standing(False, f"{place} is larger than {STATEMENT_LIMIT >> 20} MB and no file to quote from")
    found = hashlib.sha256(content).hexdigest()
    if statement.sha256 and found != statement.sha256:
        return Standing(False, f"{place} has SHA-256 {found}, the statement was read in {statement.sha256}")
    if statement.quote and _flat(statement.quote) not in _flat(content.decode("utf-8", "replace")):
        return Standing(False, f"the words “{statement.quote}” do not stand in {place}")
    return Standing(True)


def _judged(run: Run, part: LicencePart, look: Look, table: LicenceTable) -> Judgement:
    if part.finding is not None and part.finding not in REASONS:
        raise ConfigError(f"licence part {part.id!r}: finding {part.finding!r} is not one of {', '.join(REASONS)}.")
    if sum(look.taken.values()) and not look.taken[part.id]:
        return Judgement("not_applicable", "licence_selects_nothing")
    found = {s: standing(s, look.files) for s in _statements(part)}
    return judge(part, found, table, needed_uses(run.corpus))


def _result(source: Source, judged: list[tuple[LicencePart, Judgement]], facts: list[dict[str, Any]]) -> StepResult:
    verdict, reason = of_source([(j.verdict, j.reason) for _, j in judged])
    kept = sum(j.verdict == "pass" for _, j in judged)
    out = Counter(j.reason for _, j in judged if j.verdict != "pass")
    words = [_words(source, part, judgement, len(judged)) for part, judgement in judged]
    return StepResult(
        step="licence", source_id=source.id, state="ok" if kept else "held", unit="part", rows_in=len(judged),
        kept=kept, removed=len(judged) - kept, removed_by_rule=dict(sorted(out.items())),
        held_by=None if kept else CONTROL,
        because=" ".join(words), facts={"verdict": verdict, "reason": reason, "parts": facts},
    )  # fmt: skip


def _words(source: Source, part: LicencePart, judgement: Judgement, of: int) -> str:
    words = judgement.because(source.id, part)
    return words if of == 1 else f"[{part.id}: {judgement.verdict}] {words}"


def _statements(part: LicencePart) -> list[Statement]:
    said = [*([part.declared] if part.declared else []), *part.evidence]
    return [s for s in said if s.read_from]


def _first_recorded(run: Run, source: Source, facts: list[dict[str, Any]]) -> None:
    """Gives each part the time when this very judgement was recorded first; a changed one is recorded at this run."""
    known = _known(run, source)
    for fact in facts:
        row = known.get(fact["part"])
        same = row is not None and all(row[c] == fact[c] for c in PERIOD_COLUMNS)
        same = same and row is not None and row["valid_from"] == datetime.fromisoformat(fact["valid_from"])
        fact["recorded_at"] = (row["recorded_at"] if same and row else run.at).isoformat()


def _known(run: Run, source: Source) -> dict[str, dict[str, Any]]:
    """The newest row of `licence_period` of each part, as the lake has it."""
    if not (run.place.table("licence_period") / "_delta_log").is_dir():
        return {}
    from corpusgate.lake import store

    rows = store.read(run.place, "licence_period", where=f"source_id = '{source.id}'").to_pylist()
    return {row["part"]: row for row in sorted(rows, key=lambda r: r["recorded_at"])}


def _path(statement: Statement) -> str:
    try:
        return member_path(statement.read_from or "")
    except ValueError:
        return ""  # the name of no member, so the statement does not stand


def _flat(text: str) -> str:
    return " ".join(text.split())
