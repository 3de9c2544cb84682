"""Recording what a person vouches for or waives: a chained row, bound to content, with an end and a document's hash.

The row is judged by `attested.py` at the next gate; nothing here makes a verdict. A word is refused, not stored, when
it could never hold: another role than the control asks for, a waiver of what cannot be waived, content that is not
there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.attested import WAIVING_ROLE
from corpusgate.gates.binding import Content, content_of
from corpusgate.gates.documents import Document, document, keep
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.control import NEVER_WAIVED, Control
from corpusgate.settings.person import named_and_reasoned
from corpusgate.settings.place import Place
from corpusgate.settings.roles import load_roles

#: A waiver that lasts longer is no exception any more.
WAIVED_AT_MOST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Word:
    """What the person says. `document` is a file, or the SHA-256 of one that is recorded already; `binds_to` None: what
    `scope` holds now."""

    control: str
    scope: str
    statement: str
    by: str
    role: str
    document: str | None = None
    binds_to: str | None = None
    waive: bool = False
    until: datetime | None = None
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The row of `attestation`, whether it is new, and the control it speaks to."""

    row: dict[str, Any]
    fresh: bool
    control: Control


def attest(place: Place, word: Word, at: datetime, *, inbox: Path | None = None) -> Recorded:
    """Records the word under the lake's lease; the same word at the same time is recorded once.

    `inbox`: where `document` may lie, as a bare file name; None: anywhere this process can read.

    Raises:
        UserError: unknown control (those there are, are listed), a role that may not, a waiver that cannot be, content
            that is not there, a document that cannot be read. LakeBusy: a step of a rebuild is writing.
    """
    control = one_control(load_catalogue(place), word.control)
    row, found = prepared(place, control, word, at, inbox)
    with lease(place, f"attest {control.id}"):
        store.ensure_tables(place, ["attestation", "evidence_file"])
        if found is not None:
            keep(place, found, f"{control.clause}: {row['statement']}", at)
        fresh = store.append_new(place, "attestation", [row], f"attest {control.id}")
    written = store.read(place, "attestation", where=f"attestation_id = '{row['attestation_id']}'").to_pylist()[0]
    return Recorded(written, bool(fresh), control)


def one_control(catalogue: Catalogue, number: str) -> Control:
    """The one control that `number` (id, clause, old number) means.

    Raises:
        UserError: none, or several; the message lists them.
    """
    found = [catalogue[number]] if number in catalogue else list(catalogue.find(number))
    if len(found) == 1:
        return found[0]
    listed = "; ".join(f"{c.id} ({c.clause}, {c.title})" for c in found)
    raise UserError(f"{number!r} can mean {len(found)} controls; name one by its id: {listed}.")


def prepared(
    place: Place, control: Control, word: Word, at: datetime, inbox: Path | None
) -> tuple[dict[str, Any], Document | None]:
    """The row and the document, everything checked; writes nothing."""
    by, statement = named_and_reasoned(word.by, word.because if word.waive and word.because else word.statement)
    if word.waive:
        _may_be_waived(control, word, at)
    elif control.mode == "computed":
        raise UserError(
            f"{control.clause} ({control.id}) is computed from the data: there is nothing to attest. "
            + ("It can be waived: --waive --until DATE --because WHY." if control.waivable else "")
        )
    _speaks_for(place, control, word, by)
    content = content_of(place, control, word.scope, waiver=word.waive)
    found = document(place, word.document, inbox) if word.document else None
    if found is None and not word.waive:
        raise UserError("--document is missing: an attestation rests on a document that an assessor can ask for.")
    return _row(control, word, by, statement, _bound(content, word), found, at), found


def _may_be_waived(control: Control, word: Word, at: datetime) -> None:
    if not control.waivable:
        never = ", ".join(NEVER_WAIVED)
        raise UserError(f"{control.clause} ({control.id}) cannot be waived; neither can any part of {never}. "
                        f"Do this instead: {control.next_act}")  # fmt: skip
    if word.until is None or not word.because:
        raise UserError("A waiver names its end and its reason: --until DATE --because WHY.")
    if not at < word.until <= at + WAIVED_AT_MOST:
        raise UserError(f"--until {word.until:%Y-%m-%d} is not within the year after {at:%Y-%m-%d}.")


def _speaks_for(place: Place, control: Control, word: Word, by: str) -> None:
    asked = WAIVING_ROLE if word.waive else control.attestation_role
    if word.role != asked:
        what = "A waiver is given" if word.waive else f"{control.clause} ({control.id}) is attested"
        raise UserError(f"{what} by the role {asked}, not by {word.role!r}: --role {asked}, by a person who holds it.")
    load_roles(place).check(by, word.role)


def _bound(content: Content, word: Word) -> str:
    if word.binds_to is None or word.binds_to == content.now:
        return content.now
    if word.binds_to in content.earlier:
        raise UserError(
            f"--binds-to {word.binds_to} is what {word.scope} held earlier; now it is {content.now}. Look at that and "
            "attest it: words about other content do not count."
        )
    raise UserError(f"--binds-to {word.binds_to!r} is no content of {word.scope}: it is {content.now}. {content.about}")


def _row(
    control: Control, word: Word, by: str, statement: str, binds_to: str, found: Document | None, at: datetime
) -> dict[str, Any]:
    ends = [word.until] if word.until else []
    if control.expires_days is not None and not word.waive:
        ends.append(at + timedelta(days=control.expires_days))
    row: dict[str, Any] = {
        "control_id": control.id, "scope": word.scope, "statement": statement, "by": by, "role": word.role, "at": at,
        "document_sha256": found.sha256 if found else None, "binds_to": binds_to,
        "expires_at": min(ends, default=None), "waiver": word.waive, "because": (word.because or "").strip(),
    }  # fmt: skip
    if row["expires_at"] is not None and row["expires_at"] <= at:
        raise UserError(f"--until {row['expires_at']:%Y-%m-%d} has passed: it would hold for no run.")
    return {"attestation_id": _id(row), **row}


def _id(row: Mapping[str, Any]) -> str:
    """Sixteen hex digits over everything that is said: the same word twice is one row."""
    said = "\0".join(str(row[k]) for k in sorted(row))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def inbox_of(place: Place) -> Path:
    """Where documents lie that are attested through Airflow: its form cannot carry a file, and may not name any."""
    return Path(os.environ.get("CORPUSGATE_DOCUMENTS") or place.var / "documents")
