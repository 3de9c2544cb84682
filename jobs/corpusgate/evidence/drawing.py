"""Bars as inline SVG: no script, no style attribute, nothing to fetch; fit for offline use and a strict policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from corpusgate.evidence.cells import tame

_ROW, _LABEL, _BAR, _NUMBER = 22, 220, 420, 150


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart: a label and its parts, each with a class of the page's style (`kept`, `removed`, …)."""

    label: str
    parts: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        """Sum of the parts."""
        return sum(value for _, value in self.parts)


def bars(rows: Sequence[Bar], title: str) -> Markup:
    """Horizontal bars, all on one scale; `title` is what a screen reader says."""
    if not rows:
        return Markup("")
    most = max((r.total for r in rows), default=0) or 1
    height = _ROW * len(rows) + 4
    width = _LABEL + _BAR + _NUMBER
    out = [
        Markup('<svg class="bars" role="img" width="{0}" height="{1}" viewBox="0 0 {0} {1}"><title>{2}</title>').format(
            width, height, title
        )
    ]
    for number, row in enumerate(rows):
        top = number * _ROW + 2
        out.append(
            Markup('<text class="label" x="{}" y="{}" text-anchor="end">{}</text>').format(
                _LABEL - 8, top + 15, _short(row.label)
            )
        )
        left = float(_LABEL)
        for name, value in row.parts:
            length = _BAR * value / most
            if value > 0:
                tip = f"{_short(row.label)}: {name} {value:,.0f}"
                out.append(
                    Markup(
                        '<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="16"><title>{}</title></rect>'
                    ).format(name, left, top + 2, max(length, 1.0), tip)
                )
            left += length
        out.append(
            Markup('<text class="number" x="{:.1f}" y="{}">{}</text>').format(left + 6, top + 15, f"{row.total:,.0f}")
        )
    out.append(Markup("</svg>"))
    return Markup("\n").join(out)


def _short(label: str) -> str:
    return tame(label, 32)
