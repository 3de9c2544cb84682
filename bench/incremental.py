"""What a rebuild costs when all is new, when nothing changed, when one in a hundred documents did.

    python bench/incremental.py CORPUS WORK [--files 100] [--change files spread] [--rounds 1]

CORPUS is a corpus of the bench (corpora.py); what WORK holds is made anew. Each rebuild is measured as the bench's
others are: every step from fetch to evidence in a process of its own, CPU seconds of its process tree. Printed are a
JSON line a rebuild, the shares that are judged, and a table by step. `make bench ARGS=--incremental` does the same.

The documents lie in `--files` files of two sources. `fixed`: a rebuild of two hundred documents. `full`: the first
rebuild of all. `none`: again, with nothing changed. `files`: every document of one file changed; `spread`: one in a
hundred of every file. In both one document in a thousand goes, and as many come. Asked for is
(1 % - none) <= 0.10 (full - none), and none <= 1.2 fixed; the exit code is 1 where that is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import changes
import corpora
import rebuild
from corpora import Corpus
from measured import Cost

FILES, TINY = 100, 200
TURNS, ONCE = 5, "full"
"""So many times each rebuild is measured, but for the one that reads all there is."""
AGAIN, CHANGED = 1.2, 0.10
"""What is asked for: none against fixed, and a change's share of a full rebuild."""

Row = dict[str, Any]
"""A rebuild: `what`; `cpu` and `wall` of all steps (seconds), `peak` (MiB); `steps` (CPU seconds of each); `load` of
the machine; `changed` documents; `facts`."""


def series(
    corpus: Corpus, work: Path, tell: Callable[[Row], object], files: int = FILES, how: Sequence[str] = changes.HOW
) -> dict[str, Row]:
    """Full, then in turns fixed, none and each change, these in the lake that full left, day after day; tells each.

    A machine that others share has slow hours and fast ones: what is compared is measured side by side.

    Raises:
        SystemExit: a step failed, or a rebuild did something else than it is measured for.
    """
    measured: dict[str, list[Row]] = {}

    def one(lake: rebuild.Lake, what: str, changed: int = 0) -> None:
        turn = len(measured.setdefault(what, [])) + 1
        day = sum(map(len, measured.values())) + 1
        run_id = what if turn == 1 else f"{what}-{turn}"
        costs = rebuild.rebuild(lake, run_id, at=f"2026-11-{day:02d}T08:00:00+00:00")
        measured[what].append({"what": what, **_cost(costs), "changed": changed, "facts": facts(lake, run_id)})
        tell(measured[what][-1])

    lake = rebuild.prepare(changes.lay_out(corpus, work / "laid", files), work / "lake")
    one(lake, "full")
    shown = measured["full"][0]
    for _ in range(TURNS):
        one(rebuild.prepare(corpora.first(corpus, TINY, work / "first"), work / "tiny"), "fixed")
        one(lake, "none")
        _stayed(shown, measured["none"][-1])
        for name in how:
            mark = f"day{sum(map(len, measured.values())) + 1}"
            one(lake, name, changes.change(list((lake.work / "sources").glob("*/*.jsonl")), name, mark))
            _moved(shown, measured[name][-1])
            shown = measured[name][-1]
    return {what: _middle(measured[what]) for what in ("fixed", ONCE, "none", *how)}


def _middle(rows: Sequence[Row]) -> Row:
    """The one of the median cost, with what each of them cost; but of each step the median of its own costs, and of all
    steps their sum: what disturbs one step of a turn says nothing of its others."""
    ordered = sorted(rows, key=lambda row: row["cpu"])
    chosen = ordered[(len(rows) - 1) // 2]
    steps = {name: statistics.median_low(row["steps"][name] for row in rows) for name in chosen["steps"]}
    return {**chosen, "steps": steps, "cpu": round(sum(steps.values()), 2), "turns": [row["cpu"] for row in rows]}


def facts(lake: rebuild.Lake, run_id: str) -> dict[str, Any]:
    """What the run's own results say: so that a cheap run which did nothing is not taken for a good one."""
    intake, decide, publish = (lake.result(run_id, s) for s in ("intake", "decide", "publish"))
    told = {n: intake["facts"][n] for n in ("read", "texts", "screened") if n in intake["facts"]}
    kept = {n: decide[n] for n in ("kept", "removed", "errored")}
    return {**told, **kept, "published": publish["state"], "release_id": publish["facts"].get("release_id")}


def verdict(rounds: Sequence[Mapping[str, Row]]) -> dict[str, Any]:
    """Medians in CPU seconds, and the two shares that are asked for."""
    middle = {name: statistics.median(r[name]["cpu"] for r in rounds) for name in rounds[0]}
    saved = middle["full"] - middle["none"]
    shares = {n: round((middle[n] - middle["none"]) / saved, 3) for n in middle if n in changes.HOW}
    return {"cpu": middle, "none_over_fixed": round(middle["none"] / middle["fixed"], 3), "share_of_full": shares}


def _cost(costs: Mapping[str, Cost]) -> Row:
    total = sum(costs.values(), Cost(0.0, 0.0, 0.0, 0))
    steps = {name: round(cost.cpu, 2) for name, cost in costs.items()}
    whole = {n: round(getattr(total, n), 2) for n in ("cpu", "wall", "peak")}
    return {**whole, "steps": steps, "load": round(os.getloadavg()[1], 1)}


def _stayed(shown: Row, row: Row) -> None:
    """Nothing changed leaves the release that was shown."""
    if row["facts"]["release_id"] != shown["facts"]["release_id"] or row["facts"]["published"] != "unchanged":
        raise SystemExit(f"Nothing was changed, and the rebuild made another release: {json.dumps(row['facts'])}.")


def _moved(shown: Row, row: Row) -> None:
    """A change makes another release."""
    if row["facts"]["release_id"] in (None, shown["facts"]["release_id"]):
        raise SystemExit(f"Documents were changed, and no other release was made: {json.dumps(row['facts'])}.")


def main(arguments: Sequence[str]) -> int:
    """Measures and prints; 1 where what is asked for is missed."""
    import told

    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("corpus", type=Path)
    asked.add_argument("work", type=Path)
    asked.add_argument("--files", type=int, default=FILES)
    asked.add_argument("--change", nargs="+", choices=changes.HOW, default=list(changes.HOW))
    asked.add_argument("--rounds", type=int, default=1)
    given = asked.parse_args(arguments)
    corpus, work = corpora.read(given.corpus.resolve()), given.work.resolve()
    rounds = [series(corpus, work, _print, given.files, given.change) for _ in range(given.rounds)]
    said = verdict(rounds)
    _print(said)
    sys.stdout.write(told.again("given", {"docs": corpus.docs, "rounds": rounds}) + "\n")
    return 0 if said["none_over_fixed"] <= AGAIN and all(v <= CHANGED for v in said["share_of_full"].values()) else 1


def _print(row: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
