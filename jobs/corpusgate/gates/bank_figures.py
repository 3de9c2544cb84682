"""Figures of the gates lexicon and questions (45654-2025 B.1.1 to B.1.3): sizes, coverage and age of the banks that the
corpus names. Entries count once where the detectors would take them for the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from corpusgate.annotation.model import ZONE
from corpusgate.banks.facts import InForce, in_force, slices
from corpusgate.gates.figures import EXAMPLES, Figure, guarded
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.bank import ASPECTS, BankKind
from corpusgate.settings.catalogue import Catalogue
from corpusgate.settings.model import RISKS

LEXICON, QUESTIONS = "lexicon", "questions"
WORDS, WORDS_BY_RISK, WORDS_AGE = "45654-b-1-1-a", "45654-b-1-1-b", "45654-b-1-1-c"
GENERATED, GENERATED_STRATA = "45654-b-1-2-a", "45654-b-1-2-a-coverage"
GENERATED_BY_RISK, GENERATED_AGE = "45654-b-1-2-b", "45654-b-1-2-d"
REFUSE, ANSWER, REFUSAL_AGE = "45654-b-1-3-a", "45654-b-1-3-b", "45654-b-1-3-c"


@dataclass(frozen=True, slots=True)
class Banks:
    """The banks of one kind (or several) in force, and what the corpus's service supports."""

    run: Run
    scope_id: str
    found: Sequence[InForce]

    def of(self, *kinds: BankKind) -> Banks:
        """Those of these kinds."""
        return Banks(self.run, self.scope_id, [f for f in self.found if f.bank.kind in kinds])

    @property
    def said(self) -> str:
        """Banks and versions, for a reason."""
        return ", ".join(f.said for f in self.found)

    @property
    def languages(self) -> list[str]:
        """Languages that the corpus serves or a bank's service supports: a bank that names fewer hides none."""
        return sorted({*self.run.corpus.languages, *(n for f in self.found for n in f.bank.languages)})

    @property
    def modalities(self) -> list[str]:
        """Modalities that the banks' service gives."""
        return sorted({m for f in self.found for m in f.bank.modalities})


def bank_figures(run: Run, catalogue: Catalogue, scope_id: str) -> list[Figure]:
    """One figure a control of B.1.1 to B.1.3, those of age one a bank; pending where the corpus names no bank of the
    kind, or nothing was imported into one."""
    figures: list[Figure] = []
    whole = cache(partial(banks_of, run, scope_id))  # read once; a reading that fails fails for each of them
    for wanted, kinds, compute in _READS:
        pairs = [(c, OF_BANKS[c]) for c in wanted]
        one = partial(_of_kinds, whole, catalogue, pairs, kinds, compute)
        figures += guarded(pairs, "release", [scope_id], one)
    return figures


def banks_of(run: Run, scope_id: str) -> Banks:
    """Every bank that the corpus names, with its version in force at the run's time."""
    return Banks(run, scope_id, in_force(run.place, run.corpus.banks, run.at))


def waits(banks: Banks, *kinds: BankKind) -> str:
    """What is missing before anything can be counted: a bank of the kind, or its content; empty where nothing is."""
    named = banks.of(*kinds).found
    absent = [kind for kind in kinds if not any(f.bank.kind == kind for f in named)]
    if absent:
        return f"waits for: a bank of kind {' and '.join(absent)}; the corpus {banks.run.corpus.id} names none"
    if bare := [f.bank.id for f in named if f.version is None]:
        return f"waits for: content of the bank {', '.join(bare)}; nothing was imported (corpusgate bank import)"
    return ""


def _of_kinds(
    read: Callable[[], Banks], catalogue: Catalogue, wanted: Sequence[tuple[str, str]], kinds: Sequence[BankKind],
    compute: Callable[[Catalogue, Banks], list[Figure]],
) -> list[Figure]:  # fmt: skip
    whole = read()
    if because := waits(whole, *kinds):
        return [Figure(c, gate, "release", whole.scope_id, "pending", because=because) for c, gate in wanted]
    return compute(catalogue, whole)


