"""Job 2: decides about every record of a run's sources, and freezes the candidate with its draws and manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from corpusgate.annotation.job import void_records
from corpusgate.decide import alone, samples
from corpusgate.decide.complete import refuse_unlooked
from corpusgate.decide.outcome import Counts, Decided, InSpark
from corpusgate.decide.rules import languages_to_drop
from corpusgate.decide.withdrawn import without_withdrawn
from corpusgate.errors import CorpusgateError, Unreconciled
from corpusgate.intake.rules import detector_version
from corpusgate.lake import store
from corpusgate.lake.alone import fits, uncollected
from corpusgate.lake.dialect import one_of
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult
from corpusgate.release import manifest as manifests
from corpusgate.release.digests import digests
from corpusgate.release.pointer import current_release
from corpusgate.review import draw as draws
from corpusgate.settings.profile import Profile, load_profile

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the earlier steps of the run said: which sources were taken in, their batches, acquisitions, passing licence
    parts and number of records; who is held by whom; the detectors' versions; whether any record is in a group."""

    batches: dict[str, str]
    acquisitions: list[str]
    parts: list[tuple[str, str]]
    expected: dict[str, int]
    held: dict[str, str | None]
    versions: dict[str, str]
    grouped: bool = False


def decide(run: Run) -> StepResult:
    """Writes `decision`, `release_record`, `sample` and `sample_item` of the candidate, and its manifest.

    The unit is the record. Nothing is written twice: a candidate that is there already, whole, is left as it is.

    Raises:
        CorpusgateError: an earlier step of the run has no result.
        Unreconciled: the records found are not those that intake took in, or do not add up.
    """
    given, profile = inputs(run), load_profile(run.place)
    with lease(run.place, run.id):
        if fits(run.place, sum(given.expected.values()), profile.alone_records, ("document", "signature")):
            with uncollected():
                if found := alone.decided(run, given):
                    return _freeze(run, replace(given, grouped=found[0].grouped), *found)
        return _by_spark(run, ready(run, given), profile)


def inputs(run: Run) -> Inputs:
    """Reads the results of intake, fetch, licence and the source gate.

    Raises:
        CorpusgateError: intake or the source gate has not run: unjudged sources are not decided about. Or the policy
            asks for what intake did not look for.
    """
    intake, gate = run.result("intake"), run.result("source_gate")
    for name, result in (("intake", intake), ("source_gate", gate)):
        if result is None:
            raise CorpusgateError(
                f"The step {name} of run {run.id} has no result: decide reads it and never goes on without. "
                f"Run `corpusgate step {name}` for this run first."
            )
    assert intake is not None and gate is not None
    taken = intake.facts["batches"]
    held: dict[str, str | None] = {s: r.held_by or r.state for s, r in run.held().items()}
    held |= {s: c for s, c in gate.facts.get("held", {}).items() if s not in held}
    acquisitions, parts = [], []
    for source_id in taken:
        fetched, licence = run.result("fetch", source_id), run.result("licence", source_id)
        if fetched is None or licence is None:
            raise CorpusgateError(f"The source {source_id} was taken in, but its fetch or licence step has no result.")
        acquisitions += [a["acquisition_id"] for a in fetched.facts["acquisitions"]]
        parts += [(source_id, p["part"]) for p in manifests.passing_parts(licence.facts)]
    refuse_unlooked(run.place, run.corpus, intake.facts["versions"])
    expected = {s: int(figures["kept"]) for s, figures in intake.facts["sources"].items() if s in taken}
    return Inputs(dict(taken), acquisitions, parts, expected, held, dict(intake.facts["versions"]))


def _by_spark(run: Run, given: Inputs, profile: Profile) -> StepResult:
    from corpusgate.lake.session import spark

    session = spark("corpusgate decide", run.place, profile)
    with ExitStack() as stack:
        records, dropped = judged(run, given, session, stack)
        return _freeze(run, given, InSpark(session, records), dropped)


