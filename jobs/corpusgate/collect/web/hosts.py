"""What each host says before anything of it is fetched, asked once a run and kept with the hash of the file seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlunsplit

from corpusgate.collect.web import signals
from corpusgate.collect.web.client import Answer, Client, TooLarge, Unreachable, joined, split
from corpusgate.collect.web.signals import ALLOWED, REFUSED, ROBOTS_MAX, SILENT, Said

HOPS = 5
_DELAY_MAX = 60.0
FILES = {"robots": "/robots.txt", "tdmrep": "/.well-known/tdmrep.json", "ai.txt": "/ai.txt"}


@dataclass(frozen=True, slots=True)
class File:
    """One of a host's files: `content` None: there is none; `reached` False: nobody knows whether there is."""

    content: bytes | None
    status: int | None
    reached: bool = True

    @property
    def text(self) -> str:
        return (self.content or b"").decode("utf-8", "replace")

    @property
    def sha256(self) -> str | None:
        return None if self.content is None else hashlib.sha256(self.content).hexdigest()


@dataclass(slots=True)
class Hosts:
    """The hosts of one run. `rows` are those of `host_signal`: a row a file and host, and one for each address of which
    something explicit was said."""

    client: Client
    agent: str
    at: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    _files: dict[str, dict[str, File]] = field(default_factory=dict)
    _said: set[tuple[str, str]] = field(default_factory=set)

    def judge(self, url: str) -> list[Said]:
        """What the host's own files say of the address. Robots rules that cannot be had refuse everything (RFC 9309,
        2.3.1.4); those that are not there (4xx) allow it.

        Raises:
            Refused: the host may not be asked at all.
        """
        parts = split(url)
        files = self._of(parts)
        said = judged(files, self.agent, url, parts.path or "/")
        for one in said:
            if one.verdict == REFUSED:
                self.note(parts, one, files)
        return said

    def delay(self, url: str) -> float | None:
        """Seconds between requests that the host asks for, where that is more than ours; at most a minute."""
        robots = self._of(split(url))["robots"]
        asked = min(signals.crawl_delay(robots.text, self.agent), _DELAY_MAX) if robots.content else 0.0
        return asked if asked > self.client.delay else None

    def permission(self, url: str) -> str:
        """The verdict as an acquisition keeps it, with the hash of the robots file that was seen."""
        robots = self._of(split(url))["robots"]
        return f"allowed robots:sha256:{robots.sha256}" if robots.sha256 else f"allowed robots:none:{robots.status}"

    def note(self, parts: SplitResult, said: Said, files: dict[str, File] | None = None) -> None:
        """Keeps what was said about one address."""
        file = (files or {}).get(said.signal)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._row(parts.netloc, f"{said.signal} {path}", said.verdict, file, address(parts))

    def known(self, origin: str, files: dict[str, File]) -> None:
        """Takes the host's files as they are, and keeps what they say of the host as a whole."""
        self._files[origin] = files
        for one in judged(files, self.agent, origin + "/", "/"):
            self._row(split(origin).netloc, one.signal, one.verdict, files.get(one.signal, files["robots"]))

    def _of(self, parts: SplitResult) -> dict[str, File]:
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._files:
            self.known(origin, {name: self._file(origin + path) for name, path in FILES.items()})
        return self._files[origin]

    def _file(self, url: str) -> File:
        return asked(self.client, url)[0]

    def _row(self, host: str, signal: str, verdict: str, file: File | None, url: str | None = None) -> None:
        if (host, signal) in self._said:
            return
        self._said.add((host, signal))
        self.rows.append(
            {"host": host, "fetched_at": self.at, "signal": signal, "status": file.status if file else None,
             "sha256": file.sha256 if file else None, "verdict": verdict, "agent": self.client.agent, "url": url}
        )  # fmt: skip


def asked(
    client: Client, url: str, headers: Mapping[str, str] | None = None, delay: float | None = 0.0
) -> tuple[File, Answer | None]:
    """One of a host's files, and the answer that it came in; `headers` may make the request conditional.

    Raises:
        Refused: the host may not be asked at all.
    """
    try:
        answer = _followed(client, url, headers, delay)
    except (Unreachable, TooLarge):
        return File(None, None, reached=False), None
    if answer.status >= 500 or answer.status == 429:
        return File(None, answer.status, reached=False), answer
    return File(answer.body if 200 <= answer.status < 300 else None, answer.status), answer


def _followed(client: Client, url: str, headers: Mapping[str, str] | None, delay: float | None) -> Answer:
    for _ in range(HOPS + 1):
        answer = client.get(url, most=ROBOTS_MAX, delay=delay, headers=headers)
        if not answer.target:
            return answer
        url = joined(url, answer.target)
    return Answer(404, {})  # RFC 9309, 2.3.1.2: more than five hops count as not there


def judged(files: Mapping[str, File], agent: str, url: str, path: str) -> list[Said]:
    """What a host's files say of one address, or of the host as a whole where that is its root."""
    robots, tdmrep, ai = files["robots"], files["tdmrep"], files["ai.txt"]
    if not robots.reached:
        by_robots = REFUSED
    else:
        by_robots = signals.robots(robots.text, agent, url) if robots.content is not None else ALLOWED
    usage = signals.content_usage_of_robots(robots.text, agent, path) if robots.content else SILENT
    return [
        Said("robots", by_robots),
        Said("content-usage rule", usage),
        Said("tdmrep", signals.tdmrep(tdmrep.content, path) if tdmrep.content is not None else SILENT),
        Said("ai.txt", signals.robots(ai.text, agent, url) if ai.content is not None else SILENT),
    ]


def address(parts: SplitResult) -> str:
    """The address without its fragment."""
    return urlunsplit(parts._replace(fragment=""))
