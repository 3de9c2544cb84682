"""What hosts and pages say about crawling and mining: robots (RFC 9309), Content-Usage (IETF aipref drafts), TDMRep
(W3C community group), ai.txt, and `noai` in page or header. Plain functions on what was read; the stricter wins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any

from protego import Protego

ALLOWED, REFUSED, SILENT = "allowed", "refused", "silent"
#: Of a robots file only so much is read (RFC 9309, 2.5 asks for at least 500 KiB).
ROBOTS_MAX = 512 << 10
_PAGE_HEAD = 256 << 10
#: Categories of the aipref vocabulary that training falls under; the most specific one that is said decides.
_CATEGORIES = ("train-genai", "train-ai", "foundation-model-production", "tdm", "bots", "all")
_MANIFEST = re.compile(r"<([^<>]{1,2000})>\s*;[^,<>]*\brel\s*=\s*\"?c2pa-manifest\b", re.IGNORECASE)
_NO_AI = re.compile(r"(?<![\w-])(noai|notrain)(?![\w-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """One signal about one address: `verdict` is allowed, refused or silent."""

    signal: str
    verdict: str


def robots(text: str, agent: str, url: str) -> str:
    """The verdict of a robots file on an address. An empty file allows everything."""
    return ALLOWED if _rules(text).can_fetch(url, agent) else REFUSED


def crawl_delay(text: str, agent: str) -> float:
    """The seconds that the file asks for between requests; 0 where it asks for none."""
    return float(_rules(text).crawl_delay(agent) or 0)


@lru_cache(maxsize=16)
def _rules(text: str) -> Protego:
    return Protego.parse(text)


def content_usage_of_robots(text: str, agent: str, path: str) -> str:
    """Content-Usage lines of the group for `agent` (else `*`): `[path] preference`; the longest path wins."""
    best, verdict = -1, SILENT
    for rule in _group(text, agent):
        head, _, rest = rule.partition(" ")
        prefix, said = (head, rest) if head.startswith("/") else ("", rule)
        if path.startswith(prefix) and len(prefix) >= best:
            found = preference(said)
            if len(prefix) > best:
                best, verdict = len(prefix), found
            elif found == REFUSED:  # two of equal length: the stricter
                verdict = REFUSED
    return verdict


def preference(header: str) -> str:
    """A Content-Usage value, a dictionary of categories: `train-ai=n`. Several that matter: the most specific."""
    said = {}
    for part in header.replace(";", ",").split(","):
        name, found, value = part.strip().partition("=")
        if found:
            said[name.strip().lower()] = value.strip().lower()
    for category in _CATEGORIES:
        if category in said:
            return {"n": REFUSED, "y": ALLOWED}.get(said[category], SILENT)
    return SILENT


def tdmrep(content: bytes, path: str) -> str:
    """`/.well-known/tdmrep.json`: the first entry whose location matches decides. A file that cannot be read reserves:
    somebody put it there to say something."""
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError):
        return REFUSED
    if not isinstance(entries, list):
        return REFUSED
    for entry in entries:
        if isinstance(entry, dict) and re.match(translate(str(entry.get("location", ""))), path):
            return reservation(entry.get("tdm-reservation"))
    return SILENT


def reservation(value: Any) -> str:
    """A TDM reservation: 1 reserves, 0 does not."""
    return {"1": REFUSED, "0": ALLOWED}.get(str(value).strip(), SILENT) if value is not None else SILENT


def of_headers(headers: Mapping[str, str]) -> list[Said]:
    """What an answer's headers say."""
    said = []
    if (usage := headers.get("content-usage")) is not None:
        said.append(Said("content-usage header", preference(usage)))
    if (tdm := headers.get("tdm-reservation")) is not None:
        said.append(Said("tdm-reservation header", reservation(tdm)))
    if _NO_AI.search(headers.get("x-robots-tag", "")):
        said.append(Said("x-robots-tag", REFUSED))
    return said


def linked_manifest(headers: Mapping[str, str]) -> str | None:
    """Where the answer says that the object's C2PA manifest lies, as written."""
    found = _MANIFEST.search(headers.get("link", ""))
    return found[1].strip() if found else None


def of_page(content: bytes) -> list[Said]:
    """What the meta elements of an HTML page say; only its beginning is looked at."""
    reader = _Meta()
    reader.feed(content[:_PAGE_HEAD].decode("utf-8", "replace"))
    return reader.said


def strictest(said: Iterable[str]) -> str:
    """refused before allowed before silent."""
    verdicts = set(said)
    return next((v for v in (REFUSED, ALLOWED) if v in verdicts), SILENT)


class _Meta(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[Said] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            return
        given = {name: value or "" for name, value in attrs}
        name, content = given.get("name", "").strip().lower(), given.get("content", "")
        if name == "tdm-reservation":
            self.said.append(Said("tdm-reservation meta", reservation(content)))
        elif name in ("robots", "googlebot") and _NO_AI.search(content):
            self.said.append(Said("noai meta", REFUSED))


def _group(text: str, agent: str) -> list[str]:
    """Content-Usage values of the groups that name the agent, else of those for `*`."""
    groups: dict[str, list[str]] = {}
    names: list[str] = []
    in_rules = False
    for line in text.lstrip("\ufeff").splitlines():
        field, found, value = line.split("#", 1)[0].partition(":")
        field, value = field.strip().lower(), value.strip()
        if not found:
            continue
        if field == "user-agent":
            names = [value.lower()] if in_rules else [*names, value.lower()]
            in_rules = False
        elif field in ("allow", "disallow", "content-usage"):
            in_rules = True
            if field == "content-usage":
                for name in names or ["*"]:
                    groups.setdefault(name, []).append(value)
    return groups.get(agent.lower()) or groups.get("*", [])
