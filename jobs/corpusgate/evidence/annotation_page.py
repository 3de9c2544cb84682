"""The annotation page: people by role, batches by verdict, agreement by week, confusion matrices; each figure with a
sentence that says what it means and what to do, in Chinese and English.

One file, offline, without script; no corpus text. Labels and names come from elsewhere and are escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from corpusgate.errors import UserError
from corpusgate.evidence import annotation_words as words
from corpusgate.evidence.cells import tame, word
from corpusgate.evidence.drawing import Bar, bars
from corpusgate.evidence.matrix import matrix
from corpusgate.evidence.page import style
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import Run, write_atomically
from corpusgate.settings.load import load_corpus, load_sources
from corpusgate.settings.place import Place

#: Its name beside a run's results.
PAGE = "annotation.html"
PEOPLE_DRAWN, SHOWN = 12, 50
"""Matrices drawn (of the people who probably err most), and rows of a table that may be long."""
_VERDICTS = {"passed": "pass", "void": "fail", "unverified": "pending"}
_VERDICT_ZH = {"passed": "通过", "void": "作废", "unverified": "未核验"}
_CONTROL_ZH = {"fail": "不符合", "pending": "待定", "waived": "豁免", "pass": "符合"}
_KIND_ZH = {"functional": "功能性标注", "safety": "安全性标注"}
_ROLE_ZH = {"executor": "标注执行", "reviewer": "审核", "arbitrator": "仲裁", "supervisor": "监督"}


def annotation_page(place: Place, corpus: str, controls: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page of a corpus as HTML; `controls` are verdicts as `gates.annotation_gate.verdict_rows` gives them."""
    from corpusgate.annotation.facts import read_facts
    from corpusgate.annotation.job import batch_verdicts
    from corpusgate.annotation.quality import quality

    report = quality(place, corpus)
    facts = read_facts(place, corpus)
    roles: dict[str, set[str]] = {}
    for row in facts.of("annotator_role"):
        roles.setdefault(row["role"], set()).add(row["annotator_id"])
    names = {b["batch_id"]: b["name"] for b in facts.batches}
    verdicts = [
        {"batch_id": b.id, "name": names.get(b.id) or b.id, "kind": b.kind, "verdict": b.verdict,
         "because": b.because, "items": b.items, "sampled": b.sampled, "failed": len(b.failed)}
        for b in batch_verdicts(place, facts).values()
    ]  # fmt: skip
    return render(report, {r: sorted(p) for r, p in roles.items()}, verdicts, controls, _is_fixture(place, corpus))


def leave_page(run: Run, controls: Sequence[Mapping[str, Any]] = ()) -> Path | None:
    """Writes the page of the run's corpus as `annotation.html` beside the run's results, so that it shows what held
    then; None, and no page, where nothing is annotated for the corpus."""
    batches = store.read(run.place, "annotation_batch", ["batch_id"], f"corpus = {literal(run.corpus.id)}")
    if not batches.num_rows:
        return None
    path = run.folder / PAGE
    write_atomically(path, annotation_page(run.place, run.corpus.id, controls))
    return path


def _is_fixture(place: Place, corpus: str) -> bool:
    """Whether every source of the corpus is declared as made by corpusgate itself."""
    try:
        sources = load_sources(place, load_corpus(place, corpus))
    except UserError:
        return False  # a page must open although the declarations are being edited
    return bool(sources) and all(s.fixture for s in sources)


def render(
    report: Mapping[str, Any],
    roles: Mapping[str, list[str]],
    verdicts: list[dict[str, Any]],
    controls: Sequence[Mapping[str, Any]] = (),
    fixture: bool = False,
) -> str:
    """The page from `quality`'s report, people by role, batches with their verdicts, and verdicts of controls."""
    order = {"void": 0, "unverified": 1, "passed": 2}
    batches = sorted(verdicts, key=lambda b: (order.get(b["verdict"], 0), b["kind"], b["name"], b["batch_id"]))
    counted = Counter(b["verdict"] for b in batches)
    people = [Bar(f"{_ROLE_ZH.get(r, r)} {r}", (("kept", len(who)),)) for r, who in sorted(roles.items())]
    return _environment().from_string(_template()).render(
        style=style(), corpus=report["corpus"], roles=roles, role_zh=_ROLE_ZH, batches=batches[:SHOWN],
        batches_left=max(len(batches) - SHOWN, 0), counted=counted, verdict_class=_VERDICTS, verdict_zh=_VERDICT_ZH,
        kinds=[_part(kind, part) for kind, part in report["kinds"].items()], kind_zh=_KIND_ZH, words=words,
        people=bars(people, "people by role"), shown=SHOWN, fixture=fixture,
        controls=[c for c in controls if c["verdict"] != "not_applicable"], control_zh=_CONTROL_ZH,
    )  # fmt: skip


def _part(kind: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """One kind of annotation, its drawings made."""
    told = part["dawid_skene"]
    reliable = bool(told and told["reliable"])
    order = {"unreliable": 0, "not_computable": 1, "tentative": 2, "reliable": 3}
    batches = sorted(part["batches"], key=lambda b: (order[b["reading"]], b["name"], b["batch_id"]))
    people = sorted(part["people"], key=lambda p: (_accuracy(p), p["person"]))
    weeks = [Bar(w["week"], (("kept", 100 * w["raw"]),)) for w in part["weeks"] if w["raw"] is not None]
    return {
        "kind": kind, "part": part, "reliable": reliable, "batches": batches[:SHOWN], "people": people[:SHOWN],
        "weeks_drawn": bars(weeks, "same label, in % of comparisons, by week"),
        "matrices": [_matrix(part["labels_named"], p) for p in people[:PEOPLE_DRAWN] if p["confusion"]],
        "pairs": sorted(part["pairs"], key=lambda p: (p["raw"], p["one"], p["other"]))[:10],
    }  # fmt: skip


def _accuracy(person: Mapping[str, Any]) -> float:
    return 2.0 if person["accuracy"] is None else person["accuracy"]


def _matrix(labels: list[str], person: Mapping[str, Any]) -> dict[str, Any]:
    title = f"{person['person']}: rows what was probably right, columns what was said"
    return {"person": person["person"], "svg": matrix(labels, person["confusion"], person["weight"], title)}


def _environment() -> Environment:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["cell"] = lambda value, width=120: tame(word(value), width)
    environment.filters["number"] = lambda n: f"{n:,}" if isinstance(n, int) else word(n)
    environment.filters["share"] = lambda x: "—" if x is None else f"{x:.0%}"
    environment.filters["two"] = lambda x: "—" if x is None else f"{x:.2f}"
    environment.filters["said"] = _said
    return environment


def _said(said: words.Said) -> Markup:
    return Markup('{}<br><span class="en" lang="en">{}</span>').format(*said)


def _template() -> str:
    return (files("corpusgate.evidence") / "templates" / "annotation.html.j2").read_text("utf-8")