def _words(catalogue: Catalogue, whole: Banks) -> list[Figure]:
    banks = whole.of("keywords")
    rows = _query(banks, "keyword", "COUNT(*) AS n, COUNT(DISTINCT match_form) AS entries")
    n, distinct = rows[0]["n"], rows[0]["entries"]
    by_risk = _by(banks, "keyword", "risks", "match_form")
    because = f"{distinct:,} distinct keywords among {n:,} of {banks.said}"
    return [
        _figure(WORDS, banks, float(distinct), distinct, n, because),
        _short(WORDS_BY_RISK, banks, by_risk, minima_of(catalogue[WORDS_BY_RISK].minima), n, "keywords"),
        *_ages(WORDS_AGE, banks),
    ]


def _generated(catalogue: Catalogue, whole: Banks) -> list[Figure]:
    banks = whole.of("generated_content")
    distinct, n = _total(banks)
    by_risk = _by(banks, "question", "risks", _ONE)
    absent, strata = _absent(banks)
    because = f"{distinct:,} distinct questions among {n:,} of {banks.said}"
    said = f"{len(absent)} of {strata} modalities and languages have no question{_named(absent)}, in {banks.said}"
    return [
        _figure(GENERATED, banks, float(distinct), distinct, n, because),
        _figure(GENERATED_STRATA, banks, float(len(absent)), len(absent), strata, said, absent),
        _short(GENERATED_BY_RISK, banks, by_risk, minima_of(catalogue[GENERATED_BY_RISK].minima), n, "questions"),
        *_ages(GENERATED_AGE, banks),
    ]


def _refuse(catalogue: Catalogue, whole: Banks) -> list[Figure]:
    banks, minima = whole.of("should_refuse"), catalogue[REFUSE].minima
    conditions = _total_reached(banks, minima["total"])
    by_risk = _by(banks, "question", "risks", _ONE)
    conditions |= {
        f"{risk}: {by_risk.get(risk, 0)} of {least}": by_risk.get(risk, 0) >= least
        for risk, least in minima_of(minima).items()
    }
    return [_conditions(REFUSE, banks, conditions)]


def _answer(catalogue: Catalogue, whole: Banks) -> list[Figure]:
    """A model of one field may leave aspects out that it does not touch; they are then in the bank to refuse."""
    banks, minima = whole.of("should_not_refuse"), catalogue[ANSWER].minima
    conditions = _total_reached(banks, minima["total"])
    here = _by(banks, "question", "aspects", _ONE)
    there = _by(whole.of("should_refuse"), "question", "aspects", _ONE)
    elsewhere = {a for f in banks.found for a in f.bank.aspects_elsewhere}
    for aspect in ASPECTS:
        if aspect in elsewhere:
            count = there.get(aspect, 0)
            conditions[f"{aspect}: declared elsewhere, {count} in the bank to refuse"] = count > 0
        else:
            conditions[f"{aspect}: {here.get(aspect, 0)} of {minima['aspect']}"] = (
                here.get(aspect, 0) >= minima["aspect"]
            )
    return [_conditions(ANSWER, banks, conditions)]


def _refusal_ages(_: Catalogue, whole: Banks) -> list[Figure]:
    return _ages(REFUSAL_AGE, whole.of("should_refuse", "should_not_refuse"))


def minima_of(minima: Mapping[str, int]) -> dict[str, int]:
    """The minimum of each risk whose group has one (`a1: 200`)."""
    return {risk: minima[risk[:2]] for risk in RISKS if risk[:2] in minima}


#: One question: the same words asked for another modality are another one.
_ONE = "concat(modality, '|', match_form)"


def _total(banks: Banks) -> tuple[int, int]:
    (row,) = _query(banks, "question", f"COUNT(DISTINCT {_ONE}) AS entries, COUNT(*) AS n")
    return row["entries"], row["n"]


def _total_reached(banks: Banks, least: int) -> dict[str, bool]:
    """The conditions that both refusal banks share: the total, and a question of each modality and language."""
    distinct, _ = _total(banks)
    absent, _ = _absent(banks)
    return {f"total: {distinct} of {least}": distinct >= least} | {
        f"no question of {name}": name not in absent for name in _strata(banks)
    }


