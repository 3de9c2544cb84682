"""A release as a folder or zip file that an assessor checks with nothing but Python: manifest, narrow tables, samples,
scripts (`offline/`). No stored text, no value of personal information, no word of a lexicon goes into it."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from corpusgate.errors import UserError
from corpusgate.gates.figures import quoted
from corpusgate.lake import store
from corpusgate.lake.chains import CHAINED
from corpusgate.lake.dialect import one_of
from corpusgate.lake.tables import TABLES
from corpusgate.release.digests import canonical, file_sha256
from corpusgate.release.manifest import candidate_folder, manifest_root
from corpusgate.release.signing import sign
from corpusgate.release.verify import manifest_of
from corpusgate.review.desk import desk
from corpusgate.review.draw import ITEMS_RECORDED_MAX, MANUAL, OF_CANDIDATE, RECORDS
from corpusgate.review.export import rows_of
from corpusgate.review.sampling import CLOSER, frame_behind
from corpusgate.settings.place import Place

FORMAT = "corpusgate-bundle/1"
SCRIPTS = Path(__file__).with_name("offline")
#: Tables that go in whole, besides the chained ones.
WHOLE = (
    "source", "licence_period", "host_signal", "takedown", "evidence_file", "release", "erasure_request", "exam",
    "annotator", "annotator_role", "qualification", "revocation", "rule_document", "assignment", "approval",
    "arbitration", "verification", "supervision", "batch_voiding", "annotation_batch", "annotation_batch_item",
    "annotation", "safety_annotation",
)  # fmt: skip
#: Columns that stay here: text as it was found, values behind masks and what would find them again.
WITHHELD = ("title", "attributes", "surface", "value_hmac", "hmac_key_id")
_STAMP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: where, how many files, how many rows of tables, and the SHA-256 of the signed list."""

    path: Path
    files: int
    rows: int
    sha256: str


def write_bundle(place: Place, release_id: str, out: Path, *, with_texts: bool = False) -> Written:
    """Writes the bundle to a folder, or to a file if `out` ends with `.zip`; the same lake gives the same bytes.

    Raises:
        UserError: no such release, or `out` is there already or cannot be written.
    """
    manifest = manifest_of(place, release_id)
    if out.exists():
        raise UserError(f"{out} is there already: name another one.")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as made:
            folder = Path(made) / "bundle"
            tables = _fill(place, release_id, manifest, folder, with_texts)
            digest = _seal(place, release_id, manifest, folder, tables)
            files = sorted(p for p in folder.rglob("*") if p.is_file())
            if out.suffix == ".zip":
                _zip(folder, files, Path(made) / "bundle.zip").replace(out)
            else:
                folder.replace(out)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror or error}.") from None
    return Written(out, len(files), sum(t["rows"] for t in tables.values()), digest)


def _fill(
    place: Place, release_id: str, manifest: Mapping[str, Any], folder: Path, with_texts: bool
) -> dict[str, dict[str, Any]]:
    for part in ("tables", "rows", "frames", "texts"):
        (folder / part).mkdir(parents=True)
    for script in sorted(SCRIPTS.iterdir()):
        if script.is_file():
            shutil.copyfile(script, folder / script.name)
    published = place.releases / release_id
    shutil.copyfile(
        (published if published.is_dir() else candidate_folder(place, release_id)) / "manifest.json",
        folder / "manifest.json",
    )
    for name in ("signature.json", "files.json", "NOTICE", *(p.name for p in sorted(published.glob("chains--*.json")))):
        if (published / name).is_file():
            shutil.copyfile(published / name, folder / name)
    store.ensure_tables(place)
    tables = {
        name: _write_table(place, name, where, behind, folder)
        for name, (where, behind) in sorted(_chosen(release_id, manifest).items())
    }
    samples = store.read(place, "sample", where=f"release_id = {quoted(release_id)}").to_pylist()
    _write_samples(place, sorted(samples, key=lambda s: s["sample_id"]), folder, with_texts)
    return tables