def judged(
    run: Run, given: Inputs, session: SparkSession, stack: ExitStack, finding: DataFrame | None = None
) -> tuple[DataFrame, tuple[str, ...]]:
    """All records considered, with their outcome, and the languages that this run does not serve. Writes no decision.

    `finding`: what to judge by instead of the lake's own findings (`decide.whatif`).
    """
    languages = run.corpus.languages
    records = _judge(run, given, session, _masked(run, given, session, finding), languages, stack)
    dropped = _dropped(run, records)
    if dropped:
        served = [language for language in languages if language not in dropped]
        records = _judge(run, given, session, records, served, stack)
    return records, dropped


def _judge(
    run: Run, given: Inputs, session: SparkSession, records: DataFrame, served: Sequence[str], stack: ExitStack
) -> DataFrame:
    """Records with their outcome, kept in memory or on disk until `stack` closes: they are read several times."""
    from corpusgate.decide import frames, groups

    left = frames.eligible(records, _rule(run, given, served))
    judged = _kept(groups.without_copies(groups.whole(left)) if given.grouped else frames.without_copies(left), stack)
    near, algorithm = run.corpus.policy.near_duplicates, given.versions.get("signature")
    if near is not None and algorithm is not None:
        from corpusgate.decide.near.job import Search, without_near_duplicates

        search = Search(run.place, session, algorithm, run.id, run.corpus.id)
        without = groups.without_near_copies if given.grouped else without_near_duplicates
        judged = _kept(without(search, near, judged), stack)
    return frames.with_outcome(judged)


def _kept(frame: DataFrame, stack: ExitStack) -> DataFrame:
    kept = frame.persist()
    stack.callback(kept.unpersist)
    return kept


def _rule(run: Run, given: Inputs, served: Sequence[str]) -> Column:
    from corpusgate.decide import frames

    safety = [s.id for s in run.sources if s.safety]
    return frames.eligibility(run.corpus.policy, given.held, served, safety)


def ready(run: Run, given: Inputs) -> Inputs:
    """The inputs with whether the records stand in groups; without Spark."""
    sql = f"SELECT count(group_id) AS n FROM record WHERE {one_of('batch_id', given.batches.values())}"
    return replace(given, grouped=bool(store.query(run.place, sql, ["record"]).to_pylist()[0]["n"]))


def _masked(run: Run, given: Inputs, session: SparkSession, finding: DataFrame | None = None) -> DataFrame:
    """All records considered, with what was found in their texts and what of it is masked."""
    from corpusgate.decide import frames, groups
    from corpusgate.decide.near.job import BROADCAST_ROWS
    from corpusgate.lake.frames import read

    policy, place = run.corpus.policy, run.place
    parts = session.createDataFrame(given.parts, "source_id string, licence_part string")
    records = frames.considered(read(session, place, "record"), given.batches.values(), given.acquisitions, parts)
    if void := void_records(place, run.corpus.id):
        named = session.createDataFrame([(r,) for r in sorted(void)], "record_id string")
        records = frames.without_void(records, named)
    records = without_withdrawn(session, place, records)
    finding = read(session, place, "finding") if finding is None else finding
    found = frames.text_findings(finding, given.versions, policy.remove_signs)
    rule = _rule(run, given, run.corpus.languages)
    document, version = read(session, place, "document"), detector_version("personal_information", given.versions)
    judged = frames.with_findings(records, found)
    if given.grouped:
        return groups.with_masks(judged, document, policy, rule, version)
    few = sum(store.partition_rows(place, "finding").values()) <= BROADCAST_ROWS
    return frames.with_masks(judged, document, policy, rule, version, few=few)


def _dropped(run: Run, decided: DataFrame) -> tuple[str, ...]:
    """The served languages that would stand on fewer than two providers: this run does not serve them."""
    kept = decided.where("outcome = 'kept'").select("language", "source_id").distinct()
    pairs = [(row["language"], run.source(row["source_id"]).provider) for row in kept.collect()]
    return languages_to_drop(run.corpus.languages, pairs)


