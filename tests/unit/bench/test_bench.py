"""The bench: its corpora, its yardstick, its tables. What it measures is measured by `make bench`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).resolve().parents[3] / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A made corpus of 400 documents."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        import corpora

        return corpora.make(tmp_path_factory.mktemp("corpus"), 400)


def test_a_corpus_is_the_same_bytes_each_time_and_another_with_another_seed(corpus: Any, tmp_path: Path) -> None:
    import corpora

    again, other = (corpora.make(tmp_path / str(seed), 400, seed) for seed in (1, 2))
    assert corpus.sha256 == again.sha256 != other.sha256
    assert corpus.docs == 400 == len({d["id"] for d in corpus.documents()})


def test_the_truth_of_a_made_corpus_is_true(corpus: Any) -> None:
    text = {d["id"]: d["text"] for d in corpus.documents()}
    truth = corpus.truth()
    assert {t["role"] for t in truth if "role" in t} == {"original", "exact", "near"}
    for line in truth:
        assert line.get("kw", "") in text[line["id"]]
        assert all(value in text[line["id"]] for _, value in line.get("pii", ()))
        if line.get("role") == "exact":
            assert text[line["id"]] == text[line["cluster"]]
        if line.get("role") == "near":
            assert text[line["id"]] != text[line["cluster"]]


def test_the_small_cut_holds_no_keyword(corpus: Any, tmp_path: Path) -> None:
    import corpora

    cut = corpora.first(corpus, 50, tmp_path)
    assert cut.docs == 50
    assert not any("kw" in t for t in cut.truth())


def test_who_keeps_exactly_what_should_stay_is_perfect(corpus: Any) -> None:
    import judged

    truth = corpus.truth()
    gone = {t["id"] for t in truth if t.get("role") in ("exact", "near") or t.get("hit")}
    values = {t["id"]: t["pii"] for t in truth if "pii" in t}
    kept = {d["id"]: _without(d["text"], values.get(d["id"], ())) for d in corpus.documents() if d["id"] not in gone}
    said = judged.judge(corpus, kept)
    assert set(said["keywords"].values()) == set(said["personal"].values()) == {1.0}
    assert set(said["duplicates"].values()) == {1.0}


def test_who_keeps_everything_finds_nothing_and_who_keeps_nothing_is_not_precise(corpus: Any) -> None:
    import judged

    everything = judged.judge(corpus, {d["id"]: d["text"] for d in corpus.documents()})
    assert everything["duplicates"]["all"] == 0.0 == everything["personal"]["id"] == everything["keywords"]["plain"]
    nothing = judged.judge(corpus, {})
    assert nothing["duplicates"]["all"] == 1.0
    assert nothing["duplicates"]["precision"] < 0.3


def test_a_process_tree_costs_what_all_of_it_costs(tmp_path: Path) -> None:
    from measured import measure

    burn = "import time\nwhile time.process_time() < 0.4: pass"
    nested = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n{burn}"
    cost = measure([sys.executable, "-c", nested], tmp_path / "log")
    assert 0.75 < cost.cpu < 2.5
    assert cost.code == 0
    assert cost.peak > 1


@pytest.mark.parametrize("outlives", [False, True], ids=["ends before its parent", "outlives its parent"])
def test_a_worker_that_its_parent_does_not_wait_for_counts_once(tmp_path: Path, outlives: bool) -> None:
    from measured import measure

    code = (
        "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    while time.process_time() < 1.5: pass\n    os._exit(0)\n"
        f"time.sleep({0.5 if outlives else 4})"
    )
    assert 1.3 < measure([sys.executable, "-c", code], tmp_path / "log").cpu < 2.2


def run(tool: str, size: str, cpu: float, turn: int = 1, **about: Any) -> dict[str, Any]:
    """A row of a run."""
    return {"tool": tool, "size": size, "round": turn, "cpu": cpu, "wall": cpu, "load": 1.0, "peak": 100.0, **about}


def said(*runs: dict[str, Any]) -> dict[str, Any]:
    """What a bench said that measured just this."""
    corpus = {"bytes": 1_000_000, "sha256": "0" * 64}
    return {
        "command": "make bench", "versions": {}, "peers": {}, "runs": list(runs),
        "machine": dict.fromkeys(("processor", "cores", "memory_gib", "system", "python", "java"), "x"),
        "corpora": {"small": {"docs": 20_000, **corpus}, "big": {"docs": 200_000, **corpus}},
    }  # fmt: skip


def steps(cpu: float) -> dict[str, Any]:
    """Every step at the same cost."""
    names = ("fetch", "intake", "source_gate", "decide", "release_gate", "publish")
    return {"steps": {n: {"cpu": cpu, "wall": cpu, "peak": 100.0} for n in names}}


def test_targets_follow_from_medians_and_what_was_not_measured_is_not_met() -> None:
    import told

    measured = said(
        *(run("corpusgate", "small", c, n, **steps(20)) for n, c in enumerate((90.0, 100.0, 400.0), 1)),
        run("corpusgate", "big", 300.0, **steps(60)),
        run("limit", "small", 10.0), run("limit", "big", 110.0), run("juicer", "small", 90.0),
    )  # fmt: skip
    found = {t.what: t for t in told.judged(measured)}
    marginal = found["marginal cost a document, times the limit's"]
    assert marginal.value == pytest.approx(2.0)
    assert marginal.met
    assert not found["whole, small, times juicer"].met
    fixed = found["fixed cost of a rebuild (200 documents), CPU-s"]
    assert fixed.value is None
    assert not fixed.met


def test_memory_is_compared_between_two_intakes_by_spark() -> None:
    import told

    measured = said(
        run("corpusgate", "small", 90.0, **steps(20)), run("corpusgate", "big", 300.0, **steps(60)),
        run("intake by Spark", "big", 50.0, peak=2600.0),
    )  # fmt: skip
    what = "peak memory of intake by Spark, big against small"
    assert next(t for t in told.judged(measured) if t.what == what).value is None
    measured["runs"].append(run("intake by Spark", "small", 40.0, peak=2000.0))
    target = next(t for t in told.judged(measured) if t.what == what)
    assert target.met
    assert target.said == "1.30 (2,600 MiB / 2,000 MiB)"


def test_gates_are_held_against_a_rebuild_without_the_sessions_that_it_started() -> None:
    import told

    measured = said(
        run("corpusgate", "big", 120.0, **steps(10), by_spark=["intake"]), run("imports", "-", 4.0),
        run("session", "-", 6.0),
    )  # fmt: skip
    gates = next(t for t in told.judged(measured) if t.what.startswith("gates' share"))
    assert gates.value == pytest.approx((2 * 10 - 2 * 4) / (120 - 2 * 4 - 6))


def test_rebuilding_again_is_told_and_judged_for_each_size() -> None:
    import told

    costs = {"fixed": 50.0, "full": 155.0, "none": 55.0, "files": 65.0, "spread": 85.0}
    rounds = [{n: {"cpu": c, "steps": {"intake": c - 10, "decide": 10.0}} for n, c in costs.items()}]
    measured = said(run("corpusgate", "small", 90.0, **steps(20)))
    measured["incremental"] = {"big": {"docs": 200_000, "rounds": rounds}}
    met = {t.what: (t.value, t.met) for t in told.judged(measured) if "changed" in t.what}
    assert met == {
        "nothing changed, small, times the fixed cost": (None, False),
        "one file in a hundred changed, small, share of a full rebuild, both beyond none": (None, False),
        "1 % of every file changed, small, share of a full rebuild, both beyond none": (None, False),
        "nothing changed, big, times the fixed cost": (1.1, True),
        "one file in a hundred changed, big, share of a full rebuild, both beyond none": (0.1, True),
        "1 % of every file changed, big, share of a full rebuild, both beyond none": (0.3, False),
    }
    tables = told.tables(measured)
    assert "| rebuilt again, big | fixed | full | none | files | spread |" in tables
    assert "| intake | 40.0 | 145.0 | 45.0 | 55.0 | 75.0 |" in tables


def test_another_tool_that_fails_is_told_and_costs_nothing_that_was_measured(corpus: Any, tmp_path: Path) -> None:
    import told

    import run

    tool = tmp_path / "peers" / "venv" / "juicer" / "bin" / "python"
    tool.parent.mkdir(parents=True)
    tool.symlink_to(sys.executable)
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "peer_juicer.py").write_text("raise SystemExit('no such model')", "utf-8")
    options = {"peers": tool.parents[3], "scripts": scripts, "work": tmp_path / "work", "json": tmp_path / "bench.json"}
    bench = run.Bench(run._arguments([f for n, v in options.items() for f in (f"--{n}", str(v))]))
    bench._others("small", corpus, 0)
    assert bench.said["runs"] == []
    assert bench.said["failed"] == ["juicer (small)"]
    measured = said({"tool": "corpusgate", "size": "small", "round": 1, "load": 1.0})
    measured["failed"] = bench.said["failed"]
    assert "Did not end well, so are left out: juicer (small)." in told.about(measured)


@pytest.mark.parametrize(("given", "sizes"), [([], None), (["--incremental"], []), (["--incremental", "big"], ["big"])])
def test_rebuilding_again_is_measured_where_asked_for(given: list[str], sizes: list[str] | None) -> None:
    import run

    assert run._arguments(given).incremental == sizes


def test_tables_are_written_between_the_marks_and_nowhere_else(tmp_path: Path) -> None:
    import told

    page = tmp_path / "performance.md"
    page.write_text(f"before\n{told.MARKS[0]}\nas it was\n{told.MARKS[1]}\nafter\n", "utf-8")
    measured = said(run("corpusgate", "small", 100.0, **steps(20)))
    told.write(page, measured)
    once = page.read_text("utf-8")
    told.write(page, measured)
    assert page.read_text("utf-8") == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "as it was" not in once
    assert "not measured" in once


def _without(text: str, values: Any) -> str:
    for _, value in values:
        text = text.replace(value, "")
    return text
