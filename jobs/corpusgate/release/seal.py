"""The heads of the chained tables at the moment of publishing, signed: `chains--<channel>.json` beside the manifest.

The manifest holds content alone and is byte-equal for equal content; heads of chains differ from run to run. They stand
beside it (docs/adr/0050-heads-of-chains.md), and in the release's row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpusgate.lake import store
from corpusgate.lake.chains import CHAINED, Chain, chain_of, heads
from corpusgate.lake.dialect import literal
from corpusgate.lake.run import write_atomically
from corpusgate.release.digests import sha256_of
from corpusgate.release.signing import sign, verifies
from corpusgate.settings.place import Place

PREFIX = "chains--"


def seal(place: Place, folder: Path, root: str, channel: str) -> dict[str, str]:
    """Seals the chains for a channel, once: a publish that is repeated keeps what the first one sealed. Returns the
    heads for the release's row, `chain_<table>` each.

    Raises:
        CorpusgateError: a chain is broken.
    """
    path = folder / f"{PREFIX}{channel}.json"
    if not path.is_file():
        ends = {name: {"head": h.sha256, "rows": h.rows} for name, h in heads(place).items()}
        sealed = {"manifest_root": root, "channel": channel, "chains": ends}
        signed = {"sealed": sealed, "signature": sign(place, sha256_of(sealed))}
        write_atomically(path, json.dumps(signed, indent=1, sort_keys=True))
    return _columns(json.loads(path.read_text("utf-8"))["sealed"])


def broken_seals(place: Place, folder: Path, root: str, release: str) -> Iterator[str]:
    """What is not as it was sealed, in the chained tables and in the seals themselves, a sentence each."""
    chains = {name: chain_of(place, name) for name in CHAINED}
    for chain in chains.values():
        yield from chain.problems
    where = f"release_id = {literal(release)}"
    rows = {r["channel"]: dict(r["digests"] or ()) for r in store.read(place, "release", where=where).to_pylist()}
    for channel in sorted(rows):
        if not (folder / f"{PREFIX}{channel}.json").is_file():
            yield f"{PREFIX}{channel}.json of {release} is gone: what the chains held then cannot be proved."
    for path in sorted(folder.glob(f"{PREFIX}*.json")):
        yield from _broken_seal(path, root, rows, chains)


def _broken_seal(
    path: Path, root: str, rows: Mapping[str, Mapping[str, str]], chains: Mapping[str, Chain]
) -> Iterator[str]:
    try:
        signed = json.loads(path.read_text("utf-8"))
        sealed, ends = signed["sealed"], dict(signed["sealed"]["chains"])
        channel, columns = sealed["channel"], _columns(sealed)
    except (OSError, ValueError, KeyError, TypeError):
        yield f"{path.name} cannot be read."
        return
    if not verifies(signed.get("signature", {}), sha256_of(sealed)) or sealed["manifest_root"] != root:
        yield f"{path.name} was changed: its signature does not fit it, or it seals another manifest."
    said = {k: v for k, v in rows.get(channel, {}).items() if k.startswith("chain_")}
    if channel in rows and said != columns:
        yield f"{path.name} and the table release do not name the same heads."
    for name, end in sorted(ends.items()):
        chain = chains.get(name)
        lead = chain.rows_to(end["head"]) if chain else None
        if lead != end["rows"]:
            yield (
                f"{name}: the chain no longer leads to {end['head']}, which {path.name} sealed after {end['rows']} "
                "rows: rows were removed or written anew."
            )


def _columns(sealed: Mapping[str, Any]) -> dict[str, str]:
    return {f"chain_{name}": end["head"] for name, end in sealed["chains"].items()}
