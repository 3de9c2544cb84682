"""Top-level domains that an e-mail address is believed at, and names that are nobody's (RFC 2606, 6761)."""

from __future__ import annotations

import re

_COUNTRY_CODES = """
ac ad ae af ag ai al am ao ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf cg ch
ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg gh gi gl
gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky
kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni
nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn
so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws
ye yt za zm zw
"""
_GENERIC = """
com net org edu gov mil int info biz name pro aero coop museum mobi asia tel travel jobs cat xxx post xyz top vip club
site online shop tech app dev cloud work wang ren store live group fun ink art design link email mail page blog wiki
news world today space life company icu cyou chat games team zone host press website foundation systems network
"""
TOP_LEVEL = frozenset((_COUNTRY_CODES + _GENERIC).split())
NATIONAL = "中国|公司|网络|中文网|在线|网址"
"""Top-level domains in Han characters, as alternatives of a pattern."""
FILE_NAMES = frozenset(("py", "so", "sh", "ps"))
"""Countries whose code is also how a file's name ends; people there mostly write from a third-level domain."""

_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu)|example|test|invalid|localhost|localdomain|local|lan"
    r"|domain\.com|yourdomain\.com)$"
)


def top_level(label: str) -> bool:
    """Is it a top-level domain, or one in Punycode?"""
    return label in TOP_LEVEL or label.startswith("xn--")


def reserved(host: str) -> bool:
    """Is the host one of those that documentation uses?"""
    return _RESERVED.search(host) is not None
