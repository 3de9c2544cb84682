"""Check digits, prefixes and ranges of identifiers: pure functions on folded text (digits ASCII, letters lower
case)."""

from __future__ import annotations

import re
from calendar import monthrange

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10x98765432"
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
    ]
)
_ISLANDS = frozenset(("810000", "820000", "830000"))
_CREDIT = "0123456789abcdefghjklmnpqrtuwxy"
FIRST_YEAR, LAST_YEAR = 1900, 2035
"""Years of birth that an identity number may hold; a constant, since the same text must give the same finding any
day."""


def id_region(six: str) -> bool:
    """Could the first six digits be a county of GB/T 2260, or Hong Kong, Macau or Taiwan (residence permits)?"""
    return six in _ISLANDS or (
        six[:2] in _PROVINCES and ("01" <= six[2:4] <= "70" or six[2:4] == "90") and six[4:6] != "00"
    )


def id_date(eight: str) -> bool:
    """Is it a day of the calendar, yyyymmdd, within the years of birth?"""
    year, month, day = int(eight[:4]), int(eight[4:6]), int(eight[6:])
    return FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def id_checksum(eighteen: str) -> bool:
    """ISO 7064 MOD 11-2 of GB 11643-1999 (`x` lower case)."""
    total = sum(int(c) * w for c, w in zip(eighteen, _ID_WEIGHTS, strict=False))
    return _ID_CHECK[total % 11] == eighteen[17]


def credit_code(eighteen: str) -> bool:
    """Is it a valid unified social credit code (GB 32100-2015, MOD 31)? Those name organisations, not people."""
    if any(c not in _CREDIT for c in eighteen):
        return False
    total = sum(_CREDIT.index(c) * pow(3, i, 31) for i, c in enumerate(eighteen[:17]))
    return _CREDIT[-total % 31] == eighteen[17]


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 check digit."""
    odd = sum(map(int, digits[-1::-2]))
    even = sum(sum(divmod(2 * int(c), 10)) for c in digits[-2::-2])
    return (odd + even) % 10 == 0


def card_prefix(digits: str) -> bool:
    """Does a known issuer's range start like this, with this length? (public ranges of UnionPay, Visa, Mastercard,
    Amex, JCB, Diners, Discover, and the older domestic 9558)"""
    n, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if two == 62:
        return 16 <= n <= 19
    if n == 16:
        return (
            digits[0] == "4"
            or 51 <= two <= 55
            or 2221 <= four <= 2720
            or 3528 <= four <= 3589
            or four == 6011
            or two == 65
        )
    if n == 15:
        return two in (34, 37)
    if n == 14:
        return two in (36, 38) or 300 <= int(digits[:3]) <= 305
    return n == 19 and four == 9558


MOBILE_SEGMENT = re.compile(r"13\d|14[014-9]|15[0-35-9]|16[2567]|17[0-8]|18\d|19[0-35-9]")
"""First three digits that the ministry has given to mobile services."""

AREA = (
    r"(?:10|2[0-57-9]|3[1357]\d|335|349|39\d|4[13578]\d|46\d|5[1-9]\d|63[1-5]|66\d|69[12]|7[1-79]\d|8[1-9]\d|9[0-79]\d)"
)
"""Area codes of the mainland without the leading zero."""
