"""Objects that stay in their store, against a real server on loopback (moto): who reads them brings and checks them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from corpusgate.collect import store
from corpusgate.collect.channels import Bench, s3
from corpusgate.collect.job import fetch
from corpusgate.errors import Mismatch
from corpusgate.intake import splits
from corpusgate.intake.read import read_items
from corpusgate.intake.splits import Split
from corpusgate.settings.source import S3Channel
from corpusgate_testing.sources import declared, installation, run_of

READER = {"format": "jsonl", "key": "id", "text": "text", "encoding": "utf-8"}
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)


@pytest.fixture
def bucket(endpoint, monkeypatch, request):
    monkeypatch.setattr(store, "_clients", {})
    name = f"s{abs(hash(request.node.name)) % 10**9}"
    channel = S3Channel.model_validate({"type": "s3", "bucket": name, "endpoint": endpoint, "stay_above": 10})
    client = s3.connect(channel)
    client.create_bucket(Bucket=name)
    return client, name, declared(channel=channel.model_dump(), reader=READER)


def lines(n, end="\n"):
    return end.join(json.dumps({"id": str(k), "text": f"第{k}条。" + "文" * (k % 7)}, ensure_ascii=False)
                    for k in range(n)).encode()  # fmt: skip


def put(bucket, key, body):
    client, name, _ = bucket
    return client.put_object(Bucket=name, Key=key, Body=body)["ETag"]


def listed(bucket, tmp_path):
    source = bucket[2]
    place = installation(tmp_path, "notes")
    return s3.fetch(source.channel, Bench(place, "notes", run="r1", at=AT.isoformat())), place


def test_big_files_of_records_are_listed_and_left_where_they_are(bucket, tmp_path):
    put(bucket, "a.jsonl", lines(9))
    put(bucket, "b.jsonl.gz", b"\x1f\x8b" + bytes(40))
    put(bucket, "small.jsonl", b"{}")
    put(bucket, "book.pdf", b"%PDF-" + bytes(40))
    put(bucket, "marked.jsonl", lines(9))
    put(bucket, "marked.jsonl.c2pa", b"manifest")
    batch, place = listed(bucket, tmp_path)
    stay = {f.name for f in batch.objects if f.address}
    assert stay == {"a.jsonl", "b.jsonl.gz"}
    brought = {hashlib.sha256(f.path.read_bytes()).hexdigest() for f in batch.objects if not f.address}
    assert {p.name for p in place.raw.glob("??/*")} == brought


def test_the_fetch_step_says_address_and_etag_and_a_change_is_another_acquisition(bucket, tmp_path):
    tag = put(bucket, "a.jsonl", lines(9))
    place = installation(tmp_path, "notes")
    (first,) = fetch(run_of(place), bucket[2]).facts["acquisitions"]
    assert (first["path"], first["etag"], first["sha256"]) == (f"s3://{bucket[1]}/a.jsonl", tag, None)
    (same,) = fetch(run_of(place, "r2"), bucket[2]).facts["acquisitions"]
    put(bucket, "a.jsonl", lines(8))
    (other,) = fetch(run_of(place, "r3"), bucket[2]).facts["acquisitions"]
    assert first["acquisition_id"] == same["acquisition_id"] != other["acquisition_id"]


def test_the_whole_object_comes_with_its_hash_and_nothing_of_it_stays(bucket):
    body = lines(9)
    tag = put(bucket, "a.jsonl", body)
    address = f"s3://{bucket[1]}/a.jsonl"
    with store.here(bucket[2], address, tag, len(body)) as here:
        assert (here.path.read_bytes(), here.sha256) == (body, hashlib.sha256(body).hexdigest())
    assert not here.path.exists()
    assert store.sha256_of(bucket[2], address, tag, len(body)) == here.sha256


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("step", [7, 64, 300, 10_000])
def test_the_parts_of_a_file_of_lines_hold_each_record_once(bucket, monkeypatch, step, end):
    monkeypatch.setattr(store, "_BLOCK", 16)
    body = lines(40) + end.encode()
    tag = put(bucket, "a.jsonl", body)
    source, found = bucket[2], []
    for start in range(0, len(body), step):
        stop = start + step if start + step < len(body) else None
        with store.here(source, f"s3://{bucket[1]}/a.jsonl", tag, len(body), start, stop) as here:
            found += [i.key for i in read_items(here.path, "a.jsonl", source.reader, start=start, end=stop)]
    assert found == [str(n) for n in range(40)]


@pytest.mark.parametrize("harm", ["another", "gone", "shorter"])
def test_what_is_not_what_was_listed_is_a_mismatch(bucket, harm):
    body = lines(9)
    tag = put(bucket, "a.jsonl", body)
    size = len(body)
    if harm == "another":
        put(bucket, "a.jsonl", lines(9).replace("文".encode(), "字".encode()))
    elif harm == "gone":
        bucket[0].delete_object(Bucket=bucket[1], Key="a.jsonl")
    else:
        size += 1
    with pytest.raises(Mismatch, match="is not what was listed"), store.here(
        bucket[2], f"s3://{bucket[1]}/a.jsonl", tag, size
    ):  # fmt: skip
        pytest.fail("nothing may be read")


def test_bytes_that_are_not_those_of_the_etag_are_a_mismatch(bucket, monkeypatch):
    """A store, or what is between, that gives other bytes under the listed version."""
    body = lines(9)
    tag = put(bucket, "a.jsonl", body)
    wrong = body.replace("文".encode(), "字".encode())

    class Lying:
        def get_object(self, **_):
            import io

            return {"Body": io.BytesIO(wrong)}

    monkeypatch.setattr(store, "_client", lambda channel: Lying())
    with pytest.raises(Mismatch), store.here(bucket[2], f"s3://{bucket[1]}/a.jsonl", tag, len(body)):
        pytest.fail("nothing may be read")


def test_a_big_object_is_read_in_ranges_and_hashed_once_more(bucket):
    fact = {"acquisition_id": "x", "path": "s3://b/a.jsonl", "name": "a.jsonl", "fetched_at": AT.isoformat(),
            "bytes": 1000, "etag": '"t"'}  # fmt: skip
    made = splits._of_object(3, bucket[2], fact, 400)
    assert [(s.number, s.start, s.end, s.hashed) for s in made] == [
        (3, 0, 400, False), (4, 400, 800, False), (5, 800, None, False), (6, 0, None, True),
    ]  # fmt: skip
    (whole,) = splits._of_object(0, bucket[2], {**fact, "name": "a.jsonl.gz"}, 400)
    assert (whole.start, whole.end, whole.hashed, whole.total) == (0, None, False, 1000)


def test_a_worker_reads_what_stays_and_puts_what_changed_into_quarantine(bucket):
    from corpusgate.intake import stage
    from corpusgate.intake.detectors.model import Kit

    source = bucket[2]
    body = lines(9)
    good, bad = put(bucket, "good.jsonl", body), put(bucket, "bad.jsonl", body)
    put(bucket, "bad.jsonl", lines(8))
    made = [
        Split(n, source.id, name, f"s3://{bucket[1]}/{name}.jsonl", f"{name}.jsonl", AT, len(body), source.reader,
              etag=tag, total=len(body), hashed=hashed)
        for n, (name, tag, hashed) in enumerate((("good", good, False), ("bad", bad, False), ("bad", bad, True)))
    ]  # fmt: skip
    work = stage.Work(
        {source.id: source}, {source.id: "b"}, {source.id: frozenset({"all"})}, Kit("", "", None, None), {}
    )
    rows = [r for b in stage.stage(made, work, lambda texts: [None] * len(texts)) for r in b.to_pylist()]
    kinds = [(r["outcome"], r["acquisition_id"]) for r in rows]
    assert kinds == [("brought", "good"), *[("record", "good")] * 9, ("fault", "bad")]
    assert rows[0]["rule"] == hashlib.sha256(body).hexdigest()
    assert rows[-1]["reason"] == "changed_in_store" and "another object" in rows[-1]["detail"]
