"""docs/controls.md: the catalogue as a page. `python -m corpusgate.gates.catalogue_page` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from corpusgate.gates.statistics import clopper_pearson, sample_to_tell
from corpusgate.gates.words import bound_shown
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.control import Control
from corpusgate.settings.place import find_place

CERTAINTY = {
    "F": "read in the final text",
    "A": "read in the final GB/T 45674",
    "Pd": "read in the draft only",
    "Fd": "read in the draft of 45654 only",
    "own": "own proposal",
}
STANDARDS = (
    ("45654-2025", "GB/T 45654-2025: generative AI services, basic safety requirements"),
    ("45674-2025", "GB/T 45674-2025: data annotation"),
    ("45652-draft", "GB/T 45652: pre-training and fine-tuning data (draft of March 2024, read in the draft only)"),
    ("corpusgate", "Own controls"),
)
HEAD = """# Controls

Generated from `conf/controls/` by `python -m corpusgate.gates.catalogue_page`; change a control there, never here.

Requirements are in our own words; clause numbers and figures are the standard's. This is no legal advice: before
filing, check each clause against the official text. A verdict says that the checks of a clause are met, never that
anything is certified. How halves combine, what blocks which channel and what may be waived is told at the end.

"""
TAIL = """
## How verdicts combine

A control has a computed half, a half that a person attests, or both: fail > pending > waived > pass. Nothing defaults
to pass; zero rows fail. Failing blocks the channels named; pending blocks `filing` only. A computed fail or pending
about one source keeps that source out of both channels, and the run goes on. A should is shown and blocks nothing.
Clauses 4.1.1, 4.1.3, 4.2.1 and 4.2.3 can never be waived.

## What a sample can tell

The clauses ask for the point figure, so the point figure is judged; the interval is shown. With {small} records, none
of them bad, the true share may still be up to {upper:.1f} % (exact 95 % interval). To tell 6 % from 5 % (one-sided
test, 5 % wrong refusals, 80 % found out) takes a random sample of at least **{size:,}** records. 4,000 is the sample
for the pass rate of 4.2.1, not for the 5 % of 4.1.1, for which the text gives no size. """


def page(catalogue: Catalogue) -> str:
    """The whole page as Markdown."""
    parts = [HEAD]
    for prefix, title in STANDARDS:
        controls = [c for c in catalogue if c.clause.startswith(prefix)]
        if controls:
            parts += [f"## {title}\n\n", *_table(controls), "\n"]
    small = 100
    parts.append(TAIL.format(small=small, upper=clopper_pearson(0, small).high * 100, size=sample_to_tell(0.05, 0.06)))
    return "".join(parts).rstrip() + "\n"


def _table(controls: Iterable[Control]) -> list[str]:
    lines = [
        "| clause | requirement | level | bound | mode | certainty | where judged | blocks |\n",
        "|---|---|---|---|---|---|---|---|\n",
    ]
    return [*lines, *map(_line, sorted(controls, key=lambda c: _order(c.clause_number)))]


def _line(control: Control) -> str:
    cells = (
        f"**{control.clause_number}** {control.title}<br>{control.title_zh}<br>`{control.id}`" + _old_numbers(control),
        f"{control.requirement}<br>{control.requirement_zh}",
        f"{control.level}<br>{'body' if control.body == 'normative' else 'annex or own'}",
        _bound(control),
        _mode(control),
        CERTAINTY[control.certainty],
        "<br>".join(dict.fromkeys((control.gate, *control.also_at))) + f"<br>per {control.scope}",
        "<br>".join(control.blocks) or "nothing",
    )
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"


def _old_numbers(control: Control) -> str:
    return f"<br>formerly {', '.join(control.aliases)}" if control.aliases else ""


def _bound(control: Control) -> str:
    if control.bound is None:
        return "none: attested"
    minima = "".join(f"<br>{name}: at least {number}" for name, number in control.minima.items())
    drawn = ""
    if control.draw is not None:
        sizes = [f"{control.draw.count:,}"] if control.draw.count else []
        sizes += [f"{control.draw.share * 100:g} %"] if control.draw.share else []
        each = f" each {control.draw.per}" if control.draw.per else ""
        drawn = f"<br>drawn: {' or '.join(sizes)} of {control.draw.frame}{each}"
        drawn += f", {control.draw.redraw:,} of them looked at closely" if control.draw.redraw else ""
        drawn += f", and {control.draw.whole:,} of all released records" if control.draw.whole else ""
        drawn += f" ({control.draw.clause})"
    return f"`{control.figure}` {control.comparator} {bound_shown(control)}{minima}{drawn}"


def _mode(control: Control) -> str:
    said = control.mode
    if control.attestation_role:
        said += f"; role {control.attestation_role}"
        said += f", {control.expires_days} days" if control.expires_days else ""
    if control.only_for:
        said += f"; only for {', '.join(control.only_for)}"
    if control.only_use:
        said += f"; only for a corpus for {control.only_use.replace('_', ' ')}"
    if control.all_of:
        said += f"<br>the worst verdict of {', '.join(control.all_of)}"
    if control.waits_for:
        said += f"<br>pending: waits for {control.waits_for}"
    return said


def _order(number: str) -> tuple[object, ...]:
    """4.1.10 after 4.1.9, annexes after the body."""
    parts = number.replace("(", " ").replace(".", " ").split()
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts)


def write(home: Path, catalogue: Catalogue) -> Path:
    """Writes the page under `home/docs`."""
    path = home / "docs" / "controls.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(catalogue), "utf-8")
    return path


if __name__ == "__main__":
    place = find_place()
    print(f"written: {write(place.home, load_catalogue(place)).relative_to(place.home)}")