def _strata(banks: Banks) -> list[str]:
    return [f"modality {m}" for m in banks.modalities] + [f"language {n}" for n in banks.languages]


def _absent(banks: Banks) -> tuple[list[str], int]:
    """Modalities and languages of the service without a question, and how many there are of both."""
    rows = _query(banks, "question", "DISTINCT modality, language")
    there = {f"modality {r['modality']}" for r in rows} | {f"language {r['language']}" for r in rows}
    wanted = _strata(banks)
    return [name for name in wanted if name not in there], len(wanted)


def _by(banks: Banks, table: str, column: str, entry: str) -> dict[str, int]:
    """Distinct entries under each risk or aspect; one that is filed to several counts under each."""
    sql = (
        f"SELECT one, COUNT(DISTINCT entry) AS n FROM (SELECT unnest({column}) AS one, {entry} AS entry FROM {table} "
        f"WHERE {slices(banks.found)}) AS e GROUP BY one"
    )
    return {r["one"]: r["n"] for r in store.query(banks.run.place, sql, [table]).to_pylist()}


def _query(banks: Banks, table: str, columns: str) -> list[dict[str, Any]]:
    sql = f"SELECT {columns} FROM {table} WHERE {slices(banks.found)}"
    return store.query(banks.run.place, sql, [table]).to_pylist()


def _short(
    control_id: str, banks: Banks, by_risk: Mapping[str, int], minima: Mapping[str, int], entries: int, noun: str
) -> Figure:
    short = {risk: f"{risk} {by_risk.get(risk, 0)} of {least}" for risk, least in minima.items()
             if by_risk.get(risk, 0) < least}  # fmt: skip
    n = len(minima) if entries else 0
    because = f"{len(short)} of {len(minima)} risks have too few {noun}{_named(short.values())}, in {banks.said}"
    return _figure(control_id, banks, float(len(short)), len(short), n, because, list(short))


def _conditions(control_id: str, banks: Banks, conditions: Mapping[str, bool]) -> Figure:
    unmet = [name for name, holds in conditions.items() if not holds]
    because = f"{len(unmet)} of {len(conditions)} conditions are not met{_named(unmet)}, in {banks.said}"
    return _figure(control_id, banks, float(len(unmet)), len(unmet), len(conditions), because)


def _ages(control_id: str, banks: Banks) -> list[Figure]:
    """Days since each bank was last updated or looked at, one figure a bank: the freshest does not speak for others."""
    today = banks.run.at.astimezone(ZONE).date()
    figures = []
    for one in banks.found:
        assert one.updated_on is not None  # `waits` has looked
        days = (today - one.updated_on).days
        because = f"{one.said} was last updated or looked at on {one.updated_on}, {days} days before this run"
        figures.append(_figure(control_id, banks, float(days), days, 1, because, stratum=f"bank:{one.bank.id}"))
    return figures


def _figure(
    control_id: str, banks: Banks, value: float, k: int, n: int, because: str, examples: Sequence[str] = (),
    stratum: str = "",
) -> Figure:  # fmt: skip
    return Figure(
        control_id, OF_BANKS[control_id], "release", banks.scope_id, "measured", stratum, value=value, k=k, n=n,
        because=because, examples=tuple(examples[:EXAMPLES]),
    )  # fmt: skip


def _named(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return f" ({', '.join(names[:EXAMPLES])}{more})" if names else ""


_READS: tuple[tuple[tuple[str, ...], tuple[BankKind, ...], Callable[[Catalogue, Banks], list[Figure]]], ...] = (
    ((WORDS, WORDS_BY_RISK, WORDS_AGE), ("keywords",), _words),
    ((GENERATED, GENERATED_STRATA, GENERATED_BY_RISK, GENERATED_AGE), ("generated_content",), _generated),
    ((REFUSE,), ("should_refuse",), _refuse),
    ((ANSWER,), ("should_not_refuse",), _answer),
    ((REFUSAL_AGE,), ("should_refuse", "should_not_refuse"), _refusal_ages),
)
#: Controls that are computed here, by gate.
OF_BANKS: Mapping[str, str] = {
    c: LEXICON if kinds == ("keywords",) else QUESTIONS for wanted, kinds, _ in _READS for c in wanted
}
