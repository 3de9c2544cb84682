"""`corpusgate source plan`: what a rebuild would bring, judge and read, a source a row. Fetches and writes nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from corpusgate.collect.archive import known_sha256
from corpusgate.collect.job import fetch
from corpusgate.intake.plan import Batch, carried_over, fetched_batch, read_report
from corpusgate.intake.states import read_state
from corpusgate.lake.run import Run, StepResult
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place
from corpusgate.settings.source import FolderChannel, HttpChannel, NpmChannel, S3Channel, Source
from corpusgate.sources.forecast import of_channel, screening
from corpusgate.sources.job import judged

Row = dict[str, Any]

#: Columns of a row, in the order in which they are shown.
COLUMNS = ("source", "fetch", "mb", "licence", "screen", "items", "cost", "last_time")


def plan(place: Place, corpus_id: str, at: datetime) -> list[Row]:
    """A row a source of the corpus, in its order.

    `fetch`: what the fetch step would do (`listed` in place, `archived`: no network, `to fetch`, `not here`).
    `licence`: today's verdict, where the bytes are here. `screen`: `all` items if the source is admitted, so many of
    its objects where the others did not change, `again` by newer detectors, `none` since nothing changed, `held`; empty
    where it cannot be known before the bytes are here.
    `items`: what the last run read of it. `cost`: requests and waiting, or seconds of screening by the last run's pace.
    `last_time`: what became of it then.
    """
    run = Run("plan", load_corpus(place, corpus_id), at, place)
    last = last_run(place, corpus_id)
    return [_row(run, source, last) for source in run.sources]


def last_run(place: Place, corpus_id: str) -> Run | None:
    """The corpus's newest run that came as far as intake; None where there is none."""
    found = []
    for about in place.runs.glob("*/run.json"):
        said = json.loads(about.read_text("utf-8"))
        if said["corpus"] == corpus_id and (about.parent / "intake.json").is_file():
            found.append((said["at"], said["run_id"]))
    if not found:
        return None
    at, run_id = max(found)
    return Run(run_id, load_corpus(place, corpus_id), datetime.fromisoformat(at), place)


def here(place: Place, source: Source) -> bool:
    """Whether the source's bytes lie in the archive, or in a folder that is listed in place: no network is needed."""
    channel = source.channel
    if isinstance(channel, FolderChannel):
        return True
    if isinstance(channel, HttpChannel | S3Channel):
        return False  # what is there now only their hosts can say
    if isinstance(channel, NpmChannel):
        sha256 = known_sha256(place, base64.b64decode(channel.integrity.removeprefix("sha512-")).hex())
    else:
        sha256 = channel.sha256
    return sha256 is not None and place.raw_file(sha256).is_file()


def _row(run: Run, source: Source, last: Run | None) -> Row:
    row: Row = {"source": source.id, **dict.fromkeys(COLUMNS[1:]), **_last(source, last)}
    if not here(run.place, source):
        outlook = of_channel(run.place, source)
        return {**row, "fetch": outlook.fetch, "mb": outlook.mb, "cost": outlook.cost}
    fetched = fetch(run, source)
    if fetched.state != "ok":
        return {**row, "fetch": f"not here: {fetched.because}"}
    acquisitions = fetched.facts["acquisitions"]
    known = "listed" if isinstance(source.channel, FolderChannel) else "archived"
    licence = judged(run, source, acquisitions)
    screen = "held" if licence.state == "held" else _screening(run, source, acquisitions, licence)
    return {
        **row,
        "fetch": f"{known}: {len(acquisitions)} object{'' if len(acquisitions) == 1 else 's'}",
        "mb": round(sum(a["bytes"] for a in acquisitions) / 1e6, 1),
        "licence": f"{licence.facts['verdict']}: {licence.facts['reason']}"
        + (f"; held by {licence.held_by}" if licence.state == "held" and licence.facts["verdict"] == "pass" else ""),
        "screen": screen,
        "cost": screening(last, row["items"], screen),
    }


def _screening(run: Run, source: Source, acquisitions: list[Mapping[str, Any]], licence: StepResult) -> str:
    """What intake would have to do, by the batch's report; admission may still hold a source that is new."""
    from corpusgate.intake import detectors
    from corpusgate.intake.kit import kit_for

    passing = frozenset(p["part"] for p in licence.facts["parts"] if p["verdict"] == "pass")
    register = (licence.facts.get("papers") or {}).get("register")
    of_users = (register["path"], register["sha256"]) if register else None
    batch = Batch(fetched_batch(acquisitions), source, tuple(acquisitions), passing, of_users)
    report = read_report(run.place, batch.id)
    if report is None or report["reading_sha256"] != batch.reading_sha256:
        state = read_state(run.place, source.id)
        last = read_report(run.place, state.batch_id) if state else None
        over = carried_over(batch, last) if last else None
        if over is None or last is None or last["versions"] != detectors.versions(kit_for(run)):
            return "all, if admitted"
        return f"{len(acquisitions) - len(over.acquisitions)} of {len(acquisitions)} objects, if admitted"
    return "none" if report["versions"] == detectors.versions(kit_for(run)) else "again"


def _last(source: Source, last: Run | None) -> Row:
    """What the last run says of the source: items read, and what held it."""
    if last is None:
        return {"last_time": "never run"}
    intake, held = last.result("intake"), last.held().get(source.id)
    counted = intake.facts.get("sources", {}).get(source.id) if intake else None
    words = "taken in" if counted else "not in that run"
    if held is not None:
        words = f"held by {held.held_by}" if held.held_by else f"{held.state} at {held.step}"
    return {"items": counted["rows_in"] if counted else None, "last_time": words}
