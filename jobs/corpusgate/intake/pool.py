"""A few processes of this machine that read and screen, for what is too much for one and too little for Spark.

Each stages bins of splits as a worker of Spark does (`staging.py`), into files of the same kind; a JVM that would only
hand out the bins, and write the tables again from those files, costs as much as the reading. What a killed process
staged is staged again: a bin's file is there whole or not at all.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from corpusgate.errors import CorpusgateError
from corpusgate.intake import staging
from corpusgate.intake.splits import Split
from corpusgate.intake.stage import Work
from corpusgate.intake.staged import Staged, in_files
from corpusgate.lake.alone import without_pandas

MOST = 8
"""So many processes at most, where the profile names no number: each holds detectors and texts, some 400 MB."""


@dataclass(frozen=True, slots=True)
class Pool:
    """`processes` that stage `bins` into the folder. Of more than `records` rows the tables are not written from here:
    they are left in the folder for Spark."""

    bins: Sequence[Sequence[Split]]
    folder: Path
    processes: int
    records: int

    def read(self, work: Work) -> Staged | None:
        """The staged rows; None where they are too many.

        Raises:
            DetectorMissing: a process cannot prove its detectors. CorpusgateError: one was killed.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        # spawned, not forked: this process has threads, and a fork of it would have their locks without them
        context = multiprocessing.get_context("spawn")
        n = min(self.processes, len(self.bins))
        with ProcessPoolExecutor(n, context, initializer=_begin, initargs=(work, str(self.folder))) as pool:
            try:
                rows = sum(pool.map(_stage, range(len(self.bins)), self.bins))
            except BrokenProcessPool:
                raise CorpusgateError(
                    f"One of {n} reading processes was killed, most often for want of memory. Run the step again; if "
                    "it happens again, name fewer `processes` in the profile (conf/profiles), or give Spark the work: "
                    "`local_bytes: 0`."
                ) from None
        return in_files(self.folder) if rows <= self.records else None


def processes(named: int | None) -> int:
    """How many read at once: those that the profile names, else a process a core, at most MOST."""
    return named or min(len(os.sched_getaffinity(0)), MOST)


_told: list[tuple[Work, Path]] = []


def _begin(work: Work, folder: str) -> None:
    """In a new process: what it works with; and that it ends when its parent was killed, so that nothing is staged
    beside a task that was started again."""
    without_pandas()
    _told[:] = [(work, Path(folder))]
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _stage(number: int, splits: Sequence[Split]) -> int:
    ((work, folder),) = _told
    return staging.stage_bin(number, splits, work, folder)
