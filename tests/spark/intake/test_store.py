"""Objects that stay in a bucket (moto, on loopback) are read by Spark's workers, and checked while they come."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from moto.server import ThreadedMotoServer

from corpusgate.collect.channels import s3
from corpusgate.collect.job import fetch
from corpusgate.intake.job import intake
from corpusgate.settings.profile import Profile
from corpusgate.settings.source import S3Channel
from corpusgate_testing.lake import rows

pytestmark = pytest.mark.timeout(600)

DAYS = [datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC) + timedelta(days=n) for n in range(4)]


@pytest.fixture
def bucket(spark, made):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    channel = {"type": "s3", "bucket": "texts", "endpoint": f"http://{host}:{port}", "stay_above": 100}
    client = s3.connect(S3Channel.model_validate(channel))
    client.create_bucket(Bucket="texts")
    made.source("a", [], encoding="utf-8")
    made.sources["a"]["channel"] = channel
    yield client
    server.stop()


def lines(name, n):
    return b"".join(
        json.dumps({"id": f"{name}{k}", "text": f"第{k}条，{name}今天的天气很好。" * 60}, ensure_ascii=False).encode()
        + b"\n" for k in range(n)
    )  # fmt: skip


def run_of(made, run_id, at):
    run = made.run(run_id, at)
    run.write(fetch(run, run.source("a")))
    return run


def test_what_stays_in_the_bucket_is_read_hashed_and_checked_by_the_workers(bucket, made):
    one, two = lines("one", 40), lines("two", 2)
    for key, body in (("one.jsonl", one), ("two.jsonl", two)):
        bucket.put_object(Bucket="texts", Key=key, Body=body)
    run = run_of(made, "r1", DAYS[0])
    result = intake(run, None, Profile(tasks=3, split_bytes=2**16))
    assert len(one) > 2**16, "it is read in ranges"
    assert (result.kept, result.errored) == (42, 0)
    assert not made.place.raw.exists() or not list(made.place.raw.glob("??/*"))
    acquired = {r["name"]: r for r in rows(made.place, "acquisition")}
    assert {n: r["sha256"] for n, r in acquired.items()} == {
        "one.jsonl": hashlib.sha256(one).hexdigest(), "two.jsonl": hashlib.sha256(two).hexdigest(),
    }  # fmt: skip
    assert acquired["one.jsonl"]["etag"] and acquired["one.jsonl"]["path"] == "s3://texts/one.jsonl"
    assert intake(run_of(made, "r2", DAYS[1])).facts["reused"] == ["a"]

    bucket.put_object(Bucket="texts", Key="two.jsonl", Body=lines("other", 3))
    run = run_of(made, "r3", DAYS[2])
    bucket.put_object(Bucket="texts", Key="two.jsonl", Body=lines("late", 4))  # after the listing
    result = intake(run)
    assert (result.kept, result.errored, result.facts["carried"]) == (40, 1, {"a": 1})
    assert result.facts["errored_share"] == {"a": pytest.approx(1 / 41)}
    batch = result.facts["batches"]["a"]
    (fault,) = rows(made.place, "quarantine", f"batch_id = '{batch}'")
    assert (fault["reason"], fault["locator"]) == ("changed_in_store", "two.jsonl")

    result = intake(run_of(made, "r4", DAYS[3]))
    assert (result.kept, result.errored, result.facts["vanished"]) == (44, 0, {})
    assert {r["locator"] for r in rows(made.place, "tombstone")} == {"key:two0", "key:two1"}
