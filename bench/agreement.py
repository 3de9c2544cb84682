"""How long the quality report of many annotations takes: made-up labels of people with known habits.

python bench/agreement.py [--annotations 1000000] [--people 200]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from corpusgate.annotation.quality import of_kind

LABELS, BATCH, AN_ITEM = ("clean", "a1a", "a2a", "a3a", "a4a", "a4g"), 2000, 3


def annotations(count: int, people: int, seed: int = 1) -> pa.Table:
    """`count` annotations, three an item, by people who are right in 70 to 98 of a hundred, over half a year."""
    draw = np.random.default_rng(seed)
    items = -(-count // AN_ITEM)
    truth = draw.choice(len(LABELS), size=items, p=[0.7, 0.1, 0.08, 0.06, 0.04, 0.02])
    item = np.repeat(np.arange(items), AN_ITEM)[:count]
    person = ((item * 7919) % people + (np.arange(count) % AN_ITEM) * (people // AN_ITEM)) % people
    skill = np.linspace(0.70, 0.98, people)[person]
    label = np.where(draw.random(count) < skill, truth[item], draw.integers(0, len(LABELS), count))
    start = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1_000_000
    when = start + (draw.random(count) * 26 * 7 * 86400 * 1e6).astype(np.int64)
    return pa.table({
        "batch_id": pa.array([f"{n:016x}" for n in (item // BATCH).tolist()]),
        "record_id": pa.array([f"{n:064x}" for n in item.tolist()]),
        "annotator_id": pa.array([f"p{n:03}" for n in person.tolist()]),
        "label": pa.array(np.array(LABELS)[label].tolist()), "decided_at": pa.array(when, pa.timestamp("us", "UTC")),
        "lead_time_s": pa.array(draw.gamma(3, 4, count)),
    })  # fmt: skip


def main() -> None:
    """Prints what it took and what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--annotations", type=int, default=1_000_000)
    asked.add_argument("--people", type=int, default=200)
    options = asked.parse_args()
    table = annotations(options.annotations, options.people)
    wall, cpu = time.perf_counter(), time.process_time()
    told = of_kind(table)
    print(json.dumps({
        "annotations": options.annotations, "people": options.people, "wall_seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "batches": len(told["batches"]), "pairs": len(told["pairs"]), "alpha": told["overall"]["alpha"],
        "raw": told["overall"]["raw"], "iterations": told["dawid_skene"]["iterations"],
        "suspects": told["suspects"]["count"],
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
