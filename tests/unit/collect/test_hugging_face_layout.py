"""A data set as Hugging Face lays it on disk: a folder with Parquet or JSON Lines shards by split, beside its card."""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq

from corpusgate.collect.channels import Bench, folder
from corpusgate.collect.job import fetch
from corpusgate.intake.items import Item
from corpusgate.intake.read import read_items
from corpusgate.intake.rules import matches, member_path
from corpusgate.settings.source import FolderChannel, Reader
from corpusgate.sources.job import judged
from corpusgate_testing.sources import declared, installation, run_of


def shards(root, suffix):
    for split, rows in (("train", ("甲", "乙", "丙")), ("test", ("丁",))):
        for n, text in enumerate(rows):
            path = root / "data" / f"{split}-{n:05}-of-{len(rows):05}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            row = {"id": f"{split}{n}", "text": text, "meta": {"source": "web"}}
            if suffix == "parquet":
                pq.write_table(pa.Table.from_pylist([row]), path)
            else:
                path.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    (root / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Card\n", "utf-8")
    (root / ".gitattributes").write_text("*.parquet filter=lfs\n", "utf-8")


def read(tmp_path, suffix, include):
    place = installation(tmp_path, "notes")
    root = tmp_path / "set"
    shards(root, suffix)
    channel = FolderChannel(type="folder", path=str(root), include=("**/*", "README.md"))
    objects = folder.fetch(channel, Bench(place, "notes")).objects
    said = Reader(format=suffix, include=include, key="id", text="text", fields={"meta": "meta"})
    found = []
    for one in objects:
        if matches(member_path(one.name), said.include):
            found += read_items(one.path, one.name, said)
    return {o.name for o in objects}, found


def test_the_card_is_evidence_for_the_licence_by_its_words_and_its_hash(tmp_path):
    place = installation(tmp_path, "notes")
    shards(tmp_path / "set", "parquet")
    card = tmp_path / "set" / "README.md"
    said = {"expression": "CC0-1.0", "read_from": "README.md", "quote": "license: cc0-1.0",
            "sha256": hashlib.sha256(card.read_bytes()).hexdigest()}  # fmt: skip
    source = declared(
        channel={"type": "folder", "path": str(tmp_path / "set")}, licence=[{"id": "all", "declared": said}],
        reader={"format": "parquet", "include": ["data/*.parquet"], "key": "id", "fields": {"meta": "meta"}},
    )  # fmt: skip
    run = run_of(place)
    acquisitions = fetch(run, source).facts["acquisitions"]
    assert judged(run, source, acquisitions).facts["verdict"] == "pass"
    card.write_text("---\nlicense: cc-by-nc-4.0\n---\n", "utf-8")
    acquisitions = fetch(run, source).facts["acquisitions"]
    assert judged(run, source, acquisitions).facts["reason"] == "licence_statement_changed"


def test_splits_in_folders_and_an_older_arrow_info_beside_them_are_passed_over(tmp_path):
    place = installation(tmp_path, "notes")
    for split in ("train", "validation"):
        (tmp_path / "set" / split).mkdir(parents=True)
        pq.write_table(pa.table({"text": [split]}), tmp_path / "set" / split / "0000.parquet")
    (tmp_path / "set" / "dataset_info.json").write_text('{"license": "cc0-1.0"}', "utf-8")
    channel = FolderChannel(type="folder", path=str(tmp_path / "set"))
    said = Reader(format="parquet", include=("train/*.parquet",))
    objects = folder.fetch(channel, Bench(place, "notes")).objects
    assert [i.text for o in objects for i in read_items(o.path, o.name, said)] == ["train"]
    assert "dataset_info.json" in {o.name for o in objects}


def test_shards_of_the_chosen_split_are_read_by_key_and_the_card_is_there_for_the_licence(tmp_path):
    for suffix in ("parquet", "jsonl"):
        names, found = read(tmp_path / suffix, suffix, (f"data/train-*.{suffix}",))
        assert all(isinstance(f, Item) for f in found)
        assert [(f.key, f.text, f.attributes["meta"]) for f in found] == [
            (f"train{n}", t, '{"source":"web"}') for n, t in enumerate("甲乙丙")
        ]
        assert "README.md" in names and f"data/test-00000-of-00001.{suffix}" in names
