"""Figures of the release gate: what the candidate's records, released text and reviews say of each control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from corpusgate.classify.technical import technical_figures
from corpusgate.decide.rules import UNKNOWN_LANGUAGE, primary_language
from corpusgate.gates.figures import EXAMPLES, Figure, guarded
from corpusgate.gates.identified import WANTED as IDENTIFICATION
from corpusgate.gates.identified import identified_figures
from corpusgate.gates.kind_figures import DOCUMENTS, documents_figure
from corpusgate.gates.personal import Hits, personal_hits
from corpusgate.gates.reviewed import MANUAL, manual_figures
from corpusgate.gates.strata import Candidate, Counted, Strata, Stratum, allowed_said, strata
from corpusgate.lake.run import Run
from corpusgate.review.draw import TECHNICAL
from corpusgate.settings.catalogue import Catalogue

GRADED, PROVIDERS, OVERSEAS, LICENCE, ORIGIN = (
    "45652-draft-5-a",
    "45654-4-1-2-a",
    "45654-4-1-2-b",
    "45654-4-1-3-a",
    "45652-draft-6-2-a",
)
COVERAGE, PERSONAL, SENSITIVE, RISKY = "45654-4-2-1", "45654-4-2-3-a", "45654-4-2-3-b", "45652-draft-6-3-d"
OF_RECORDS = (
    (GRADED, "release"),
    (PROVIDERS, "release"), (OVERSEAS, "release"), (LICENCE, "release"), (ORIGIN, "release"), (COVERAGE, "content"),
    (RISKY, "content"), *IDENTIFICATION,
)  # fmt: skip
OF_TEXT = ((PERSONAL, "content"), (SENSITIVE, "content"))
NOTHING = Stratum()


def release_figures(run: Run, catalogue: Catalogue, c: Candidate) -> list[Figure]:
    """One figure for each computed control and stratum, and its twins in other texts. Four reads that fail apart: of
    the records, of the released text, of people's reviews."""
    ids = [c.release_id]
    figures = guarded(OF_RECORDS, "release", ids, partial(_of_records, run, c))
    figures += guarded(OF_TEXT, "release", ids, partial(_of_text, run, c))
    figures += guarded(
        [(MANUAL, "content")], "release", ids, partial(manual_figures, run, c.release_id, catalogue[MANUAL])
    )
    figures += guarded([(DOCUMENTS, "release")], "release", ids, lambda: [documents_figure(run, c)])
    figures += guarded(
        [(TECHNICAL, "content")], "release", ids, partial(technical_figures, run, c.release_id, catalogue[TECHNICAL])
    )
    twins = [t for t in catalogue if t.same_as is not None and t.computed]
    return figures + [
        replace(f, control_id=t.id, gate=t.gate) for t in twins for f in figures if f.control_id == t.same_as
    ]


def _of_records(run: Run, c: Candidate) -> list[Figure]:
    found = strata(run, c)
    figures = [
        _graded(run, c, found),
        *_providers(run, c, found),
        _overseas(run, c, found),
        *identified_figures(run, c, found),
    ]
    whole = found.get(("all", ""), NOTHING)
    said = "released records stand in a part without a passing licence"
    figures.append(_count(c, LICENCE, "release", "", whole.counted("unlicensed"), whole.records, said))
    for stratum, one in _slices(found, "kind", ()) or [("", NOTHING)]:
        said = "released records lack what their kind of source must carry"
        figures.append(_count(c, ORIGIN, "release", stratum, one.counted("originless"), one.records, said))
    for stratum, one in _slices(found, "modality", run.corpus.modalities):
        said = "released texts lack a screening by a running detector family"
        figures.append(_count(c, COVERAGE, "content", stratum, one.unscreened, one.texts, said))
        said = "released records reach the removal threshold by their keywords"
        said += allowed_said(one.counted("allowed")[0])
        figures.append(_count(c, RISKY, "content", stratum, one.counted("risky"), one.records, said))
    return figures


def _graded(run: Run, c: Candidate, found: Strata) -> Figure:
    """45652-draft 5 a: of the sources that give to the release, those whose declaration names no grade."""
    taken = [s for s in run.sources if found.get(("source", s.id), NOTHING).records]
    bare = [s.id for s in taken if s.grade is None]
    because = f"{len(bare)} of {len(taken)} sources are of no grade" + (f": {', '.join(bare)}" if bare else "")
    k, n = len(bare), len(taken)
    return Figure(GRADED, "release", "release", c.release_id, "measured", value=float(k), k=k, n=n, because=because)


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
        because = (
            "this run does not serve the language: fewer than two providers of it were left. That is enough for trial; "
            "for filing the corpus must name only the languages that it serves"
        )
        return Figure(PROVIDERS, "release", "release", c.release_id, "pending", stratum, because=because)
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
    hits = personal_hits(run, c)
    figures = []
    for modality in sorted({*run.corpus.modalities, *hits}):
        one = hits.get(modality) or Hits()
        stratum = f"modality:{modality}"
        said = "released records hold personal information without a basis, by the second patterns"
        figures.append(_count(c, PERSONAL, "content", stratum, (len(one.personal), one.personal), one.records, said))
        said = "released records hold sensitive information without a basis that is enough, by the second patterns"
        figures.append(_count(c, SENSITIVE, "content", stratum, (len(one.sensitive), one.sensitive), one.records, said))
    return figures


def _count(c: Candidate, control_id: str, gate: str, stratum: str, counted: Counted, n: int, said: str) -> Figure:
    k, examples = counted
    return Figure(
        control_id, gate, "release", c.release_id, "measured", stratum, value=float(k), k=k, n=n,
        because=f"{k} of {n} {said}", examples=examples[:EXAMPLES],
    )  # fmt: skip


def _slices(found: Strata, axis: str, expected: Sequence[str]) -> list[tuple[str, Stratum]]:
    """The slices of one axis, by name; those expected but absent are empty ones, not passed over."""
    names = {*expected, *(name for a, name in found if a == axis)}
    return [(f"{axis}:{name}", found.get((axis, name), NOTHING)) for name in sorted(names)]
