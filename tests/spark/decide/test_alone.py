"""Corpora made from a seed, full of what the rules look at, are decided about by both engines: nothing may differ."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from pyspark.sql import functions as F

from corpusgate.decide import alone, job
from corpusgate.decide.near import alone as near_alone
from corpusgate.decide.near import frames
from corpusgate.decide.near.xxh64 import xxh64
from corpusgate.decide.rules import text_sha256
from corpusgate.intake.detectors.signature import BANDS, ROWS, sign
from corpusgate.lake import alone as lake_alone
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.release.manifest import candidate_folder
from corpusgate.settings.place import Place
from corpusgate.settings.profile import Profile
from corpusgate_testing.decide import AT, VERSIONS, Text, World, judged
from corpusgate_testing.lake import place_in, rows
from corpusgate_testing.near import edited, text_of

pytestmark = pytest.mark.timeout(600)  # Spark on a busy machine
SOURCES = ("alpha", "beta", "gamma")
SIGNED = {**VERSIONS, "signature": "minhash-test"}
WRITTEN = ("decision", "release_record", "sample", "sample_item", "near_edge", "near_bucket", "near_batch")
WORLD = World(
    providers={s: f"{s}.example" for s in SOURCES},
    languages=("zh", "en"),
    policy={
        "personal_information": {"pi_id": "remove", "pi_mobile": "mask", "pi_email": "keep"},
        "remove_signs": ["q_mojibake"], "review_sample": 7, "technical_share": 0.3,
        "risk_allowed_in": ["prompt", "rejected"],
    },
    safety=("gamma",),
)  # fmt: skip


def a_text(rng: random.Random, n: int) -> str:
    if rng.random() < 0.4:
        return edited(text_of(rng.randrange(6)), rng.choice([0.0, 0.01, 0.05, 0.3]), rng.randrange(4))
    return rng.choice(
        [f"第{n}段文字。", f"电话1380013800{n % 10}找张三", "相同的一句。", f"{n} English words.", "嗯", ""]
    )


def some_texts(seed: int, many: int = 60) -> list[Text]:
    """Texts with words, personal information, rules of their source, groups; copies, near copies, lost texts."""
    rng, made = random.Random(seed), []
    for n in range(many):
        text = a_text(rng, n)
        spans = tuple(
            (start, start + rng.randrange(1, 14), rng.choice(["pi_mobile", "pi_email", "pi_id", "pi_bank_card"]))
            for start in rng.choices(range(len(text) or 1), k=rng.choice([0, 0, 1, 2]))
        )
        grouped = rng.random() < 0.4 and seed % 2
        made.append(Text(
            text, rng.choice(SOURCES), key=str(n), language=rng.choice(["zh", "zh-Hant", "en", "de", "und", None]),
            weights=tuple((rng.choice(["a1a", "a3a", "a5a"]), rng.choice([0.1, 0.35, 0.9])) for _ in range(n % 3)),
            personal=spans if rng.random() < 0.7 else (),
            source_rule=rng.choice([None, None, None, None, "law-not-in-force", ""]),
            basis=rng.choice([None, "consent"]), modality=rng.choice(["text", "text", "code"]),
            first_acquired_at=AT - timedelta(days=rng.randrange(3)),
            role=rng.choice(["prompt", "chosen", "rejected"]) if grouped else "text",
            group=f"g{rng.randrange(8)}" if grouped else None, turn=rng.randrange(4) if grouped else None,
        ))  # fmt: skip
    return made


def a_run(place: Place, texts: Sequence[Text], run_id: str = "run-1") -> Run:
    """The lake as intake leaves it, texts signed, one text lost, signs of poor text in some, one record taken down."""
    store.ensure_tables(place)
    run = judged(place, texts, world=WORLD, held={"beta": "45654-4-1-1-b"} if len(texts) % 7 == 0 else {},
                 versions=SIGNED, run_id=run_id)  # fmt: skip
    found = store.read(place, "document").to_pylist()
    signed = zip(found, sign([r["text"] for r in found]), strict=True)
    rows_ = [
        {"text_sha256": r["text_sha256"], "batch_id": r["batch_id"], "algorithm": "minhash-test", "signature": s}
        for r, s in signed if s is not None
    ]  # fmt: skip
    store.replace(place, "signature", rows_, "true", "made by a test")
    lost = min(r["text_sha256"] for r in found)
    store.replace(place, "document", [], f"text_sha256 = '{lost}'", "made by a test")
    return run


def by(engine: str, run: Run) -> dict:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "load_profile", lambda place: Profile(alone_records=0 if engine == "spark" else 1000))
        patch.setattr(*((alone, "decided") if engine == "spark" else (job, "_by_spark")), None)
        return job.decide(run).facts


def left(place: Place, release: str) -> dict:
    said = {name: rows(place, name) for name in WRITTEN}
    return {**said, "manifest": (candidate_folder(place, release) / "manifest.json").read_bytes()}


@pytest.mark.parametrize("seed", [0, 1])
def test_both_engines_leave_the_same(spark, tmp_path, seed):
    texts = some_texts(seed, 60 + seed)
    places = {engine: place_in(tmp_path / engine) for engine in ("spark", "alone")}
    facts = {engine: by(engine, a_run(place, texts)) for engine, place in places.items()}
    assert facts["alone"] == facts["spark"]
    release = facts["spark"]["release_id"]
    one, other = (left(place, release) for place in places.values())
    for name in one:
        assert one[name] == other[name], name
    outcomes = {r["rule"] for r in one["decision"]}
    assert {"keyword", "near_duplicate", "exact_duplicate"} <= outcomes and one["near_edge"]


def test_a_changed_corpus_is_decided_the_same_whichever_engine_decided_before(spark, tmp_path):
    before, now = some_texts(2), [replace(t, text=t.text + "，又一句") if n % 9 == 0 else t
                                  for n, t in enumerate(some_texts(2))]  # fmt: skip
    found = {}
    for first, second in (("alone", "alone"), ("spark", "alone"), ("alone", "spark")):
        place = place_in(tmp_path / f"{first}-{second}")
        by(first, a_run(place, before))
        facts = by(second, a_run(place, now, "run-2"))
        edges = [{k: v for k, v in r.items() if k != "batch_id"} for r in rows(place, "near_edge")]
        found[first, second] = facts, left(place, facts["release_id"])["manifest"], edges
    assert all(one == found["alone", "alone"] for one in found.values())


def test_the_numbers_of_buckets_and_texts_are_those_of_spark(spark):
    texts = [text_of(n) for n in range(5)]
    signatures = sign(texts)
    minima = np.frombuffer(b"".join(signatures), dtype=np.uint8).reshape(len(texts), BANDS * ROWS * 4)
    names = [text_sha256(t) for t in texts]
    frame = spark.createDataFrame(
        [(n, "b", bytearray(s)) for n, s in zip(names, signatures, strict=True)],
        "text_sha256 string, batch_id string, signature binary",
    )
    theirs = {(r["text_sha256"], r["bucket"]) for r in frames.in_buckets(frame).collect()}
    who = np.frombuffer("".join(names).encode(), dtype=np.uint8).reshape(len(texts), 64)
    every = np.arange(len(texts) * BANDS)
    buckets = near_alone.bucket_numbers(minima, every).tolist()
    assert {(names[n // BANDS], b) for n, b in zip(every.tolist(), buckets, strict=True)} == theirs
    said = {r[0]: r[1] for r in frame.select("text_sha256", F.xxhash64("text_sha256")).collect()}
    assert dict(zip(names, xxh64(who).view(np.int64).tolist(), strict=True)) == said


@pytest.mark.parametrize("why", ["records", "lake", "overfull", "was overfull", "memory"])
def test_what_is_too_much_is_left_to_spark(place, monkeypatch, why):
    texts = some_texts(2)
    run = a_run(place, texts)
    most = 10 if why == "records" else 1000
    if why == "lake":
        monkeypatch.setattr(lake_alone, "OTHERS", 0)
    elif why == "overfull":
        monkeypatch.setattr(near_alone.fresh, "__defaults__", (1,))
    elif why == "was overfull":
        row = {"bucket": 1, "batch_id": "old", "algorithm": "minhash-test", "texts": 2000}
        store.replace(place, "near_bucket", [row], "batch_id = 'old'", "made by a test")
    elif why == "memory":
        monkeypatch.setattr(alone.alone_masks, "MEMORY", 10)
    monkeypatch.setattr(job, "load_profile", lambda place: Profile(alone_records=most))
    monkeypatch.setattr(job, "_by_spark", lambda run, given, profile: given.expected)
    assert job.decide(run) == {s: sum(t.source == s for t in texts) for s in SOURCES}
    assert rows(place, "decision") == rows(place, "release_record") == []


def test_no_jvm_and_no_pyspark_where_it_is_little(place):
    run = a_run(place, some_texts(4))
    program = (
        "import sys; from pathlib import Path; from corpusgate.lake.run import open_run; "
        "from corpusgate.settings.place import Place; from corpusgate.decide.job import decide; "
        "home = Path(sys.argv[1]); place = Place(home=home, conf=home / 'conf', lake=home / 'lake', var=home / 'var'); "
        "from datetime import datetime; decide(open_run(place, 'demo', 'run-1', datetime.fromisoformat(sys.argv[2]))); "
        "sys.exit('pyspark' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(place.home), run.at.isoformat()], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert rows(place, "release_record")
