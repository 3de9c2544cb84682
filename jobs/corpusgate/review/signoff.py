"""A person's signature under a release for a channel: bound to the manifest's root and to what the person was shown.

Airflow's state proves nothing (whoever runs it can set it); this row does: publishing to `filing` asks for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.lease import lease
from corpusgate.release.manifest import manifest_root
from corpusgate.release.verify import manifest_of
from corpusgate.settings.person import named_and_reasoned
from corpusgate.settings.place import Place
from corpusgate.settings.roles import Role, load_roles

DECISIONS = ("approve", "reject")


@dataclass(frozen=True, slots=True)
class Needed:
    """A role whose approval a channel asks for, who may give it, and the row of `signoff` in force (None: nobody
    has)."""

    role: Role
    holders: tuple[str, ...]
    given: dict[str, Any] | None

    @property
    def approved(self) -> bool:
        """Whether the newest word of the role is an approval."""
        return self.given is not None and self.given["decision"] == "approve"


def sign_off(
    place: Place, release_id: str, channel: str, by: str, role: str, decision: str, seen_sha256: str, because: str,
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Records the decision about the release, as it is now; returns the row. Said again it is one row.

    `seen_sha256`: SHA-256 of the text that the person was shown (`filing.approval_text`, `text_sha256`).

    Raises:
        UserError: no such release; a role that the channel does not ask for or that the person does not hold; no
            decision, reason or hash. LakeBusy.
    """
    root = manifest_root(manifest_of(place, release_id))
    by, because = named_and_reasoned(by, because)
    roles = load_roles(place)
    asked: Sequence[str] = roles.signoff.get(channel, ())
    if role not in asked:
        raise UserError(f"The channel {channel} is signed by the role {', '.join(asked) or 'of nobody'}, not {role!r}.")
    roles.check(by, role)
    if decision not in DECISIONS:
        raise UserError(f"The decision is {' or '.join(DECISIONS)}, not {decision!r}.")
    if not re.fullmatch(r"[0-9a-f]{64}", seen_sha256):
        raise UserError("A signature names what was seen, by its SHA-256 (64 hex digits).")
    said = {
        "release_id": release_id, "channel": channel, "manifest_root": root, "by": by, "role": role, "at": at,
        "seen_sha256": seen_sha256, "decision": decision, "because": because,
    }  # fmt: skip
    name = hashlib.sha256("\0".join(str(said[k]) for k in sorted(said)).encode()).hexdigest()[:16]
    with lease(place, f"signoff {release_id}"):
        store.ensure_tables(place, ["signoff"])
        store.append_new(place, "signoff", [{"signoff_id": name, **said}], f"signoff {release_id}")
    return store.read(place, "signoff", where=f"signoff_id = {quoted(name)}").to_pylist()[0]


def required(place: Place, release_id: str, channel: str) -> list[Needed]:
    """The approvals that the channel asks for, each with what was said of exactly this manifest, the newest word.

    Raises:
        UserError: no such release, or no table of roles.
    """
    root = manifest_root(manifest_of(place, release_id))
    roles = load_roles(place)
    rows: list[dict[str, Any]] = []
    if (place.table("signoff") / "_delta_log").is_dir():
        where = f"release_id = {quoted(release_id)} AND channel = {quoted(channel)} AND manifest_root = {quoted(root)}"
        rows = store.read(place, "signoff", where=where).to_pylist()
    rows.sort(key=lambda r: (r["at"], r["signoff_id"]))
    needed = []
    for role in roles.signoff.get(channel, ()):
        holders = roles.holders(role)
        said = [r for r in rows if r["role"] == role and r["by"] in holders]
        needed.append(Needed(role, tuple(holders), said[-1] if said else None))
    return needed


def text_sha256(text: str) -> str:
    """SHA-256, hex, of a text that a person was shown."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
