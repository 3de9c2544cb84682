"""A sample that waits for people: a small lake with a frozen candidate, its manifest, roles and a drawn sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from corpusgate.decide.rules import apply_masks, parse_mask_set, text_sha256
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.release.digests import canonical
from corpusgate.release.manifest import candidate_folder, manifest_root, release_id
from corpusgate.review.assignments import assign, record, tasks
from corpusgate.review.desk import desk, drawn_of
from corpusgate.review.draw import MANUAL, Draw, item_rows, place_in_draw, sample_id, sample_row
from corpusgate.review.journal import Verdict
from corpusgate.settings.place import Place
from corpusgate_testing.gates import AT, RUN_ID, TABLES, VERSIONS, Lake, clean_lake

#: Who holds which role; `mia` annotates under another name.
ROLES: dict[str, Any] = {
    "users": {
        "lead": ["lead", "reviewer"], "ann": ["reviewer"], "ben": ["reviewer"], "mia": ["reviewer"],
        "officer": ["counsel"], "engineer": [],
    },
    "annotates_as": {"mia": ["e7"]},
}  # fmt: skip


@dataclass(frozen=True)
class Room:
    """The lake, the run that froze the candidate, its id and the id of its sample for people."""

    run: Run
    release: str
    sample: str

    @property
    def place(self) -> Place:
        """Where it lies."""
        return self.run.place

    def give(self, *people: str) -> None:
        """Gives the sample to these people."""
        assign(self.place, self.sample, people, "lead", AT)

    def says(
        self, who: str, ordinal: int, verdict: str = "good", risks: Sequence[str] = (), *, late: int = 0
    ) -> Verdict:
        """What somebody would say of the item with this number."""
        item = drawn_of(self.place, self.sample).items[ordinal - 1]
        return Verdict(
            self.sample, item["record_id"], item["released_sha256"], who, verdict,  # ty: ignore[invalid-argument-type]
            tuple(risks), "", AT + timedelta(minutes=late), 4.2,
        )  # fmt: skip

    def judge_all(self, people: Sequence[str], bad: Callable[[int], bool] = lambda ordinal: False) -> int:
        """Everybody judges what is his or hers until nothing is open; returns how many verdicts that took."""
        said = 0
        while True:
            mine = [(p, t) for p in people for t in tasks(desk(self.place, self.sample), p) if t.mine is None]
            if not mine:
                return said
            for person, task in mine:
                verdict = self.says(person, task.ordinal, "bad" if bad(task.ordinal) else "good", late=said)
                record(self.place, verdict)
                said += 1


def waiting(
    folder: Path,
    records: int = 10,
    *,
    share: float = 0.0,
    change: Callable[[Lake], None] = lambda lake: None,
    manifest: Mapping[str, Any] | None = None,
) -> Room:
    """A room with one sample of all records (four sources of `records`), `share` of it judged twice."""
    lake = clean_lake(records)
    lake.policy["review_double_share"] = share
    change(lake)
    about = {
        "format": "corpusgate-manifest/1", "corpus": "test", "detectors": VERSIONS, "seed": "s", "samples": [],
        "leaves": {"root": "0" * 64, "count": 4 * records, "buckets": []}, "digests": {"conf": "0" * 64},
        "counts": {"by_outcome": {"kept": 4 * records, "removed": 0, "errored": 0}, "by_rule": {}, "by_source": {}},
        "sources": [{"source_id": s, "kind": k[0], "taken": True, "parts": []} for s, k in lake.sources.items()],
        **(manifest or {}),
    }  # fmt: skip
    name = release_id(about)
    for row in lake.rows["release_record"]:
        row["release_id"] = name
    kept = sorted(lake.rows["release_record"], key=lambda r: place_in_draw(f"s/{MANUAL}", r["record_id"]))
    one = Draw(MANUAL, "manual review", "text", f"s/{MANUAL}", len(kept), len(kept), "0" * 64)
    lake.rows["sample"] = [sample_row(name, one, "document", AT)]
    lake.rows["sample_item"] = item_rows(name, one, [(r["record_id"], r["released_sha256"]) for r in kept])
    lake.result("decide").facts.update(release_id=name, manifest_root=manifest_root(about))
    more = {t: lake.rows.pop(t) for t in [t for t in lake.rows if t not in TABLES]}
    run = lake.write(folder)
    store.ensure_tables(run.place)
    for table, found in more.items():
        store.append_new(run.place, table, found, RUN_ID)
    (run.place.conf / "roles.yaml").write_text(json.dumps(ROLES), "utf-8")
    frozen = candidate_folder(run.place, name)
    frozen.mkdir(parents=True)
    (frozen / "manifest.json").write_bytes(canonical(about))
    (frozen / "run.json").write_text(json.dumps({"run_id": RUN_ID, "at": AT.isoformat()}))
    return Room(run, name, sample_id(name, one))


def retold(lake: Lake, record: Mapping[str, Any], text: str, masks: str = "") -> str:
    """Gives a record another text, released with these masks; returns the hash of what is released."""
    document = lake.text_of(record)
    kept = next(r for r in lake.rows["release_record"] if r["record_id"] == record["record_id"])
    digest = text_sha256(text)
    for row in (document, record, kept):
        row["text_sha256"] = digest  # ty: ignore[invalid-assignment]
    document["text"] = text
    kept["mask_set"] = masks
    kept["released_sha256"] = text_sha256(apply_masks(text, parse_mask_set(masks)))
    return kept["released_sha256"]


def at(hours: float) -> datetime:
    """The run's time and some hours."""
    return AT + timedelta(hours=hours)