def _chosen(release_id: str, manifest: Mapping[str, Any]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Table -> which of its rows (SQL), and the tables that the condition reads."""
    of_release = f"release_id = {quoted(release_id)}"
    kept = f"SELECT record_id, text_sha256 FROM release_record WHERE {of_release}"
    # every draw of this corpus, so that those that failed are seen
    of_corpus = f"release_id LIKE {quoted(str(manifest['corpus']) + '-____________')}"
    return dict.fromkeys((*WHOLE, *CHAINED), ("true", ())) | {
        "release_record": (of_release, ()),
        "decision": (of_release, ()),
        "sample": (of_corpus, ()),
        "sample_item": (f"sample_id IN (SELECT sample_id FROM sample WHERE {of_corpus})", ("sample",)),
        "record": (
            f"record_id IN (SELECT record_id FROM ({kept}) AS k UNION SELECT record_id FROM decision "
            f"WHERE {of_release})", ("release_record", "decision")),
        "acquisition": (one_of("source_id", (s["source_id"] for s in manifest["sources"])), ()),
        "finding": (f"text_sha256 IN (SELECT text_sha256 FROM ({kept}) AS k)", ("release_record",)),
    }  # fmt: skip


def _write_table(place: Place, name: str, where: str, behind: Sequence[str], folder: Path) -> dict[str, Any]:
    table = TABLES[name]
    columns = [f.name for f in table.schema if f.name not in WITHHELD]
    order = ", ".join(f'"{c}"' for c in table.key)
    listed = ", ".join(f'"{c}"' for c in columns)
    sql = f'SELECT {listed} FROM "{name}" WHERE {where} ORDER BY {order}'
    batches = store.stream(place, sql, [name, *(t for t in behind if t != name)])
    rows = (row for batch in batches for row in batch.to_pylist())
    written = _write_rows(folder / "tables" / f"{name}.jsonl", rows, folder / "rows" / f"{name}.txt")
    return {"rows": written, "key": list(table.key), "columns": columns}


def _write_rows(path: Path, rows: Iterator[Mapping[str, Any]], digests: Path | None = None) -> int:
    number, told = 0, []
    with path.open("wb") as file:
        for row in rows:
            line = _line({k: v for k, v in row.items() if v is not None})
            file.write(line + b"\n")
            told.append(hashlib.sha256(line).hexdigest() + "\n")
            number += 1
    if digests is not None:
        digests.write_text("".join(told), "ascii")
    return number


def _write_samples(place: Place, samples: Sequence[Mapping[str, Any]], folder: Path, with_texts: bool) -> None:
    barred = {}
    for sample in samples:
        name = sample["sample_id"]
        if sample["frame"] not in OF_CANDIDATE and sample["size"] <= ITEMS_RECORDED_MAX:
            _write_rows(folder / "frames" / f"{name}.jsonl", _frame(place, dict(sample)))
        if sample["control_id"] == MANUAL:
            found = desk(place, name, table_only=True).barred
            barred[name] = {p: sorted(records) for p, records in sorted(found.items()) if records}
            if with_texts and sample["frame"] == RECORDS:
                _write_rows(folder / "texts" / f"{name}.jsonl", _texts(place, dict(sample)))
    (folder / "barred.json").write_bytes(canonical(barred))


def _frame(place: Place, sample: dict[str, Any]) -> Iterator[dict[str, Any]]:
    frame = frame_behind(place, sample)
    stratum = "" if sample["purpose"] == CLOSER else sample["stratum"]
    sql = (
        f"SELECT record_id, released_sha256 FROM ({frame.sql}) AS f WHERE stratum = {quoted(stratum)} "
        "ORDER BY record_id"
    )
    for batch in store.stream(place, sql, list(frame.tables)):
        yield from batch.to_pylist()


def _texts(place: Place, sample: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in rows_of(place, sample)[1]:
        if row.get("state") == "as drawn":
            yield {"record_id": row["record_id"], "texts": [[row["text"], row["released_sha256"]]]}


def _seal(
    place: Place, release_id: str, manifest: Mapping[str, Any], folder: Path, tables: Mapping[str, Mapping[str, Any]]
) -> str:
    files = {
        p.relative_to(folder).as_posix(): {"sha256": file_sha256(p), "bytes": p.stat().st_size}
        for p in sorted(folder.rglob("*")) if p.is_file()
    }  # fmt: skip
    about = {
        "format": FORMAT, "release_id": release_id, "manifest_root": manifest_root(manifest), "files": files,
        "tables": tables, "chained": [n for n in sorted(tables) if TABLES[n].chained],
    }  # fmt: skip
    content = canonical(about)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "bundle.json").write_bytes(content)
    (folder / "bundle.signature.json").write_text(json.dumps(sign(place, digest), indent=1, sort_keys=True))
    return digest


def _zip(folder: Path, files: Sequence[Path], path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            about = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _STAMP)
            about.external_attr, about.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            with file.open("rb") as read, archive.open(about, "w", force_zip64=True) as write:
                shutil.copyfileobj(read, write)
    return path


def _line(row: Mapping[str, Any]) -> bytes:
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_json)
    return text.encode("utf-8", "surrogatepass")


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
