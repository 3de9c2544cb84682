"""The licence step: do the statements still stand in what was fetched, and what follows for clause 4.1.3 a)."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from corpusgate.errors import ConfigError, UserError
from corpusgate.intake.items import Fault
from corpusgate.intake.members import Member, members
from corpusgate.intake.rules import licence_part, matches, member_path
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.licence import LicenceTable, load_licences
from corpusgate.settings.place import Place
from corpusgate.settings.source import LicencePart, Reader, Source, Statement
from corpusgate.sources.judge import Judgement, Standing, along, judge, needed_uses, of_source, part_facts
from corpusgate.sources.papers import papers
from corpusgate.sources.reasons import REASONS
from corpusgate.sources.recorded import applied, basis, changed, ended, in_force, statement_path, statements
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
    return judged(run, source, fetched.facts["acquisitions"])


def judged(run: Run, source: Source, acquisitions: Sequence[Mapping[str, Any]]) -> StepResult:
    """The result of the licence step over what was fetched (facts of the fetch step). Writes nothing."""
    table = load_licences(run.place)
    parts = list(source.licence) or [LicencePart()]
    look = walk([(Path(a["path"]), a["name"]) for a in acquisitions], source, parts)
    rows = periods(run.place, source.id)
    recorded, over = in_force(rows, run.at), ended(rows, run.at)
    since = min(a["fetched_at"] for a in acquisitions)
    found: list[tuple[LicencePart, Judgement]] = []
    facts: list[dict[str, Any]] = []
    for declared in parts:
        row = recorded.get(declared.id)
        if gone := over.get(declared.id):
            part, judgement = declared.model_copy(update={"concluded": None}), _ended(gone)
        elif row and (fallen := changed(row, basis(source, declared, acquisitions, look.files))):
            part, judgement, row = declared.model_copy(update={"concluded": None}), _stale(row, fallen), None
        else:
            part = applied(declared, row) if row else declared
            judgement = _judged(run, part, look, table)
            judgement = along(judgement, source.derived_from, table, needed_uses(run.corpus))
        found.append((part, judgement))
        fact = {**part_facts(source, part, judgement, table), "members": look.taken[part.id]}
        until = row["valid_to"].isoformat() if row and row.get("valid_to") else None
        facts.append({**fact, "valid_from": row["valid_from"].isoformat() if row else since, "valid_to": until})
    _first_recorded(run, rows, facts)
    days = {datetime.fromisoformat(a["fetched_at"]).date() for a in acquisitions}
    return with_papers(_result(source, found, facts), papers(run.place, source, days, run.at))


def with_papers(result: StepResult, found: dict[str, Any] | None) -> StepResult:
    """The result with what was found of the papers of the source's kind; held where some are missing."""
    if found is None:
        return result
    facts = {**result.facts, "papers": found}
    if not found["missing"] or result.state != "ok":
        return result.model_copy(update={"facts": facts})
    because = f"The papers of its kind are not whole: {'; '.join(found['missing'])}. Next: add what is missing."
    out = dict(result.removed_by_rule)
    out["papers_missing"] = out.get("papers_missing", 0) + result.kept
    return result.model_copy(
        update={"state": "held", "held_by": found["control"], "because": because, "kept": 0, "facts": facts,
                "removed": result.removed + result.kept, "removed_by_rule": out}
    )  # fmt: skip


def walk(acquisitions: list[tuple[Path, str]], source: Source, parts: list[LicencePart]) -> Look:
    """One pass over the members: reads the files that statements name, counts what the reader takes by part."""
    named = {statement_path(s) for p in parts for s in statements(p)}
    look = Look()
    for path, name in acquisitions:
        for member in _members(path, name):
            if not isinstance(member, Member):
                continue
            if member.name in named:
                with member.open() as stream:
                    look.files[member.name] = stream.read(STATEMENT_LIMIT + 1)
            if matches(member.name, source.reader.include, source.reader.exclude):
                look.taken[licence_part(member.name, parts)] += 1
    return look


def _members(path: Path, name: str) -> Iterator[Member | Fault]:
    """The members of what was fetched; of an object that stays in its store just its name: it holds records alone."""
    if not str(path).startswith("s3:/"):
        yield from members(path, name, _EVERYTHING)
        return
    with suppress(ValueError):
        yield Member(member_path(name), io.BytesIO, 0)


def standing(statement: Statement, files: Mapping[str, bytes]) -> Standing:
    """Whether file, hash and quote of a statement are in what was fetched. White space of quotes is not compared; the
    hash is that of the member as it is read (a compressed one decompressed)."""
    place = statement.read_from or ""
    if "://" in place:
        return Standing(None, f"{place} was not asked")
    content = files.get(statement_path(statement))
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
    found = {s: standing(s, look.files) for s in statements(part)}
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


def _stale(row: Mapping[str, Any], fallen: Sequence[str]) -> Judgement:
    return Judgement("pending", "licence_conclusion_stale", f"{_word(row)}; changed since: {', '.join(fallen)}")


def _ended(row: Mapping[str, Any]) -> Judgement:
    return Judgement(
        "pending", "licence_conclusion_ended", f"{_word(row)}, before {row['valid_to']:%Y-%m-%d %H:%M} UTC"
    )


def _word(row: Mapping[str, Any]) -> str:
    return f"{row['concluded_by']} ({row['concluded_role']}) concluded {row['concluded']} on {row['concluded_at']}"


def _first_recorded(run: Run, rows: Sequence[Mapping[str, Any]], facts: list[dict[str, Any]]) -> None:
    """Gives each part the time when this very judgement was recorded first; a changed one is recorded at this run."""
    judgements = sorted((r for r in rows if r["verdict"] is not None), key=lambda r: r["recorded_at"])
    known = {row["part"]: row for row in judgements}
    for fact in facts:
        row = known.get(fact["part"])
        same = row is not None and all(row.get(c) == fact[c] for c in PERIOD_COLUMNS)
        same = same and row is not None and row["valid_from"] == datetime.fromisoformat(fact["valid_from"])
        same = same and row is not None and row.get("valid_to") == _time(fact["valid_to"])
        fact["recorded_at"] = (row["recorded_at"] if same and row else run.at).isoformat()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def periods(place: Place, source_id: str) -> list[dict[str, Any]]:
    """The source's rows of `licence_period`: judgements of runs, and conclusions of people."""
    if not (place.table("licence_period") / "_delta_log").is_dir():
        return []
    from corpusgate.lake import store

    return store.rows(place, "licence_period", where=f"source_id = '{source_id}'")


def _flat(text: str) -> str:
    return " ".join(text.split())
