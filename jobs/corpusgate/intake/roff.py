"""Manual pages (roff with the man macros, and what mdoc pages use most) as plain text.

No typesetter: requests that only lay out are dropped, fonts too, conditions take the terminal's side, filled lines are
joined into paragraphs. Good for reading text out of manuals; tables come out as their cells.
Source: groff(7), groff_char(7), man(7), mdoc(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CHARACTERS = {
    "bu": "•", "aq": "'", "dq": '"', "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "co": "©", "rg": "®", "tm": "™",
    "em": "—", "en": "–", "hy": "‐", "mi": "−", "de": "°", "bv": "|", "br": "│", "ul": "_", "ru": "_", "sl": "/",
    "rs": "\\", "ga": "`", "ha": "^", "ti": "~", "at": "@", "sh": "#", "Do": "$", "Eu": "€", "Po": "£", "pd": "∂",
    "+-": "±", "**": "*", "pl": "+", "eq": "=", ">=": "≥", "<=": "≤", "!=": "≠", "->": "→", "<-": "←", "ua": "↑",
    "da": "↓", "dg": "†", "dd": "‡", "sc": "§", "ps": "¶", "mu": "×", "di": "÷", "12": "½", "14": "¼", "34": "¾",
    "Fo": "«", "Fc": "»", "ae": "æ", "ss": "ß", "or": "|", "ba": "|", "lB": "[", "rB": "]", "lC": "{", "rC": "}",
    "la": "⟨", "ra": "⟩", "if": "∞", "*W": "Ω", "*p": "π", "*b": "β", "*a": "α", "*m": "μ", "sq": "□", "fm": "′",
}  # fmt: skip
_STRINGS = {"R": "®", "Tm": "™", "lq": "“", "rq": "”", 'L"': '"', 'R"': '"', "C+": "C++", "--": "—", "PI": "π"}
_ESCAPE = re.compile(
    r"""\\(?:
        ["\#].*$                                            # a comment
      | [fF](?:\(..|\[[^\]]{0,99}\]|.)                        # a font
      | s(?:[+-]?\d{1,2}|\([+-]?..|\[[^\]]{0,99}\]|'[^']{0,99}')  # a size
      | [mMgkVY](?:\(..|\[[^\]]{0,99}\]|.)                  # a colour, a place, a variable of the system
      | n[+-]?(?:\(..|\[[^\]]{0,99}\]|.)                    # a register
      | [hvlLbDXSHwxRZoNAB]'[^']{0,999}'                      # moves and lines, with an argument
      | z.                                                  # a character without width
      | \((?P<two>..)
      | \[(?P<long>[^\]]{0,99})\]
      | \*(?:\((?P<stwo>..)|\[(?P<slong>[^\]]{0,99})\]|(?P<sone>.))
      | (?P<one>.)
    )""",
    re.VERBOSE,
)
_PLAIN = {c: c for c in "-\\ '`._"} | {"e": "\\", "~": " ", "0": " ", "t": "\t"}
_REQUEST = re.compile(r"^[.'][ \t]*(\S*?)(?:[ \t]+(.*))?$", re.DOTALL)
_QUOTED = re.compile(r'[ \t]*(?:"((?:[^"]|"")*)"?|((?:\\.|[^ \t\\])+))')
_FONTS = frozenset(("B", "I", "R", "SM", "SB", "CW", "BI", "BR", "IB", "IR", "RB", "RI"))
_JOINED = frozenset(("BI", "BR", "IB", "IR", "RB", "RI"))
_SPACED = frozenset(("PP", "P", "LP", "HP", "TP", "IP", "Sp", "Pp", "sp"))
_UNFILLED = frozenset(("nf", "EX", "Vb", "CS", "DS"))
_FILLED = frozenset(("fi", "EE", "Ve", "CE", "DE"))
_ENDING = frozenset(("TQ", "RS", "RE", "br", "Bl", "El", "Bd", "Ed", "It", "ti", "in"))
_BREAKS = _SPACED | _UNFILLED | _FILLED | _ENDING
_DEFINING = {"de": "..", "de1": "..", "am": "..", "ig": ".."}
_MDOC = {"Fl": "-", "Ar": "", "Nm": "", "Ic": "", "Cm": "", "Pa": "", "Ev": "", "Dv": "", "Em": "", "Sy": "", "Li": "",
         "Va": "", "Fn": "", "Ft": "", "Tn": "", "Ad": "", "No": "", "Nd": "— ", "Xr": "", "Op": "", "Pq": "", "Dq": "",
         "Sq": "", "Ql": "", "Bq": "", "Aq": "", "Qq": "", "Ns": "", "Xo": "", "Xc": "", "An": ""}  # fmt: skip
_AROUND = {"Op": "[]", "Bq": "[]", "Pq": "()", "Dq": "“”", "Sq": "‘’", "Ql": "‘’", "Aq": "<>", "Qq": '""'}
_SHORT_TAG = 3  # characters: a bullet or number stays before its paragraph, a longer tag has a line of its own
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


@dataclass(slots=True)
class Page:
    """A manual page: title such as `ls(1)`, and its text with a blank line between paragraphs."""

    title: str | None
    text: str


@dataclass(slots=True)
class _State:
    blocks: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)  # pieces: text is joined once, whatever its length
    filled: bool = True
    strings: dict[str, str] = field(default_factory=lambda: dict(_STRINGS))
    title: str | None = None
    name: str = ""
    table: str = ""  # "", "format" or "cells"
    tag: bool = False  # the next line is the tag of a paragraph
    apart: bool = False  # a blank comes next, whatever stands there

    def add(self, text: str) -> None:
        """Takes one line of text: joined to the last where lines are filled, its own where not."""
        text = text.strip() if self.filled else text.rstrip()
        if not self.filled:
            self.end()
            self.blocks.append(text)
        elif text:
            tight = not self.line or (not self.apart and _WIDE.match(self.line[-1][-1]) and _WIDE.match(text[0]))
            self.line.append(text if tight else f" {text}")
            self.apart = False
            if self.tag:
                self.tag, self.apart = False, len(self.line[0]) <= _SHORT_TAG
                if not self.apart:
                    self.end()

    def end(self, blank: bool = False) -> None:
        """Ends the line, and the paragraph where `blank`."""
        self.apart = False
        if self.line:
            self.blocks.append("".join(self.line))
            self.line = []
        if blank and self.blocks and self.blocks[-1]:
            self.blocks.append("")


def page(source: str) -> Page:
    """The page's plain text. Never raises: what is no roff comes out as it stands."""
    state = _State()
    for line in _effective(source):
        if state.table:
            _table(state, line)
        elif line[:1] in ".'" and line[:1]:
            _request(state, line)
        elif not line.strip():
            state.end(blank=True)
        else:
            state.add(_text(state, line))
    state.end()
    return Page(state.title, "\n".join(state.blocks).strip("\n"))


