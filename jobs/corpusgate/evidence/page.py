"""The evidence page of a run: verdicts with clause and next act, sizes, removals, accounting; Chinese and English.

One file, offline, without script. Everything in it is escaped; corpus text itself is not shown.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from corpusgate.errors import ConfigError
from corpusgate.evidence.cells import tame, word
from corpusgate.evidence.drawing import Bar, bars
from corpusgate.evidence.figures import figures, find_run
from corpusgate.settings.control import Control
from corpusgate.settings.load import load_file
from corpusgate.settings.place import Place

#: Worst first.
_ORDER = {"fail": 0, "pending": 1, "waived": 2, "pass": 3, "not_applicable": 4}
_VERDICT_ZH = {"fail": "不符合", "pending": "待定", "waived": "豁免", "pass": "符合", "not_applicable": "不适用"}


def run_page(place: Place, run_id: str) -> str:
    """The page as HTML.

    Raises:
        UserError: no such run.
    """
    return render(figures(place, run_id), controls_of(place))


def render(told: dict[str, Any], controls: dict[str, Control]) -> str:
    """Figures as HTML; `controls` by id give titles and next acts in both languages."""
    verdicts = sorted(told["verdicts"], key=lambda v: (_ORDER.get(v["verdict"], 0), v["clause"], v["scope"]))
    fates = [
        Bar(s["source_id"], (("kept", s["kept"]), ("removed", s["removed"]), ("errored", s["errored"])))
        for s in told["sources"]
        if s["kept"] + s["removed"] + s["errored"]
    ]
    return _environment().from_string(_text("run.html.j2")).render(
        style=style(), told=told, verdicts=verdicts, controls=controls, verdict_zh=_VERDICT_ZH,
        counts={v: sum(r["verdict"] == v for r in verdicts) for v in _ORDER},
        fates=bars(fates, "kept, removed and errored by source"),
        languages=bars(_sums(told["sizes"], "language"), "characters by language"),
        licences=bars(_sums(told["sizes"], "licence"), "characters by licence"),
        by_source=bars(_sums(told["sizes"], "source_id"), "characters by source"),
    )  # fmt: skip


def style() -> str:
    """The page's style sheet."""
    return _text("page.css")


def style_source() -> str:
    """What a Content-Security-Policy must allow as `style-src` for the page's own style."""
    digest = hashlib.sha256(style().encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def frozen(place: Place, run_id: str) -> str:
    """The page as the evidence step froze it (of a run that only judged annotation, that run's annotation page), or
    drawn now where the run has not come so far.

    Raises:
        UserError: no such run.
    """
    folder = find_run(place, run_id).folder
    for name in ("evidence.html", "annotation.html"):
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8")
    return run_page(place, run_id)


def _sums(sizes: list[dict[str, Any]], by: str) -> list[Bar]:
    sums: dict[str, int] = {}
    for row in sizes:
        sums[row[by] or "?"] = sums.get(row[by] or "?", 0) + (row["characters"] or 0)
    return [Bar(name, (("kept", n),)) for name, n in sorted(sums.items(), key=lambda kv: (-kv[1], kv[0]))]


def controls_of(place: Place) -> dict[str, Control]:
    """The catalogue's controls by id; a file that is being edited and is wrong for now is left out."""
    found = {}
    for path in sorted((place.conf / "controls").glob("*.yaml")):
        try:
            found[path.stem] = load_file(path, Control)
        except ConfigError:
            continue  # a page of an old run must open although today's catalogue is being edited
    return found


@cache
def _environment() -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["cell"] = lambda value, width=400: tame(word(value), width)
    environment.filters["number"] = lambda n: f"{n:,}" if isinstance(n, int) else word(n)
    return environment


def _text(name: str) -> str:
    return (files("corpusgate.evidence") / "templates" / name).read_text("utf-8")
