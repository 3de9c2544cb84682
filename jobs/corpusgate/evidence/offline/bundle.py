"""Reading a bundle: tables as JSON lines, hashes, the tree over the records. Python 3.9 or newer, nothing else.

Written a second time on purpose, from the description in README.md and not from corpusgate's code: what agrees was
computed twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections import defaultdict

ROOT = os.path.dirname(os.path.abspath(__file__))
EMPTY = hashlib.sha256(b"").hexdigest()
GROUPS = "release_record by group"
OF_CANDIDATE = ("release_record", GROUPS)


def path(*parts):
    """A file of the bundle."""
    return os.path.join(ROOT, *parts)


def sha256(text):
    """Hex SHA-256 of the UTF-8 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_sha256(name):
    """Hex SHA-256 of a file of the bundle."""
    digest = hashlib.sha256()
    with open(path(name), "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def canonical(value):
    """JSON in one form only: sorted keys, no blanks, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def read_json(*parts):
    """A JSON file of the bundle."""
    with open(path(*parts), "rb") as file:
        return json.loads(file.read().decode("utf-8", "surrogatepass"))


def lines(*parts):
    """The lines of a file, each without its end; none where the file is not there."""
    if not os.path.isfile(path(*parts)):
        return
    with open(path(*parts), "rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def read_row(line):
    """A line as a row."""
    return json.loads(line.decode("utf-8", "surrogatepass"))


def rows(table):
    """The rows of a table, in the order of its file."""
    for line in lines("tables", table + ".jsonl"):
        yield read_row(line)


def leaf(record_id, text_sha256, released_sha256, outcome, rule):
    """The leaf of one record."""
    return sha256("|".join((record_id, text_sha256, released_sha256 or "", outcome, rule or "")))


def buckets(leaves):
    """Two first digits -> (root, number of leaves), of the buckets that have leaves."""
    groups = defaultdict(list)
    for one in leaves:
        groups[one[:4]].append(one)
    parts, counts = defaultdict(list), defaultdict(int)
    for prefix in sorted(groups):
        parts[prefix[:2]].append(prefix + sha256("".join(sorted(groups[prefix]))))
        counts[prefix[:2]] += len(groups[prefix])
    return {prefix: (sha256("".join(found)), counts[prefix]) for prefix, found in parts.items()}


def root_of(found):
    """The root of the binary tree over the 256 buckets' roots."""
    level = [found.get(f"{n:02x}", (EMPTY, 0))[0] for n in range(256)]
    while len(level) > 1:
        level = [sha256(left + right) for left, right in zip(level[::2], level[1::2])]  # noqa: B905 (Python 3.9)
    return level[0]


def row_digest(row):
    """SHA-256 over a chained row's canonical JSON: its own hash and what is null left out."""
    body = {k: v for k, v in row.items() if k != "row_sha256" and v is not None}
    return hashlib.sha256(canonical(body)).hexdigest()


def say(text):
    """One line on the terminal, whatever its encoding; nothing in it moves the cursor."""
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    data = (shown + "\n").encode(sys.stdout.encoding or "ascii", "backslashreplace")
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
