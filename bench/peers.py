"""Other tools on the same corpus: scripts `peer_<tool>.py` and a virtual environment a tool, which this checkout does
not have. A script takes `--corpus --work --stage` and leaves what it keeps under `WORK/out` (JSON lines, Parquet or
Delta, with id and text)."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpora import Corpus
from measured import Cost, measure

SLOW = ("juicer", "datatrove", "dolma")
"""Not run on the big corpus: some of them would take an hour there."""

_OPTIONS = {"limit_norm": ("limit", "norm")}
"""A further name for a tool with an option: the limit that folds by libraries, as corpusgate folds by its table."""


class PeerFailed(Exception):
    """Another tool did not do its work. No reason to lose what was measured of the others."""


@dataclass(frozen=True, slots=True)
class Peers:
    """`setup` holds `venv/<tool>` and `jars`, `scripts` the scripts."""

    setup: Path
    scripts: Path

    def there(self, tool: str) -> bool:
        """Whether the tool can be run."""
        return self._python(tool).exists() and self._script(tool).exists()

    def run(self, tool: str, corpus: Corpus, work: Path, stage: str = "all") -> Cost:
        """Runs a tool's whole work, or the stage, once.

        Raises:
            PeerFailed: it ended otherwise than well; says where its log lies.
        """
        shutil.rmtree(work, ignore_errors=True)
        _, option = _OPTIONS.get(tool, (tool, ""))
        command = [str(self._python(tool)), str(self._script(tool)), "--corpus", str(corpus.folder)]
        command += ["--work", str(work), "--stage", stage, *(["--option", option] if option else [])]
        if tool == "spark":
            command += ["--jars", ",".join(map(str, sorted((self.setup / "jars").glob("*.jar"))))]
        log = work.with_suffix(".log")
        cost = measure(command, log)
        if cost.code:
            tail = log.read_text("utf-8", "replace")[-1500:]
            raise PeerFailed(f"{tool} ended with {cost.code}. Its log, {log}, ends:\n{tail}")
        return cost

    def versions(self, tool: str) -> str:
        """What the tool rests on, as its environment's metadata say."""
        wanted = {
            "limit": ("hyperscan", "rensa", "numpy", "pyarrow"), "spark": ("pyspark", "delta-spark", "hyperscan"),
            "juicer": ("py-data-juicer",), "datatrove": ("datatrove", "spacy"), "dolma": ("dolma",),
        }[self._tool(tool)]  # fmt: skip
        found = {}
        for folder in (self.setup / "venv" / self._tool(tool)).glob("lib/python*/site-packages/*.dist-info"):
            name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
            found[name.replace("_", "-").lower()] = version
        return ", ".join(f"{name} {found[name]}" for name in wanted if name in found)

    def _tool(self, tool: str) -> str:
        return _OPTIONS.get(tool, (tool, ""))[0]

    def _python(self, tool: str) -> Path:
        return self.setup / "venv" / self._tool(tool) / "bin" / "python"

    def _script(self, tool: str) -> Path:
        return self.scripts / f"peer_{self._tool(tool)}.py"


def kept(work: Path) -> dict[str, str]:
    """Document id -> text of what a tool left."""
    out: dict[str, str] = {}
    for file in sorted((work / "out").rglob("*")):
        if file.is_file() and "_delta_log" not in file.parts:
            out.update(_of_file(file))
    return out


def _of_file(file: Path) -> Iterator[tuple[str, str]]:
    if file.name.endswith((".json", ".jsonl", ".json.gz", ".jsonl.gz")):
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
            yield from ((d["id"], d["text"]) for d in map(json.loads, lines))
    elif file.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(file, columns=["id", "text"], partitioning=None)
        yield from zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)
