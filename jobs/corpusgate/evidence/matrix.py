"""A confusion matrix as inline SVG: rows what was probably right, columns what was said; darker is more."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from corpusgate.evidence.cells import tame

_CELL, _LABEL, _HEAD = 46, 150, 26
MOST = 12
"""Labels beyond this are not drawn: nobody can read them."""


def matrix(names: Sequence[str], shares: Sequence[Sequence[float]], weights: Sequence[float], title: str) -> Markup:
    """The matrix of one person. `shares` are rows that add up to 1, `weights` the items that a row rests on: labels
    that nobody met are left out, and of the others the `MOST` commonest are drawn."""
    shown = sorted(sorted((n for n, w in enumerate(weights) if w >= 0.5), key=lambda n: -weights[n])[:MOST])
    if not shown:
        return Markup("")
    width, height = _LABEL + _CELL * len(shown) + 70, _HEAD + _CELL * len(shown)
    out = [
        Markup('<svg class="bars" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}"><title>{2}</title>').format(
            width, height, tame(title, 160)
        )
    ]
    for at, column in enumerate(shown):
        out.append(_text(_LABEL + at * _CELL + _CELL / 2, 16, names[column], "middle", 7))
    for line, row in enumerate(shown):
        top = _HEAD + line * _CELL
        out.append(_text(_LABEL - 8, top + 27, names[row], "end", 20))
        for at, column in enumerate(shown):
            out.append(_cell(_LABEL + at * _CELL, top, shares[row][column], row == column))
        out.append(_text(_LABEL + len(shown) * _CELL + 8, top + 27, f"n {weights[row]:,.0f}", "start", 10))
    out.append(Markup("</svg>"))
    return Markup("\n").join(out)


def _cell(left: float, top: float, share: float, right: bool) -> Markup:
    return Markup(
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" fill-opacity="{:.2f}" stroke="#d9dee5"></rect>'
        '<text class="number" x="{}" y="{}" text-anchor="middle">{}</text>'
    ).format(
        "kept" if right else "errored", left, top, _CELL, _CELL, 0.04 + 0.6 * share, left + _CELL / 2, top + 27,
        f"{share:.0%}" if share >= 0.005 else "",
    )  # fmt: skip


def _text(x: float, y: float, text: str, anchor: str, width: int) -> Markup:
    return Markup('<text class="label" x="{:.0f}" y="{:.0f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, tame(text, width)
    )
