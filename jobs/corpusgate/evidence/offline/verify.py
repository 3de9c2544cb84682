"""Whether this bundle is as it was sealed: files, rows, signatures, the tree over the records, chains, draws, figures.

    python verify.py

Ends with 0 where everything is as it was, with 1 where something is not; each finding names what.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bundle
import ed25519
import figures
import redraw

START = "0" * 64
NAMED = 10


def main():
    """Prints; 1 where something is not as it was sealed."""
    count = 0
    for title, check in CHECKS:
        try:
            found = list(check())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            found = [f"cannot be read: {type(error).__name__}: {error}"]
        bundle.say(f"{title:<52} " + (f"{len(found)} findings" if found else "as it was sealed"))
        for one in found[:NAMED]:
            bundle.say("    " + one)
        if len(found) > NAMED:
            bundle.say(f"    and {len(found) - NAMED} more")
        count += len(found)
    bundle.say("")
    bundle.say(f"{count} findings." if count else "Everything is as it was sealed.")
    return 1 if count else 0


def files():
    """The files against the signed list, and the list's signature."""
    about = bundle.read_json("bundle.json")
    listed = about["files"]
    signed = bundle.read_json("bundle.signature.json")
    if not fits(signed, hashlib.sha256(bundle.canonical(about)).hexdigest()):
        yield "bundle.json: its signature does not fit"
    for name in sorted(listed):
        if not os.path.isfile(bundle.path(name)):
            yield f"{name} is gone"
        elif bundle.file_sha256(name) != listed[name]["sha256"]:
            yield "{} was changed: its SHA-256 is not {}".format(name, listed[name]["sha256"])
    ours = {"bundle.json", "bundle.signature.json"}
    for folder, inner, names in os.walk(bundle.ROOT):
        inner[:] = [d for d in inner if d != "__pycache__"]
        for name in names:
            found = os.path.relpath(os.path.join(folder, name), bundle.ROOT).replace(os.sep, "/")
            if found not in listed and found not in ours:
                yield f"{found} is no file of the bundle"


def rows():
    """Each row of each table against its recorded hash, so that a changed one is named."""
    for name, table in sorted(bundle.read_json("bundle.json")["tables"].items()):
        told = [line.decode("ascii", "replace") for line in bundle.lines("rows", name + ".txt")]
        found = list(bundle.lines("tables", name + ".jsonl"))
        digests = [hashlib.sha256(line).hexdigest() for line in found]
        missing, extra = Counter(told) - Counter(digests), Counter(digests) - Counter(told)
        for number, (line, digest) in enumerate(zip(found, digests), 1):  # noqa: B905 (Python 3.9)
            if extra.get(digest):
                extra[digest] -= 1
                yield f"{name}, row {number} was changed or added: {key_of(line, table['key'])}"
        for digest in sorted(missing):
            yield f"{name}: a row is gone or was changed (its hash was {digest})"


def key_of(line, key):
    """A row by its key, as far as it can be read."""
    try:
        row = bundle.read_row(line)
        return ", ".join(f"{k} {row.get(k)}" for k in key if row.get(k) not in (None, ""))
    except (ValueError, AttributeError):
        return "no JSON object"


def manifest():
    """The manifest's form, its id and its signature."""
    with open(bundle.path("manifest.json"), "rb") as file:
        content = file.read()
    said = bundle.read_json("manifest.json")
    root = hashlib.sha256(content).hexdigest()
    name = bundle.read_json("bundle.json")["release_id"]
    if bundle.canonical(said) != content or "{}-{}".format(said["corpus"], root[:12]) != name:
        yield f"manifest.json was changed: its root does not give the id {name}"
    if os.path.isfile(bundle.path("signature.json")) and not fits(bundle.read_json("signature.json"), root):
        yield "signature.json does not fit the manifest"
    for row in bundle.rows("release"):
        if row["release_id"] == name and row["manifest_root"] != root:
            yield "the table release names another root ({})".format(row["channel"])


