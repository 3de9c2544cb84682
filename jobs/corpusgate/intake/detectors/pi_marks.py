"""Marks of personal information: where in a folded batch its patterns are tried."""

from __future__ import annotations

import string

DIGIT, DOT, DASH, AT, BRACKET, PLATE, PAPERS, ACCOUNT = (1 << bit for bit in range(8))
"""A digit; a dot before one; a colon or dash; an @; a bracket before an a; a province's character before a letter; the
first two characters of a word for identity papers, and for an account."""

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
PASSPORTS = ("护照", "passport")
PERMITS = ("通行证", "回乡证", "台胞证", "永久居留", "居留证")
WECHAT = ("微信", "薇信", "威信", "wechat", "weixin", "vx", "v信", "wx")
QQ = ("qq", "扣扣", "企鹅号")


PAIRS = (
    (DIGIT, string.digits, ""),
    (DOT, ".", string.digits),
    (DASH, ":-", ""),
    (AT, "@", ""),
    (BRACKET, "[(", "a"),
    (PLATE, PROVINCES, string.ascii_lowercase),
    *((PAPERS, word[0], word[1]) for word in (*PASSPORTS, *PERMITS)),
    *((ACCOUNT, word[0], word[1]) for word in (*WECHAT, *QQ)),
)
"""What `marks.table_of` makes a table of."""
