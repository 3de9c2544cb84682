"""A small annotated corpus in memory: rows of each table that a test may change, then judged as they are or written as
Delta tables. Two executors, a reviewer, an arbitrator, a supervisor and a verifier; one batch of each kind. Everything
that is computed passes, but for the 200 items a risk, which is a should."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from corpusgate.annotation.case import Case, case
from corpusgate.annotation.model import REGISTERS_OF_BATCHES, REGISTERS_OF_PEOPLE, TABLE_OF, Facts, batch_id
from corpusgate.gates.annotation_figures import figures_of
from corpusgate.gates.figures import Figure
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.model import RISKS
from corpusgate.settings.place import Place
from corpusgate_testing.gates import HOME, sha

#: The run's time; the work was done in the days before.
AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DRAWN, LABELLED = datetime(2026, 2, 1, 1, 0, tzinfo=UTC), datetime(2026, 2, 3, 1, 0, tzinfo=UTC)
REVIEWED, VERIFIED = LABELLED + timedelta(days=1), LABELLED + timedelta(days=2)
#: When something more is done: corrections, a second round.
LATER = LABELLED + timedelta(days=5)
EXECUTORS, REVIEWER, ARBITRATOR, SUPERVISOR, VERIFIER = ("e1", "e2"), "r1", "j1", "s1", "v1"
PEOPLE: dict[str, str] = {
    "e1": "executor", "e2": "executor", "r1": "reviewer", "j1": "arbitrator", "s1": "supervisor", "v1": "reviewer",
}  # fmt: skip
CORPUS = "test"
#: Fails on the clean corpus already: a should, and the corpus is small.
SHORT = "45674-8-1-a-volume"

HOLDS_DAYS = 365


def catalogue() -> Catalogue:
    """The catalogue of this checkout."""
    return load_catalogue(Place(HOME, HOME / "conf", HOME / "lake", HOME / "var"))


@dataclass
class Annotated:
    """The rows of each annotation table; both kinds of annotations in `annotations`, where they stand in `table_of`."""

    batches: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    table_of: dict[str, str] = field(default_factory=dict)
    registers: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {name: [] for name in (*REGISTERS_OF_PEOPLE, *REGISTERS_OF_BATCHES)}
    )
    roles: dict[str, str] = field(default_factory=dict)
    released: frozenset[str] | None = None

    def batch(self, kind: str) -> str:
        """Id of the first batch of a kind."""
        return next(b["batch_id"] for b in self.batches if b["kind"] == kind)

    def records(self, kind: str) -> list[str]:
        """The records of that batch, in its order."""
        return [i["record_id"] for i in self.items if i["batch_id"] == self.batch(kind)]

    def labels(self, kind: str, number: int = 0) -> list[dict[str, Any]]:
        """The annotations of an item of that batch."""
        task = (self.batch(kind), self.records(kind)[number])
        return [a for a in self.annotations if (a["batch_id"], a["record_id"]) == task]

    def of(self, register: str, kind: str, number: int = 0) -> list[dict[str, Any]]:
        """The rows of a register about an item of that batch."""
        task = (self.batch(kind), self.records(kind)[number])
        return [r for r in self.registers[register] if (r["batch_id"], r["record_id"]) == task]

    def person(self, register: str, who: str) -> list[dict[str, Any]]:
        """The rows of a register about a person."""
        return [r for r in self.registers[register] if r["annotator_id"] == who]

    def remove(self, register: str, rows: Iterable[dict[str, Any]]) -> None:
        """Takes rows out of a register."""
        gone = [id(r) for r in rows]
        self.registers[register] = [r for r in self.registers[register] if id(r) not in gone]

    def facts(self) -> Facts:
        """As the gate reads them."""
        return Facts(
            CORPUS, self.batches, self.items, self.annotations, self.table_of, self.registers, self.roles, self.released
        )

    def case(self) -> Case:
        """As the gate asks them."""
        return case(self.facts(), AT, HOLDS_DAYS, catalogue()["45674-8-3-c"].holds)

    def figures(self) -> list[Figure]:
        """All figures of the annotation gate."""
        return figures_of(self.case(), catalogue(), "test-annotation")

    def failing(self) -> set[str]:
        """Controls of which a measured figure does not meet its bound, or has nothing to be measured on."""
        controls = catalogue()
        broken = set()
        for figure in self.figures():
            if figure.state == "measured" and (
                not figure.n or figure.value is None or not controls[figure.control_id].holds(figure.value)
            ):
                broken.add(figure.control_id)
        return broken

    def write(self, place: Place) -> None:
        """Writes the rows as tables."""
        from corpusgate.annotation.facts import ensure
        from corpusgate.lake import store

        ensure(place)
        tables = {"annotation_batch": self.batches, "annotation_batch_item": self.items, **self.registers}
        for table in TABLE_OF.values():
            tables[table] = [a for a in self.annotations if self.table_of[a["annotation_id"]] == table]
        for name, rows in tables.items():
            if rows:
                store.append_new(place, name, rows, "test")


def clean(functional: int = 20, safe: int = 9, per_risk: int = 1, per: int = 2) -> Annotated:
    """A functional batch of so many items, and a safety batch of `per_risk` items a risk and `safe` ones without; each
    labelled by the first `per` executors, reviewed, and two items a batch verified by hand."""
    made = Annotated()
    _people(made)
    labels = [("good", []) for _ in range(functional)]
    add_batch(made, "functional", labels, executors=EXECUTORS[:per])
    risky = [(risk, [risk]) for risk in RISKS for _ in range(per_risk)]
    add_batch(made, "safety", [*risky, *(("none", []) for _ in range(safe))], executors=EXECUTORS[:per])
    return made


def add_batch(
    made: Annotated,
    kind: str,
    labels: list[tuple[str, list[str]]],
    *,
    executors: tuple[str, ...] = EXECUTORS,
    prefix: str = "",
    verified: int = 2,
) -> str:
    """Adds a batch whose items have these labels and risks, done by the book; returns its id."""
    records = [sha("record", prefix + kind, n) for n in range(len(labels))]
    name = batch_id(records, "v1", kind)
    made.batches.append({
        "batch_id": name, "corpus": CORPUS, "name": f"{prefix}{kind}", "kind": kind, "rule_version": "v1", "draw": 1,
        "items": len(records), "frame": "texts", "seed": "s", "drawn_at": DRAWN, "origin": "export",
    })  # fmt: skip
    for n, (record, (label, risks)) in enumerate(zip(records, labels, strict=True), 1):
        task = {"corpus": CORPUS, "batch_id": name, "record_id": record}
        made.items.append({
            "batch_id": name, "record_id": record, "ordinal": n, "text_sha256": sha("text", record),
            "shown_sha256": sha("text", record), "gold_label": None, "gold_risks": None,
        })  # fmt: skip
        for who in executors:
            add_label(made, kind, task, who, label, risks)
            made.registers["assignment"].append(task | {
                "annotator_id": who, "role": "executor", "assigned_at": DRAWN, "assigned_by": "lead",
            })  # fmt: skip
        made.registers["approval"].append(approval(task))
    for record in records[:verified]:
        made.registers["verification"].append(verification({"corpus": CORPUS, "batch_id": name, "record_id": record}))
    for role in ("executor", "reviewer"):
        made.registers["supervision"].append({
            "corpus": CORPUS, "batch_id": name, "role": role, "supervisor_id": SUPERVISOR,
            "supervised_on": VERIFIED.date(), "sampled": 2, "findings": "none", "handled": "none",
        })  # fmt: skip
    return name


def add_label(
    made: Annotated,
    kind: str,
    task: dict[str, Any],
    who: str,
    label: str,
    risks: list[str],
    *,
    round: int = 1,
    at: datetime = LABELLED,
) -> dict[str, Any]:
    """Adds one annotation; returns its row."""
    name = sha("annotation", task["batch_id"], task["record_id"], who, round)[:32]
    row = task | {
        "annotation_id": name, "text_sha256": sha("text", task["record_id"]), "kind": kind, "round": round,
        "rule_version": "v1", "annotator_id": who, "label": label, "risks": risks, "state": "submitted",
        "is_gold": False, "is_machine": False, "decided_from": at, "decided_at": at, "lead_time_s": 5.0,
        "degraded": False,
    }  # fmt: skip
    made.annotations.append(row)
    made.table_of[name] = TABLE_OF[kind]
    return row


def approval(task: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A row of `approval`."""
    when = changed.pop("at", REVIEWED)
    parts = (task["batch_id"], task["record_id"], sorted(map(str, changed.items())), when)
    given = {
        "approval_id": sha("approval", *parts)[:32],
        "annotation_id": None, "reviewer_id": REVIEWER, "decision": "approve", "label": None, "reason": None,
        "reviewed_from": when, "reviewed_at": when,
    }  # fmt: skip
    return task | given | changed


