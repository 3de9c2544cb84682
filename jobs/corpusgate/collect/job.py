"""The fetch step: what a source offers is brought, hashed and archived, or said why not. One source at a time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime
from typing import Any

from corpusgate.collect import channels, credentials
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.collect.rules import acquisition_id
from corpusgate.collect.web import signals
from corpusgate.errors import Mismatch, NotAvailable
from corpusgate.lake.run import Run, State, StepResult, write_atomically
from corpusgate.lake.tables import TABLES
from corpusgate.settings.source import FolderChannel, S3Channel, Source

#: The control that refusals of hosts speak to (4.1.3 b).
REFUSALS = "45654-4-1-3-b"


def fetch(run: Run, source: Source, bench: Bench | None = None) -> StepResult:
    """Fetches one source. Facts: `acquisitions` (rows without run and batch), `signals` of hosts, `faults`.

    `unavailable` where it cannot be had here, `held` where what came is not what was declared; both say why.

    Raises:
        OSError: the archive cannot be written.
    """
    try:
        batch = channels.fetch(source.channel, bench or Bench(run.place, source.id, run=run.id, at=run.at.isoformat()))
    except NotAvailable as error:
        return _nothing(source, "unavailable", str(error))
    except Mismatch as error:
        return _nothing(source, "held", str(error))
    if isinstance(source.channel, FolderChannel | S3Channel):  # the channel http asks before it keeps an object
        batch = without_reserved(run, source, batch)
    return _result(run, source, batch)


def without_reserved(run: Run, source: Source, batch: Batch) -> Batch:
    """The batch without the objects whose own manifests reserve mining; a row of `host_signal` for each that says
    something. What was seen of unchanged bytes is not read again."""
    beside = {f.name: f.path for f in batch.objects if f.name.endswith(credentials.SUFFIX)}
    note = run.place.raw / "_c2pa" / f"{source.id}.json"
    known = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    now: dict[str, str] = {}
    in_folder = isinstance(source.channel, FolderChannel)
    made = Batch([], list(batch.faults), list(batch.refused), list(batch.signals))
    for found in batch.objects:
        if found.address is not None:  # files of records, without a manifest beside them: see the channel
            made.objects.append(found)
            continue
        sidecar = credentials.sidecar(found.path if in_folder else None, found.name, beside)
        if sidecar is None and credentials.media_type(found.path) is None:
            made.objects.append(found)
            continue
        key = found.sha256 + (f"+{hashlib.sha256(sidecar).hexdigest()}" if sidecar is not None else "")
        if key not in known:
            said = credentials.of_file(found.path, found.name, sidecar)
            known[key] = said[0].verdict if said else signals.SILENT
        now[key] = known[key]
        if now[key] != signals.SILENT:
            made.signals.append(
                {"host": f"source:{source.id}", "fetched_at": run.at.isoformat(), "status": None,
                 "signal": f"{credentials.SIGNAL} {found.name}", "sha256": found.sha256, "verdict": now[key],
                 "agent": found.agent}
            )  # fmt: skip
        if now[key] == signals.REFUSED:
            made.refused.append((found.name, "opted_out"))
        else:
            made.objects.append(found)
    if now or known:
        write_atomically(note, json.dumps(now, sort_keys=True))
    return made


def _result(run: Run, source: Source, batch: Batch) -> StepResult:
    first = _first_times(run, source)
    facts = sorted((_fact(run, source, found, first) for found in batch.objects), key=lambda f: f["name"])
    size = sum(found.bytes for found in batch.objects)
    unread = [f"{name}: {reason}" for name, reason in batch.faults]
    because = f"{len(facts)} object{'' if len(facts) == 1 else 's'}, {size / 1e6:.1f} MB"
    if unread:
        because += f"; {len(unread)} could not be read, the first: {unread[0]}"
    rules = dict(sorted(Counter(rule for _, rule in batch.refused).items()))
    if rules:
        because += f"; {len(batch.refused)} not taken ({', '.join(f'{r} {n}' for r, n in rules.items())})"
    forbidden = not facts and any(rule != "gone" for rule in rules)
    return StepResult(
        step="fetch", source_id=source.id, unit="object", rows_in=len(facts) + len(unread) + len(batch.refused),
        kept=len(facts), errored=len(unread), removed=len(batch.refused), removed_by_rule=rules, because=because,
        state="ok" if facts else "held" if forbidden else "unavailable", held_by=REFUSALS if forbidden else None,
        facts={"acquisitions": facts, "signals": batch.signals, "faults": unread, "refused": batch.refused},
    )  # fmt: skip


def _fact(run: Run, source: Source, found: Fetched, first: dict[str, datetime]) -> dict[str, Any]:
    key = acquisition_id(source.id, found.name, found.identity)
    in_folder = isinstance(source.channel, FolderChannel)
    return {
        "acquisition_id": key,
        "name": found.name,
        "purl": f"{source.purl}/{found.name}" if in_folder else found.url or source.purl,
        "path": found.address or str(found.path),
        "fetched_at": first.get(key, run.at).isoformat(),
        "bytes": found.bytes,
        "sha256": found.sha256 or None,
        "etag": found.etag,
        "status": found.status,
        "agent": found.agent,
        **({"url": found.url, "permission": found.permission} if found.url else {}),
    }


def _first_times(run: Run, source: Source) -> dict[str, datetime]:
    """When each object that the lake knows was acquired first: fetching it again is no new acquisition."""
    if not (run.place.table(TABLES["acquisition"].name) / "_delta_log").is_dir():
        return {}
    from corpusgate.lake import store

    rows = store.rows(run.place, "acquisition", ["acquisition_id", "fetched_at"], f"source_id = '{source.id}'")
    return {row["acquisition_id"]: row["fetched_at"] for row in rows}


def _nothing(source: Source, state: State, because: str) -> StepResult:
    return StepResult(
        step="fetch", source_id=source.id, state=state, unit="object", rows_in=1, kept=0, errored=1, because=because,
        facts={"acquisitions": [], "signals": [], "faults": []},
    )  # fmt: skip
