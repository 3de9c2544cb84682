"""What a candidate keeps, in one pass over narrow columns: by modality, language, source and kind of source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from corpusgate.decide.rules import UNKNOWN_LANGUAGE, primary_language
from corpusgate.gates.figures import (
    LACKS_ORIGIN,
    GateInput,
    count_of,
    examples_of,
    ids,
    must_carry,
    quoted,
    shown_id,
    texts_seen,
    values,
)
from corpusgate.lake import store
from corpusgate.lake.dialect import one_of
from corpusgate.lake.run import Run

AXES = ("modality", "language", "source", "kind")
#: What may speak against a released record, by the name of its column; `allowed` is risk where it may be.
AGAINST = ("originless", "unlicensed", "risky", "allowed", "unidentified", "generated_unidentified", "generated_risky")
TABLES = ("release_record", "record", "acquisition", "screening", "finding")

Counted = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate must know of the candidate beside its rows: its ids, the batches it was decided from, the languages
    that were dropped, the detectors' versions."""

    release_id: str
    manifest_root: str
    batches: Mapping[str, str]
    languages_dropped: frozenset[str]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A slice of the released records: how many, from how many providers; texts that were not screened; and how many
    records (with ids) each of `AGAINST` speaks against. `generated` of them were made by machines."""

    records: int = 0
    texts: int = 0
    providers: int = 0
    generated: int = 0
    unscreened: Counted = (0, ())
    against: Mapping[str, Counted] = field(default_factory=dict)

    def counted(self, name: str) -> Counted:
        """How many records, and which."""
        return self.against.get(name, (0, ()))


Strata = Mapping[tuple[str, str], Stratum]


def candidate(run: Run) -> Candidate:
    """The candidate that `decide` froze in this run.

    Raises:
        GateInput: there is none, or intake's result is missing.
    """
    decided, intake = run.result("decide"), run.result("intake")
    if decided is None or intake is None:
        raise GateInput(f"{'decide' if decided is None else 'intake'} has no result in this run")
    facts, batches = decided.facts, dict(intake.facts["batches"])
    if not all(re.fullmatch(r"[0-9a-f]{1,64}", b) for b in batches.values()):
        raise GateInput("intake names a batch whose id is not hexadecimal")
    dropped = frozenset(map(primary_language, facts.get("languages_dropped", ())))
    return Candidate(facts["release_id"], facts["manifest_root"], batches, dropped, dict(intake.facts["versions"]))


def strata(run: Run, c: Candidate) -> dict[tuple[str, str], Stratum]:
    """(axis, name) -> slice; the axes are all, modality, language (primary subtag), source and kind (of source)."""
    found = {}
    for r in store.query(run.place, _sql(run, c), TABLES).to_pylist():
        axis = next((a for a in AXES if r[a] is not None), "all")
        found[(axis, r[axis] if axis != "all" else "")] = Stratum(
            r["records"], r["texts"], r["providers"], r["generated"] or 0, _counted(r, "unscreened"),
            {n: _counted(r, n) for n in AGAINST},
        )  # fmt: skip
    return found


def _counted(row: Mapping[str, Any], name: str) -> Counted:
    return row[name] or 0, ids(row[f"{name}_ids"])


def _sql(run: Run, c: Candidate) -> str:
    """One statement with grouping sets; no text is read. Records that nothing speaks against come down to a row a
    source, modality and language before anything is put in order or counted by slice; so do their texts, unless a
    text occurs twice."""
    against = ", ".join(f"{count_of(n)} AS {n}, {examples_of(n)} AS {n}_ids" for n in AGAINST)
    return f"""
    WITH {_declared(run, c)},
    f AS ({texts_seen(c.versions)}),
    k AS (SELECT * FROM release_record WHERE release_id = {quoted(c.release_id)}),
    d AS (SELECT text_sha256 FROM k GROUP BY text_sha256 HAVING COUNT(*) > 1),
    r AS ({_of_records(run, c)}),
    j AS ({_released(run)}),
    g AS (
      SELECT source_id, modality, language, reached, unscreened, unlicensed, originless, generated, may,
             lone AND NOT unscreened AS lone, CASE WHEN unscreened OR NOT lone THEN text_sha256 END AS text,
             {shown_id("reached", "unscreened", "unlicensed", "originless")} AS record_id, COUNT(*) AS n
      FROM j GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
    ),
    s AS ({_sliced()})
    SELECT modality, language, source, kind, COALESCE(SUM(n), 0) AS records,
           COALESCE({count_of("lone")}, 0) + COUNT(DISTINCT text) AS texts,
           COUNT(DISTINCT provider) AS providers, {count_of("generated")} AS generated,
           COUNT(DISTINCT CASE WHEN unscreened THEN text END) AS unscreened,
           {examples_of("unscreened")} AS unscreened_ids, {against}
    FROM s GROUP BY GROUPING SETS ((), (modality), (language), (source), (kind))
    """


def _declared(run: Run, c: Candidate) -> str:
    """`c`, what each source declares, from its declaration, and `p`, its licence parts that passed."""
    declared = values((s.id, c.batches.get(s.id), s.kind, s.provider, s.title, must_carry(s)) for s in run.sources)
    parts = values((s.id, part) for s in run.sources for part in passing_parts(run, s.id)) or "(NULL, NULL)"
    return (
        f"c AS (SELECT * FROM (VALUES {declared}) AS t(source_id, batch_id, kind, provider, title, carry)), "
        f"p AS (SELECT * FROM (VALUES {parts}) AS t(source_id, part))"
    )


def _of_records(run: Run, c: Candidate) -> str:
    """What the records of each source's batch say. A join builds its table of what stands left: the smaller side, here
    and below."""
    batches = one_of("batch_id", c.batches.values())  # earlier states are not so much as read
    return f"""
      SELECT c.source_id, r.record_id, {LACKS_ORIGIN} AS originless, COALESCE(r.generator, '') <> '' AS generated,
             {may_hold_risk(run)} AS may
      FROM c JOIN (
        acquisition a RIGHT JOIN (SELECT * FROM record WHERE {batches}) r ON r.acquisition_id = a.acquisition_id
      ) ON r.batch_id = c.batch_id
    """


def _released(run: Run) -> str:
    """The released records with what their records, texts and licences say; one whose record is gone has no origin."""
    return f"""
      SELECT k.record_id, k.text_sha256, k.source_id, k.modality, k.language,
             COALESCE(f.weight, CAST(0 AS DECIMAL(18,6))) >= {removal(run)} AS reached,
             NOT COALESCE(f.screened, FALSE) AS unscreened, d.text_sha256 IS NULL AS lone, p.part IS NULL AS unlicensed,
             COALESCE(r.originless, TRUE) AS originless, COALESCE(r.generated, FALSE) AS generated,
             COALESCE(r.may, FALSE) AS may
      FROM p RIGHT JOIN (d RIGHT JOIN (f RIGHT JOIN (
        r RIGHT JOIN k ON k.record_id = r.record_id AND k.source_id = r.source_id
      ) ON k.text_sha256 = f.text_sha256) ON k.text_sha256 = d.text_sha256)
      ON k.source_id = p.source_id AND COALESCE(k.licence_part, 'all') = p.part
    """


def _sliced() -> str:
    """The groups by what they are sliced by, with what speaks against them. What a source declares is joined here, to
    few rows."""
    return f"""
      SELECT record_id, text, n, lone, provider, source_id AS source, COALESCE(modality, 'unknown') AS modality,
             LOWER(SPLIT_PART(COALESCE(language, '{UNKNOWN_LANGUAGE}'), '-', 1)) AS language,
             COALESCE(kind, 'unknown') AS kind, unscreened, unscreened AS unidentified, originless, unlicensed,
             made AS generated, made AND unscreened AS generated_unidentified,
             made AND reached AND NOT may AS generated_risky, reached AND NOT may AS risky, reached AND may AS allowed
      FROM (
        SELECT g.*, c.kind, c.provider, COALESCE(c.kind, '') = 'synthetic' OR g.generated AS made
        FROM c RIGHT JOIN g ON g.source_id = c.source_id
      )
    """


def removal(run: Run) -> str:
    """SQL: the weight from which a text is removed, in the arithmetic of the weights."""
    return f"CAST({quoted(str(Decimal(str(run.corpus.policy.remove_at))))} AS DECIMAL(18,6))"


def may_hold_risk(run: Run) -> str:
    """SQL over `r` (record): whether it may hold risk, as the decision lets it (`decide.rules.may_hold_risk`)."""
    safety, allowed = [s.id for s in run.sources if s.safety], run.corpus.policy.risk_allowed_in
    if not safety or not allowed:
        return "FALSE"
    return (
        f"(COALESCE(r.source_id, '') IN ({', '.join(map(quoted, safety))}) "
        f"AND COALESCE(r.role, '') IN ({', '.join(map(quoted, allowed))}))"
    )


def allowed_said(n: int) -> str:
    """How many records a share of risky ones leaves out because they may hold risk, in words."""
    return f"; {n} more hold risk and may, as prompts or rejected answers of safety data" if n else ""


def passing_parts(run: Run, source_id: str) -> list[str]:
    """The source's licence parts that passed in this run."""
    result = run.result("licence", source_id)
    return [p["part"] for p in result.facts["parts"] if p["verdict"] == "pass"] if result else []
