"""make bench: whole rebuilds by corpusgate, beside other tools where they are given, in one run on one machine.

    make bench                                             a rebuild of 20,000 documents made here: minutes
    make bench ARGS="--size both --rounds 3"               and one of 200,000, three times
    make bench ARGS="--corpora DIR --peers DIR --scripts DIR --size both --rounds 3 --write"

--corpora DIR  holds SMALL, BIG and SECOND (see corpora.py for their form); what is missing is made there.
--peers DIR    other tools: `venv/<tool>` and `jars` there, and with --scripts DIR `peer_<tool>.py`. Without it
               corpusgate is measured alone, and what is judged against other tools is said to be not measured.
--incremental  measures too what a rebuild costs with nothing changed and with 1 % changed, in each size of --size.
--write        puts the tables into docs/performance.md. `--from FILE` measures nothing and tells that file.

Judge by CPU seconds (user and system, whole process tree), the medians of the rounds: the tools take turns, so that a
busy hour is everybody's. The load is noted with each run.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import corpora
import incremental
import judged
import peers
import rebuild
import told
from measured import Cost, measure

HOME = Path(__file__).resolve().parents[1]
SIZES = {"small": 20_000, "big": 200_000}
TINY = 200
TOOLS = ("limit", "limit_norm", "spark", "juicer", "datatrove", "dolma")
OWN = ("pyspark", "delta-spark", "deltalake", "great-expectations", "hyperscan", "rensa", "numpy", "pyarrow")

_IMPORTS = "import pandas, deltalake, great_expectations, corpusgate.cli, corpusgate.gates.job"
_SESSION = "from corpusgate.lake.session import spark; spark('bench').range(1).count()"


class Bench:
    """A run of the bench: where it works, and everything it measured so far, in a file from the first figure on."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.work: Path = given.work
        self.peers = peers.Peers(given.peers, given.scripts) if given.peers and given.scripts else None
        self.said: dict[str, Any] = {
            "command": "make bench ARGS=" + shlex.quote(" ".join(map(_short, sys.argv[1:]))),
            "machine": _machine(), "versions": {n: importlib.metadata.version(n) for n in OWN}, "corpora": {},
            "peers": {}, "runs": [],
        }  # fmt: skip

    def run(self) -> None:
        """All rounds of all tools, then what needs one round only."""
        sizes = list(SIZES) if self.given.size == "both" else [self.given.size]
        made = {size: self._corpus(size) for size in sizes}
        wanted = [] if self.given.incremental is None else self.given.incremental or sizes
        tiny = corpora.first(made[sizes[0]], TINY, self.work / "tiny")
        for turn in range(self.given.rounds):
            self._start_up()
            self._rebuild("tiny", tiny, turn)
            for size, corpus in made.items():
                intake = self._rebuild(size, corpus, turn)
                if len(sizes) > 1:
                    self._intake_by_spark(size, corpus, turn, intake)
                self._others(size, corpus, turn)
            for size in wanted:
                self._again(size, self._corpus(size), turn)
        if not self.given.quick:
            self._one_process(made[sizes[0]])

    def _corpus(self, size: str) -> corpora.Corpus:
        folder = self.given.corpora / size.upper()
        corpus = corpora.read(folder) if (folder / "meta.json").is_file() else corpora.make(folder, SIZES[size])
        made_here = (folder / "made").is_file()
        self.said["corpora"][size] = {
            "docs": corpus.docs, "bytes": corpus.bytes, "sha256": corpus.sha256, "keywords": len(corpus.keywords),
            "texts": "invented" if made_here else "given",
        }  # fmt: skip
        return corpus

    def _rebuild(self, size: str, corpus: corpora.Corpus, turn: int) -> Cost:
        """Notes a whole rebuild; returns what intake cost."""
        lake = rebuild.prepare(corpus, self.work / f"corpusgate-{size}")
        costs = rebuild.rebuild(lake)
        about: dict[str, Any] = {"steps": {name: _row(cost) for name, cost in costs.items()}}
        about["by_spark"] = rebuild.by_spark(lake, corpus)
        if turn == 0 and size != "tiny":
            about["judged"] = judged.judge(corpus, rebuild.kept(lake), rebuild.removed(lake, "keyword"))
        if turn == 0:
            about["counts"] = lake.result("bench-1", "decide")["removed_by_rule"]
        self._note("corpusgate", size, turn, rebuild.counted(costs), **about)
        return costs["intake"]

    def _intake_by_spark(self, size: str, corpus: corpora.Corpus, turn: int, intake: Cost) -> None:
        """Notes intake as Spark does it: where the rebuild's own intake needed no Spark, by one that has to take it."""
        if "intake" not in self.said["runs"][-1]["by_spark"]:
            lake = rebuild.prepare(corpus, self.work / f"corpusgate-{size}-by-spark", rebuild.BY_SPARK)
            intake = rebuild.rebuild(lake, last="intake")["intake"]
        self._note("intake by Spark", size, turn, intake)

    def _again(self, size: str, corpus: corpora.Corpus, turn: int) -> None:
        """Notes a series of rebuilds: with nothing changed, with 1 % changed."""

        def tell(row: dict[str, Any]) -> None:
            sys.stderr.write(f"again: {row['what']:<8} {size:<6} {row['cpu']:8.1f} CPU s {row['wall']:8.1f} s\n")

        kept = self.said.setdefault("incremental", {}).setdefault(size, {"docs": corpus.docs, "rounds": []})
        kept["rounds"].append(incremental.series(corpus, self.work / f"again-{size}", tell))
        self._save()

    def _others(self, size: str, corpus: corpora.Corpus, turn: int) -> None:
        if self.peers is None:
            return
        chosen = [t for t in self.given.tools if self.peers.there(t)]
        for tool in chosen:
            self.said["peers"][tool] = self.peers.versions(tool)
            if tool in peers.SLOW and (size == "big" or turn):
                continue
            self._other(tool, size, corpus, turn)
        if "spark" in chosen:
            self._other("spark", size, corpus, turn, "io")

    def _other(self, tool: str, size: str, corpus: corpora.Corpus, turn: int, stage: str = "all") -> None:
        assert self.peers is not None
        name = tool if stage == "all" else f"{tool} {stage}"
        work = self.work / f"{name.replace(' ', '-')}-{size}"
        try:
            cost = self.peers.run(tool, corpus, work, stage)
        except peers.PeerFailed as failed:
            sys.stderr.write(f"{failed}\n")
            self.said.setdefault("failed", []).append(f"{name} ({size})")
            return
        about = {"judged": judged.judge(corpus, peers.kept(work))} if (turn, stage) == (0, "all") else {}
        self._note(name, size, turn, cost, **about)

    def _start_up(self) -> None:
        """What a gate's imports and a Spark session cost by themselves."""
        for name, code in (("imports", _IMPORTS), ("session", _SESSION)):
            cost = measure([sys.executable, "-c", code], self.work / f"{name}.log", env=rebuild.base_environment())
            self._note(name, "-", 0, cost)

    def _one_process(self, corpus: corpora.Corpus) -> None:
        lexicon = self.work / f"corpusgate-{'big' if self.given.size == 'big' else 'small'}" / "conf/lexicons/bench"
        self.said["forms"] = self._lines("forms.py", corpus.folder, lexicon)[0]
        second = self.given.corpora / "SECOND"
        made = corpora.read(second) if (second / "meta.json").is_file() else corpora.make(second, SIZES["small"], 2)
        self.said["corpora"]["second"] = {"docs": made.docs, "bytes": made.bytes, "sha256": made.sha256}
        self.said["near"] = self._lines("near.py", corpus.folder, second)
        self._save()

    def _lines(self, script: str, *arguments: Path) -> list[Any]:
        command = [sys.executable, str(HOME / "bench" / script), *map(str, arguments)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=rebuild.base_environment())
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            raise SystemExit(f"{script} measured nothing and ended with {done.returncode}; what it says stands above.")
        return lines

    def _note(self, tool: str, size: str, turn: int, cost: Cost, **about: Any) -> None:
        row = {"tool": tool, "size": size, "round": turn + 1, **_row(cost), "load": round(os.getloadavg()[1], 1)}
        self.said["runs"].append({**row, **about})
        sys.stderr.write(f"{tool:<15} {size:<6} {cost.cpu:8.1f} CPU s {cost.wall:8.1f} s {cost.peak:7.0f} MiB\n")
        self._save()

    def _save(self) -> None:
        self.given.json.parent.mkdir(parents=True, exist_ok=True)
        self.given.json.write_text(json.dumps(self.said, ensure_ascii=False, indent=1), "utf-8")


