"""The channel s3 against a real server on loopback (moto): listing, what is brought, what is left where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpusgate.collect.channels import Bench, s3
from corpusgate.collect.job import fetch
from corpusgate.errors import NotAvailable
from corpusgate.settings.source import S3Channel
from corpusgate_testing.sources import declared, installation, run_of


@pytest.fixture
def store(endpoint, request):
    client = s3.connect(channel(endpoint, "any"))
    bucket = f"b{abs(hash(request.node.name)) % 10**9}"
    client.create_bucket(Bucket=bucket)
    return client, bucket, channel(endpoint, bucket, prefix="in/")


def channel(endpoint, bucket, **more):
    return S3Channel.model_validate({"type": "s3", "bucket": bucket, "endpoint": endpoint} | more)


def put(store, **objects):
    client, bucket, _ = store
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key.replace("__", "/").replace("_", "."), Body=body.encode())


@pytest.fixture
def bench(tmp_path):
    return Bench(installation(tmp_path, "notes"), "notes", run="r1", at="2026-11-24T08:00:00+00:00")


def got(batch):
    return {f.name: (f.path.read_text("utf-8"), f.status) for f in batch.objects}


def test_objects_below_the_prefix_are_brought_by_name_and_hash(store, bench):
    put(store, in__a_txt="甲", in__sub__b_txt="乙", out__c_txt="丙", in__skip_bin="x")
    batch = s3.fetch(store[2].model_copy(update={"include": ("**/*.txt",)}), bench)
    assert got(batch) == {"a.txt": ("甲", "fetched"), "sub/b.txt": ("乙", "fetched")}
    assert {f.url for f in batch.objects} == {f"s3://{store[1]}/in/a.txt", f"s3://{store[1]}/in/sub/b.txt"}


def test_an_unchanged_object_costs_its_line_in_the_listing(store, bench, monkeypatch):
    put(store, in__a_txt="甲", in__b_txt="乙")
    s3.fetch(store[2], bench)
    put(store, in__b_txt="丙")
    brought = []
    real = s3._brought
    monkeypatch.setattr(s3, "_brought", lambda *given: brought.append(given[4]) or real(*given))
    assert got(s3.fetch(store[2], replace(bench, run="r2"))) == {
        "a.txt": ("甲", "not_modified"),
        "b.txt": ("丙", "fetched"),
    }
    assert brought == ["in/b.txt"]


def test_bytes_that_are_lost_from_the_archive_are_brought_again(store, bench):
    put(store, in__a_txt="甲")
    s3.fetch(store[2], bench).objects[0].path.unlink()
    assert got(s3.fetch(store[2], bench)) == {"a.txt": ("甲", "fetched")}


def test_too_large_and_unsafe_objects_are_faults_and_the_rest_comes(store, bench):
    client, bucket, declared_ = store
    put(store, in__a_txt="甲", in__b_txt="x" * 100)
    client.put_object(Bucket=bucket, Key="in/../../etc/x", Body=b"x")
    batch = s3.fetch(declared_.model_copy(update={"max_bytes": 50}), bench)
    assert set(got(batch)) == {"a.txt"}
    assert sorted(name for name, _ in batch.faults) == ["b.txt", "in/../../etc/x"]


def test_more_objects_than_a_page_of_the_listing_all_come(store, bench, monkeypatch):
    monkeypatch.setattr(s3, "PAGE", 2)
    put(store, **{f"in__{n}_txt": "x" for n in range(5)})
    assert len(s3.fetch(store[2], bench).objects) == 5


@pytest.mark.parametrize(
    "change", [{"bucket": "nosuchbucket"}, {"prefix": "nowhere/"}, {"endpoint": "http://127.0.0.1:9"}]
)
def test_what_is_not_there_is_said_without_secrets(store, bench, change):
    with pytest.raises(NotAvailable) as error:
        s3.fetch(store[2].model_copy(update=change), bench)
    assert "bucket" in str(error.value) and "testing" not in str(error.value)


def test_the_fetch_step_keeps_address_and_etag(store, bench):
    put(store, in__a_txt="甲")
    result = fetch(run_of(bench.place), declared(channel=store[2].model_dump()))
    (fact,) = result.facts["acquisitions"]
    assert (fact["url"], fact["purl"]) == (f"s3://{store[1]}/in/a.txt",) * 2
    assert fact["etag"].startswith('"') and result.kept == 1


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", {}),
        ("aws://k%2F1:s%2B2@", {"aws_access_key_id": "k/1", "aws_secret_access_key": "s+2"}),
        (
            '{"conn_type": "aws", "login": "k", "password": "s"}',
            {"aws_access_key_id": "k", "aws_secret_access_key": "s"},
        ),
        ("aws://", {}),
    ],
)
def test_credentials_come_from_airflow_s_connection_where_there_is_one(written, read):
    assert s3.credentials({s3.CONNECTION: written}) == read
