"""One request at a time, bounded in bytes and seconds, only to addresses that may be asked.

A name is resolved once and the connection goes to the address that was looked at: a host that answers the check with a
public address and the connection with a private one (DNS rebinding) gains nothing. Redirects are not followed here; who
follows them asks anew, so that each hop meets every rule. Proxies of the environment are not used: behind one nobody
knows which address is asked.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

REDIRECTS = (301, 302, 303, 307, 308)
_BLOCK = 1 << 16
_HEADERS_MAX = 100


class Refused(Exception):
    """The address may not be asked at all: `str` says why."""


class Unreachable(Exception):
    """The host cannot be asked now, or broke off: `str` says why."""


class TooLarge(Exception):
    """More bytes than the bound."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: headers by lower-case name, several of one name joined by a comma; the body where none was asked
    to be written elsewhere."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def target(self) -> str | None:
        """Where it redirects to, as written."""
        return self.headers.get("location") if self.status in REDIRECTS else None


@dataclass(slots=True)
class Client:
    """`agent` is the whole User-Agent; `delay` the seconds between two requests to one host; `networks` may be asked
    though they are private."""

    agent: str
    delay: float = 1.0
    timeout: float = 30.0
    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = ()
    _last: dict[str, float] = field(default_factory=dict)

    def get(
        self, url: str, *, most: int, headers: Mapping[str, str] | None = None, into: BinaryIO | None = None,
        delay: float | None = None,
    ) -> Answer:  # fmt: skip
        """Asks for the address, waits its turn first. `into` takes the body of a 200.

        Raises:
            Refused: a scheme that is none of ours, or an address in a private network.
            Unreachable: no answer within `timeout` seconds, or a broken one. TooLarge: more than `most` bytes.
        """
        parts = split(url)
        ends = self._turn(parts.netloc, self.delay if delay is None else delay) + self.timeout
        connection = self._connection(parts, resolve(parts, self.networks), ends)
        try:
            asked = {"User-Agent": self.agent, "Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
            connection.request("GET", urlunsplit(("", "", parts.path or "/", parts.query, "")), headers=asked)
            return _answer(connection.getresponse(), most, into, ends)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{parts.netloc}: {str(error) or type(error).__name__}") from None
        finally:
            connection.close()

    def _turn(self, host: str, delay: float) -> float:
        wait = self._last.get(host, -delay) + delay - time.monotonic() if host in self._last else 0.0
        if wait > 0:
            time.sleep(wait)
        self._last[host] = now = time.monotonic()
        return now

    def _connection(self, parts: SplitResult, address: str, ends: float) -> http.client.HTTPConnection:
        left = max(0.1, ends - time.monotonic())
        port = parts.port or (443 if parts.scheme == "https" else 80)
        name = parts.hostname or ""
        connection = http.client.HTTPConnection(name, port, timeout=left)
        try:
            sock = socket.create_connection((address, port), timeout=left)
            if parts.scheme == "https":
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=name)
        except OSError as error:
            raise Unreachable(f"{parts.netloc}: {error.strerror or type(error).__name__}") from None
        connection.sock = sock
        return connection


def split(url: str) -> SplitResult:
    """The parts of an address that we may ask in principle.

    Raises:
        Refused: no http or https address, with credentials in it, or none at all.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Refused(f"{parts.scheme or 'no scheme'}: only http and https are asked")
    if parts.username is not None or parts.password is not None:
        raise Refused("an address with credentials in it")
    if not url.isascii() or any(c.isspace() or ord(c) < 33 or ord(c) == 127 for c in url):
        raise Refused("an address with characters that must be escaped in it")
    return parts


def resolve(parts: SplitResult, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    """The address to connect to: the first of the name's, if all of them may be asked.

    Raises:
        Refused: one of them is private, loopback, link-local or otherwise not public, and no named network has it.
        Unreachable: the name has none.
    """
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{parts.hostname}: {error}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]).split("%")[0] for entry in found))
    for text in addresses:
        address = ipaddress.ip_address(text)
        inner = getattr(address, "ipv4_mapped", None) or address
        public = inner.is_global and not inner.is_multicast
        if not public and not any(inner.version == n.version and inner in n for n in networks):
            raise Refused(f"{parts.hostname} is in a private network that the source does not name")
    if not addresses:
        raise Unreachable(f"{parts.hostname}: no address")
    return addresses[0]


def joined(base: str, target: str) -> str:
    """Where a redirect leads."""
    return urljoin(base, target)


def _answer(response: http.client.HTTPResponse, most: int, into: BinaryIO | None, ends: float) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.getheaders()[:_HEADERS_MAX]:
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    said = headers.get("content-length", "")
    if said.isdigit() and int(said) > most and response.status == 200:
        raise TooLarge(f"{int(said):,} bytes are announced, {most:,} are the bound")
    kept, size = [], 0
    while block := response.read1(_BLOCK):
        size += len(block)
        if size > most:
            raise TooLarge(f"more than {most:,} bytes")
        if time.monotonic() > ends:
            raise TimeoutError("took longer than the bound")
        if into is not None and response.status == 200:
            into.write(block)
        else:
            kept.append(block)
    if said.isdigit() and size < int(said):
        raise http.client.IncompleteRead(b"", int(said) - size)
    return Answer(response.status, headers, b"".join(kept))
