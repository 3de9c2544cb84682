"""What a person's word about a scope binds to: a source's batch, a candidate's manifest, a corpus.

An attestation that bound to a name would outlive the data it speaks of (standard.md 6, second consequence).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from corpusgate.errors import UserError
from corpusgate.release.manifest import manifest_root
from corpusgate.release.verify import manifest_of
from corpusgate.settings.control import Control
from corpusgate.settings.place import Place


@dataclass(frozen=True, slots=True)
class Content:
    """The hash that the scope's content has `now`, and those it had in earlier runs."""

    now: str
    earlier: frozenset[str] = frozenset()
    about: str = ""


def content_of(place: Place, control: Control, scope: str, *, waiver: bool = False) -> Content:
    """The content that a word about `control` for `scope` binds to.

    A control of sources may be judged for the release too (`also_at`), so its waiver may name either.

    Raises:
        UserError: the scope is not of the kind that the control speaks of, or holds nothing yet.
    """
    binding = control.binding
    if binding == "corpus":
        if not (place.conf / "corpora" / f"{scope}.yaml").is_file() or "/" in scope:
            raise UserError(f"{control.clause} is said of a corpus: --scope is the stem of a file in conf/corpora.")
        return Content(scope, about="A word about a corpus binds to its id, and names a document by its hash.")
    if binding == "release":
        return _of_release(place, scope)
    if "/" not in scope and (place.conf / "sources" / f"{scope}.yaml").is_file():
        return _of_source(place, scope)
    if waiver and control.also_at:
        return _of_release(place, scope)
    raise UserError(f"{control.clause} is said of a source: --scope is the stem of a file in conf/sources.")


def _of_release(place: Place, scope: str) -> Content:
    return Content(manifest_root(manifest_of(place, scope)), about="That is the root of the release's manifest.")


def _of_source(place: Place, source_id: str) -> Content:
    batches = batches_of(place, source_id)
    if not batches:
        raise UserError(
            f"Nothing of {source_id} was taken in by any run yet, so there is no content to speak of. Attest it after "
            "a rebuild has collected it; until then the verdict is pending and blocks filing alone."
        )
    return Content(batches[-1], frozenset(batches[:-1]), "That is the source's batch: its acquisitions and how they "
                   "were read.")  # fmt: skip


def batches_of(place: Place, source_id: str) -> list[str]:
    """The source's batch in each run that took it in, the newest run last."""
    runs = []
    for path in place.runs.glob("*/run.json"):
        intake = path.with_name("intake.json")
        if intake.is_file():
            runs.append((_json(path.read_text("utf-8"))["at"], intake))
    found: list[str] = []
    for _, intake in sorted(runs):
        batch = _json(intake.read_text("utf-8"))["facts"].get("batches", {}).get(source_id)
        if batch:
            found = [b for b in found if b != batch] + [batch]
    return found


def _json(text: str) -> dict[str, Any]:
    return json.loads(text)
