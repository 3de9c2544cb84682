"""Whether a release still is what was sealed: records, files and signature, recomputed without Spark.

What an assessor runs. It reads the tables `decision`, `release_record`, `release` and `export`, and the release's
folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.release.digests import canonical, file_sha256
from corpusgate.release.manifest import buckets_in, manifest_root, read_manifest, release_id
from corpusgate.release.merkle import Bucket, all_buckets, buckets_sql, leaf_sql, merkle_root
from corpusgate.release.seal import broken_seals
from corpusgate.release.signing import verifies
from corpusgate.settings.place import Place

#: Records that are named for each changed bucket.
NAMED = 5

_TABLES = ("decision", "release_record")


def verify(place: Place, release: str) -> list[str]:
    """What is not as it was sealed, a sentence each; an empty list if all of it is.

    Raises:
        UserError: no such release was published.
    """
    folder = place.releases / release
    if "/" in release or not (folder / "manifest.json").is_file():
        raise UserError(f"No published release {release!r}: `corpusgate release list` shows those there are.")
    content = (folder / "manifest.json").read_bytes()
    try:
        manifest = json.loads(content)
        if canonical(manifest) != content or release_id(manifest) != release:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        return [f"manifest.json of {release} was changed: its root does not give this id. Nothing else was checked."]
    return [
        *_signature(place, folder, manifest, release),
        *_records(place, manifest, release),
        *_files(place, folder, release),
        *_texts(place, folder, release),
        *broken_seals(place, folder, manifest_root(manifest), release),
    ]


def leaves_of(release: str) -> str:
    """SQL (DataFusion): `record_id, leaf` of every record that the release was decided about."""
    where = f"release_id = {literal(release)}"
    return (
        f"(SELECT record_id, {leaf_sql('datafusion')} AS leaf FROM ("
        "SELECT record_id, text_sha256, released_sha256, 'kept' AS outcome, CAST(NULL AS VARCHAR) AS rule "
        f"FROM release_record WHERE {where} UNION ALL "
        "SELECT record_id, text_sha256, CAST(NULL AS VARCHAR), outcome, rule "
        f"FROM decision WHERE {where}) AS r)"
    )


def _signature(place: Place, folder: Path, manifest: Mapping[str, Any], release: str) -> Iterator[str]:
    root = manifest_root(manifest)
    try:
        signed = json.loads((folder / "signature.json").read_text("utf-8"))
    except (OSError, ValueError):
        yield f"signature.json of {release} is gone or cannot be read."
        return
    if not verifies(signed, root):
        yield f"The signature of {release} does not fit its manifest."
    rows = store.read(place, "release", where=f"release_id = {literal(release)}").to_pylist()
    if not rows:
        yield f"The table release has no row for {release}."
    for row in rows:
        if (row["manifest_root"], row["signature"], row["key_id"]) != (
            root,
            signed.get("signature"),
            signed.get("key_id"),
        ):
            yield f"The table release has another root, signature or key for {release} ({row['channel']})."


def _records(place: Place, manifest: Mapping[str, Any], release: str) -> Iterator[str]:
    leaves = leaves_of(release)
    found = store.query(place, buckets_sql("datafusion", leaves), _TABLES).to_pylist()
    now = all_buckets(Bucket(r["bucket"], r["root"], r["leaves"]) for r in found)
    sealed = all_buckets(buckets_in(manifest))
    if merkle_root(sealed) != manifest["leaves"]["root"]:
        yield "The manifest's bucket roots do not give its leaves' root."
    for was, is_ in zip(sealed, now, strict=True):
        if was != is_:
            yield _changed(place, release, leaves, was, is_)
    by_outcome = store.query(
        place, f"SELECT outcome, count(*) AS n FROM decision WHERE release_id = {literal(release)} GROUP BY outcome",
        ["decision"],
    ).to_pylist()  # fmt: skip
    for row in by_outcome:
        said = manifest["counts"]["by_outcome"].get(row["outcome"], 0)
        if said != row["n"]:
            yield f"decision has {row['n']} {row['outcome']} records, the manifest {said}."


def _changed(place: Place, release: str, leaves: str, was: Bucket, is_: Bucket) -> str:
    """Which records of a changed bucket to look at: those there now, since a leaf does not tell whose it was."""
    where = f"substr(leaf, 1, 2) = '{was.prefix}'"
    sql = f"SELECT record_id FROM {leaves} AS l WHERE {where} ORDER BY record_id LIMIT {NAMED}"
    there = [r["record_id"] for r in store.query(place, sql, _TABLES).to_pylist()]
    return (
        f"Bucket {was.prefix} of {release}: {was.leaves} records were sealed, {is_.leaves} are there, another root. "
        f"Records there now: {', '.join(there) or 'none'}{' …' if is_.leaves > NAMED else ''}"
    )


def _files(place: Place, folder: Path, release: str) -> Iterator[str]:
    try:
        listed = {f["path"]: f["sha256"] for f in json.loads((folder / "files.json").read_text("utf-8"))["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        yield f"files.json of {release} is gone or cannot be read."
        return
    rows = store.read(place, "export", ["path", "sha256"], f"release_id = {literal(release)}").to_pylist()
    if {r["path"]: r["sha256"] for r in rows if r["path"].startswith("data/")} != listed:
        yield f"files.json of {release} and the table export do not name the same files and hashes."
    there = {f"data/{p.name}" for p in (folder / "data").glob("*")}
    yield from (f"{path} is not one of the release's files." for path in sorted(there - set(listed)))
    for path, digest in sorted(listed.items()):
        if path not in there:
            yield f"{path} is gone."
        elif file_sha256(folder / path) != digest:
            yield f"{path} was changed: its SHA-256 is not {digest}."


def _texts(place: Place, folder: Path, release: str) -> Iterator[str]:
    """Whether each text in the files has the hash that was decided about, whatever the file's own hash says."""
    import pyarrow.parquet as pq

    from corpusgate.decide.rules import text_sha256

    wrong, seen = [], 0
    for path in sorted((folder / "data").glob("*.parquet")):
        try:
            batches = pq.ParquetFile(path).iter_batches(batch_size=4096, columns=["record_id", "text"])
            for batch in batches:
                ids, texts = (c.to_pylist() for c in batch.columns)
                sealed = _sealed(place, release, ids)
                seen += len(ids)
                wrong += [i for i, t in zip(ids, texts, strict=True) if t is None or sealed.get(i) != text_sha256(t)]
        except (OSError, ValueError) as error:
            yield f"data/{path.name} cannot be read: {type(error).__name__}."
    if wrong:
        yield f"{len(wrong)} texts of {release} are not those decided about: {', '.join(wrong[:NAMED])}."
    sql = f"SELECT count(*) AS n FROM release_record WHERE release_id = {literal(release)}"
    kept = store.query(place, sql, ["release_record"]).to_pylist()[0]["n"]
    if kept != seen:
        yield f"The files of {release} hold {seen} records, release_record {kept}."


def _sealed(place: Place, release: str, ids: list[str]) -> dict[str, str]:
    names = ", ".join(literal(i) for i in ids)
    where = f"release_id = {literal(release)} AND record_id IN ({names})"
    rows = store.read(place, "release_record", ["record_id", "released_sha256"], where).to_pylist()
    return {r["record_id"]: r["released_sha256"] for r in rows}


def manifest_of(place: Place, release: str) -> dict[str, Any]:
    """The manifest of a published release, or of a candidate that was not published.

    Raises:
        UserError: there is neither.
    """
    for folder in (place.releases / release, place.lake / "candidates" / release):
        if "/" not in release and (folder / "manifest.json").is_file():
            return read_manifest(folder / "manifest.json")
    raise UserError(f"No release or candidate {release!r}: `corpusgate release list` shows those there are.")
