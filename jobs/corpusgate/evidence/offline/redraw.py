"""Draws every sample of the release again, by its seed alone, and says whether the recorded items come out in order.

    python redraw.py            all samples of the release
    python redraw.py SAMPLE     one of them, with its items (first 20)

Items are ordered by SHA-256 of `seed|id`, then by the id; the first n are the sample.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bundle


def frame(sample):
    """The (id, hash) of all that the sample was drawn from."""
    if os.path.isfile(bundle.path("frames", sample["sample_id"] + ".jsonl")):
        found = (bundle.read_row(line) for line in bundle.lines("frames", sample["sample_id"] + ".jsonl"))
        return [(r["record_id"], r["released_sha256"]) for r in found]
    members = defaultdict(list)
    by_group = sample["frame"] == bundle.GROUPS
    for row in bundle.rows("release_record"):
        if row["modality"] == sample["stratum"]:
            group = row.get("group_id") if by_group else None
            members[group or row["record_id"]].append((group, row["record_id"], row["released_sha256"]))
    items = []
    for name, of_it in members.items():
        grouped = of_it[0][0] is not None
        digest = bundle.sha256("".join(sorted(r + s for _, r, s in of_it))) if grouped else of_it[0][2]
        items.append((name, digest))
    return items


def drawn(sample, items):
    """The sample again: the first `size` of its frame in the order of the draw."""
    ordered = sorted(items, key=lambda i: (bundle.sha256(sample["seed"] + "|" + i[0]), i[0]))
    return ordered[: sample["size"]]


def recorded(sample):
    """The sample's items as they were recorded, in order."""
    found = [r for r in bundle.rows("sample_item") if r["sample_id"] == sample["sample_id"]]
    return [(r["record_id"], r["released_sha256"]) for r in sorted(found, key=lambda r: r["ordinal"])]


def problems():
    """What is not as it was drawn, a sentence each, and how many samples were drawn again."""
    about = bundle.read_json("bundle.json")
    found, count = [], 0
    for sample in bundle.rows("sample"):
        if sample["release_id"] != about["release_id"]:
            continue
        name, was = sample["sample_id"], recorded(sample)
        if not was and sample["size"]:
            continue  # too many to be written out: the seed and the frame are the record
        count += 1
        items = frame(sample)
        as_they_are = sample["frame"] in bundle.OF_CANDIDATE or sample["item_unit"] == "record"
        leaves = [i if as_they_are else bundle.sha256(i) for i, _ in items]
        closer = sample["purpose"] == "looked at closely"  # drawn from another sample, which is checked itself
        if not closer and sample["frame_sha256"] != bundle.root_of(bundle.buckets(leaves)):
            found.append(f"sample {name}: what it was drawn from is not what was recorded (frame_sha256)")
        now = drawn(sample, items)
        if [i for i, _ in now] != [i for i, _ in was]:
            differ = sorted({i for i, _ in now} ^ {i for i, _ in was})[:5]
            found.append(
                "sample {}: drawn again it has other items: {}".format(name, ", ".join(differ) or "in another order")
            )
        else:
            wrong = [a[0] for a, b in zip(now, was) if a[1] != b[1]]  # noqa: B905 (Python 3.9)
            if wrong:
                found.append("sample {}: the text changed since the draw: {}".format(name, ", ".join(wrong[:5])))
    return found, count


def main(arguments):
    """Prints; 1 where something differs."""
    if arguments:
        chosen = [s for s in bundle.rows("sample") if s["sample_id"] == arguments[0]]
        if not chosen:
            bundle.say(f"No sample {arguments[0]} in this bundle.")
            return 2
        for number, (item, digest) in enumerate(drawn(chosen[0], frame(chosen[0]))[:20], 1):
            bundle.say(f"{number:4d}  {item}  {digest}")
    found, count = problems()
    for one in found:
        bundle.say(one)
    bundle.say(f"{count} samples drawn again, {len(found)} with a difference.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
