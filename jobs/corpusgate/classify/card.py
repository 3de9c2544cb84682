"""The model card: what a model was taught with, how well it does on texts it has not seen, and where it may be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corpusgate.classify.model import Model
from corpusgate.classify.rules import (
    CLEAN,
    Example,
    by_class,
    calibration,
    macro_f1,
    part_of,
    share_with_interval,
)


def data_of(examples: Sequence[Example], batches: Sequence[str]) -> dict[str, Any]:
    """What a model is taught with: texts by part and class, by source, by origin; the batches; sources whose register
    is missing among the clean texts."""
    parts: dict[str, Counter[str]] = {"train": Counter(), "tune": Counter(), "test": Counter()}
    sources: dict[str, Counter[str]] = {}
    for e in examples:
        parts[part_of(e.text_sha256)].update(e.risks or (CLEAN,))
        sources.setdefault(e.source_id, Counter())["harmful" if e.risks else CLEAN] += 1
    return {
        "texts": len(examples), "parts": {p: dict(sorted(c.items())) for p, c in parts.items()},
        "by_source": {s: dict(sorted(c.items())) for s, c in sorted(sources.items())},
        "by_origin": dict(sorted(Counter(e.origin for e in examples).items())),
        "sources_without_clean_text": sorted(s for s, c in sources.items() if not c[CLEAN]),
        "batches": list(batches),
    }  # fmt: skip


def measured(model: Model, examples: Sequence[Example], classes: Sequence[str] | None = None) -> dict[str, Any]:
    """How well a model does on these texts, each scored by its worst window.

    `classes` are those that the macro-F1 is over: the model's own where not given.
    """
    worst = model.worst([e.text for e in examples])
    harm = np.array([w.harm for w in worst], float)
    harmful = np.array([bool(e.risks) for e in examples], bool)
    # a text with several risks is right when the model names one of them
    truth = [w.said if w.said in e.risks else (e.risks or (CLEAN,))[0] for w, e in zip(worst, examples, strict=True)]
    figures = by_class(truth, [w.said for w in worst], classes or model.classes)
    flagged = harm >= model.threshold
    clean = [(e.source_id, bool(f)) for e, f in zip(examples, flagged, strict=True) if not e.risks]
    return {
        "harmful": int(harmful.sum()), "clean": int((~harmful).sum()), "classes": figures,
        "macro_f1": macro_f1(figures), "recall_at_threshold": share_with_interval(
            int((flagged & harmful).sum()), int(harmful.sum())),
        "false_alarms": share_with_interval(sum(f for _, f in clean), len(clean)),
        "false_alarms_by_source": {
            s: share_with_interval(sum(f for t, f in clean if t == s), sum(t == s for t, _ in clean))
            for s in sorted({t for t, _ in clean})
        },
        "calibration": calibration(harm, harmful),
    }  # fmt: skip


def as_text(card: Mapping[str, Any]) -> str:
    """The card for people, as Markdown. No text of the corpus is in it."""
    data, test, threshold = card["data"], card["test"], card["threshold"]
    lines = [f"# Content classifier {card['version']}", ""]
    if card["fixture"]:
        lines += ["**Trained on a made-up fixture: it shows the way, and judges nothing.**", ""]
    lines += [
        f"Corpus {card['corpus']}, trained {card['trained_at']}; weights {card['weights_sha256']}.",
        f"scikit-learn {card['libraries']['scikit-learn']}; {card['settings']['features']}.", "",
        "## Taught with", "",
        f"{data['texts']} texts of {len(data['batches'])} accepted batches and of {len(data['by_source'])} sources: "
        + ", ".join(f"{n} by {o}" for o, n in data["by_origin"].items()) + ".",
        f"Labels: {card['labels']}", "", "| part | " + " | ".join(_names(data)) + " |",
        "|---|" + "---|" * len(_names(data)),
    ]  # fmt: skip
    lines += [
        f"| {part} | " + " | ".join(str(counts.get(c, 0)) for c in _names(data)) + " |"
        for part, counts in data["parts"].items()
    ]
    if data["sources_without_clean_text"]:
        lines += ["", "No clean text of: " + ", ".join(data["sources_without_clean_text"]) + ". Expect false alarms."]
    lines += [
        "", "## On held-out texts", "", f"Macro-F1 {_number(test['macro_f1'])} over {test['harmful']} harmful and "
        f"{test['clean']} clean texts.", "", "| class | texts | precision | recall | F1 |", "|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {name} | {f['texts']} | {_share(f['precision'])} | {_share(f['recall'])} | {_number(f['f1'])} |"
        for name, f in test["classes"].items()
    ]
    return "\n".join([*lines, *_how_to_use(test, threshold)])


def _how_to_use(test: Mapping[str, Any], threshold: Mapping[str, Any]) -> list[str]:
    """False alarms, threshold, calibration, and what the model is for."""
    return ["", "False alarms by source: " + "; ".join(
        f"{s} {_share(f)}" for s, f in test["false_alarms_by_source"].items()) + ".",
        "", "## Threshold", "",
        f"A text is harmful from a score of {threshold['harm']:.4f} in its worst window: chosen on "
        f"{threshold['tuned_on']} clean texts for at most {threshold['false_alarms_asked']:.2%} false alarms. On "
        f"held-out texts: false alarms {_share(test['false_alarms'])}, found {_share(test['recall_at_threshold'])} of "
        "the harmful ones.", "", "## Calibration", "",
        f"Expected calibration error {_number(test['calibration']['expected_calibration_error'])}, Brier score "
        f"{_number(test['calibration']['brier'])}: how far a score may be read as a chance.", "", "## Use", "",
        "Findings inform people and the technical sample; they remove nothing by themselves. Texts in other languages "
        "and registers than those above are outside what was measured.", "",
    ]  # fmt: skip


def _names(data: Mapping[str, Any]) -> list[str]:
    names = {c for counts in data["parts"].values() for c in counts}
    return sorted(names, key=lambda c: (c != CLEAN, c))


def _number(value: float | None) -> str:
    return "not computable" if value is None else f"{value:.3f}"


def _share(share: Mapping[str, Any]) -> str:
    if share["share"] is None:
        return "not computable (no texts)"
    return f"{share['share']:.1%} ({share['k']} of {share['n']}; 95 %: {share['low']:.1%} to {share['high']:.1%})"
