"""Objects of a bucket: listed; big files of text and tables stay where they are (the listing is the acquisition, and
intake's workers read them, see `collect/store.py`), the others are brought into the archive where they are new. An
unchanged one costs its line in the listing (ETag and size). Credentials are boto3's to find: environment, Airflow's
connection in it, or the machine's role."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpusgate.collect.archive import Digest, digest, incoming, keep
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.collect.client import shown
from corpusgate.collect.credentials import SUFFIX
from corpusgate.errors import NotAvailable
from corpusgate.intake.rules import matches, member_path
from corpusgate.lake.run import write_atomically
from corpusgate.settings.source import S3Channel

if TYPE_CHECKING:
    from botocore.client import BaseClient

#: Seconds to reach the store, and to wait for its next bytes; attempts at one request.
CONNECT, READ, ATTEMPTS = 5, 60, 3
#: Objects that one request lists.
PAGE = 1000
#: Files that stay in the store where they are big: of records and nothing else, so none carries a reservation itself.
BULK = tuple(
    f".{kind}{packed}" for kind in ("jsonl", "ndjson", "json", "csv", "tsv", "txt", "parquet", "warc", "wet")
    for packed in ("", ".gz", ".zst", ".bz2", ".xz")
)  # fmt: skip
_BLOCK = 1 << 20
#: Connection of Airflow that may hold the credentials (`aws://key:secret@`), as it stands in the environment.
CONNECTION = "AIRFLOW_CONN_CORPUSGATE_S3"


def fetch(channel: S3Channel, bench: Bench) -> Batch:
    """Every object below the prefix that the globs choose, by key; names are keys below the prefix.

    Raises:
        NotAvailable: no such bucket, no access, no answer, or nothing is chosen.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    note = bench.place.raw / "_s3" / f"{bench.name}.json"
    known = json.loads(note.read_text("utf-8")) if note.is_file() else {}
    batch, kept = Batch([]), {}
    try:
        with incoming(bench.place, bench.name) as folder:
            client = connect(channel)
            entries = list(_listed(client, channel))
            beside = {e["Key"] for e in entries if e["Key"].endswith(SUFFIX)}
            for entry in entries:
                if _stays(channel, entry, beside):
                    _left(channel, entry, batch)
                    continue
                _one(client, channel, bench, folder, entry, known, batch)
                kept[entry["Key"]] = known.get(entry["Key"])
    except (BotoCoreError, ClientError) as error:
        raise NotAvailable(
            f"not available here: the bucket {channel.bucket}: {shown(str(error))}. Next: check endpoint, bucket and "
            "credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or Airflow's connection corpusgate_s3)."
        ) from None
    write_atomically(note, json.dumps({k: v for k, v in kept.items() if v}, sort_keys=True))
    if not batch.objects and not batch.faults:
        raise NotAvailable(
            f"not available here: nothing in the bucket {channel.bucket} below {channel.prefix!r} matches "
            f"{', '.join(channel.include)}."
        )
    return batch


def connect(channel: S3Channel) -> BaseClient:
    """A client with few attempts and short waits, of the declared endpoint."""
    import boto3
    from botocore.config import Config

    settings = Config(
        connect_timeout=CONNECT, read_timeout=READ, retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        s3={"addressing_style": "path" if channel.endpoint else "auto"},
    )  # fmt: skip
    region = channel.region or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return boto3.session.Session().client(
        "s3", endpoint_url=channel.endpoint, region_name=region, config=settings, **credentials(os.environ)
    )


def credentials(environment: Any) -> dict[str, str]:
    """Those of Airflow's connection, where the environment has one; else none, and boto3 looks for its own."""
    from urllib.parse import unquote, urlsplit

    written = environment.get(CONNECTION, "")
    if not written:
        return {}
    if written.lstrip().startswith("{"):
        said = json.loads(written)
        key, secret = said.get("login"), said.get("password")
    else:
        parts = urlsplit(written)
        key, secret = unquote(parts.username or ""), unquote(parts.password or "")
    return {"aws_access_key_id": key, "aws_secret_access_key": secret} if key and secret else {}


def _listed(client: Any, channel: S3Channel) -> Iterator[dict[str, Any]]:
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=channel.bucket, Prefix=channel.prefix, PaginationConfig={"PageSize": PAGE}
    )
    for page in pages:
        yield from page.get("Contents", ())


def _stays(channel: S3Channel, entry: dict[str, Any], beside: set[str]) -> bool:
    """Whether the object is a big one of records, without a manifest of reservations beside it."""
    key = entry["Key"]
    stem = key[: -len(Path(key).suffix)] if Path(key).suffix else key
    big = channel.stay_above < entry["Size"] <= channel.max_bytes
    return big and key.lower().endswith(BULK) and not {key + SUFFIX, stem + SUFFIX} & beside


def _left(channel: S3Channel, entry: dict[str, Any], batch: Batch) -> None:
    key = entry["Key"]
    if (name := _name(channel, key, batch)) is None:
        return
    url = f"s3://{channel.bucket}/{key}"
    left = Fetched(name, Path(), entry["Size"], "", "listed", "s3", entry["ETag"], url, address=url)
    batch.objects.append(left)


def _name(channel: S3Channel, key: str, batch: Batch) -> str | None:
    """The object's name below the prefix; None where the globs leave it out, or where it is a fault."""
    name = key.removeprefix(channel.prefix).lstrip("/") or key.rsplit("/", 1)[-1]
    try:
        return name if matches(member_path(name), channel.include) else None
    except ValueError as error:
        batch.faults.append((key.encode("utf-8", "backslashreplace").decode("utf-8"), str(error)))
        return None


def _one(
    client: Any, channel: S3Channel, bench: Bench, folder: Path, entry: dict[str, Any], known: dict[str, Any],
    batch: Batch,
) -> None:  # fmt: skip
    key, size, etag = entry["Key"], entry["Size"], entry["ETag"]
    if key.endswith("/") and not size:
        return  # a folder as some tools make it
    if (name := _name(channel, key, batch)) is None:
        return
    if size > channel.max_bytes:
        batch.faults.append((name, f"{size:,} bytes, channel.max_bytes is {channel.max_bytes:,}"))
        return
    last = known.get(key)
    path = bench.place.raw_file(last["sha256"]) if last else None
    if last and path and (last["etag"], last["bytes"]) == (etag, size) and path.is_file():
        found, status = Digest(size, last["sha256"], ""), "not_modified"
    else:
        found, status = _brought(client, channel, folder, bench, key, etag), "fetched"
        known[key] = {"etag": etag, "bytes": found.bytes, "sha256": found.sha256}
    url = f"s3://{channel.bucket}/{key}"
    batch.objects.append(
        Fetched(name, bench.place.raw_file(found.sha256), found.bytes, found.sha256, status, "s3", etag, url)
    )


def _brought(client: Any, channel: S3Channel, folder: Path, bench: Bench, key: str, etag: str) -> Digest:
    """The object's bytes in the archive: those of the version that was listed."""
    body = folder / "body"
    stream = client.get_object(Bucket=channel.bucket, Key=key, IfMatch=etag)["Body"]
    with body.open("wb") as file:
        while block := stream.read(_BLOCK):
            file.write(block)
    found = digest(body)
    keep(bench.place, body, found)
    return found