def records():
    """The tree over all records that were considered, recomputed from the tables."""
    said = bundle.read_json("manifest.json")
    leaves, counts = [], Counter()
    for row in bundle.rows("release_record"):
        leaves.append(bundle.leaf(row["record_id"], row["text_sha256"], row["released_sha256"], "kept", None))
        counts["kept"] += 1
    for row in bundle.rows("decision"):
        leaves.append(bundle.leaf(row["record_id"], row["text_sha256"], None, row["outcome"], row.get("rule")))
        counts[row["outcome"]] += 1
    now = bundle.buckets(leaves)
    for prefix, root, count in said["leaves"]["buckets"]:
        if now.get(prefix, (bundle.EMPTY, 0)) != (root, count):
            yield f"records whose leaf begins with {prefix}: {count} were sealed, or with other content"
    if bundle.root_of(now) != said["leaves"]["root"]:
        yield "the records do not give the manifest's root of leaves"
    for outcome, n in sorted(said["counts"]["by_outcome"].items()):
        if counts[outcome] != n:
            yield f"{counts[outcome]} records are {outcome}, the manifest says {n}"


def chains():
    """The append-only tables: each row's hash, the row it follows, one beginning, one end, and what seals named."""
    about = bundle.read_json("bundle.json")
    walked = {}
    for name in about["chained"]:
        by_hash, followers = {}, Counter()
        for row in bundle.rows(name):
            by_hash[row["row_sha256"]] = row
            followers[row["previous_sha256"]] += 1
            if bundle.row_digest(row) != row["row_sha256"]:
                yield "{}: the row {} was changed".format(
                    name,
                    ", ".join(str(row.get(k)) for k in about["tables"][name]["key"]),
                )
        for row in by_hash.values():
            if row["previous_sha256"] != START and row["previous_sha256"] not in by_hash:
                yield "{}: a row that another one follows is gone ({})".format(name, row["previous_sha256"])
        for digest, n in followers.items():
            if n > 1:
                yield f"{name}: {n} rows follow the same one ({digest})"
        walked[name] = by_hash
    for name in sorted(os.listdir(bundle.ROOT)):
        if name.startswith("chains--") and name.endswith(".json"):
            yield from seal(name, walked)


def seal(name, walked):
    """One file of sealed heads."""
    signed = bundle.read_json(name)
    sealed = signed["sealed"]
    root = bundle.file_sha256("manifest.json")
    digest = hashlib.sha256(bundle.canonical(sealed)).hexdigest()
    if not fits(signed["signature"], digest) or sealed["manifest_root"] != root:
        yield f"{name} was changed, or seals another manifest"
    for table, end in sorted(sealed["chains"].items()):
        count, at, rows_of = 0, end["head"], walked.get(table, {})
        while at != START and at in rows_of and count <= len(rows_of):
            count, at = count + 1, rows_of[at]["previous_sha256"]
        if at != START or count != end["rows"]:
            yield f"{table}: the chain no longer leads to what {name} sealed"


def draws():
    """Every sample drawn again."""
    return redraw.problems()[0]


def people():
    """The figures of people's reviews, counted again from their verdicts."""
    return figures.problems()


def texts():
    """The texts of samples that lie beside, against the hashes that were drawn."""
    about = bundle.read_json("bundle.json")
    for name in sorted(n for n in about["files"] if n.startswith("texts/")):
        for line in bundle.lines(*name.split("/")):
            row = bundle.read_row(line)
            for text, digest in row["texts"]:
                if bundle.sha256(text) != digest:
                    yield "{}: the text of {} is not the one that was drawn".format(name, row["record_id"])


def fits(signed, digest):
    """Whether a signature is one of this digest by the key that it names."""
    public, signature = bytes.fromhex(signed["public_key"]), bytes.fromhex(signed["signature"])
    named = hashlib.sha256(public).hexdigest()[:16] == signed["key_id"]
    return named and signed["manifest_root"] == digest and ed25519.verifies(public, bytes.fromhex(digest), signature)


CHECKS = (
    ("files and their signed list", files), ("rows of the tables", rows), ("manifest and its signature", manifest),
    ("records: the tree of the manifest", records), ("chains of what people and gates said", chains),
    ("samples, drawn again", draws), ("people's verdicts, counted again", people), ("texts of samples", texts),
)  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
