"""A rebuild of a bench corpus by corpusgate, step by step, each step a process of its own as the DAG starts it.

The work folder gets a `conf/` of its own (controls, licences and roles of the checkout; the corpus's keywords as a
lexicon), a lake, and a log a step. Two sources, since a language that one provider alone serves is dropped.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpora import Corpus
from measured import Cost, measure

from corpusgate import flow
from corpusgate.settings.place import Place, find_place
from corpusgate.settings.profile import DEFAULT, VARIABLE, load_profile

HOME = Path(__file__).resolve().parents[1]
CORPUS, AT = "bench", "2026-11-01T08:00:00+00:00"
SOURCES = ("bench-a", "bench-b")
COUNTED = ("intake", "source_gate", "decide", "release_gate", "publish")
"""The steps that the peers' work stands for; fetch, licence, admission and evidence are told beside them."""
DIRTY = 0.5
"""Bound of 4.1.1 on a bench corpus, which is made to be dirty: at 5 % its sources would be held and nothing done."""

BY_SPARK = "by-spark"
"""A profile of the work folder: intake takes Spark for the small corpus too, which it reads without Spark otherwise.
The memory of two sizes is compared under it, or two different programs would be compared."""

_LICENCE = "SPDX-License-Identifier: CC0-1.0\n"
_CANARY = "校验词甲乙丙丁"


@dataclass(frozen=True, slots=True)
class Lake:
    """A work folder made ready. `profile`: the one that its steps run under."""

    work: Path
    profile: str = DEFAULT

    @property
    def conf(self) -> Path:
        return self.work / "conf"

    @property
    def lake(self) -> Path:
        return self.work / "lake"

    def environment(self) -> dict[str, str]:
        """For the steps: the checkout's tools, this folder's declarations and lake."""
        own = {"CORPUSGATE_CONF": str(self.conf), "CORPUSGATE_LAKE": str(self.lake), VARIABLE: self.profile}
        return {**base_environment(), **own}

    def result(self, run_id: str, name: str) -> dict[str, Any]:
        """A step's result."""
        return json.loads((self.lake / "_runs" / run_id / f"{name}.json").read_text("utf-8"))


def base_environment() -> dict[str, str]:
    """This process's own, with what `make setup` found out about Java and Spark."""
    from corpusgate.lake.session import prepare as fill_in

    fill_in(find_place(HOME))
    return {**os.environ, "CORPUSGATE_HOME": str(HOME)}


def prepare(corpus: Corpus, work: Path, profile: str = DEFAULT) -> Lake:
    """Makes the work folder anew: declarations, the sources' files, an empty lake."""
    shutil.rmtree(work, ignore_errors=True)
    made = Lake(work, profile)
    shutil.copytree(HOME / "conf", made.conf, ignore=shutil.ignore_patterns("sources", "corpora", "lexicons"))
    for control in (made.conf / "controls").glob("45654-4-1-1-*.yaml"):
        text = control.read_text("utf-8")
        control.write_text(re.sub(r"(?m)^bound: .*$", f"bound: {DIRTY}", text), "utf-8")
    # Planted values that the two detectors read differently are told as precision and recall, and end no rebuild.
    for second_look in (made.conf / "controls").glob("45654-4-2-3-[ab].yaml"):
        text = second_look.read_text("utf-8")
        second_look.write_text(re.sub(r"(?m)^blocks: .*$", "blocks: [filing]", text), "utf-8")
    halves = (corpus.files[::2], corpus.files[1::2])
    for name, files in zip(SOURCES, halves, strict=True):
        _source(made, name, files)
    _lexicon(made, corpus.keywords)
    about = "intake by Spark, however little"
    _put(made.conf / "profiles" / f"{BY_SPARK}.yaml", {"about": about, "alone_bytes": 0, "local_bytes": 0})
    _put(made.conf / "corpora" / f"{CORPUS}.yaml", {
        "title": "Bench", "intended_use": "pre_training", "commercial": True, "languages": ["zh", "en"],
        "service_type": "bench", "item_unit": "document", "home_country": "CN", "seed": "bench-1",
        "sources": list(SOURCES),
        # A word inside a longer one keeps a quarter of its weight: here any hit removes, as with the peers.
        "policy": {"lexicon": "bench", "remove_at": 0.25, "personal_information": {}},
    })  # fmt: skip
    return made


def command(step: str, run_id: str, at: str, source: str | None = None) -> list[str]:
    """How a step is started: Spark's by spark-submit, the others by Python."""
    arguments = flow.arguments(step, corpus=CORPUS, run_id=run_id, at=at, source=source)
    bin_folder = Path(sys.executable).parent
    if flow.step(step).engine == "spark":
        return [str(bin_folder / "spark-submit"), "--master", "local[2]", str(HOME / "jobs" / "run.py"), *arguments]
    return [str(bin_folder / "python"), "-m", "corpusgate", *arguments]