def verification(task: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A row of `verification`: by hand, from outside the batch, nothing found."""
    given = {
        "verification_id": sha("verification", task["batch_id"], task["record_id"], sorted(map(str, changed)))[:32],
        "verifier_id": VERIFIER, "method": "manual", "verified_at": VERIFIED, "result": "pass", "problems": "none",
        "measures": "none", "understanding": "pass", "agreement": "not_applicable", "language_quality": "pass",
        "risks": [], "defects": [],
    }  # fmt: skip
    return task | given | changed


def correction(task: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A row of `correction` with all six fields."""
    given = {
        "correction_id": sha("correction", task["batch_id"], task["record_id"])[:32], "original_annotator_id": "e1",
        "corrector_id": "e2", "old_content": "good", "new_content": "bad", "old_at": LABELLED, "new_at": LATER,
    }  # fmt: skip
    return task | given | changed


def _people(made: Annotated) -> None:
    for who, role in PEOPLE.items():
        start = date(2026, 1, 10)
        made.registers["annotator"].append({"annotator_id": who, "organisation": "test", "left_on": None})
        made.registers["annotator_role"].append(
            {"annotator_id": who, "role": role, "valid_from": start, "valid_to": None}
        )
        made.registers["exam"].append({
            "exam_id": f"x-{who}", "annotator_id": who, "kind": "both", "rule_version": "v1",
            "taken_on": date(2026, 1, 9), "method": "written", "topics": ["law"], "score": 95.0, "passed": True,
        })  # fmt: skip
        made.registers["qualification"].append({
            "annotator_id": who, "kind": "both", "state": "granted", "exam_id": f"x-{who}", "valid_from": start,
            "valid_to": None, "because": None,
        })  # fmt: skip
    for kind in ("functional", "safety"):
        made.registers["rule_document"].append({
            "kind": kind, "rule_version": "v1", "valid_from": date(2026, 1, 1), "valid_to": None,
            "document_sha256": "d" * 64, "covers_execution": True, "covers_review": True, "material": True,
            "risks": list(RISKS) if kind == "safety" else [],
        })  # fmt: skip


def task_of(row: dict[str, Any]) -> dict[str, Any]:
    """The task that a row is about, as other rows name it."""
    return {name: row[name] for name in ("corpus", "batch_id", "record_id")}


def file(folder: Path, name: str, text: str) -> Path:
    """Writes a file of a test."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path
