"""The hosts step: the hosts of what was found on the web (WARC, folders, buckets) are asked again before each release.

What the channel http fetches is judged at each fetch; records of other sources only carry an address. Where the corpus
allows it (`policy.ask_hosts`) their hosts are asked once a day, conditionally, one request after another. What a host
reserves now removes its records from the next candidate (`sources/takedown.py`) and changes no release that there is.
Of a host that does not answer, what it said last holds.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from corpusgate.collect.web.client import Client, Refused
from corpusgate.collect.web.hosts import FILES, File, asked, judged
from corpusgate.collect.web.signals import REFUSED, strictest
from corpusgate.lake import store
from corpusgate.lake.dialect import one_of
from corpusgate.lake.lease import lease
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate.settings.corpus import AskHosts

WORKERS = 8
OPTED_OUT = "opted_out"
_EXAMPLES = 10
_TABLES = ("record", "acquisition", "host_signal")
_ORIGIN = "SPLIT_PART(r.url, '/', 1) || '//' || SPLIT_PART(r.url, '/', 3)"

Known = dict[tuple[str, str], str]


@dataclass(slots=True)
class Host:
    """A host as it was asked: its files, whether it answered this time, and the day when it last did."""

    origin: str
    files: dict[str, File]
    day: str
    reached: bool = True


@dataclass(slots=True)
class _Found:
    """What comes of asking: rows of `host_signal`, and hosts by what became of them."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    refusing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    addresses: int = 0


def hosts(run: Run) -> StepResult:
    """Asks, and writes what was said into `host_signal`. Unit: host. Facts: `unreachable`, `unknown` (no answer, ever),
    `refusing` (examples), `addresses` that are reserved, `left` (hosts beyond policy.ask_hosts.hosts_max).

    Errored are the hosts of which nothing is known; no record of theirs is removed for that, unless the policy says so.
    """
    ask = run.corpus.policy.ask_hosts
    if ask is None:
        because = "no host is asked: the corpus does not say that it may (policy.ask_hosts)"
        return StepResult(step="hosts", unit="host", rows_in=0, kept=0, because=because)
    store.ensure_tables(run.place, _TABLES)
    where = _of_the_web(run)
    origins = [r["origin"] for r in store.query(
        run.place, f"SELECT DISTINCT {_ORIGIN} AS origin {where} ORDER BY 1", _TABLES).to_pylist()]  # fmt: skip
    chosen = _longest_ago(run, origins)[: ask.hosts_max]
    heard = {h.origin: h for h in _asked(run, chosen, ask)}
    found = _judged(run, ask, heard, where)
    with lease(run.place, run.id):
        store.append_new(run.place, "host_signal", found.rows, run.id)
    return _result(heard, found, len(origins) - len(chosen))


def _of_the_web(run: Run) -> str:
    """FROM and WHERE of the records that have an address of their own, which no fetch of ours has judged."""
    return (
        "FROM record r LEFT JOIN acquisition a ON r.acquisition_id = a.acquisition_id "
        f"WHERE {one_of('r.source_id', run.corpus.sources)} AND (r.url LIKE 'http://%' OR r.url LIKE 'https://%') "
        "AND (a.permission IS NULL OR a.url IS DISTINCT FROM r.url)"
    )


def _longest_ago(run: Run, origins: Iterable[str]) -> list[str]:
    """Hosts by the day when they were last asked, those that never were first."""
    return sorted(origins, key=lambda o: ((_remembered(run, o) or {}).get("day", ""), o))


def _asked(run: Run, origins: Iterable[str], ask: AskHosts) -> Iterator[Host]:
    """The hosts with their files; several at a time, but never two requests to one."""
    agent = f"{ask.agent}/1.0" + (f" (+{ask.contact})" if ask.contact else "")
    networks = [ipaddress.ip_network(n) for n in ask.private_networks]
    client = Client(agent, ask.delay, ask.timeout, networks)
    by_name: dict[str, list[str]] = {}
    for origin in origins:
        by_name.setdefault(urlsplit(origin).netloc, []).append(origin)

    def one(name: str) -> list[Host]:
        return [_host(run, client, origin) for origin in by_name[name]]

    with ThreadPoolExecutor(WORKERS) as pool:
        for found in pool.map(one, sorted(by_name)):
            yield from found


def _host(run: Run, client: Client, origin: str) -> Host:
    """The host's files: those of today, else asked for, each only sent if it changed; else as they were last."""
    before = _remembered(run, origin) or {"day": "", "files": {}}
    if before["day"] == _day(run):
        return Host(origin, {n: _file(said) for n, said in before["files"].items()}, before["day"])
    now: dict[str, dict[str, Any]] = {}
    reached = True
    for name, path in FILES.items():
        said = before["files"].get(name)
        try:
            file, answer = asked(client, origin + path, _conditions(said), None)
        except (Refused, UnicodeError):
            file, answer = File(None, None, reached=False), None
        if answer is not None and answer.status == 304 and said is not None:
            now[name] = said
        elif file.reached and answer is not None:
            now[name] = _as_said(file, answer.headers)
        else:
            reached = False
            now[name] = said or _as_said(file, {})
    day = _day(run) if reached else before["day"]
    _remember(run, origin, {"origin": origin, "day": day, "files": now})
    return Host(origin, {n: _file(s) for n, s in now.items()}, day, reached)


