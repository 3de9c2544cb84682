"""What fetching a source and screening it would cost, as far as it can be told without asking anybody."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from corpusgate.collect.channels.s3 import PAGE
from corpusgate.collect.web import addresses
from corpusgate.collect.web.hosts import FILES
from corpusgate.collect.web.journal import Journal
from corpusgate.lake.run import Run
from corpusgate.settings.place import Place
from corpusgate.settings.source import HttpChannel, S3Channel, Source


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a fetch would do, in words; megabytes that are here of it already (None: none); what it costs, in words."""

    fetch: str
    mb: float | None
    cost: str


def of_channel(place: Place, source: Source) -> Outlook:
    """The outlook of a source that has to be asked for."""
    if isinstance(source.channel, HttpChannel):
        return _http(place, source.id, source.channel)
    if isinstance(source.channel, S3Channel):
        return _s3(place, source.id, source.channel)
    return Outlook(f"to fetch: {source.purl}", None, "1 package")


def screening(last: Run | None, items: int | None, screen: str) -> str:
    """Seconds that intake would take for so many items, by what the last run took for an item."""
    intake = last.result("intake") if last else None
    if (
        not items
        or intake is None
        or not intake.rows_in
        or not intake.seconds
        or not screen.startswith(("all", "again"))
    ):
        return ""
    return f"about {max(1, round(items * intake.seconds / intake.rows_in))} s to screen"


def _http(place: Place, source_id: str, channel: HttpChannel) -> Outlook:
    named, unseen = _named(place, channel)
    journal = Journal(place.raw / "_http" / f"{source_id}.jsonl")
    known = [e for url in named if (e := journal.entry(url))]
    hosts = {urlsplit(url).netloc for url in named}
    requests = len(named) + len(FILES) * len(hosts) + unseen
    seconds = channel.delay * len(named) / max(1, len(hosts))
    words = f"to ask: {len(named)} address{'' if len(named) == 1 else 'es'}, {len(known)} of them only if changed"
    words += f"; and what {unseen} sitemap{'s' if unseen > 1 else ''} or lists name" if unseen else ""
    cost = f"{requests} requests or more, {seconds:.0f} s or more of waiting our turn"
    return Outlook(words, round(sum(e["bytes"] for e in known) / 1e6, 1) if known else None, cost)


def _named(place: Place, channel: HttpChannel) -> tuple[dict[str, None], int]:
    """Addresses that are named here, and how many lists and sitemaps would have to be asked for more."""
    named, unseen = dict.fromkeys(channel.urls), len(channel.sitemaps)
    for listed in channel.lists:
        path = Path(listed) if Path(listed).is_absolute() else place.home / listed
        if listed.startswith(("http://", "https://")) or not path.is_file():
            unseen += 1
            continue
        try:
            named |= dict.fromkeys(addresses.of_list(path.read_bytes()))
        except addresses.Unusable:
            unseen += 1
    return named, unseen


def _s3(place: Place, source_id: str, channel: S3Channel) -> Outlook:
    note = place.raw / "_s3" / f"{source_id}.json"
    known = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    where = f"s3://{channel.bucket}/{channel.prefix}"
    if not known:
        return Outlook(f"to list: {where}", None, "a request a 1,000 objects, and one a new object")
    size = sum(e.get("bytes", 0) for e in known.values())
    words = f"to list: {where}, {len(known)} objects last time, of which only changed ones are sent"
    return Outlook(words, round(size / 1e6, 1), f"{-(-len(known) // PAGE)} requests to list, and one a changed object")