def _effective(source: str) -> Iterator[str]:
    """The lines that count: no comments, no definitions, of conditions the terminal's side, continued lines as one."""
    lines, until, taken, depth = iter(source.replace("\\\n", "").split("\n")), "", True, 0
    for line in lines:
        if until:
            until = "" if line.rstrip() == until else until
            continue
        if depth:  # within a block that is not taken
            depth += line.count(r"\{") - line.count(r"\}")
            continue
        name, rest = _split(line)
        if name in ('\\"', "\\#", "\\}", "..") or (name == "" and line[:1] in (".", "'") and not rest):
            continue
        if name in _DEFINING:
            words = rest.partition('\\"')[0].split()
            until = "." + words[1] if len(words) > 1 else _DEFINING[name]
        elif name in ("if", "ie", "el"):
            yes = not taken if name == "el" else _holds(rest)
            taken = yes if name == "ie" else taken
            body = (rest if name == "el" else re.sub(r"^(?:!?'[^']*'[^']*'|\S+)[ \t]*", "", rest)).lstrip()
            opens = body.count(r"\{") - body.count(r"\}")
            if not yes:
                depth = max(0, opens)
            elif body := body.replace(r"\{", "").replace(r"\}", "").strip():
                yield body
        else:
            yield line.replace(r"\}", "") if line.endswith(r"\}") else line


def _holds(condition: str) -> bool:
    """Whether a condition holds on a terminal: `n` does, `t` does not, of the others none."""
    return condition.startswith(("n ", "n\\", "!t", "n.")) or condition == "n"


