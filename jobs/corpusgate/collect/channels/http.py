"""Pages and files by their addresses (4.1.3 b): a collection record for each object, nothing that its host forbids.

What was fetched before is asked for conditionally; what this run has fetched is not asked for again when it is killed
and started anew (`Journal`). An object that is gone (404, 410) is removed by the rule `gone`, one that may not be
fetched by the rule of the signal that says so.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from corpusgate.collect import credentials
from corpusgate.collect.archive import digest, incoming, keep
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.collect.web import addresses, signals
from corpusgate.collect.web.client import Answer, Client, Refused, TooLarge, Unreachable, joined, split
from corpusgate.collect.web.hosts import HOPS, Hosts, address
from corpusgate.collect.web.journal import Journal
from corpusgate.errors import NotAvailable
from corpusgate.settings.source import HttpChannel

ATTEMPTS, _WAIT_MAX = 3, 60.0
_RULES = {"robots": "robots", "tdmrep": "tdm_reserved", "ai.txt": "ai_txt"}
_HTML = ("text/html", "application/xhtml+xml")
_UNSAFE = re.compile(r"[^\w.,=+@~()-]")


def fetch(channel: HttpChannel, bench: Bench) -> Batch:
    """Every address that the source names, once, in order.

    Raises:
        NotAvailable: a list cannot be had, or no address at all could be asked.
    """
    with incoming(bench.place, bench.name) as folder:
        visit = _Visit(channel, bench, folder, Journal(bench.place.raw / "_http" / f"{bench.name}.jsonl"))
        for url in visit.named():
            visit.one(url)
        visit.journal.compact()
    if not visit.objects and not visit.refused:
        first = f" The first: {visit.faults[0][0]}: {visit.faults[0][1]}" if visit.faults else ""
        raise NotAvailable(f"not available here: none of the addresses could be fetched.{first}")
    return Batch(visit.objects, visit.faults, visit.refused, visit.hosts.rows)


@dataclass(slots=True)
class _Visit:
    """One run over the addresses of one source."""

    channel: HttpChannel
    bench: Bench
    folder: Path
    journal: Journal
    objects: list[Fetched] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    hosts: Hosts = field(init=False)
    allowed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        c = self.channel
        agent = f"{c.agent}/1.0" + (f" (+{c.contact})" if c.contact else "")
        networks = [ipaddress.ip_network(n) for n in c.private_networks]
        self.hosts = Hosts(Client(agent, c.delay, c.timeout, networks), c.agent, self.bench.at)
        self.allowed = {h.lower() for h in c.hosts}

    def named(self) -> list[str]:
        """Addresses of urls, lists and sitemaps without repetition, at most `max_objects`; other hosts' are refused."""
        found = dict.fromkeys([*self.channel.urls, *self._of_lists(), *self._of_sitemaps()])
        urls: dict[str, None] = {}
        for url in found:
            try:
                parts = split(url)
            except Refused as error:
                self.faults.append((url[:200], str(error)))
                continue
            if self.allowed and (parts.hostname or "") not in self.allowed:
                self.refused.append((url, "host_not_named"))
            else:
                urls.setdefault(address(parts))
        if len(urls) > self.channel.max_objects:
            raise NotAvailable(
                f"not available here: {len(urls):,} addresses are named, channel.max_objects is "
                f"{self.channel.max_objects:,}. Next: raise it, or split the source."
            )
        return list(urls)

    def one(self, url: str) -> None:
        """Fetches one object, or says why not."""
        try:
            known = self.journal.entry(url)
            if known and known["run"] == self._run and self._raw(known).is_file():
                if rule := self._forbidden(url):
                    self.refused.append((url, rule))
                else:
                    self._take(url, known, "fetched")
                return
            self._ask(url, known)
        except (Refused, Unreachable, TooLarge) as error:
            self.faults.append((url, str(error)))

    def _ask(self, url: str, known: dict[str, Any] | None) -> None:
        headers = {}
        if known and self._raw(known).is_file():
            headers = {"If-None-Match": known["etag"]} if known["etag"] else {}
            headers |= {"If-Modified-Since": known["modified"]} if known["modified"] else {}
        body, at = self.folder / "body", url
        for _ in range(HOPS + 1):
            if rule := self._forbidden(at):
                self.refused.append((url, rule))
                return
            answer = self._patiently(at, headers, body)
            if not answer.target:
                self._answered(url, at, answer, known, body)
                return
            at, headers = address(split(joined(at, answer.target))), {}
            if self.allowed and (split(at).hostname or "") not in self.allowed:
                raise Refused("redirects to a host that the source does not name")
        raise Refused(f"redirects more than {HOPS} times")

    def _patiently(self, url: str, headers: dict[str, str], body: Path) -> Answer:
        """Asks up to three times where the host is busy or the connection breaks."""
        for attempt in range(1, ATTEMPTS + 1):
            wait = float(attempt)
            try:
                with body.open("wb") as file:
                    answer = self.hosts.client.get(
                        url, most=self.channel.max_bytes, headers=headers, into=file, delay=self.hosts.delay(url)
                    )
            except Unreachable:
                if attempt == ATTEMPTS:
                    raise
            else:
                if answer.status not in (429, 500, 502, 503, 504) or attempt == ATTEMPTS:
                    return answer
                said = answer.headers.get("retry-after", "")
                wait = min(float(said), _WAIT_MAX) if said.isdigit() else wait
            time.sleep(min(wait, self.channel.timeout))
        raise AssertionError("unreachable")

    def _answered(self, url: str, at: str, answer: Answer, known: dict[str, Any] | None, body: Path) -> None:
        if answer.status in (404, 410):
            self.refused.append((url, "gone"))
            self.journal.forget(url)
            return
        if answer.status != 200 and not (answer.status == 304 and known):
            self.faults.append((url, f"the host answers {answer.status}"))
            return
        said = signals.of_headers(answer.headers)
        if answer.status == 200 and answer.headers.get("content-type", "").split(";")[0].strip().lower() in _HTML:
            with body.open("rb") as file:
                said += signals.of_page(file.read(256 << 10))
        said += self._credentials(url, at, answer, body)
        for one in said:
            self.hosts.note(split(at), one)
        if signals.strictest(s.verdict for s in said) == signals.REFUSED:
            self.refused.append((url, "opted_out"))
            return
        if answer.status == 304 and known:
            self._take(url, self.journal.note(url, known | {"run": self._run}), "not_modified")
            return
        found = digest(body)
        keep(self.bench.place, body, found)
        entry = {
            "run": self._run, "sha256": found.sha256, "bytes": found.bytes,
            "etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", ""),
        }  # fmt: skip
        self._take(url, self.journal.note(url, entry), "fetched")

    def _credentials(self, url: str, at: str, answer: Answer, body: Path) -> list[signals.Said]:
        """What the object's own manifest says, or the one that its answer links to."""
        manifest, linked = None, signals.linked_manifest(answer.headers)
        if linked:
            target = address(split(joined(at, linked)))
            if self._forbidden(target):
                return [signals.Said(credentials.SIGNAL, signals.REFUSED)]
            try:
                found = self.hosts.client.get(target, most=credentials.MANIFEST_MAX, delay=self.hosts.delay(target))
            except (Unreachable, TooLarge):
                return [signals.Said(credentials.SIGNAL, signals.REFUSED)]
            manifest = found.body if found.status == 200 else b""
        content = body if answer.status == 200 else None
        return credentials.of_file(content, name_of(url), manifest)

    def _take(self, url: str, entry: dict[str, Any], status: str) -> None:
        self.objects.append(
            Fetched(name_of(url), self._raw(entry), entry["bytes"], entry["sha256"], status, self.hosts.client.agent,
                    entry["etag"] or None, url, self.hosts.permission(url))
        )  # fmt: skip

    def _forbidden(self, url: str) -> str | None:
        """The rule under which the host's files forbid the address; None where they do not."""
        for one in self.hosts.judge(url):
            if one.verdict == signals.REFUSED:
                return _RULES.get(one.signal, "opted_out")
        return None

    @property
    def _run(self) -> str:
        return f"{self.bench.run}@{self.bench.at}"

    def _raw(self, entry: dict[str, Any]) -> Path:
        return self.bench.place.raw_file(entry["sha256"])

    def _of_lists(self) -> Iterator[str]:
        for named in self.channel.lists:
            if named.startswith(("http://", "https://")):
                content = self._listing(named)
            else:
                path = Path(named) if Path(named).is_absolute() else self.bench.place.home / named
                try:
                    content = path.read_bytes()
                except OSError as error:
                    raise NotAvailable(f"not available here: the list {named}: {error.strerror}.") from None
            yield from _usable(addresses.of_list, named, content)

    def _of_sitemaps(self) -> Iterator[str]:
        wanted, seen = list(self.channel.sitemaps), set[str]()
        while wanted:
            named = wanted.pop(0)
            if named in seen:
                continue
            seen.add(named)
            if len(seen) > addresses.SITEMAPS_MAX:
                raise NotAvailable(f"not available here: more than {addresses.SITEMAPS_MAX} sitemaps name one another.")
            pages, more = _usable(addresses.of_sitemap, named, self._listing(named))
            wanted += more
            yield from pages

    def _listing(self, url: str) -> bytes:
        """A list or sitemap from its host, under the same rules as everything else."""
        at = url
        try:
            for _ in range(HOPS + 1):
                if rule := self._forbidden(at):
                    raise NotAvailable(f"not available here: {url} may not be fetched ({rule}).")
                answer = self.hosts.client.get(at, most=addresses.SITEMAP_MAX)
                if not answer.target:
                    break
                at = joined(at, answer.target)
        except (Refused, Unreachable, TooLarge) as error:
            raise NotAvailable(f"not available here: {url}: {error}.") from None
        if answer.status != 200:
            raise NotAvailable(f"not available here: {url}: the host answers {answer.status}.")
        return answer.body


def name_of(url: str) -> str:
    """A member path for an address: host and path, and eight digits of its hash where that would not be unique."""
    parts = split(url)
    host = (parts.netloc or "").replace(":", "_")
    pieces = [unquote(p, errors="replace") for p in parts.path.split("/") if p not in ("", ".", "..")]
    safe = [_UNSAFE.sub("_", p).strip(".")[:80] or "_" for p in pieces] or ["index"]
    path = "/".join([host, *safe[:20]])
    if path == host + parts.path and not parts.query:
        return path
    stem, dot, suffix = path.rpartition(".")
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    return f"{stem}~{mark}.{suffix}" if dot and "/" not in suffix and len(safe) else f"{path}~{mark}"


def _usable(read: Any, named: str, content: bytes) -> Any:
    try:
        return read(content)
    except addresses.Unusable as error:
        raise NotAvailable(f"not available here: {named}: {error}.") from None
