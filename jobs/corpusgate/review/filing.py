"""From a frozen candidate to the channel `filing`: judged again from the tables, shown to a person, signed, published.

Nothing here believes Airflow: the verdicts of people are counted from the lake, the gates judge again, and an approval
counts only as a row of `signoff` bound to this manifest and to what the gates say now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from corpusgate.errors import CorpusgateError, UserError
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.run import NO_RESULTS, Run, StepResult, open_run, safe_name, write_atomically
from corpusgate.release.digests import digests
from corpusgate.release.manifest import candidate_folder
from corpusgate.release.pointer import current_release
from corpusgate.release.verify import manifest_of
from corpusgate.review.approval import approval_lines
from corpusgate.review.fold import fold
from corpusgate.review.reading import forget
from corpusgate.review.signoff import required, text_sha256
from corpusgate.review.standing import Standing, standing
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place

#: Steps whose results a filing judges anew.
JUDGED_ANEW = ("source_gate", "release_gate", "publish", "evidence")


@dataclass(frozen=True, slots=True)
class Wait:
    """What a filing waits for: the samples of people with how they stand, and whether all of them are `enough`.

    `unanswered`: samples that failed earlier and that no draw followed; until `sample again` these here cannot pass.
    """

    release_id: str
    samples: tuple[Standing, ...]
    unanswered: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether nothing that is still said could change a verdict."""
        return all(s.enough for s in self.samples)

    @property
    def lost(self) -> tuple[Standing, ...]:
        """The samples that can pass no more."""
        return tuple(s for s in self.samples if not s.can_still_pass)


def filing_run_id(release_id: str) -> str:
    """The run under which a release is judged for filing: one a release, whoever asks."""
    return f"filing__{release_id}"


def waits_for(place: Place, release_id: str) -> Wait:
    """The release's samples for people, those in force, and how each stands.

    Raises:
        UserError: no such release.
    """
    from corpusgate.gates.reviewed import failed_before_sample, in_force_samples

    samples = in_force_samples(place, release_id)
    said = all((place.table(t) / "_delta_log").is_dir() for t in ("review", "review_assignment"))
    earlier = dict.fromkeys(
        f.row["sample_id"]
        for s in (samples if said else ())
        for f in failed_before_sample(place, s)
        if f.unanswered or f.row["seed"] == s["seed"]
    )
    return Wait(release_id, tuple(standing(place, s["sample_id"]) for s in samples), tuple(earlier))


def reopened(place: Place, release_id: str, at: datetime) -> Run:
    """The run that froze the candidate, opened again at `at` to be judged for filing: its results as they were, and the
    sources as the manifest names them, whatever the corpus has been given since.

    Raises:
        UserError: no such release, or the results of its run are gone.
    """
    manifest = manifest_of(place, release_id)
    about = json.loads((candidate_folder(place, release_id) / "run.json").read_text("utf-8"))
    frozen = place.runs / safe_name(about["run_id"])
    if not (frozen / "decide.json").is_file():
        raise UserError(f"The results of the run {about['run_id']}, which froze {release_id}, are gone: rebuild it.")
    opened = open_run(place, manifest["corpus"], filing_run_id(release_id), at)
    for path in sorted(frozen.glob("*.json")):
        if path.name not in NO_RESULTS and not path.name.startswith(JUDGED_ANEW):
            write_atomically(opened.folder / path.name, path.read_text("utf-8"))
    return _run_of(place, release_id, at)


def _run_of(place: Place, release_id: str, at: datetime | None = None) -> Run:
    """The filing's run; `at` None where nothing is judged."""
    manifest = manifest_of(place, release_id)
    there = tuple(s["source_id"] for s in manifest["sources"])
    corpus = load_corpus(place, manifest["corpus"]).model_copy(update={"sources": there})
    return Run(filing_run_id(release_id), corpus, (at or datetime(1970, 1, 1, tzinfo=UTC)).astimezone(UTC), place)


def judge(place: Place, release_id: str, at: datetime) -> StepResult:
    """Folds the journal and judges sources and release for filing at `at`; the verdicts are rows of `control_result`
    of the run `filing__<release>`. Returns the release gate's result (`facts.blocked`).

    Raises:
        UserError: no such release. LakeBusy.
    """
    from corpusgate.gates.job import release_gate, source_gate
    from corpusgate.gates.verdict import blocked, from_fact

    run = reopened(place, release_id, at)
    fold(place, run.id)
    of_sources, result = run.write(source_gate(run)), release_gate(run)
    # a source that is found out only now stands in the release: a rebuild would hold it, here it blocks
    left_out = [s["source_id"] for s in manifest_of(place, release_id)["sources"] if not s["taken"]]
    said = [from_fact(f) for r in (of_sources, result) for f in r.facts["verdicts"]]
    catalogue = load_catalogue(place).for_corpus(run.corpus)
    result.facts["blocked"] = blocked(catalogue, said, left_out)
    return run.write(result)