def _judged(run: Run, ask: AskHosts, heard: Mapping[str, Host], where: str) -> _Found:
    """Rows for each host as a whole; and for addresses where they differ from it, if that is news."""
    found, known = _Found(), _known(run)
    whole: dict[tuple[str, str], dict[str, Any]] = {}
    rows = (r for batch in store.stream(
        run.place, f"SELECT DISTINCT {_ORIGIN} AS origin, r.url AS url {where} ORDER BY origin, url", _TABLES)
        for r in batch.to_pylist())  # fmt: skip
    for origin, urls in groupby(rows, key=lambda r: r["origin"]):
        host = heard.get(origin)
        if host is None:
            continue
        if not host.reached:
            found.silent.append(origin)
        if not host.files["robots"].reached and ask.unreachable == "keep":
            found.unknown.append(origin)
            continue
        _of_host(run, ask, host, [r["url"] for r in urls], known, whole, found)
    found.rows += whole.values()
    return found


def _of_host(
    run: Run, ask: AskHosts, host: Host, urls: list[str], known: Known, whole: dict[tuple[str, str], dict[str, Any]],
    found: _Found,
) -> None:  # fmt: skip
    name = urlsplit(host.origin).netloc
    of_host = judged(host.files, ask.agent, host.origin + "/", "/")
    refuses = strictest(s.verdict for s in of_host) == REFUSED
    if refuses:
        found.refusing.append(host.origin)
    for said in of_host:
        key = (name, said.signal)
        if key not in whole or said.verdict == REFUSED:  # of http and https the stricter
            whole[key] = _row(run, ask, host, said.signal, said.signal, said.verdict, None)
    for url in urls:
        path = urlsplit(url).path or "/"
        of_address = judged(host.files, ask.agent, url, path)
        reserved = strictest(s.verdict for s in of_address) == REFUSED
        found.addresses += reserved
        for said in of_address:
            signal = f"{said.signal} {url}"
            before = known.get((url, signal))
            if before != said.verdict and (before is not None or reserved or refuses):
                found.rows.append(_row(run, ask, host, said.signal, signal, said.verdict, url))


def _row(run: Run, ask: AskHosts, host: Host, of: str, signal: str, verdict: str, url: str | None) -> dict[str, Any]:
    file = host.files.get(of, host.files["robots"])
    return {
        "host": urlsplit(host.origin).netloc, "fetched_at": run.at, "signal": signal, "status": file.status,
        "sha256": file.sha256, "verdict": verdict, "agent": ask.agent, "run_id": run.id, "url": url,
    }  # fmt: skip


def _known(run: Run) -> Known:
    """The newest verdict of each signal about a single address."""
    sql = (
        "SELECT url, signal, verdict FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY url, signal ORDER BY fetched_at "
        "DESC) AS nth FROM host_signal WHERE url IS NOT NULL) AS h WHERE nth = 1"
    )
    return {(r["url"], r["signal"]): r["verdict"] for r in store.query(run.place, sql, _TABLES).to_pylist()}


def _result(heard: Mapping[str, Host], found: _Found, left: int) -> StepResult:
    n, out, unknown = len(heard), len(found.refusing), len(found.unknown)
    because = f"{n} host{'' if n == 1 else 's'} asked; {found.addresses} addresses are reserved now"
    if found.silent:
        first = found.silent[0]
        since = heard[first].day or "no day: nothing is known"
        because += f"; {len(found.silent)} did not answer: what they said last holds (the first: {first}, of {since})"
    if left:
        because += f"; {left} more wait for the next rebuild (policy.ask_hosts.hosts_max)"
    return StepResult(
        step="hosts", unit="host", rows_in=n, kept=n - out - unknown, removed=out, errored=unknown, because=because,
        removed_by_rule={OPTED_OUT: out} if out else {},
        facts={
            "unreachable": found.silent[:_EXAMPLES], "unknown": found.unknown[:_EXAMPLES], "left": left,
            "refusing": found.refusing[:_EXAMPLES], "addresses": found.addresses,
        },
    )  # fmt: skip


def _conditions(said: Mapping[str, Any] | None) -> dict[str, str]:
    if not said or said["content"] is None:
        return {}
    named = (("If-None-Match", said["etag"]), ("If-Modified-Since", said["modified"]))
    return {name: value for name, value in named if value}


def _as_said(file: File, headers: Mapping[str, str]) -> dict[str, Any]:
    content = None if file.content is None else base64.b64encode(file.content).decode("ascii")
    return {
        "status": file.status, "reached": file.reached, "content": content, "etag": headers.get("etag", ""),
        "modified": headers.get("last-modified", ""),
    }  # fmt: skip


def _file(said: Mapping[str, Any]) -> File:
    content = None if said["content"] is None else base64.b64decode(said["content"])
    return File(content, said["status"], said["reached"])


def _day(run: Run) -> str:
    day: date = run.at.date()
    return day.isoformat()


def _note(run: Run, origin: str) -> Path:
    mark = hashlib.sha256(origin.encode()).hexdigest()
    return run.place.raw / "_hosts" / mark[:2] / f"{mark}.json"


def _remembered(run: Run, origin: str) -> dict[str, Any] | None:
    path = _note(run, origin)
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _remember(run: Run, origin: str, said: dict[str, Any]) -> None:
    write_atomically(_note(run, origin), json.dumps(said, sort_keys=True))
