"""E-mail, IP and MAC addresses in a folded batch; documentation names and ranges are nobody's (RFC 2606, 5737, 1918
…)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

import numpy as np

from corpusgate.intake.detectors.domains import FILE_NAMES, NATIONAL, reserved, top_level
from corpusgate.intake.detectors.marks import Marks
from corpusgate.intake.detectors.pi_common import EDGE, Hit, before
from corpusgate.intake.detectors.pi_marks import AT, BRACKET, DASH, DOT

_LOCAL = "abcdefghijklmnopqrstuvwxyz0123456789._%+-"
_HOST = "abcdefghijklmnopqrstuvwxyz0123456789.-"
_URL = re.compile(rf"[a-z]{{2,10}}://[^\s@/{EDGE}]{{0,40}}$")
_AT = re.compile(
    r"(?<![a-z0-9._%+\-@])([a-z0-9][a-z0-9._%+\-]{1,40})(?: @ |@ | @| ?[\[(]at[\])] ?| at )"
    r"([a-z0-9\-]{2,40}(?:(?:\.| dot | ?\[dot\] ?)[a-z]{2,6}){1,2})(?![a-z0-9])"
)

_IP = re.compile(r"(?<![0-9a-z.\-_])(?:\d{1,3}\.){3}\d{1,3}(?![0-9a-z_])(?!\.\d|-\d)(/\d{1,2})?")
_VERSION = re.compile(
    r"(?:版本|版|内核|固件|升级到|升级至|version|ver\.?|release|kernel|firmware|driver|build|\bv|章|节|条|第|section|表|图|rfc)"
    r"[ 号]?[:=]?[ ]?$"
)
_NEAR_IP = re.compile(
    r"ip|地址|address|addr|host|服务器|server|登录|来源|访问|攻击|用户|客户端|client|from|peer", re.IGNORECASE
)
_RESOLVERS = (
    "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 114.114.114.114 114.114.115.115 223.5.5.5 223.6.6.6 119.29.29.29 "
    "180.76.76.76 208.67.222.222 1.2.4.8"
)
_PUBLIC = frozenset(_RESOLVERS.split(" "))
"""Name servers that everybody names."""
_MAC = re.compile(r"(?<![0-9a-f:\-])[0-9a-f]{2}([:\-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f:\-])")
_IP6 = re.compile(r"(?<![0-9a-z:.])[23][0-9a-f]{3}:[0-9a-f:]{4,34}(?![0-9a-z:])")


def find_emails(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """E-mail addresses; `near_email` for reserved domains (RFC 2606, 6761) and for spelled-out or spaced forms."""
    at = marks.of(AT)
    done = 0
    for p in at[(codes[at + 1] != 64) & (codes[at - 1] != 64)].tolist():
        hit = _email(text, p, done)
        if hit:
            done = hit.end
            yield hit
        elif text[p - 1] == " " or text[p + 1 : p + 2] == " ":
            yield from _spelled(text, p, p)
    for p in marks.of(BRACKET).tolist():
        if text.startswith(("at]", "at)"), p + 1):
            yield from _spelled(text, p, p + 4)


def _email(text: str, p: int, floor: int) -> Hit | None:
    left = text[max(floor, p - 65) : p]
    local = left[len(left.rstrip(_LOCAL)) :].lstrip(".-%+")
    right = text[p + 1 : p + 255]
    host = right[: len(right) - len(right.lstrip(_HOST))].rstrip(".-")
    if not local or len(local) > 64 or ".." in local or local.endswith(".") or "." not in host:
        return _national(text, p, local)
    labels = host.split(".")
    if not top_level(labels[-1]) and top_level(labels[-1].split("-")[0]):
        labels[-1] = labels[-1].split("-")[0]
    while len(labels) > 1 and not top_level(labels[-1]):
        labels.pop()  # a sentence that goes on after the address without a blank
    if len(labels) < 2 or any(not x or len(x) > 63 or x[0] == "-" or x[-1] == "-" for x in labels):
        return _reserved_only(text, p, local, host)
    host = ".".join(labels)
    start, end = p - len(local), p + 1 + len(host)
    if _URL.search(text[max(0, start - 50) : start]) or local == "git":
        return None  # user information of a web address, a repository's account
    if "message-id" in before(text, start):
        return None
    if reserved(host):
        return Hit(start, end, "near_email", "email:reserved", f"{local}@{host}", 0.2)
    if len(labels) == 2 and labels[-1] in FILE_NAMES:
        return Hit(start, end, "near_email", "email:file", f"{local}@{host}", 0.2)
    return Hit(start, end, "pi_email", "email", f"{local}@{host}", 1.0)


def _reserved_only(text: str, p: int, local: str, host: str) -> Hit | None:
    if reserved(host):
        return Hit(p - len(local), p + 1 + len(host), "near_email", "email:reserved", f"{local}@{host}", 0.2)
    return None


def _national(text: str, p: int, local: str) -> Hit | None:
    """张三@例子.中国: a domain in Han characters; the local part may be Han where a blank or mark stands before it."""
    found = re.compile(rf"([\w\-]{{1,30}})\.({NATIONAL})").match(text, p + 1)
    if not found:
        return None
    if not local:
        name = re.compile(r"(?:^|[^\w])([\w.]{1,16})$").search(text[max(0, p - 18) : p])
        local = name.group(1) if name else ""
    return (
        Hit(p - len(local), found.end(), "pi_email", "email:national", f"{local}@{found.group()}", 0.9)
        if local
        else None
    )


def _spelled(text: str, start: int, end: int) -> Iterator[Hit]:
    """Spelled-out addresses around a mark, of the same text: one beside it is looked at for its own marks only."""
    low, high = max(0, start - 44), min(len(text), end + 64)
    low, edge = max(low, text.rfind(EDGE, low, start) + 1), text.find(EDGE, end, high)
    for found in _AT.finditer(text, low, high if edge < 0 else edge):
        host = re.sub(r" dot | ?\[dot\] ?", ".", found.group(2))
        if top_level(host.rsplit(".", 1)[-1]) and not reserved(host):
            yield Hit(*found.span(), "near_email", "email:spelled", f"{found.group(1)}@{host}", 0.5)


def find_ips(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """Public IPv4 and IPv6 addresses that may name a person's line; not versions, networks, private or reserved
    ones."""
    dots = marks.of(DOT)
    dots = dots[codes[dots - 1] - np.uint32(48) < 10]
    if dots.size > 2:
        gaps = np.diff(dots)
        for p in dots[:-2][(gaps[:-1] <= 4) & (gaps[1:] <= 4)].tolist():
            found = _IP.match(text, _back(text, p))
            if found and _ip4(text, found):
                value = str(ipaddress.ip_address(found.group().split("/")[0]))
                yield Hit(*found.span(), "pi_ip", "ip:4", value, 0.8)
    for found in _colons(text, codes, marks.of(DASH), _IP6, 4):
        value = _ip6(found.group().rstrip(":"))
        if value:
            yield Hit(found.start(), found.start() + len(found.group().rstrip(":")), "pi_ip", "ip:6", value, 0.8)


def _back(text: str, dot: int) -> int:
    start = dot
    while start > dot - 3 and "0" <= text[start - 1] <= "9":
        start -= 1
    return start


def _ip4(text: str, found: re.Match) -> bool:
    quad = found.group().split("/")[0]
    parts = quad.split(".")
    if (
        any(int(x) > 255 or (len(x) > 1 and x[0] == "0") for x in parts)
        or quad in _PUBLIC
        or found.group(1) not in (None, "/32")
    ):
        return False
    address = ipaddress.ip_address(quad)
    if (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or parts[0] == "255"
        or parts[3] in ("0", "255")
    ):
        return False
    context = before(text, found.start(), 16)
    if _VERSION.search(context):
        return False
    return max(map(int, parts)) > 40 or _NEAR_IP.search(context) is not None


def _ip6(value: str) -> str:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return ""
    return str(address) if address.is_global and value.count(":") >= 4 else ""


def find_macs(text: str, codes: np.ndarray, marks: Marks) -> Iterator[Hit]:
    """Hardware addresses, not those of all zeros or ones, of documentation (RFC 7042) or that read as a time stamp."""
    for found in _colons(text, codes, marks.of(DASH), _MAC, 2):
        value = found.group().replace("-", ":")
        if len(set(value)) > 3 and not value.startswith("00:00:5e:00:53") and not value.replace(":", "").isdigit():
            yield Hit(*found.span(), "pi_mac", "mac", value, 0.9)


def _colons(text: str, codes: np.ndarray, dashes: np.ndarray, pattern: re.Pattern, lead: int) -> Iterator[re.Match]:
    """Matches whose first dash, `lead` characters after their beginning, is followed by two more, each at most five
    characters on: colons or dashes, hex before the first."""
    if dashes.size < 3:
        return
    near = np.diff(dashes) <= 5
    firsts = dashes[:-2][near[:-1] & near[1:]]
    left = codes[firsts - 1]
    for p in firsts[((left - np.uint32(48)) < 10) | ((left - np.uint32(97)) < 6)].tolist():
        found = pattern.match(text, max(0, p - lead))
        if found:
            yield found