def _row(cost: Cost) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(cost).items() if name != "code"}


def _short(argument: str) -> str:
    """Folders by their last name: where they lie on a machine is nobody's business."""
    return f"…/{Path(argument).name}" if argument.startswith("/") else argument


def _machine() -> dict[str, Any]:
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 2**20
    java = subprocess.run([_java(), "-version"], capture_output=True, text=True).stderr.splitlines()
    return {
        "processor": names[0] if names else platform.machine(), "cores": os.cpu_count(), "memory_gib": round(memory),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"], "python": platform.python_version(),
        "java": java[0] if java else "unknown",
    }  # fmt: skip


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add: Callable[..., Any] = parser.add_argument
    add("--size", choices=("small", "big", "both"), default="small")
    add("--rounds", type=int, default=1)
    add("--corpora", type=Path, default=HOME / "var" / "bench")
    add("--peers", type=Path)
    add("--scripts", type=Path)
    add("--tools", nargs="+", choices=TOOLS, default=list(TOOLS))
    add("--work", type=Path, default=HOME / "var" / "bench" / "work")
    add("--json", type=Path, default=HOME / "var" / "bench" / "bench.json")
    add("--quick", action="store_true", help="leave out the disguised keywords and the near search in one process")
    add(
        "--incremental",
        nargs="*",
        choices=tuple(SIZES),
        help="also nothing changed and 1 %% changed (incremental.py): in these sizes, or in those of --size",
    )
    add("--write", action="store_true", help="put the tables into docs/performance.md")
    add("--from", type=Path, dest="told", metavar="FILE", help="measure nothing; tell this file")
    given = parser.parse_args(arguments)
    if given.peers and not given.scripts:
        parser.error("--peers needs --scripts: the folder with peer_<tool>.py")
    for name in ("corpora", "peers", "scripts", "work", "json"):
        if getattr(given, name):
            setattr(given, name, getattr(given, name).resolve())
    return given


def main(arguments: Sequence[str]) -> int:
    """Measures, prints the tables, and writes them where asked."""
    given = _arguments(arguments)
    if given.told:
        said = json.loads(given.told.read_text("utf-8"))
    else:
        bench = Bench(given)
        bench.run()
        said = bench.said
    sys.stdout.write(told.tables(said) + "\n")
    if given.write:
        told.write(HOME / "docs" / "performance.md", said)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