def rebuild(made: Lake, run_id: str = "bench-1", *, at: str = AT, last: str = flow.STEPS[-1].name) -> dict[str, Cost]:
    """Runs every step in order, up to the last; the cost of each, the sources' own added up.

    Raises:
        SystemExit: a step ended otherwise than well; says which, and where its log lies.
    """
    costs: dict[str, Cost] = {}
    for step in flow.STEPS:
        for source in SOURCES if step.per_source else (None,):
            log = made.work / "logs" / f"{run_id}-{step.name}{f'-{source}' if source else ''}.log"
            cost = measure(command(step.name, run_id, at, source), log, env=made.environment())
            if cost.code:
                tail = log.read_text("utf-8", "replace")[-1500:]
                raise SystemExit(f"The step {step.name} ended with {cost.code}. Its log, {log}, ends:\n{tail}")
            costs[step.name] = costs[step.name] + cost if step.name in costs else cost
        if step.name == last:
            break
    return costs


def by_spark(made: Lake, corpus: Corpus) -> list[str]:
    """The steps that take Spark for a corpus of this size, under the work folder's profile; the others need no JVM."""
    profile = load_profile(Place(made.work, made.conf, made.lake, made.work / "var"), made.profile)
    later = ["decide", "publish"] if corpus.docs > profile.alone_records else []
    return [*(["intake"] if corpus.bytes > max(profile.alone_bytes, profile.local_bytes) or later else []), *later]


def counted(costs: Mapping[str, Cost]) -> Cost:
    """Cost of the steps that the peers' work stands for."""
    total = costs[COUNTED[0]]
    for step in COUNTED[1:]:
        total += costs[step]
    return total


def kept(made: Lake, run_id: str = "bench-1") -> dict[str, str]:
    """Document id -> released text of what was published."""
    import pyarrow.parquet as pq
    from deltalake import DeltaTable

    named = DeltaTable(str(made.lake / "tables" / "record")).to_pyarrow_table(columns=["record_id", "locator"])
    key = dict(zip(named["record_id"].to_pylist(), named["locator"].to_pylist(), strict=True))
    release = made.result(run_id, "publish")["facts"]["release_id"]
    out: dict[str, str] = {}
    for file in sorted((made.lake / "releases" / release / "data").rglob("*.parquet")):
        table = pq.read_table(file, columns=["record_id", "text"])
        for record, text in zip(table["record_id"].to_pylist(), table["text"].to_pylist(), strict=True):
            out[key[record].removeprefix("key:")] = text
    return out


def removed(made: Lake, rule: str) -> set[str]:
    """Ids of the documents that the candidate lost by a rule."""
    from deltalake import DeltaTable

    def rows(name: str, columns: list[str]) -> list[list[Any]]:
        table = DeltaTable(str(made.lake / "tables" / name)).to_pyarrow_table(columns=columns)
        return [table[c].to_pylist() for c in columns]

    key = dict(zip(*rows("record", ["record_id", "locator"]), strict=True))
    return {
        key[i].removeprefix("key:") for i, r in zip(*rows("decision", ["record_id", "rule"]), strict=True) if r == rule
    }


def _source(made: Lake, name: str, files: list[Path]) -> None:
    folder = made.work / "sources" / name
    folder.mkdir(parents=True)
    (folder / "LICENSE").write_text(_LICENCE, "utf-8")
    for file in files:
        try:
            os.link(file, folder / file.name)  # links of the other kind are not followed
        except OSError:
            shutil.copyfile(file, folder / file.name)
    digest = hashlib.sha256(_LICENCE.encode()).hexdigest()
    said = {"expression": "CC0-1.0", "read_from": "LICENSE", "quote": _LICENCE.strip(), "sha256": digest}
    _put(made.conf / "sources" / f"{name}.yaml", {
        "title": name, "kind": "open_source", "language": "mul", "country": "CN", "category": "bench",
        "owner": "bench", "provider": name, "description": "a half of a bench corpus",
        "channel": {"type": "folder", "path": str(folder)},
        "reader": {
            "format": "jsonl", "include": ["*.jsonl"], "key": "id", "text": "text", "fields": {"url": "url"},
            "ignore": ["source"],
        },
        "licence": [{"declared": said}],
    })  # fmt: skip


def _lexicon(made: Lake, words: list[str]) -> None:
    """The corpus's keywords; of those that are one once folded, the first."""
    from corpusgate.intake.detectors.keys import match_keys

    distinct = dict(reversed(list(zip(match_keys(words), words, strict=True))))
    chosen = [_CANARY, *(w for w in words if w in set(distinct.values()))]
    rows = [f"w{n}\t{word}\tdeny\ta1a\tillegal\t1.0\t" for n, word in enumerate(chosen)]
    folder = made.conf / "lexicons" / "bench"
    folder.mkdir(parents=True)
    header = "id\tword\tkind\trisks\tseverity\tweight\tnote"
    (folder / "words.tsv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    about = {
        "id": "bench", "version": "1", "title": "Keywords of the bench corpus", "source": "made", "licence": "CC0-1.0",
        "language": "zh, en", "canary": {"text": f"{_CANARY}。", "word id": "w0"},
    }  # fmt: skip
    # As JSON, which is YAML too, but for the day: in quotes it would be a text.
    text = json.dumps(about, ensure_ascii=False, indent=1)
    (folder / "lexicon.yaml").write_text(text[:-2] + ',\n "date": 2026-11-01\n}', "utf-8")


def _put(path: Path, declared: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(declared, ensure_ascii=False, indent=1), "utf-8")  # JSON is YAML
