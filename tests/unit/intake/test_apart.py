"""What hostile bytes do to a parser hurts a child: its member is a fault, the rest is read, memory is bounded."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpusgate.errors import CorpusgateError
from corpusgate.intake import apart
from corpusgate.intake.items import Fault, Item
from corpusgate.intake.members import members
from corpusgate.intake.read import REASONS, read_items
from corpusgate.intake.unpack import Limits
from corpusgate_testing.intake import deb, found, reader, reasons, tarred, texts, written, zipped

NESTED = "<div>" * 1_000_000 + "x"
GOOD = "<html><body><p>正文</p></body></html>"
QUICK = {"main": True, "seconds": 1}


@pytest.fixture(autouse=True)
def _no_child_before_or_after() -> Iterator[None]:
    apart._end_all()
    yield
    apart._end_all()


def warc(*bodies: str) -> bytes:
    out = b""
    for n, body in enumerate(bodies):
        http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}"
        block = http.encode()
        out += (
            (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.cn/{n}\r\n"
                "WARC-Date: 2026-01-02T03:04:05Z\r\n"
                f"WARC-Record-ID: <urn:uuid:{n}>\r\nContent-Type: application/http; msgtype=response\r\n"
                f"Content-Length: {len(block)}\r\n\r\n"
            ).encode()
            + block
            + b"\r\n\r\n"
        )
    return out


def claiming(path: Path) -> Path:
    """A Parquet file whose first page says that it unpacks to 2 GB."""
    table = pa.table({"text": ["x" * 200_000] * 60})
    pq.write_table(table, path, use_dictionary=False, data_page_size=4 << 20, compression="snappy")
    raw = path.read_bytes()
    assert raw[:4] == b"PAR1" and raw[4:7] == b"\x15\x00\x15", "page type DATA_PAGE, then its size unpacked"
    end = next(n for n in range(7, 12) if raw[n] < 0x80) + 1
    path.write_bytes(raw[:7] + b"\xfe\xff\xff\xff\x0f" + raw[end:])
    return path


def looping_pdf() -> bytes:
    """A PDF whose first page draws itself: a form that is its own content."""
    form = b"/X Do /X Do /X Do /X Do"
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R 2 0 R]/Count 9>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</X 4 0 R>>>>>>",
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 4 0 R>>>>/Length %d>>stream\n%s\nendstream"
        % (len(form), form),
    ]  # fmt: skip
    out, offsets = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + part + b"endobj\n"
    table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return out + b"xref\n0 5\n0000000000 65535 f \n%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table, len(out),
    )  # fmt: skip


class TestTheChild:
    def test_one_child_reads_many_members_and_is_used_again(self, tmp_path, monkeypatch) -> None:
        started = []
        popen = subprocess.Popen
        monkeypatch.setattr(apart.subprocess, "Popen", lambda *a, **k: started.append(a) or popen(*a, **k))
        path = written(tmp_path, "a.zip", zipped({f"{n}.html": GOOD.encode() for n in range(300)}))
        assert texts(found(path, format="html")) == ["正文"] * 300
        assert texts(found(written(tmp_path, "b.json", '["一"]'))) == ["一"], "whatever the format"
        assert len(started) == 1

    def test_one_child_is_used_again_however_big_the_process_is_that_reads(self, tmp_path, monkeypatch) -> None:
        ballast = bytearray(os.urandom(1 << 20) * 700)  # more than a child may keep
        started, popen = [], subprocess.Popen
        monkeypatch.setattr(apart.subprocess, "Popen", lambda *a, **k: started.append(a) or popen(*a, **k))
        path = written(tmp_path, "a.zip", zipped({f"{n}.html": GOOD.encode() for n in range(3)}))
        assert texts(found(path, format="html")) == ["正文"] * 3
        assert (len(started), len(ballast)) == (1, 700 << 20)

    def test_two_members_are_read_at_once_by_two_children(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.json", json.dumps(["一", "二"]))
        first, second = read_items(path, "a", reader("json")), read_items(path, "a", reader("json"))
        assert [(a.text, b.text) for a, b in zip(first, second, strict=True)] == [("一", "一"), ("二", "二")]
        assert len(apart._idle) == 2

    def test_who_stops_reading_leaves_no_child_behind(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.json", json.dumps(["一"] * 100_000))
        results = read_items(path, "a", reader("json"))
        next(results)
        results.close()
        assert apart._idle == []

    def test_it_knows_no_secret_and_leaves_no_file(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
        monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "ab" * 16)
        found(written(tmp_path, "a.html", GOOD))
        (child,) = apart._idle
        environment = Path(f"/proc/{child.process.pid}/environ").read_bytes()
        assert b"s3cret" not in environment and b"HMAC" not in environment
        folder = child.folder
        apart._end_all()
        assert not folder.exists() and child.process.poll() is not None

    def test_one_that_was_ended_meanwhile_is_replaced(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.html", GOOD)
        found(path)
        apart._idle[0].process.kill()
        apart._idle[0].process.wait()
        assert texts(found(path)) == ["正文"]

    def test_one_that_crashes_is_a_fault_of_the_member_that_it_read(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.zip", zipped({"1.html": NESTED.encode(), "2.html": GOOD.encode()}))
        found(written(tmp_path, "b.html", GOOD))
        pid = apart._idle[0].process.pid
        threading.Timer(1.0, os.kill, (pid, signal.SIGSEGV)).start()
        results = found(path, format="html", options={"seconds": 30})
        assert (reasons(results), texts(results)) == (["parser_ended"], ["正文"])

    @pytest.mark.parametrize("answer", [b"", b"[]", b'["item", {"text": 1}]', b'["item", {}]', b'["os", 1]', b"\xff{"])
    def test_an_answer_that_is_no_record_is_not_believed(self, tmp_path, monkeypatch, answer: bytes) -> None:
        said = len(answer).to_bytes(4) + answer
        ready = (15).to_bytes(4) + b'["ready", null]'
        program = f"import sys; o = sys.stdout; o.buffer.write({ready!r}); o.flush(); sys.stdin.readline()"
        program += f"; o.buffer.write({said!r}); o.flush()"
        popen = subprocess.Popen
        monkeypatch.setattr(apart.subprocess, "Popen", lambda command, **k: popen([sys.executable, "-c", program], **k))
        assert reasons(found(written(tmp_path, "a.html", GOOD))) == ["parser_ended"]

    def test_one_that_does_not_start_is_this_machine_s_fault_and_no_member_s(self, tmp_path, monkeypatch) -> None:
        popen = subprocess.Popen
        monkeypatch.setattr(apart.subprocess, "Popen", lambda command, **k: popen([sys.executable, "-c", ""], **k))
        with pytest.raises(CorpusgateError, match="could be started"):
            found(written(tmp_path, "a.html", GOOD))


class TestHostileMembers:
    def test_a_page_of_a_million_nested_tags_is_a_fault_and_the_next_page_is_read(self, tmp_path: Path) -> None:
        pages = {"1.html": GOOD.encode(), "2.html": NESTED.encode(), "3.html": GOOD.encode()}
        began = time.monotonic()
        results = found(written(tmp_path, "a.zip", zipped(pages)), format="html", options=QUICK)
        assert (texts(results), reasons(results)) == (["正文", "正文"], ["timeout"])
        assert time.monotonic() - began < 120

    @pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
    def test_a_page_inside_a_web_archive_is_a_fault_by_its_place_and_the_archive_is_read_on(
        self, tmp_path, pack
    ) -> None:
        pages = [GOOD, NESTED, GOOD, NESTED, GOOD]
        raw = b"".join(pack(warc(*pages[:n])[len(warc(*pages[: n - 1])) :]) for n in range(1, 6))
        results = found(written(tmp_path, "a.warc", raw), options=QUICK)
        assert [r.url for r in results if isinstance(r, Item)] == ["http://a.cn/0", "http://a.cn/2", "http://a.cn/4"]
        faults = [r for r in results if isinstance(r, Fault)]
        assert [f.reason for f in faults] == ["timeout"] * 2
        assert len({f.byte_offset for f in faults} - {None}) == 2

    def test_an_archive_of_nothing_but_such_pages_is_given_up(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(apart, "DEATHS_MAX", 1)
        path = written(tmp_path, "a.warc", warc(NESTED, NESTED, NESTED, GOOD))
        results = found(path, options=QUICK)
        assert (reasons(results), texts(results)) == (["timeout"] * 2, [])
        assert "nothing after it was read" in results[-1].detail

    def test_a_parquet_page_that_claims_two_gigabytes_is_a_fault(self, tmp_path: Path) -> None:
        assert reasons(found(claiming(tmp_path / "a.parquet"))) in (["memory"], ["not_parquet"])

    def test_a_query_that_makes_a_cell_of_a_gigabyte_is_a_fault(self, tmp_path: Path) -> None:
        import sqlite3

        with sqlite3.connect(tmp_path / "a.db") as database:
            database.execute("CREATE TABLE t (x)")
        query = "SELECT hex(zeroblob(499999999)) || hex(zeroblob(1)) AS text"
        results = found(tmp_path / "a.db", format="sqlite", options={"query": query})
        assert reasons(results) in (["memory"], ["not_sqlite"])

    def test_a_document_that_draws_itself_ends(self, tmp_path: Path) -> None:
        results = found(written(tmp_path, "a.pdf", looping_pdf()), options={"seconds": 2})
        assert set(reasons(results)) <= {"timeout", "not_pdf", "no_text", "memory"} and texts(results) == []

    def test_a_tree_of_empty_objects_stays_within_the_child(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.json", b"[" + b"{}," * 20_000_000 + b"{}]")
        results = found(path, options={"records": "data"})
        assert reasons(results) in (["memory"], ["no_records"])

    def test_every_reason_is_explained(self) -> None:
        assert {"timeout", "memory", "parser_ended"} <= REASONS.keys()


class TestHostileArchives:
    def test_a_tar_header_of_a_gigabyte_is_not_held(self, tmp_path: Path) -> None:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 1 << 30
        path = tmp_path / "a.tar"
        with path.open("wb") as file:
            file.write(info.tobuf())
            file.truncate(2 << 30)
        assert [f.reason for f in members(path, "a.tar", reader())] == ["too_large"]

    def test_a_thousand_headers_before_a_member_are_a_fault(self, tmp_path: Path) -> None:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.XHDTYPE, 512
        raw = (info.tobuf() + b"9 a=bcd\n".ljust(512, b"\0")) * 5000 + tarred({"a.txt": b"x"})
        assert [f.reason for f in members(written(tmp_path, "a.tar", raw), "a.tar", reader())] == ["broken_archive"]

    def test_a_zip_with_too_long_a_list_is_not_held(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.zip", zipped({f"{n:030}": b"" for n in range(50)}))
        assert [f.reason for f in members(path, "a.zip", reader(), limits=Limits(directory=1000))] == ["too_large"]
        assert len(list(members(path, "a.zip", reader()))) == 50

    def test_bytes_changed_at_random_raise_nothing(self, tmp_path: Path) -> None:
        import random

        chance = random.Random(7)
        tar = tarred({"a.txt": b"x", "b.txt": b"y" * 600})
        seeds = [zipped({"a.txt": b"x" * 50, "b.txt": b"y"}), tar, bz2.compress(tar), gzip.compress(tar), deb(tar)]
        for n in range(2000):
            raw = bytearray(seeds[n % len(seeds)])
            for _ in range(chance.randint(1, 6)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            for result in read_items(written(tmp_path, "a", bytes(raw)), "a", reader("text")):
                assert isinstance(result, Item) or result.reason in REASONS


#: Reads a file in a process of its own and says what came of it, and what it took at most.
_MEASURED = """
import json, resource, sys
from pathlib import Path
from corpusgate.intake.items import Fault
from corpusgate.intake.read import read_items
from corpusgate.settings.source import Reader
reasons = [f.reason for f in read_items(Path(sys.argv[1]), "a", Reader(format=sys.argv[2])) if isinstance(f, Fault)]
# its own peak not by ru_maxrss, which it takes over from the process that started it
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
most = [own >> 10, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10]
print(json.dumps([reasons[:3], most]))
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("format", "head", "reason"),
    [
        ("jsonl", b'{"text": "', "line_too_long"), ("csv", b"text\n", "line_too_long"), ("text", b"", "too_large"),
        ("html", b"<p>", "too_large"), ("json", b"[", "too_large"), ("warc", b"WARC/1.0\r\nWARC-Type: ", "not_warc"),
        ("pdf", b"%PDF-1.4\n", "not_pdf"), ("parquet", b"PAR1", "not_parquet"),
    ],
)  # fmt: skip
def test_a_line_of_two_gigabytes_is_a_fault_in_bounded_time_and_memory(tmp_path, format, head, reason) -> None:
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(2 << 30)  # sparse: NULs that take no disk
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(path), format], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    said, (own, child) = json.loads(done.stdout)
    assert said == [reason] or (format in ("warc", "pdf") and said in (["memory"], ["timeout"])), said
    assert own < 600 and child < 2100, "MB"


def test_what_is_read_apart_comes_out_as_it_would_here(tmp_path: Path) -> None:
    from corpusgate.intake.readers import html

    raw = "<title>题</title><p>\ud83d\ude00 é</p>".encode("utf-16", "surrogatepass").decode("utf-16")
    path = written(tmp_path, "a.html", raw * 20_000)
    member = next(iter(members(path, "a.html", reader())))
    assert list(apart.read_apart(html, member, reader("html"))) == list(html.read(member, reader("html")))
    packed = written(tmp_path, "a.html.gz", gzip.compress(path.read_bytes()))
    (item,) = read_items(packed, "a.html.gz", reader("html"))
    assert item.text == next(html.read(member, reader("html"))).text.replace("e\u0301", "é")
