"""The papers of a source by its kind (GB/T 45654-2025 4.1.3 b to d; 45652-draft 7.1 b): what is missing of them.

The licence step looks before anything is collected; the source gate judges what it found, and the records besides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.intake.register import effective, rows_of
from corpusgate.lake.run import write_atomically
from corpusgate.settings.papers import TOPICS, Commercial, Document
from corpusgate.settings.place import Place
from corpusgate.settings.source import Kind, Source

CONTROL: dict[Kind, str] = {
    "commercial": "45654-4-1-3-c", "user_input": "45654-4-1-3-d", "self_collected": "45654-4-1-3-b",
    "synthetic": "45652-draft-7-1-b",
}  # fmt: skip
_WORDS = {"source": "where the data come from", "quality": "their quality", "safety": "their safety"}


def papers(place: Place, source: Source, days: Collection[date], at: datetime) -> dict[str, Any] | None:
    """Facts about the papers of the source's kind: `control`, `missing` (in words, empty where all is there), and
    `register` (path and hash of the authorisations in force) for user input. None where the kind needs none.

    Args:
        days: days on which something of the source was acquired.
        at: the run's time.
    """
    control = CONTROL.get(source.kind)
    if control is None:
        return None
    if source.kind == "commercial":
        missing = _commercial(place, source.commercial, days, at.date())
    elif source.kind == "user_input":
        return {"control": control, **_user_input(place, source, at)}
    elif source.kind == "self_collected":
        missing = _collected(place, source)
    else:
        missing = _generated(place, source)
    return {"control": control, "missing": missing}


def _commercial(place: Place, said: Commercial | None, days: Collection[date], today: date) -> list[str]:
    if said is None:
        return ["no `commercial:` block names contract, commitments, proof and review"]
    documents = [said.contract, *said.commitments, *said.proof, *([said.review] if said.review else [])]
    missing = [fault for d in documents if (fault := standing(place, d))]
    contract = said.contract
    missing += [f"the contract {contract.number} was not in force on {d}, a day of collection"
                for d in sorted(days) if not contract.in_force(d)]  # fmt: skip
    if not contract.in_force(today):
        missing.append(f"the contract {contract.number} is not in force on {today}, the day of this run")
    if not contract.covers_training:
        missing.append(f"the contract {contract.number} does not cover training")
    for what, given in (("commitment", said.commitments), ("proof", said.proof)):
        about = {topic for one in given for topic in one.about}
        missing += [f"no {what} of the seller about {_WORDS[t]}" for t in TOPICS if t not in about]
    if said.review is None:
        missing.append("no review of our own of what the seller gave")
    elif not said.review.accepted:
        missing.append(f"our own review of {said.review.on} did not accept what the seller gave")
    elif said.review.on > today:
        missing.append(f"our own review is dated {said.review.on}, after this run")
    return missing


def _user_input(place: Place, source: Source, at: datetime) -> dict[str, Any]:
    said = source.user_input
    if said is None:
        return {"missing": ["no `user_input:` block names the service and its register of authorisations"]}
    path = _at(place, said.register_path)
    try:
        register = effective(rows_of(path.name, path.read_bytes()), at)
    except OSError as error:
        return {"missing": [f"the register {said.register_path} cannot be read: {error.strerror}"]}
    except UserError as error:
        return {"missing": [str(error)]}
    kept = place.raw_file(register.sha256)
    if not kept.is_file():
        write_atomically(kept, register.content.decode())
    return {"missing": [], "register": {"path": str(kept), "sha256": register.sha256, "keys": len(register.periods)}}


def _collected(place: Place, source: Source) -> list[str]:
    said = source.collection
    if said is None:
        return ["no `collection:` block says how, with what and by whom it was collected"]
    documents = [*([said.record] if said.record else []), *said.terms]
    missing = [fault for d in documents if (fault := standing(place, d))]
    if said.method == "crawled" and source.channel.type not in ("http",) and said.record is None:
        missing.append("crawled by another tool, and no `record:` holds the log of that crawl")
    return missing


def _generated(place: Place, source: Source) -> list[str]:
    said = source.generator
    documents = [d for d in (said.terms, said.prompts) if d] if said else []
    return [fault for d in documents if (fault := standing(place, d))]


def standing(place: Place, document: Document) -> str:
    """Why the document does not stand as it is declared; empty where it does."""
    try:
        content = _at(place, document.path).read_bytes()
    except OSError as error:
        return f"“{document.title}” ({document.path}) cannot be read: {error.strerror}"
    if (found := hashlib.sha256(content).hexdigest()) != document.sha256:
        return f"“{document.title}” ({document.path}) has SHA-256 {found}, {document.sha256} is declared"
    return ""


def _at(place: Place, path: str) -> Path:
    return Path(path) if Path(path).is_absolute() else place.home / path
