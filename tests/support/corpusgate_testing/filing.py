"""Two releases that wait for people in one lake, in whose catalogue only reviews keep a release from filing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from corpusgate.lake import store
from corpusgate.release.manifest import candidate_folder
from corpusgate.review.draw import MANUAL
from corpusgate.settings.place import Place
from corpusgate_testing.gates import HOME
from corpusgate_testing.review import Room, waiting

#: Items of each release: four sources of these many records.
RECORDS = 8
ITEMS = 4 * RECORDS


def two_releases(folder: Path) -> tuple[Room, Room]:
    """Two rooms over one lake: the same records, another manifest and draw; nobody has the samples yet."""
    first = waiting(folder / "first", RECORDS)
    second = waiting(folder / "second", RECORDS, manifest={"seed": "t"})
    shutil.copy(HOME / "conf" / "roles.yaml", first.place.conf / "roles.yaml")
    for table in ("release_record", "sample", "sample_item"):
        rows = store.read(second.place, table).to_pylist()
        store.append_new(first.place, table, rows, "second")
    return first, _moved(second, first.place)


def only_reviews_block(place: Place) -> None:
    """Takes the word `filing` out of every control's `blocks` but that of the manual sample."""
    for path in (place.conf / "controls").glob("*.yaml"):
        text = path.read_text("utf-8")
        if path.stem == MANUAL:
            continue
        plain = re.sub(r"(?m)^blocks:.*\n", "", text)
        blocks = "[trial]" if re.search(r"(?m)^blocks:.*\btrial\b", text) else "[]"
        path.write_text(f"{plain.rstrip()}\nblocks: {blocks}\n", "utf-8")


def _moved(room: Room, to: Place) -> Room:
    """The room's candidate and the results behind it, in another lake, under a run of its own."""
    run_id, frozen = "run-2", candidate_folder(to, room.release)
    shutil.copytree(candidate_folder(room.place, room.release), frozen)
    about: dict[str, Any] = json.loads((frozen / "run.json").read_text())
    (frozen / "run.json").write_text(json.dumps(about | {"run_id": run_id}))
    shutil.copytree(room.run.folder, to.runs / run_id)
    (to.runs / run_id / "run.json").write_text(json.dumps(about | {"run_id": run_id, "corpus": "test"}))
    moved = type(room.run)(run_id, room.run.corpus, room.run.at, to)
    return Room(moved, room.release, room.sample)
