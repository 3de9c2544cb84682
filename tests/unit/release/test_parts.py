"""Parts of a release: equal rows are equal bytes, and only whole, unchanged files are linked to."""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.release import parts

OTHERS = ("part", "text_sha256", "mask_set", "released_sha256", "stored", "had")
SCHEMA = pa.schema([
    (n, pa.int32() if n == "turn" else pa.string()) for n in (*parts.COLUMNS[:-1], *OTHERS)
])  # fmt: skip


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def row(part, n, stored=None, had=None, masks="", released=None):
    text = released if released is not None else (stored if stored is not None else had)
    return {
        "part": part, "record_id": f"{n:04d}", "source_id": "s", "language": "zh", "url": None, "licence": "MIT",
        "text_sha256": sha(str(n)), "mask_set": masks, "released_sha256": sha(text or ""), "stored": stored, "had": had,
    }  # fmt: skip


def written(folder, rows, size, files=None):
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    run = parts.writer(str(folder), files or {})
    return [r for b in run(iter(table.to_batches(max_chunksize=size))) for r in b.to_pylist()]


def test_equal_rows_are_equal_bytes_however_they_come(tmp_path):
    rows = [row(p, n, f"第{n}条" * (n % 40)) for p in ("0a-1-0", "ff-2-1") for n in range(300)]
    made = [written(tmp_path / str(size), rows, size) for size in (1, 7, 256, 10_000)]
    assert made[0] == made[1] == made[2] == made[3]
    assert [(w["part"], w["records"], w["wrong"]) for w in made[0]] == [("0a-1-0", 300, 0), ("ff-2-1", 300, 0)]
    for one in made[0]:
        path = tmp_path / "7" / one["path"]
        assert (one["sha256"], one["bytes"]) == (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        assert pq.read_table(path).column_names == list(parts.COLUMNS)
    assert not [p for p in (tmp_path / "7" / "data").iterdir() if p.name.startswith(".")]


def test_a_text_of_the_earlier_release_is_checked_like_any_other(tmp_path):
    rows = [row("a", 1, had="好"), {**row("a", 2, had="坏"), "released_sha256": sha("好")}, row("a", 3, None)]
    (one,) = written(tmp_path, rows, 2)
    assert (one["wrong"], one["first_wrong"]) == (2, "0002")


def test_masks_are_made_and_those_in_notices_counted_also_of_texts_that_were_masked_before(tmp_path):
    text = "Copyright 2026 a@b.cn\n正文"
    masked = row("a", 1, text, masks="pi_email:15-21", released="Copyright 2026 [pi_email]\n正文")
    before = {"a": {"notices": json.dumps({"0002": 1})}}
    (one,) = written(tmp_path, [masked, row("a", 2, had="Copyright [pi_email]")], 10, before)
    assert json.loads(one["notices"]) == {"0001": 1, "0002": 1} and one["wrong"] == 0
    assert pq.read_table(tmp_path / one["path"])["text"].to_pylist()[0] == "Copyright 2026 [pi_email]\n正文"


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "old"
    made = written(folder, [row("a", 1, "一"), row("b", 2, "二")], 10)
    files = [{**w, "content_sha256": f"of {w['part']}"} for w in made]
    (folder / "files.json").write_text(json.dumps({"format": parts.FORMAT, "files": files}), "utf-8")
    return folder


def test_only_parts_that_hold_the_same_are_unchanged(release):
    found = parts.earlier(release)
    assert [f["part"] for f in found.unchanged({"a": "of a", "b": "another", "c": "new"})] == ["a"]


@pytest.mark.parametrize("harm", ["changed", "gone", "format"])
def test_a_file_that_is_not_as_it_was_is_not_linked_to(release, harm):
    path = release / parts.file_of("a")
    if harm == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    elif harm == "gone":
        path.unlink()
    else:
        said = json.loads((release / "files.json").read_text("utf-8"))
        (release / "files.json").write_text(json.dumps({**said, "format": "parts/0"}), "utf-8")
    assert [f["part"] for f in parts.earlier(release).unchanged({"a": "of a", "b": "of b"})] == (
        [] if harm == "format" else ["b"]
    )


def test_no_release_and_one_of_before_parts_have_none(tmp_path):
    assert parts.earlier(None).files == {}
    (tmp_path / "files.json").write_text(json.dumps({"files": [{"path": "data/records-00000.parquet"}]}), "utf-8")
    assert parts.earlier(tmp_path).files == {}


def test_a_link_is_the_same_bytes_and_where_there_are_no_links_a_copy(release, tmp_path, monkeypatch):
    file = parts.earlier(release).files["a"]
    parts.link(file, release, tmp_path / "new")
    assert (tmp_path / "new" / file["path"]).samefile(release / file["path"])

    def refused(*_):
        raise OSError("no links here")

    monkeypatch.setattr(parts.os, "link", refused)
    parts.link(file, release, tmp_path / "other")
    copied = tmp_path / "other" / file["path"]
    assert copied.read_bytes() == (release / file["path"]).read_bytes() and not copied.samefile(release / file["path"])


@given(st.dictionaries(st.sampled_from(["00", "7f", "ff"]), st.tuples(st.integers(1, 10**8), st.integers(1, 10**12))))
def test_buckets_are_split_into_powers_of_two_that_hold_what_they_should(buckets):
    for bucket, n in parts.splits(buckets).items():
        rows, size = buckets[bucket]
        assert n & (n - 1) == 0
        most = max(parts.ROWS, sum(r for r, _ in buckets.values()) // parts.PARTS)
        large = max(parts.BYTES, sum(b for _, b in buckets.values()) // parts.PARTS)
        assert rows / n <= most and size / n <= large
