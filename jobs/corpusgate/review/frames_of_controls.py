"""What an assessor draws from, control by control (45654-2025 Annex B, 45652-draft 8): frames over the lake's tables.

A frame is a query with the columns `record_id` (the item's id: a record, a source, an acquisition, a task),
`released_sha256` (the hash of what was drawn, so that a later change shows) and `stratum`. It depends on the release
alone, so that anybody can draw from it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from corpusgate.banks.facts import in_force, slices
from corpusgate.errors import UserError
from corpusgate.gates.figures import quoted, version_of
from corpusgate.lake.dialect import Engine, joined, one_of, sha256
from corpusgate.release.manifest import candidate_folder
from corpusgate.release.verify import manifest_of
from corpusgate.settings.bank import QUESTIONS, BankKind
from corpusgate.settings.load import load_corpus
from corpusgate.settings.model import PERSONAL, SENSITIVE
from corpusgate.settings.place import Place


@dataclass(frozen=True, slots=True)
class Frame:
    """`sql` gives `record_id, released_sha256, stratum`; `unit` says what an item is. `details` is SQL that gives
    `record_id` and columns to show beside it; records have none: their text is shown."""

    name: str
    unit: str
    sql: str
    tables: tuple[str, ...]
    details: str = ""

    @property
    def of_records(self) -> bool:
        """Whether its items are released records, which have a text."""
        return self.unit == "record"


@dataclass(frozen=True, slots=True)
class Of:
    """The release that frames are about: its sources by kind, detectors, the run that froze it, the banks that were in
    force then (kind -> SQL condition over entries), and the engine in whose SQL frames are said (`details` never)."""

    release_id: str
    corpus: str
    kinds: Mapping[str, str]
    detectors: Mapping[str, str]
    run_id: str
    at: datetime
    banks: Mapping[BankKind, str] = field(default_factory=dict)
    engine: Engine = "datafusion"

    def of_kind(self, kind: str) -> list[str]:
        """Sources of this kind that gave to the release."""
        return sorted(s for s, k in self.kinds.items() if k == kind)


def about(place: Place, release_id: str, engine: Engine = "datafusion") -> Of:
    """What frames must know of a release or candidate.

    Raises:
        UserError: there is none of this id.
    """
    manifest = manifest_of(place, release_id)
    run = json.loads((candidate_folder(place, release_id) / "run.json").read_text("utf-8"))
    kinds = {s["source_id"]: s["kind"] for s in manifest["sources"] if s["taken"]}
    at = datetime.fromisoformat(run["at"])
    named = in_force(place, load_corpus(place, manifest["corpus"]).banks, at)
    banks = {kind: slices([f for f in named if f.bank.kind == kind]) for kind in QUESTIONS}
    return Of(release_id, manifest["corpus"], kinds, manifest["detectors"], run["run_id"], at, banks, engine)


def _records(of: Of, name: str, condition: str = "true", stratum: str = "''", also: tuple[str, ...] = ()) -> Frame:
    sql = (
        f"SELECT k.record_id, k.released_sha256, {stratum} AS stratum FROM release_record k "
        f"WHERE k.release_id = {quoted(of.release_id)} AND {condition}"
    )
    return Frame(name, "record", sql, ("release_record", *also))


def _every(of: Of) -> Frame:
    return _records(of, "released records")


def _by_kind(of: Of) -> Frame:
    kinds = " ".join(f"WHEN {quoted(s)} THEN {quoted(k)}" for s, k in sorted(of.kinds.items()))
    stratum = f"CASE k.source_id {kinds} END" if kinds else "''"
    return _records(of, "released records by kind of source", stratum=stratum)


def _of_kind(kind: str, of: Of) -> Frame:
    return _records(of, f"released records of kind {kind}", one_of("k.source_id", of.of_kind(kind)))


def _personal(name: str, risks: tuple[str, ...], of: Of) -> Frame:
    """Records whose text, as it was found, holds such information by the filter or by the second patterns: masked or
    not, it is this data that needs a basis."""
    seen = " OR ".join(
        f"(detector = {quoted(d)} AND version IN ({version_of(d, of.detectors)}))"
        for d in ("personal_information", "pi_check")
    )
    texts = f"SELECT text_sha256 FROM finding WHERE risk IN ({', '.join(map(quoted, risks))}) AND ({seen})"
    return _records(of, name, f"k.text_sha256 IN ({texts})", also=("finding",))


def _generated(of: Of) -> Frame:
    made = "SELECT record_id FROM record WHERE coalesce(generator, '') <> ''"
    condition = f"(k.record_id IN ({made}) OR {one_of('k.source_id', of.of_kind('synthetic'))})"
    return _records(of, "released records made by machines", condition, also=("record",))


def _assessments(control_id: str, of: Of) -> Frame:
    """The assessments of sources in the run that froze the release: one row a source that was measured."""
    run = f"run_id = {quoted(of.run_id)} AND gate = 'source_gate'"
    where = (
        f"{run} AND control_id = {quoted(control_id)} AND half = 'computed' AND n IS NOT NULL "
        f"AND attempt = (SELECT max(attempt) FROM control_result WHERE {run})"
    )
    sql = (
        f"SELECT scope_id AS record_id, row_sha256 AS released_sha256, '' AS stratum FROM control_result WHERE {where}"
    )
    details = (
        "SELECT scope_id AS record_id, figure AS share, k, n, verdict, because, judged_at, row_sha256 "
        f"FROM control_result WHERE {where}"
    )
    return Frame(f"assessments of sources, {control_id}", "source", sql, ("control_result",), details)


def _licences(of: Of) -> Frame:
    """Open-source sets, each with the licences that were in force for its parts when the release was frozen."""
    latest = (
        "SELECT *, row_number() OVER (PARTITION BY source_id, part ORDER BY recorded_at DESC) AS newest "
        f"FROM licence_period WHERE verdict IS NOT NULL AND {one_of('source_id', of.of_kind('open_source'))} "
        f"AND recorded_at <= TIMESTAMP {quoted(of.at.isoformat())}"
    )
    said = "concat_ws('|', part, coalesce(declared, ''), coalesce(concluded, ''), coalesce(text_sha256, ''), verdict)"
    shown = "concat(part, ': ', coalesce(concluded, declared, 'none'), ' (', coalesce(read_from, 'nowhere'), ')')"
    digest = sha256(of.engine, joined(of.engine, said))
    of_set = f"FROM ({latest}) AS l WHERE newest = 1 GROUP BY source_id"
    return Frame(
        "open-source data sets", "source",
        f"SELECT source_id AS record_id, {digest} AS released_sha256, '' AS stratum {of_set}", ("licence_period",),
        f"SELECT source_id AS record_id, string_agg({shown}, '; ' ORDER BY part) AS licences, "
        f"min(verdict) AS verdict {of_set}",
    )  # fmt: skip


def _transactions(of: Of) -> Frame:
    """Deliveries of commercial sources: what was acquired until the release was frozen."""
    where = (
        f"FROM acquisition WHERE {one_of('source_id', of.of_kind('commercial'))} "
        f"AND fetched_at <= TIMESTAMP {quoted(of.at.isoformat())}"
    )
    return Frame(
        "commercial transactions", "acquisition",
        f"SELECT acquisition_id AS record_id, sha256 AS released_sha256, '' AS stratum {where}", ("acquisition",),
        f"SELECT acquisition_id AS record_id, source_id, name, purl, fetched_at, bytes {where}",
    )  # fmt: skip


def _tasks(of: Of) -> Frame:
    """Annotation tasks: an item of a batch, with everybody who was given it, in which role."""
    task, who = "concat(batch_id, '/', record_id)", "concat(role, ' ', annotator_id)"
    where = f"FROM assignment WHERE corpus = {quoted(of.corpus)} GROUP BY batch_id, record_id"
    digest = sha256(of.engine, joined(of.engine, who))
    return Frame(
        "assignments and execution logs", "task",
        f"SELECT {task} AS record_id, {digest} AS released_sha256, '' AS stratum {where}", ("assignment",),
        f"SELECT {task} AS record_id, string_agg({who}, '; ' ORDER BY {who}) AS people {where}",
    )  # fmt: skip


def _questions(kind: BankKind, of: Of) -> Frame:
    """The questions of the banks of a kind, in the versions that were in force when the release was frozen."""
    item = "concat(bank_id, '/', question_id)"
    where = f"FROM question WHERE {of.banks.get(kind, 'FALSE')}"
    digest = sha256(of.engine, "text")
    return Frame(
        f"questions, {kind}", "question",
        f"SELECT {item} AS record_id, {digest} AS released_sha256, '' AS stratum {where}", ("question",),
        f"SELECT {item} AS record_id, text, array_to_string(risks, ' ') AS filed_to, "
        f"array_to_string(aspects, ' ') AS aspects, language, modality {where}",
    )  # fmt: skip


#: Control -> its frame. Of 4.2.1 the samples are drawn when the candidate is frozen (`review/draw.py`).
FRAMES: dict[str, Callable[[Of], Frame]] = {
    "45654-4-1-1-a": partial(_assessments, "45654-4-1-1-a"),
    "45654-4-1-1-b": partial(_assessments, "45654-4-1-1-b"),
    "45654-4-1-3-a": _licences,
    "45654-4-1-3-b": partial(_of_kind, "self_collected"),
    "45654-4-1-3-c": _transactions,
    "45654-4-1-3-d": partial(_of_kind, "user_input"),
    "45654-4-2-3-a": partial(_personal, "released records with personal information", PERSONAL),
    "45654-4-2-3-b": partial(_personal, "released records with sensitive personal information", SENSITIVE),
    "45654-4-3-1-c": _tasks,
    "45654-5-2-a-manual": partial(_questions, "generated_content"),
    "45654-5-2-a-technical": partial(_questions, "generated_content"),
    "45654-b-2-2-2-d-refuse": partial(_questions, "should_refuse"),
    "45654-b-2-2-2-d-answer": partial(_questions, "should_not_refuse"),
    "45652-draft-6-2-a": _by_kind,
    "45652-draft-6-2-b": _by_kind,
    "45652-draft-6-2-c": _by_kind,
    "45652-draft-6-3-c": _every,
    "45652-draft-7-2-b": _generated,
    "45652-draft-7-2-d": _generated,
    "45652-draft-7-3-b": _generated,
}
#: The frame of a further draw from all released records (`Draw.whole`).
EVERY = "released records"


def frame_of(of: Of, control_id: str, name: str | None = None) -> Frame:
    """The frame of a control in a release; `name`: the one that a sample was drawn from.

    Raises:
        UserError: nothing is drawn for the control.
    """
    if name == EVERY:
        return _every(of)
    if control_id not in FRAMES:
        raise UserError(f"No assessor draws anything for {control_id}; those with a draw: {', '.join(sorted(FRAMES))}.")
    return FRAMES[control_id](of)


def stratified(frame: Frame, stratum: str) -> str:
    """SQL: the rows of one stratum of a frame, in brackets, to be drawn from."""
    return f"(SELECT record_id, released_sha256 FROM ({frame.sql}) AS f WHERE stratum = {quoted(stratum)})"


def closer(sample_id: str) -> Frame:
    """The frame of the items that are looked at closely: those of a sample."""
    sql = f"SELECT record_id, released_sha256, '' AS stratum FROM sample_item WHERE sample_id = {quoted(sample_id)}"
    return Frame(f"sample_item of {sample_id}", "record", sql, ("sample_item",))


def kinds_there(of: Of) -> str:
    """The kinds of source that the release has, for a message."""
    return ", ".join(sorted(set(of.kinds.values()))) or "none"