def _freeze(run: Run, given: Inputs, decided: Decided, dropped: Sequence[str]) -> StepResult:
    counts = decided.counts()
    _reconcile(given, counts)
    buckets, planned = decided.leaves(), samples.planned(run, decided, grouped=given.grouped)
    manifest = manifests.build(
        run, buckets=buckets, counts=counts, digests=digests(run), detectors=given.versions,
        languages={"served": [s for s in run.corpus.languages if s not in dropped], "dropped": list(dropped)},
        sources=manifests.sources_of(run, given.batches, given.held),
        samples=[d.descriptor() for d in planned],
    )  # fmt: skip
    release = manifests.release_id(manifest)
    if not _frozen(run, manifest, release):
        decided.write(run, release, manifest["digests"]["policy"])
        samples.drawn(run, decided, release, planned)
        manifests.write_candidate(run, manifest, manifests.about_run(run))
    return _result(run, manifest, planned, dropped)


def _reconcile(given: Inputs, counts: Counts) -> None:
    found = {s: sum(sum(rules.values()) for rules in counts.get(s, {}).values()) for s in given.batches}
    expected = given.expected
    wrong = [f"{s}: {expected[s]} taken in, {n} found" for s, n in sorted(found.items()) if n != expected[s]]
    if wrong:
        raise Unreconciled(
            f"The records in the lake are not those that intake took in ({'; '.join(wrong)}). Nothing was decided; "
            "run intake again for this run, and report it if that does not help."
        )


def _frozen(run: Run, manifest: Mapping[str, Any], release: str) -> bool:
    """Whether this very candidate is there already: its manifest, written last, and as many rows as it says."""
    if not (manifests.candidate_folder(run.place, release) / "manifest.json").is_file():
        return False
    where = f"release_id = {draws.literal(release)}"
    tables = ["release_record", "decision", "sample"]
    kept, other, samples = (
        store.query(run.place, f"SELECT count(*) AS n FROM {t} WHERE {where}", [t]).to_pylist()[0]["n"] for t in tables
    )
    said = manifest["counts"]["by_outcome"]
    return (kept, other, samples) == (said["kept"], said["removed"] + said["errored"], len(manifest["samples"]))


def _result(run: Run, manifest: Mapping[str, Any], planned: Sequence[draws.Draw], dropped: Sequence[str]) -> StepResult:
    release, outcome = manifests.release_id(manifest), manifest["counts"]["by_outcome"]
    policy, by_source = run.corpus.policy, manifest["counts"]["by_source"]
    removed = {s: o["removed"] for s, o in by_source.items() if "removed" in o}
    by_rule: dict[str, int] = {}
    for rules in removed.values():
        for rule, n in rules.items():
            by_rule[rule] = by_rule.get(rule, 0) + n
    facts = {
        "release_id": release,
        "parent": {channel: current_release(run.place, run.corpus.id, channel) for channel in run.corpus.channels},
        "manifest_root": manifests.manifest_root(manifest),
        "leaves_root": manifest["leaves"]["root"],
        "removed_by_rule_and_source": removed,
        "errored_by_rule_and_source": {s: o["errored"] for s, o in by_source.items() if "errored" in o},
        "languages_dropped": list(dropped),
        # a policy that asks for it is met only where intake signs the texts
        "near_duplicates": "judged"
        if "signature" in manifest["detectors"] and policy.near_duplicates
        else "not judged",
        "samples": [draws.sample_id(release, d) for d in planned],
    }
    return StepResult(
        step="decide", unit="record", rows_in=manifest["leaves"]["count"], kept=outcome["kept"],
        removed=outcome["removed"], errored=outcome["errored"], removed_by_rule=by_rule, facts=facts,
    )  # fmt: skip