def _split(line: str) -> tuple[str | None, str]:
    if line[:1] not in (".", "'") or not line:
        return None, ""
    match = _REQUEST.match(line)
    return (match[1], match[2] or "") if match else (None, "")


def _request(state: _State, line: str) -> None:
    name, rest = _split(line)
    if not name or name.startswith("\\"):
        return
    if name in ("TH", "Dt"):
        words = _words(state, rest)
        state.title = f"{words[0]}({words[1]})" if len(words) > 1 else (words[0] if words else None)
    elif name in ("SH", "SS", "Sh", "Ss"):
        state.filled = True
        state.end(blank=True)
        state.blocks.append(" ".join(_words(state, rest)))
    elif name == "TS":
        state.end(blank=True)
        state.table = "format"
    elif name == "ds":
        key, _, value = rest.partition(" ")
        if len(state.strings) < 1000:
            state.strings[key] = _text(state, value.strip().removeprefix('"'))[:200]
    elif name in _BREAKS:
        _break(state, name, rest)
    elif name in _FONTS:
        state.add(("" if name in _JOINED else " ").join(_words(state, rest)))
    elif name in ("UR", "MT"):
        state.add(" ".join(_words(state, rest)))
    elif name in _MDOC:
        _mdoc(state, name, rest)


def _break(state: _State, name: str, rest: str) -> None:
    state.end(blank=name in _SPACED)
    state.tag = name in ("TP", "TQ")
    if name in _UNFILLED | _FILLED:
        state.filled = name in _FILLED
    elif name == "IP" and (words := _words(state, rest)):
        state.tag = True
        state.add(words[0])
    elif name == "It":
        _mdoc(state, "", rest)
        state.end()


def _mdoc(state: _State, name: str, rest: str) -> None:
    """A line of mdoc: the macros among its words become what they print."""
    out, closing = "", ""
    for word in [*([name] if name else []), *_words(state, rest)]:
        if word in _AROUND:
            out += (" " if out else "") + _AROUND[word][0]
            closing = _AROUND[word][1] + closing
        elif word == "Nm":
            out += (" " if out and not out.endswith(" ") else "") + state.name
        elif word in ("Ns", "Xo", "Xc", "No"):
            continue
        elif word in _MDOC:
            out += (" " if out and out[-1] not in " [(“‘<" else "") + _MDOC[word]
        else:
            if name == "Nm" and not state.name:
                state.name = word
            tight = not out or out[-1] in " -[(“‘<" or word in (",", ".", ":", ";", ")", "]")
            out += word if tight else " " + word
    state.add(out.strip() + closing)


def _table(state: _State, line: str) -> None:
    """tbl(1): lines of format up to one that ends with a dot, then cells parted by tabs."""
    if line.startswith(".TE"):
        state.table = ""
        state.end(blank=True)
    elif state.table == "format":
        state.table = "cells" if line.rstrip().endswith(".") else "format"
    elif line.strip() not in ("_", "=", "") and not line.startswith((".", "'", "T{", "T}")):
        cells = (_text(state, cell).strip() for cell in line.split("\t"))
        state.blocks.append("\t".join(c for c in cells if c not in ("_", "=", "")))


def _words(state: _State, rest: str) -> list[str]:
    words = []
    for match in _QUOTED.finditer(rest):
        if (quoted := match[1]) is not None or match[2]:
            plain = quoted.replace('""', '"') if quoted is not None else match[2]
            if plain.startswith('\\"'):
                break
            words.append(_text(state, plain))
    return words


def _text(state: _State, text: str) -> str:
    """The text without escapes: characters by name become characters, everything that lays out goes."""

    def plain(match: re.Match[str]) -> str:
        name = match["two"] or match["long"]
        if name is not None:
            return _character(name)
        string = match["stwo"] or match["slong"] or match["sone"]
        if string is not None:
            return state.strings.get(string, "")
        return _PLAIN.get(match["one"] or "", "")

    return _ESCAPE.sub(plain, text) if "\\" in text else text


def _character(name: str) -> str:
    if re.fullmatch(r"u[0-9A-F]{4,6}", name) and int(name[1:], 16) < 0x110000:
        return chr(int(name[1:], 16))
    return _CHARACTERS.get(name, "")