def approval_text(place: Place, release_id: str) -> str:
    """What a person is shown before signing (Markdown): figures, what is pending, waivers, every draw, the release. It
    says what `judge` found last and what the tables hold now: the same state, the same text.

    Raises:
        UserError: it was not judged for filing yet.
    """
    run_id = filing_run_id(release_id)
    rows: list[Mapping[str, Any]] = []
    for gate in ("source_gate", "release_gate"):
        rows += store.in_force(place, "control_result", f"run_id = {quoted(run_id)} AND gate = {quoted(gate)}")
    if not rows:
        raise UserError(f"{release_id} was not judged for filing yet: `corpusgate release judge {release_id}`.")
    opened = _run_of(place, release_id)
    decided, said = opened.result("decide"), manifest_of(place, release_id)["digests"]
    parent = decided.facts["parent"].get("filing") if decided else None
    now = digests(opened)
    changed = [name for name in ("code", "conf", "lexicon", "policy") if said.get(name) not in (None, now[name])]
    return "\n".join(approval_lines(place, release_id, parent, changed, rows)) + "\n"


def publish_to(place: Place, corpus: str, release_id: str, channel: str, at: datetime) -> StepResult:
    """Publishes the frozen release to `filing`: counts and judges again, demands the approvals, moves the pointer if
    the channel still shows the candidate's parent. Repeated it changes nothing.

    Raises:
        UserError: another corpus, no approval of what is there now, or what was approved is not what is there.
        CorpusgateError: a control blocks filing; the message names the first and what to do. StaleCandidate. LakeBusy.
    """
    from corpusgate.gates.reviewed import in_force_samples
    from corpusgate.release.job import publish

    if channel != "filing":
        raise UserError(f"Releases reach {channel} by a rebuild; `release file` publishes to filing.")
    if manifest_of(place, release_id)["corpus"] != corpus:
        raise UserError(f"{release_id} is no release of {corpus}.")
    begun = _begun(place, release_id, channel)
    if begun and current_release(place, corpus, channel) == release_id:
        facts = {"release_id": release_id, "channel": channel, "state": "unchanged"}
        because = f"Nothing changed: {channel} shows {release_id} already."
        kept = begun[0]["records"]
        return StepResult(
            step="publish", state="unchanged", unit="record", rows_in=kept, kept=kept, facts=facts, because=because
        )
    gate = judge(place, release_id, at)
    blocked = gate.facts["blocked"].get(channel, [])
    if blocked:
        raise CorpusgateError(
            f"{release_id} is not published to {channel}: blocked by {', '.join(blocked)}. "
            f"`corpusgate release approval {release_id}` says why, control by control, and what to do."
        )
    run = reopened(place, release_id, begun[0]["published_at"] if begun else at)  # one row, however often it was killed
    result = run.write(publish(run, channel))
    if result.state == "held":
        raise CorpusgateError(result.because)
    for sample in in_force_samples(place, release_id):
        forget(place, sample["sample_id"])  # texts that nobody needs any more
    return result


def _begun(place: Place, release_id: str, channel: str) -> list[dict[str, Any]]:
    """The row of a publication to this channel that has been written, whether or not the pointer was moved then."""
    if not (place.table("release") / "_delta_log").is_dir():
        return []
    where = f"release_id = {quoted(release_id)} AND channel = {quoted(channel)}"
    return store.read(place, "release", where=where).to_pylist()


def demand_approval(place: Place, release_id: str, channel: str) -> None:
    """Raises UserError unless every approval that the channel asks for is there, bound to this manifest and to what is
    shown now. `release.job.publish` calls it, so that no way leads around it."""
    needed = required(place, release_id, channel)
    if not needed:
        return
    now = text_sha256(approval_text(place, release_id))
    for one in needed:
        who = f"the role {one.role} ({', '.join(one.holders) or 'held by nobody'})"
        if one.given is None:
            raise UserError(
                f"{release_id} is not published to {channel}: no signoff by {who} for this manifest, and "
                "what Airflow says is no proof. "
                f"`corpusgate release signoff {release_id} --role {one.role} …` records one."
            )
        if not one.approved:
            raise UserError(f"{release_id} was rejected by {one.given['by']}: {one.given['because']}")
        if one.given["seen_sha256"] != now:
            raise UserError(
                f"{release_id} is not published to {channel}: what {one.given['by']} approved is not what is there now "
                f"(a verdict, a draw or a waiver changed since). Show `corpusgate release approval {release_id}` to "
                f"{who} and sign again."
            )
