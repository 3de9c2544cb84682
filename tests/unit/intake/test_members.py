"""What lies inside a fetched file, and what an archive cannot do to us."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from corpusgate.intake.items import Fault
from corpusgate.intake.members import Member, members
from corpusgate.intake.unpack import LimitExceeded, Limits
from corpusgate_testing.intake import deb, reader, tarred, written, zipped

FILES = {"./pkg/a.txt": "甲".encode(), "./pkg/sub/b.txt": "乙".encode(), "./pkg/c.dat": b"\0"}
SMALL = Limits(member=4096, total=8192, ratio=20, ratio_floor=1024, members=50)


def inside(path: Path, limits: Limits | None = None, **given) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    """Contents by name, and (member, reason) of the faults; a bound that is passed while reading counts as one."""
    contents: dict[str, bytes] = {}
    faults = []
    for one in members(path, path.name, reader(**given), **({"limits": limits} if limits else {})):
        if isinstance(one, Fault):
            faults.append((one.member, one.reason))
            continue
        try:
            with one.open() as stream:
                contents[one.name] = stream.read()
        except LimitExceeded as error:
            faults.append((one.name, error.reason))
    return contents, faults


ARCHIVES = {
    "x.whl": zipped(FILES),
    "x.tar": tarred(FILES),
    "x.tgz": gzip.compress(tarred(FILES)),
    "x.tar.xz": lzma.compress(tarred(FILES)),
    "x.deb": deb(tarred(FILES), "xz"),
    "gz.deb": deb(tarred(FILES), "gz"),
    "zst.deb": deb(tarred(FILES), "zst"),
    "plain.deb": deb(tarred(FILES), ""),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_archive_shows_the_files_that_the_globs_choose(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, ARCHIVES[name])
    assert inside(path, include=("pkg/**",), exclude=("**/*.dat",)) == (
        {"pkg/a.txt": "甲".encode(), "pkg/sub/b.txt": "乙".encode()}, [],
    )  # fmt: skip


@pytest.mark.parametrize("name", ARCHIVES)
def test_what_an_archive_is_is_told_by_its_bytes(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "0a1b2c", ARCHIVES[name])  # as it lies in the raw archive
    assert set(inside(path)[0]) == {"pkg/a.txt", "pkg/sub/b.txt", "pkg/c.dat"}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_member_can_be_read_twice_and_out_of_step(tmp_path: Path, name: str) -> None:
    for member in members(written(tmp_path, name, ARCHIVES[name]), name, reader(include=("**/*.txt",))):
        assert isinstance(member, Member)
        with member.open() as first, member.open() as second:
            assert first.read() == second.read() != b""


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress], ids=["gz", "xz"])
def test_a_compressed_file_alone_and_in_an_archive_is_read_as_what_is_in_it(tmp_path: Path, pack) -> None:
    assert inside(written(tmp_path, "a.txt.gz", pack(b"hello")))[0] == {"a.txt.gz": b"hello"}
    assert inside(written(tmp_path, "a.whl", zipped({"m/ls.1.gz": pack(b"page")})))[0] == {"m/ls.1.gz": b"page"}


def test_several_gzip_or_xz_streams_in_one_file_are_one_text(tmp_path: Path) -> None:
    for n, pack in enumerate((gzip.compress, lzma.compress)):
        assert inside(written(tmp_path, f"{n}", pack(b"one ") + pack(b"two")))[0] == {f"{n}": b"one two"}


def test_a_plain_file_that_no_glob_chooses_is_not_read(tmp_path: Path) -> None:
    assert inside(written(tmp_path, "a.md", b"x"), include=("*.txt",)) == ({}, [])


class TestHostile:
    @pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "a\\..\\..\\evil.txt"])
    @pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar"])
    def test_a_name_that_leads_out_is_a_fault_and_the_rest_is_read(self, tmp_path: Path, name: str, pack) -> None:
        contents, faults = inside(written(tmp_path, "x", pack({name: b"evil", "good.txt": b"good"})))
        assert contents == {"good.txt": b"good"}
        assert [reason for _, reason in faults] == ["unsafe_name"]

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "a/../../../etc/passwd"])
    @pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar"])
    def test_a_link_that_leads_out_is_a_fault(self, tmp_path: Path, target: str, pack) -> None:
        path = written(tmp_path, "x", pack({"a/good.txt": b"good"}, links={"a/link.txt": target}))
        assert inside(path) == ({"a/good.txt": b"good"}, [("a/link.txt", "link_outside")])

    def test_a_hard_link_that_leads_out_is_a_fault(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x", tarred({"a/good.txt": b"good"}, hard={"a/link.txt": "../etc/passwd"}))
        assert inside(path)[1] == [("a/link.txt", "link_outside")]

    @pytest.mark.parametrize("pack", [zipped, tarred], ids=["zip", "tar"])
    def test_what_is_reachable_under_two_paths_is_read_once(self, tmp_path: Path, pack) -> None:
        files = {"real/page.html": b"page"}
        path = written(tmp_path, "x", pack(files, links={"doc": "real", "also/page.html": "../real/page.html"}))
        assert inside(path) == ({"real/page.html": b"page"}, [])

    def test_a_zip_bomb_is_stopped_by_its_ratio(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.whl", zipped({"bomb.txt": b"\0" * 4000, "good.txt": b"good"}))
        contents, faults = inside(path, SMALL)
        assert (contents, faults) == ({"good.txt": b"good"}, [("bomb.txt", "ratio")])

    def test_the_shipped_bounds_stop_a_bomb_of_everyday_make(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.whl", zipped({"bomb.txt": b"\0" * (40 << 20)}))
        assert inside(path) == ({}, [("bomb.txt", "ratio")])

    def test_a_member_that_is_a_bomb_of_its_own_is_stopped(self, tmp_path: Path) -> None:
        inner = gzip.compress(b"\0" * 4000)
        assert inside(written(tmp_path, "x", tarred({"a.txt.gz": inner})), SMALL)[1] == [("a.txt.gz", "ratio")]

    def test_a_compressed_tar_bomb_is_stopped_before_it_fills_the_disk(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.tgz", gzip.compress(tarred({"a": b"\0" * 200_000})))
        assert inside(path, SMALL) == ({}, [("x.tgz", "ratio")])

    def test_a_member_that_says_less_than_it_holds_gives_no_more_than_it_says(self, tmp_path: Path) -> None:
        raw = bytearray(zipped({"a.txt": b"x" * 3000}))
        at = raw.rindex(b"PK\x01\x02") + 24
        raw[at : at + 4] = struct.pack("<I", 10)
        path = written(tmp_path, "x", bytes(raw))
        try:
            contents, _ = inside(path, SMALL)
        except zipfile.BadZipFile:
            return
        assert len(contents.get("a.txt", b"")) <= 10

    def test_members_larger_than_the_bound_are_faults(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.tar", tarred({"big": b"ab" * 3000, "good": b"good"}))
        assert inside(path, SMALL) == ({"good": b"good"}, [("big", "too_large")])

    def test_members_that_add_up_to_too_much_end_the_archive(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.tar", tarred({f"f{n}": b"ab" * 1500 for n in range(5)}))
        contents, faults = inside(path, SMALL)
        assert (list(contents), faults) == (["f0", "f1"], [("x.tar", "too_large")])

    def test_too_many_members_end_the_archive(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.tar", tarred({f"f{n}": b"x" for n in range(60)}))
        assert inside(path, SMALL)[1] == [("x.tar", "too_large")]

    def test_an_encrypted_member_is_a_fault(self, tmp_path: Path) -> None:
        raw = bytearray(zipped({"secret.txt": b"x"}))
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            raw[raw.index(mark) + offset] |= 1
        assert inside(written(tmp_path, "x", bytes(raw))) == ({}, [("secret.txt", "encrypted")])

    @pytest.mark.parametrize("name", [n for n in ARCHIVES if n != "x.tar"])
    def test_a_truncated_archive_is_a_fault_and_no_exception(self, tmp_path: Path, name: str) -> None:
        path = written(tmp_path, name, ARCHIVES[name][:-40])
        assert inside(path)[1] == [(name, "broken_archive")]

    def test_a_tar_that_ends_within_a_member_is_a_fault(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.tar", tarred({"a": b"x" * 2000})[:1500])
        found = list(members(path, "x.tar", reader()))
        assert isinstance(found[-1], Fault)
        assert found[-1].reason == "broken_archive"

    def test_a_broken_header_in_the_middle_of_a_tar_is_no_silent_end(self, tmp_path: Path) -> None:
        raw = bytearray(tarred({"a": b"x", "b": b"y"}))
        raw[1024 + 148 : 1024 + 156] = b"garbage!"
        contents, faults = inside(written(tmp_path, "x.tar", bytes(raw)))
        assert (contents, faults) == ({"a": b"x"}, [("x.tar", "broken_archive")])

    def test_a_second_member_of_a_path_is_a_fault(self, tmp_path: Path) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.txt", "one")
            archive.writestr("a.txt", "two")
        path = written(tmp_path, "x", out.getvalue())
        assert inside(path) == ({"a.txt": b"one"}, [("a.txt", "duplicate_member")])

    def test_a_device_is_no_file(self, tmp_path: Path) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            info = tarfile.TarInfo("zero")
            info.type = tarfile.CHRTYPE
            archive.addfile(info)
        assert inside(written(tmp_path, "x.tar", out.getvalue()))[1] == [("zero", "not_a_file")]

    def test_a_name_that_is_no_text_is_shown_escaped(self, tmp_path: Path) -> None:
        raw = tarred({"bad-XX.txt": b"x"}).replace(b"bad-XX", b"bad-\xff\xfe")
        raw = _with_checksum(raw)
        (fault,) = members(written(tmp_path, "x.tar", raw), "x.tar", reader())
        assert isinstance(fault, Fault)
        assert (fault.reason, fault.member.isascii()) == ("unsafe_name", True)

    def test_an_ar_archive_that_is_no_package_is_a_fault(self, tmp_path: Path) -> None:
        assert inside(written(tmp_path, "x.deb", b"!<arch>\n"))[1] == [("x.deb", "broken_archive")]
        assert inside(written(tmp_path, "y.deb", b"!<arch>\n" + b"?" * 200))[1] == [("y.deb", "broken_archive")]

    def test_an_xz_stream_that_asks_for_too_much_memory_is_refused(self, tmp_path: Path) -> None:
        wide = lzma.compress(tarred(FILES), filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}])
        assert inside(written(tmp_path, "x.tar.xz", wide))[1] == [("x.tar.xz", "broken_archive")]


def _with_checksum(raw: bytes) -> bytes:
    header = bytearray(raw[:512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + raw[512:]
