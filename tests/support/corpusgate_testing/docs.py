"""What the documentation tells people to type, and an installation without Spark in which they can type it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

from corpusgate.cli import app
from corpusgate.collect.fixtures import make_fixtures
from corpusgate.collect.job import fetch
from corpusgate.intake.admission import admission
from corpusgate.intake.items import Item
from corpusgate.intake.job import fold
from corpusgate.intake.read import read_items
from corpusgate.intake.rules import Ordinals, licence_part, locator, record_id, text_sha256
from corpusgate.lake import store
from corpusgate.lake.run import Run, open_run
from corpusgate.release import job as publishing
from corpusgate.release import manifest as manifests
from corpusgate.release.digests import digests, file_sha256
from corpusgate.release.merkle import Bucket, buckets_sql
from corpusgate.release.parts import COLUMNS
from corpusgate.release.pointer import current_release, move_pointer
from corpusgate.release.verify import leaves_of
from corpusgate.settings.place import Place
from corpusgate.sources.job import licence

REPOSITORY = Path(__file__).parents[3]
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = datetime(2099, 1, 1, tzinfo=UTC)  # after any clock that a command may have read
#: The demonstration's own sources: they need no network.
OWN = ("fixture-utf8", "fixture-unlicensed")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a Markdown file: its language, its first line's number, its text."""

    path: Path
    language: str
    line: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The block's lines without comments and empty ones."""
        return [ln for ln in (re.sub(r"\s+# .*$", "", raw).rstrip() for raw in self.text.splitlines()) if ln]

    @property
    def name(self) -> str:
        """Where it stands, for a test's id."""
        return f"{self.path.relative_to(REPOSITORY)}:{self.line}"


def blocks(path: Path, language: str = "sh") -> list[Block]:
    """The fenced blocks of this language, in order."""
    found, start, kept = [], 0, []
    fence: str | None = None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith("```"):
            if fence is None:
                fence, start, kept = line[3:].strip(), number + 1, []
            else:
                if fence == language:
                    found.append(Block(path, fence, start, "\n".join(kept)))
                fence = None
        elif fence is not None:
            kept.append(line)
    return found


def installation(home: Path, sources: Sequence[str] = OWN) -> Place:
    """A checkout in miniature: the shipped conf, the corpus `demo` of these sources alone, their files, commands."""
    shutil.copytree(REPOSITORY / "conf", home / "conf")
    for linked in (".venv", "Makefile", "infra", "jobs", "expectations", "LICENSE", "requirements.lock"):
        (home / linked).symlink_to(REPOSITORY / linked)
    (home / "var").mkdir()
    (home / "var" / "tools").symlink_to(REPOSITORY / "var" / "tools")
    demo = home / "conf" / "corpora" / "demo.yaml"
    listed = "".join(f"  - {s}\n" for s in sources)
    demo.write_text(re.sub(r"sources:\n(  - \S+\n)+", f"sources:\n{listed}", demo.read_text("utf-8")), "utf-8")
    make_fixtures(home / "var" / "fixtures", home / "conf" / "lexicons" / "starter")
    return Place(home=home, conf=home / "conf", lake=home / "var" / "lake", var=home / "var")


