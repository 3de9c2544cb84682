"""Figures of the release gate: one pass over the records that the candidate keeps, by modality, language, source, kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from corpusgate.decide.rules import UNKNOWN_LANGUAGE, primary_language
from corpusgate.gates.figures import (
    LACKS_ORIGIN,
    Figure,
    GateInput,
    count_of,
    examples_of,
    guarded,
    ids,
    quoted,
    screened_families,
    values,
)
from corpusgate.gates.personal import Hits, personal_hits
from corpusgate.gates.reviewed import MANUAL, manual_figures
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.settings.catalogue import Catalogue

PROVIDERS, OVERSEAS, LICENCE = "45654-4-1-2-a", "45654-4-1-2-b", "45654-4-1-3-a"
COVERAGE, PERSONAL, SENSITIVE, ORIGIN = "45654-4-2-1", "45654-4-2-3-a", "45654-4-2-3-b", "45652-draft-6-2-a"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the gate must know of the candidate beside its rows: ids, what it is bound to, languages that were dropped."""

    release_id: str
    manifest_root: str
    languages_dropped: frozenset[str]
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A slice of the released records: how many, from how many providers, and what in it speaks against a control."""

    records: int
    texts: int
    providers: int
    unscreened: tuple[int, tuple[str, ...]]
    originless: tuple[int, tuple[str, ...]]
    unlicensed: tuple[int, tuple[str, ...]]


NOTHING = Stratum(0, 0, 0, (0, ()), (0, ()), (0, ()))
Strata = Mapping[tuple[str, str], Stratum]


def candidate(run: Run) -> Candidate:
    """The candidate that `decide` froze in this run.

    Raises:
        GateInput: there is none, or intake's detector versions are not known.
    """
    decided, intake = run.result("decide"), run.result("intake")
    if decided is None or intake is None:
        raise GateInput(f"{'decide' if decided is None else 'intake'} has no result in this run")
    facts = decided.facts
    return Candidate(
        facts["release_id"],
        facts["manifest_root"],
        frozenset(map(primary_language, facts.get("languages_dropped", ()))),
        dict(intake.facts["versions"]),
    )


def release_figures(run: Run, catalogue: Catalogue, c: Candidate) -> list[Figure]:
    """One figure for each computed control and stratum. Three reads that fail apart: records, released text, reviews."""
    figures = guarded(
        [(PROVIDERS, "release"), (OVERSEAS, "release"), (LICENCE, "release"), (ORIGIN, "release"), (COVERAGE, "content")],
        "release", [c.release_id], partial(_of_records, run, c),
    )  # fmt: skip
    wanted = [(PERSONAL, "content"), (SENSITIVE, "content")]
    figures += guarded(wanted, "release", [c.release_id], partial(_of_text, run, c))
    figures += guarded(
        [(MANUAL, "content")], "release", [c.release_id], partial(manual_figures, run, c.release_id, catalogue[MANUAL])
    )
    return figures


def _of_records(run: Run, c: Candidate) -> list[Figure]:
    found = strata(run, c)
    figures = [*_providers(run, c, found), _overseas(run, c, found)]
    whole = found.get(("all", ""), NOTHING)
    said = "released records stand in a part without a passing licence"
    figures.append(_count(c, LICENCE, "release", "", whole.unlicensed, whole.records, said))
    for stratum, one in _each(found, "kind", ""):
        said = "released records lack what their kind of source must carry"
        figures.append(_count(c, ORIGIN, "release", stratum, one.originless, one.records, said))
    for stratum, one in _each(found, "modality", *run.corpus.modalities):
        said = "released texts lack a screening by a running detector family"
        figures.append(_count(c, COVERAGE, "content", stratum, one.unscreened, one.texts, said))
    return figures


def _providers(run: Run, c: Candidate, found: Strata) -> list[Figure]:
    """4.1.2 a, for each language and each modality: served and released ones both. `und` is no language."""
    figures = []
    served = {primary_language(language) for language in run.corpus.languages}
    released = {name for axis, name in found if axis == "language"} - {UNKNOWN_LANGUAGE}
    for language in sorted(served | released):
        one = found.get(("language", language), NOTHING)
        dropped = language in c.languages_dropped and not one.records
        figures.append(_provider_figure(c, f"language:{language}", one, dropped))
    for modality in sorted({*run.corpus.modalities, *(name for axis, name in found if axis == "modality")}):
        figures.append(_provider_figure(c, f"modality:{modality}", found.get(("modality", modality), NOTHING), False))
    return figures


def _provider_figure(c: Candidate, stratum: str, one: Stratum, dropped: bool) -> Figure:
    if dropped:
        because = "this release does not serve the language: fewer than two providers were left, so it was dropped"
        return Figure(PROVIDERS, "release", "release", c.release_id, "not_applicable", stratum, because=because)
    because = f"{one.providers} distinct providers behind {one.records} released records"
    return Figure(
        PROVIDERS, "release", "release", c.release_id, "measured", stratum, value=float(one.providers), k=one.providers,
        n=one.records, because=because,
    )  # fmt: skip


def _overseas(run: Run, c: Candidate, found: Strata) -> Figure:
    """4.1.2 b: shown for the person who attests; the standard gives no bound (and the 30 % of guides is not one)."""
    by_source = {name: one.records for (axis, name), one in found.items() if axis == "source"}
    n = sum(by_source.values())
    k = sum(count for s, count in by_source.items() if run.source(s).country != run.corpus.home_country)
    because = (
        f"{k} of {n} released records are of providers outside {run.corpus.home_country}; the standard gives no bound"
    )
    state = "pending" if k or not n else "not_applicable"
    return Figure(
        OVERSEAS, "release", "release", c.release_id, state, half="human", value=k / n if n else None, k=k, n=n,
        because=because,
    )  # fmt: skip


def _of_text(run: Run, c: Candidate) -> list[Figure]:
    """4.2.3: what second patterns find in the released text of records without a recorded basis."""
    hits = personal_hits(run, c.release_id, c.versions)
    figures = []
    for modality in sorted({*run.corpus.modalities, *hits}):
        one = hits.get(modality) or Hits()
        stratum = f"modality:{modality}"
        said = "released records hold personal information without a recorded basis, by the second patterns"
        figures.append(_count(c, PERSONAL, "content", stratum, (len(one.personal), one.personal), one.records, said))
        said = "released records hold sensitive personal information without a recorded basis, by the second patterns"
        figures.append(_count(c, SENSITIVE, "content", stratum, (len(one.sensitive), one.sensitive), one.records, said))
    return figures


def _count(
    c: Candidate, control_id: str, gate: str, stratum: str, counted: tuple[int, tuple[str, ...]], n: int, said: str
) -> Figure:
    k, examples = counted
    return Figure(
        control_id, gate, "release", c.release_id, "measured", stratum, value=float(k), k=k, n=n,
        because=f"{k} of {n} {said}", examples=examples[:10],
    )  # fmt: skip


def _each(found: Strata, axis: str, *expected: str) -> list[tuple[str, Stratum]]:
    """The slices of one axis, those expected but empty included: an absent modality is empty, not passed over."""
    names = {name for a, name in found if a == axis} or set(expected)
    return [
        (f"{axis}:{name}" if name else "", found.get((axis, name), NOTHING))
        for name in sorted(names | {e for e in expected if e})
    ]


def strata(run: Run, c: Candidate) -> dict[tuple[str, str], Stratum]:
    """(axis, name) -> slice; axes are all, modality, language (primary subtag), source and kind (of source)."""
    rows = store.query(
        run.place, strata_sql(run, c), ["release_record", "record", "acquisition", "screening"]
    ).to_pylist()
    found = {}
    for r in rows:
        axis = next((a for a in ("modality", "language", "source", "kind") if r[a] is not None), "all")
        found[(axis, r[axis] if axis != "all" else "")] = Stratum(
            r["records"], r["texts"], r["providers"],
            (r["unscreened"] or 0, ids(r["unscreened_ids"])),
            (r["originless"] or 0, ids(r["originless_ids"])),
            (r["unlicensed"] or 0, ids(r["unlicensed_ids"])),
        )  # fmt: skip
    return found


def strata_sql(run: Run, c: Candidate) -> str:
    """One statement with grouping sets. What a source declares comes from its declaration; no text is read."""
    declared = values((s.id, s.kind, s.provider, s.title) for s in run.sources)
    parts = values((s.id, part) for s in run.sources for part in _passing(run, s.id)) or "(NULL, NULL)"
    return f"""
    WITH c AS (SELECT * FROM (VALUES {declared}) AS t(source_id, kind, provider, title)),
    p AS (SELECT * FROM (VALUES {parts}) AS t(source_id, part)),
    s AS ({screened_families(c.versions)}),
    k AS (SELECT * FROM release_record WHERE release_id = {quoted(c.release_id)}),
    j AS (
      SELECT k.record_id, k.text_sha256, k.source_id AS source, COALESCE(k.modality, 'unknown') AS modality,
             LOWER(SPLIT_PART(COALESCE(k.language, '{UNKNOWN_LANGUAGE}'), '-', 1)) AS language,
             COALESCE(c.kind, 'unknown') AS kind, c.provider,
             COALESCE(s.families, 0) < {len(c.versions)} AS unscreened,
             r.record_id IS NULL OR {LACKS_ORIGIN} AS originless,
             p.part IS NULL AS unlicensed
      FROM k
      LEFT JOIN record r ON k.record_id = r.record_id AND k.source_id = r.source_id
      LEFT JOIN acquisition a ON r.acquisition_id = a.acquisition_id
      LEFT JOIN c ON k.source_id = c.source_id
      LEFT JOIN s ON k.text_sha256 = s.text_sha256
      LEFT JOIN p ON k.source_id = p.source_id AND COALESCE(k.licence_part, 'all') = p.part
    )
    SELECT modality, language, source, kind, COUNT(*) AS records, COUNT(DISTINCT text_sha256) AS texts,
           COUNT(DISTINCT provider) AS providers,
           COUNT(DISTINCT CASE WHEN unscreened THEN text_sha256 END) AS unscreened,
           {examples_of("unscreened")} AS unscreened_ids,
           {count_of("originless")} AS originless, {examples_of("originless")} AS originless_ids,
           {count_of("unlicensed")} AS unlicensed, {examples_of("unlicensed")} AS unlicensed_ids
    FROM j GROUP BY GROUPING SETS ((), (modality), (language), (source), (kind))
    """


def _passing(run: Run, source_id: str) -> list[str]:
    result = run.result("licence", source_id)
    return [p["part"] for p in result.facts["parts"] if p["verdict"] == "pass"] if result else []
