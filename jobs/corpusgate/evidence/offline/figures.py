"""The pass rates of the samples that people reviewed, counted again from their verdicts (questions 2 and 3)."""

from __future__ import annotations

import math
import os
import sys
from collections import defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bundle
import redraw

MANUAL = "45654-4-2-1-manual"


def verdicts(sample_id):
    """item -> person -> (verdict, hash of the text seen): the newest of each person, undone ones left out."""
    newest = {}
    for row in bundle.rows("review"):
        if row["sample_id"] == sample_id:
            key = (row["record_id"], row["reviewer"])
            if key not in newest or (row.get("attempt") or 0) > (newest[key].get("attempt") or 0):
                newest[key] = row
    said = defaultdict(dict)
    for (item, person), row in newest.items():
        if row["verdict"] != "undone":
            said[item][person] = (row["verdict"], row["released_sha256"])
    return said


def tally(sample):
    """(decided, bad) items of a sample: by one person, by two where it is judged twice, by a majority of more."""
    given, share = set(), 0.0
    rows = [r for r in bundle.rows("review_assignment") if r["sample_id"] == sample["sample_id"]]
    if rows:
        given = {r["reviewer"] for r in rows}
        share = min(rows, key=lambda r: (r["assigned_at"], r["reviewer"]))["double_share"] or 0.0
    items = {
        r["record_id"]: r["released_sha256"]
        for r in bundle.rows("sample_item")
        if r["sample_id"] == sample["sample_id"]
    }
    barred = bundle.read_json("barred.json").get(sample["sample_id"], {})
    order = sorted(items, key=lambda r: (bundle.sha256("{}|double|{}".format(sample["seed"], r)), r))
    double = set(order[: math.ceil(round(share * len(order), 9))])
    now = dict(redraw.frame(sample))
    said = verdicts(sample["sample_id"])
    decided = bad = 0
    for item, digest in items.items():
        counted = [
            v for p, (v, seen) in said.get(item, {}).items()
            if p in given and seen == digest == now.get(item) and item not in barred.get(p, ())
        ]  # fmt: skip
        against = sum(v == "bad" for v in counted)
        if len(counted) >= (2 if item in double else 1) and 2 * against != len(counted):
            decided += 1
            bad += 2 * against > len(counted)
    return decided, bad


def problems():
    """Where the verdicts do not give what the gate recorded last of the sample, a sentence each."""
    about = bundle.read_json("bundle.json")
    gates = [
        r for r in bundle.rows("control_result") if r["control_id"] == MANUAL and r["release_id"] == about["release_id"]
    ]
    found = []
    for sample in bundle.rows("sample"):
        if sample["control_id"] != MANUAL or sample["release_id"] != about["release_id"]:
            continue
        named = [r for r in gates if "of sample {} reviewed".format(sample["sample_id"]) in r["because"]]
        last = max(named, key=lambda r: (r["judged_at"], r["attempt"]), default=None)
        said = [r["reviewed_at"] for r in bundle.rows("review") if r["sample_id"] == sample["sample_id"]]
        if last is None or (said and max(said) > last["judged_at"]):
            continue  # people went on after the gate
        decided, bad = tally(sample)
        if (last["n"], last["k"]) != (decided, decided - bad):
            found.append(
                f"sample {sample['sample_id']}: people's verdicts give {decided - bad} passed of {decided}, the gate "
                f"recorded {last['k']} of {last['n']}"
            )
    return found
