"""A corpus of small sources of JSON lines, as it stands after fetch, licence and admission."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from corpusgate.collect.rules import acquisition_id
from corpusgate.intake import states
from corpusgate.intake.job import intake
from corpusgate.lake import store
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.settings.place import Place, find_place
from corpusgate_testing.lake import place_in, rows

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
DAYS = [AT + timedelta(days=n) for n in range(6)]
_TIMES = re.compile(r"'(first_acquired_at|recorded_at)': datetime[.]datetime\([^)]*\)")
CALL = "请拨打13800138000联系我们，谢谢大家。"


@dataclass
class Made:
    """Sources by id; `run` writes what earlier steps would have said and opens the run."""

    place: Place
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    raw: dict[str, dict[str, bytes]] = field(default_factory=dict)
    at: dict[str, datetime] = field(default_factory=dict)

    def source(self, name: str, lines: Sequence[Any] | bytes, at: datetime = AT, **reader: Any) -> Made:
        """Declares the source, or declares it anew, with one file of these lines (objects, or bytes as they are)."""
        raw = lines if isinstance(lines, bytes) else b"".join(_line(x) for x in lines)
        self.raw[name] = {f"{name}.jsonl": raw}
        self.at[name] = at
        self.sources[name] = {
            "title": name, "kind": "self_collected", "language": "zh", "country": "CN", "category": "news",
            "owner": "data steward", "provider": name, "description": "made for a test",
            "channel": {"type": "folder", "path": str(self.place.var / name)},
            "reader": {"format": "jsonl", "key": "id", "fields": {"title": "title", "url": "url"}, **reader},
            "licence": [{"id": "all", "include": ["**"]}],
        }  # fmt: skip
        return self

    def files(self, name: str, files: dict[str, Sequence[Any]], at: datetime = AT, **reader: Any) -> Made:
        """Declares the source with these files, each of lines as `source` takes them."""
        self.source(name, [], at, **reader)
        self.raw[name] = {file: b"".join(_line(x) for x in lines) for file, lines in files.items()}
        return self

    def run(self, run_id: str = "r1", at: datetime = AT, held: Sequence[str] = (), failing: Sequence[str] = ()) -> Run:
        """The run after admission. `held` sources failed it; of `failing` ones no licence part passes but `open`."""
        for kind in ("sources", "corpora"):
            (self.place.conf / kind).mkdir(exist_ok=True)
        for name, declared in self.sources.items():
            (self.place.conf / "sources" / f"{name}.yaml").write_text(json.dumps(declared), "utf-8")
        (self.place.conf / "corpora" / "c.yaml").write_text(json.dumps(self._corpus()), "utf-8")
        lexicon = self.place.conf / "lexicons" / "starter"
        if not lexicon.exists():
            shutil.copytree(find_place(Path(__file__)).conf / "lexicons" / "starter", lexicon)
        run = open_run(self.place, "c", run_id, at)
        for name in self.sources:
            run.write(self._fetch(name))
            parts = [{"part": p["id"], "verdict": "fail" if name in failing and p["id"] != "open" else "pass"}
                     for p in self.sources[name]["licence"]]  # fmt: skip
            run.write(
                StepResult(step="licence", source_id=name, unit="part", rows_in=0, kept=0, facts={"parts": parts})
            )
            state = "held" if name in held else "ok"
            run.write(StepResult(step="admission", source_id=name, unit="record", rows_in=0, kept=0, state=state))
        return run

    def _corpus(self) -> dict[str, Any]:
        return {
            "title": "c", "intended_use": "pre_training", "commercial": True, "languages": ["zh"], "service_type": "s",
            "item_unit": "document", "home_country": "CN", "seed": "s", "sources": list(self.sources),
            "policy": {"lexicon": "starter", "personal_information": {}},
        }  # fmt: skip

    def _fetch(self, name: str) -> StepResult:
        store.ensure_tables(self.place, ["acquisition"])
        known = store.read(self.place, "acquisition", ["acquisition_id", "fetched_at"]).to_pylist()
        first = {r["acquisition_id"]: r["fetched_at"] for r in known}  # fetching again is no new acquisition
        acquired = []
        for file, raw in self.raw[name].items():
            path = self.place.var / name / hashlib.sha256(raw).hexdigest() / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
            sha256 = hashlib.sha256(raw).hexdigest()
            key = acquisition_id(name, file, sha256)
            acquired.append({
                "acquisition_id": key, "name": file, "purl": f"file:{name}", "path": str(path),
                "fetched_at": first.get(key, self.at[name]).isoformat(), "bytes": len(raw), "sha256": sha256,
                "etag": None, "status": "200", "agent": "test",
            })  # fmt: skip
        facts = {"acquisitions": acquired, "signals": []}
        return StepResult(
            step="fetch", source_id=name, unit="object", rows_in=len(acquired), kept=len(acquired), facts=facts
        )


def _line(given: Any) -> bytes:
    return (json.dumps(given, ensure_ascii=False) if not isinstance(given, str) else given).encode() + b"\n"


def line(key: str, text: str | None = None) -> dict[str, str]:
    """A line of a source, with a text of its own unless one is given."""
    return {"id": key, "text": text or f"第{key}条，今天的天气很好，我们一起去公园里散步。"}


def first(made: Made, at: datetime = DAYS[0]) -> Made:
    """The source `s` of three files: one key stands in two of them and one twice in one; two lines are broken, and one
    has a field that nobody declared."""
    files = {
        "one.jsonl": [line(f"a{n}") for n in range(6)] + [line("both", CALL), line("a1"), "{"],
        "two.jsonl": [line(f"b{n}") for n in range(6)] + [line("both", CALL)],
        "three.jsonl": [line(f"c{n}") for n in range(6)] + ["{", {"id": "s", "text": CALL, "stranger": 1}],
    }
    return made.files("s", files, at)


def second(made: Made, at: datetime = DAYS[1]) -> Made:
    """The same later: one file has changed in one line, lost one and gained one; a new file has some of what stood in
    the one that is gone, and a text of another."""
    files = {
        "one.jsonl": [line("a0", "改了。" + CALL), *(line(f"a{n}") for n in range(2, 6)), line("both", CALL),
                      line("new"), "{"],
        "two.jsonl": [line(f"b{n}") for n in range(6)] + [line("both", CALL)],
        "moved.jsonl": [line(f"c{n}") for n in range(3)] + [{"id": "copy", "text": line("b1")["text"]}],
    }  # fmt: skip
    return made.files("s", files, at)


def read_again(made: Made, stays: bool) -> tuple[StepResult, dict[str, list[dict[str, str]]]]:
    """Takes in four files; has one forgotten, so that it is to be read again, and before that another changes, too;
    takes in again. The second result, and the files then: the forgotten one among them where it `stays`."""
    files = {f"{n}.jsonl": [line(f"{n}-{k}") for k in range(2)] for n in range(4)}
    before = intake(made.files("s", files, DAYS[0]).run("r1", DAYS[0])).facts["batches"]["s"]
    (forgotten,) = [r["acquisition_id"] for r in rows(made.place, "acquisition") if r["name"] == "1.jsonl"]
    states.forget_report(made.place, before, [forgotten])
    changed = {**files, "0.jsonl": [line("0-0"), line("new")]}
    if not stays:
        del changed["1.jsonl"]
    result = intake(made.files("s", changed, DAYS[1]).run("r2", DAYS[1]))
    return result, changed


def content(place: Place, batch: str, names: Sequence[str]) -> dict[str, list[str]]:
    """What a source's state holds, without the batches under which texts happen to lie."""
    texts = {r["text_sha256"] for r in rows(place, "record", f"batch_id = '{batch}'")}
    found = {}
    for name in names:
        chosen = rows(place, name)
        if name in ("record", "quarantine"):
            chosen = [r for r in chosen if r["batch_id"] == batch]
        else:
            chosen = [r for r in chosen if r["text_sha256"] in texts]
        found[name] = sorted(str({k: v for k, v in r.items() if k != "batch_id"}) for r in chosen)
    return found


def timeless(made: Made, batch: str, names: Sequence[str]) -> dict[str, list[str]]:
    """What a source's state holds, but for since when."""
    return {n: sorted(_TIMES.sub("", row) for row in of) for n, of in content(made.place, batch, names).items()}


@contextmanager
def lake() -> Iterator[Made]:
    """A place of its own with empty tables; gone afterwards."""
    folder = Path(tempfile.mkdtemp())
    try:
        made = Made(place_in(folder))
        store.ensure_tables(made.place)
        yield made
    finally:
        shutil.rmtree(folder)
