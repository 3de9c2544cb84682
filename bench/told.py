"""The bench's figures as tables, on the screen and between the marks of docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import incremental
from targets import Target, targets

MARKS = ("<!-- bench:begin -->", "<!-- bench:end -->")
_MISSING = "–"


def tables(said: dict[str, Any]) -> str:
    """All of it, as Markdown."""
    changed = [again(size, measured) for size, measured in said.get("incremental", {}).items()]
    parts = [about(said), costs(said), steps(said), targets_table(said), *changed, recall(said), *_one_process(said)]
    return "\n\n".join(p for p in parts if p)


def write(page: Path, said: dict[str, Any]) -> None:
    """Puts the tables between the marks of the page.

    Raises:
        SystemExit: the page has no marks.
    """
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise SystemExit(f"{page} has no {' … '.join(MARKS)} to write between.")
    page.write_text(f"{before}{begin}\n{tables(said)}\n{end}{after}", "utf-8")


def median(said: dict[str, Any], tool: str, size: str, key: str = "cpu") -> float | None:
    """Of all rounds; None where the tool was not run."""
    found = [r[key] for r in said["runs"] if (r["tool"], r["size"]) == (tool, size)]
    return statistics.median(found) if found else None


def step_median(said: dict[str, Any], size: str, step: str, key: str = "cpu") -> float | None:
    """CPU seconds of one step of corpusgate, or another of its figures."""
    found = [r["steps"][step][key] for r in said["runs"] if (r["tool"], r["size"]) == ("corpusgate", size)]
    return statistics.median(found) if found else None


def judged(said: dict[str, Any]) -> Iterable[Target]:
    """The targets, from what was measured."""
    return targets(
        said,
        lambda tool, size: median(said, tool, size),
        lambda tool, size: median(said, tool, size, "peak"),
        lambda size, step: step_median(said, size, step),
    )


def about(said: dict[str, Any]) -> str:
    """Machine, versions, data, load, command."""
    m, loads = said["machine"], [r["load"] for r in said["runs"]]
    data = "; ".join(
        f"{name}: {c['docs']:,} documents, {c['bytes'] / 1e6:.0f} MB, SHA-256 {c['sha256'][:12]}"
        for name, c in said["corpora"].items()
    )
    versions = ", ".join(f"{n} {v}" for n, v in said["versions"].items())
    others = "; ".join(sorted({v for v in said["peers"].values() if v}))
    failed = ", ".join(dict.fromkeys(said.get("failed", ())))
    invented = any(c.get("texts") == "invented" for c in said["corpora"].values())
    return (
        f"`{said['command']}`\n\n"
        f"{m['cores']} cores ({m['processor']}), {m['memory_gib']} GiB, {m['system']}, Python {m['python']}, "
        f"{m['java']}. Load while it ran (5 minutes): {min(loads):.0f} to {max(loads):.0f}. {_rounds(said)}\n\n"
        f"Data: {data}{' (invented words)' if invented else ''}. Versions: {versions}."
        f"{f' Others: {others}.' if others else ' No other tools were given, so none was measured.'}"
        f"{f' Did not end well, so are left out: {failed}.' if failed else ''}"
    )


def costs(said: dict[str, Any]) -> str:
    """CPU, wall, memory of every tool."""
    tools = list(dict.fromkeys(r["tool"] for r in said["runs"] if r["size"] in ("small", "big")))
    sizes = [s for s in ("tiny", "small", "big") if median(said, "corpusgate", s) is not None]
    rows = []
    for tool in tools:
        row = [tool]
        for size in sizes:
            cpu = median(said, tool, size)
            limit = median(said, "limit", size)
            times = f" ({cpu / limit:.1f} x)" if cpu and limit and tool != "limit" else ""
            row += [
                f"{_number(cpu)}{times}",
                _number(median(said, tool, size, "wall")),
                _whole(median(said, tool, size, "peak")),
            ]
        rows.append(row)
    heads = [h for s in sizes for h in (f"{s}, CPU-s", "wall s", "peak MiB")]
    note = (
        "`corpusgate`: intake to publish. In brackets: times the limit's CPU. `spark io`: reads and writes only. "
        "`intake by Spark`: corpusgate's intake alone, also where it is little enough to need no Spark."
    )
    return f"{_table(['tool', *heads], rows)}\n\n{note}"


def steps(said: dict[str, Any]) -> str:
    """CPU and peak memory of each step of corpusgate."""
    sizes = [s for s in ("tiny", "small", "big") if median(said, "corpusgate", s) is not None]
    names = next(r["steps"] for r in said["runs"] if r["tool"] == "corpusgate")
    rows = [
        [name, *(f(step_median(said, s, name, key)) for s in sizes for key, f in (("cpu", _number), ("peak", _whole)))]
        for name in names
    ]
    whole = [(_number(median(said, "corpusgate", s)), _whole(median(said, "corpusgate", s, "peak"))) for s in sizes]
    rows.append(["intake to publish", *(figure for pair in whole for figure in pair)])
    for probe, what in (("imports", "a gate's imports alone"), ("session", "a Spark session alone")):
        alone = [_number(median(said, probe, "-")), _whole(median(said, probe, "-", "peak"))]
        rows.append([what, *alone, *("" for _ in sizes[1:] for _ in alone)])
    return _table(["step", *(head for s in sizes for head in (f"{s}, CPU-s", "peak MiB"))], rows)


def again(size: str, measured: dict[str, Any]) -> str:
    """CPU of each step of the rebuilds of `incremental.py`."""
    rounds = measured["rounds"]
    names = list(rounds[0])

    def middle(of: Callable[[dict[str, Any]], float]) -> list[str]:
        return [_number(statistics.median(of(r[name]) for r in rounds)) for name in names]

    rows = [[step, *middle(lambda row, step=step: row["steps"][step])] for step in rounds[0]["full"]["steps"]]
    rows.append(["all steps", *middle(lambda row: row["cpu"])])
    shares = incremental.verdict(rounds)["share_of_full"]
    rows.append(["(this - none) / (full - none)", *(_share(shares[n]) if n in shares else "" for n in names)])
    note = (
        f"CPU seconds. `fixed`: a rebuild of {incremental.TINY} documents; `full`: the first of {measured['docs']:,}, "
        "in many files; `none`: again with nothing changed; `files`: every document of one file in a hundred changed; "
        f"`spread`: 1 % of every file did. But for {incremental.ONCE} the median of each step in {incremental.TURNS} "
        "turns, and their sum."
    )
    return f"{_table([f'rebuilt again, {size}', *names], rows)}\n\n{note}"


def targets_table(said: dict[str, Any]) -> str:
    """What was aimed at, what was measured, and whether it is met."""
    rows = []
    for target in judged(said):
        verdict = _MISSING if target.value is None else "met" if target.met else "missed"
        rows.append([target.what, target.bound, "not measured" if target.value is None else target.said, verdict])
    return _table(["target", "bound", "measured", ""], rows)


def recall(said: dict[str, Any]) -> str:
    """What was found, held against the truth."""
    rows = []
    for r in said["runs"]:
        if "judged" not in r:
            continue
        j = r["judged"]
        hidden = [v for form, v in j["keywords"].items() if form in ("fullwidth", "zerowidth", "traditional")]
        d, own = j["duplicates"], j.get("personal_precision", {})
        personal = [v for v in j["personal"].values() if v is not None]
        rows.append([
            f"{r['tool']}, {r['size']}", f"{j['kept']:,}", _share(j["keywords"].get("plain")),
            _share(min(hidden) if hidden else None), _share(j["keywords"].get("precision_folded")),
            _share(min(personal) if personal else None), _share(min((v for v in own.values() if v), default=None)),
            _share(d["exact"]), _share(d["span"]), _share(d["spread"]), _share(d["precision"]),
        ])  # fmt: skip
    heads = ["tool, corpus", "kept", "keywords: plain", "disguised", "precision", "personal: recall", "precision",
             "exact", "near: span", "spread", "precision"]  # fmt: skip
    note = (
        "Recall unless said otherwise; of classes and forms the worst. Keyword precision against a truth that knows "
        "folding; personal precision of identity numbers, mobiles and cards (real texts hold addresses of their own)."
    )
    return f"{_table(heads, rows)}\n\n{note}"


def _one_process(said: dict[str, Any]) -> Iterable[str]:
    if forms := said.get("forms"):
        rows = [[n, f["words"], _share(f["recall"])] for n, f in forms["recall"].items()]
        b = forms["benign"]
        yield (
            f"{_table(['form of a keyword', 'words', 'recall'], rows)}\n\n"
            f"On {b['documents']:,} documents without a keyword: folding {b['fold_mb_s']} MB a CPU second, folding and "
            f"matching {b['detector_mb_s']}, plain matching without folding {b['plain_mb_s']}; "
            f"{b['documents_with_a_hit']} of them have a hit once folded ({b['plain_documents_with_a_hit']} as stored)."
        )
    if near := said.get("near"):
        rows = [
            [Path(n["corpus"]).name, f"{n['documents']:,}", _share(n["recall"]), _share(n["span"]), _share(n["spread"]),
             _share(n["precision"]), n["sign_mb_per_cpu_s"], n["compare_cpu_s"]]
            for n in near
        ]  # fmt: skip
        heads = ["near search, one process", "documents", "recall", "span", "spread", "precision", "signing MB/CPU-s",
                 "comparing CPU-s"]  # fmt: skip
        yield _table(heads, rows) + "\n\nThe settings were chosen on the first corpus, not on the second."


def _rounds(said: dict[str, Any]) -> str:
    most = max(r["round"] for r in said["runs"])
    return f"Medians of {most} rounds." if most > 1 else "One round."


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _number(value: float | None) -> str:
    return _MISSING if value is None else f"{value:.1f}"


def _whole(value: float | None) -> str:
    return _MISSING if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return _MISSING if value is None else f"{value:.3f}"