class Typist:
    """Types the commands of a page, one after another, into an installation without Spark.

    Commands of corpusgate run in this process, lines with more of a shell in them in bash; what only make does is left
    out, but for `make run`, in place of which the installation is rebuilt without Spark.
    """

    limit = 110

    def __init__(self, place: Place) -> None:
        self.place = place
        self.typed: list[str] = []
        self.releases: list[str] = []
        self.words: dict[str, str] = {}
        self.said = ""

    def rebuild(self) -> None:
        """What stands for `make run`."""
        number = len(self.releases) + 1
        self.releases.append(rebuilt(self.place, f"r{number}", AT if number == 1 else LATER))

    def type(self, block: Block) -> None:
        """Types a block."""
        lines = [self.filled(line) for line in block.lines]
        self.typed += lines
        if any(re.search(r"[$>]", line) for line in lines):
            self.shell("\n".join(lines))
            return
        for line in lines:
            if line == "make run":
                self.rebuild()
            elif not line.startswith("make "):
                self.corpusgate(line)

    def filled(self, line: str) -> str:
        """The line with the words in capitals filled in."""
        for word, value in self.words.items():
            line = re.sub(rf"\b{word}\b", value, line)
        return line

    def corpusgate(self, line: str) -> None:
        """Types a line that calls corpusgate alone."""
        program, *arguments = shlex.split(line)
        assert program == ".venv/bin/corpusgate", f"no test types {line!r}"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code in ((0, 1) if arguments == ["doctor"] else (0,)), f"{line}\n{done.output}{done.exception}"
        self.said = done.output

    def shell(self, text: str) -> None:
        """Types lines for a shell."""
        done = subprocess.run(
            ["bash", "-euc", text], cwd=self.place.home, capture_output=True, text=True, check=False,
            timeout=self.limit, env={**os.environ, "CORPUSGATE_HOME": str(self.place.home)},
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        self.said = done.stdout


def sources_of(place: Place, release: str) -> dict[str, int]:
    """Source -> records of a release."""
    sql = f"SELECT source_id, count(*) AS n FROM release_record WHERE release_id = '{release}' GROUP BY source_id"
    return {r["source_id"]: r["n"] for r in store.query(place, sql, ["release_record"]).to_pylist()}


def fill_in(path: Path, lines: list[str]) -> None:
    """Does what the how-to says: replaces the fields that still say FILL IN, and there are no others."""
    text = path.read_text("utf-8")
    for line in lines:
        field = line.split(":")[0]
        text, count = re.subn(rf"^{field}: FILL IN.*$", line, text, flags=re.MULTILINE)
        assert count == 1, f"the draft asks for no {field.strip()}"
    assert not [ln for ln in text.splitlines() if "FILL IN" in ln and not ln.startswith("#")]
    path.write_text(text, "utf-8")


def rebuilt(place: Place, run_id: str, at: datetime) -> str:
    """What a rebuild leaves in the lake, made without Spark and without gates: the release's id.

    The steps that need neither are the real ones. Nothing is screened, and every record of what they let in is kept.
    """
    run = open_run(place, "demo", run_id, at)
    store.ensure_tables(place)
    for source in run.sources:
        run.write(fetch(run, source))
        for step in (licence, admission):
            if source.id not in run.held():
                run.write(step(run, source))
    fold(run)
    for held in run.held().values():
        store.append_new(place, "control_result", [_verdict(run, held.source_id or "", held.because)], run_id)
    return _released(run, list(_kept(run)))


def _verdict(run: Run, source_id: str, because: str) -> dict[str, Any]:
    return {
        "run_id": run.id, "corpus": run.corpus.id, "gate": "source_gate", "scope": "source", "scope_id": source_id,
        "control_id": "45654-4-1-3-a", "clause": "45654-2025 4.1.3 a)", "half": "computed", "verdict": "pending",
        "stratum": "", "because": because, "attempt": 1, "judged_at": run.at,
    }  # fmt: skip


def _kept(run: Run) -> Iterator[tuple[dict[str, Any], str]]:
    """Rows of `record`, and their texts."""
    for source in run.sources:
        if source.id in run.held():
            continue
        fetched = run.result("fetch", source.id)
        assert fetched is not None
        for fact in fetched.facts["acquisitions"]:
            ordinals = Ordinals()
            for item in read_items(Path(fact["path"]), fact["name"], source.reader):
                if not isinstance(item, Item):
                    continue
                sha256 = text_sha256(item.text)
                where = locator(item, sha256, ordinals(item, sha256))
                row = {
                    "record_id": record_id(source.id, where, sha256), "source_id": source.id, "batch_id": "0" * 16,
                    "acquisition_id": fact["acquisition_id"], "locator": where, "text_sha256": sha256,
                    "characters": len(item.text), "language": "zh",
                    "licence_part": licence_part(item.member, source.licence),
                }  # fmt: skip
                yield row, item.text


def _released(run: Run, kept: list[tuple[dict[str, Any], str]]) -> str:
    place = run.place
    texts = {
        row["text_sha256"]: {"text_sha256": row["text_sha256"], "text": t, "batch_id": "0" * 16} for row, t in kept
    }
    store.append_new(place, "record", [row for row, _ in kept], run.id)
    store.append_new(place, "document", list(texts.values()), run.id)
    said = ("record_id", "source_id", "text_sha256", "language", "characters", "licence_part")
    rows = [{**{c: r[c] for c in said}, "mask_set": "", "released_sha256": r["text_sha256"]} for r, _ in kept]
    manifest = _manifest(run, rows)
    release, root = manifests.release_id(manifest), manifests.manifest_root(manifest)
    store.append_new(place, "release_record", [{**r, "release_id": release} for r in rows], run.id)
    manifests.write_candidate(run, manifest, manifests.about_run(run))
    parent = current_release(place, "demo", "trial")
    candidate = publishing.Candidate(manifest, release, root, parent, "trial")
    folder = place.releases / release
    _write_data(folder / "data", kept)
    path = folder / "data" / "records-00000.parquet"
    about = {
        "path": f"data/{path.name}",
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "records": len(kept),
    }
    data = {"files": [about], "characters": sum(len(t) for _, t in kept), "masks_in_notices": {}}
    publishing._write_papers(run, candidate, folder, data)
    publishing._write_rows(run, candidate, folder)
    move_pointer(place, "demo", "trial", expected=parent, to=release, root=root, run_id=run.id, at=run.at)
    return release


def _manifest(run: Run, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The manifest of these records: its tree is computed as `release verify` computes it, under a name for a while."""
    place, name = run.place, "not-yet-named"
    store.append_new(place, "release_record", [{**r, "release_id": name} for r in rows], run.id)
    found = store.query(place, buckets_sql("datafusion", leaves_of(name)), ["decision", "release_record"]).to_pylist()
    store.replace(place, "release_record", [], f"release_id = '{name}'", run.id)
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        kept = counts.setdefault(row["source_id"], {"kept": {"": 0}})["kept"]
        kept[""] += 1
    return manifests.build(
        run, buckets=[Bucket(r["bucket"], r["root"], r["leaves"]) for r in found], counts=counts, digests=digests(run),
        detectors={}, languages={"served": ["zh"], "dropped": ["en"]}, sources=manifests.sources_of(run, counts, {}),
        samples=[],
    )  # fmt: skip


def _write_data(folder: Path, kept: list[tuple[dict[str, Any], str]]) -> None:
    folder.mkdir(parents=True)
    rows = [{**dict.fromkeys(COLUMNS), **{c: r.get(c) for c in COLUMNS}, "text": t} for r, t in kept]
    schema = pa.schema([(c, pa.string()) for c in COLUMNS])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "records-00000.parquet")
