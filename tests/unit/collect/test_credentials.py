"""Reservations inside files (C2PA, CAWG): what a manifest says of training decides whether a file is taken."""

from __future__ import annotations

import pytest

from corpusgate.collect import credentials
from corpusgate.collect.channels import Bench, http
from corpusgate.collect.job import fetch
from corpusgate.collect.rules import signal_rows
from corpusgate.collect.web.signals import linked_manifest
from corpusgate.settings.source import HttpChannel
from corpusgate_testing.c2pa import epub, png, signed
from corpusgate_testing.sources import declared, installation, run_of
from corpusgate_testing.web import site

NO = {"ai_generative_training": "notAllowed"}
YES = {"ai_generative_training": "allowed", "data_mining": "allowed"}


def verdict(path, sidecar=None):
    said = credentials.of_file(path, path.name, sidecar)
    return said[0].verdict if said else "silent"


def put(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        (NO, "refused"), ({"ai_training": "notAllowed"}, "refused"), ({"data_mining": "notAllowed"}, "refused"),
        (YES | {"ai_training": "constrained"}, "refused"), (YES, "allowed"), ({"ai_inference": "notAllowed"}, "silent"),
        (YES | {"ai_inference": "notAllowed"}, "allowed"), ({}, "silent"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("label", ["cawg.training-mining", "c2pa.training-mining"])
def test_the_manifest_s_assertion_is_the_verdict_and_what_is_constrained_is_no_permission(
    tmp_path, uses, expected, label
):
    assert verdict(put(tmp_path, "a.png", signed(uses, label=label)[0])) == expected


def test_media_are_told_by_their_bytes_and_books_count_too(tmp_path):
    assert verdict(put(tmp_path, "a.txt", signed(NO)[0])) == "refused", "whatever its name"
    assert verdict(put(tmp_path, "a.epub", signed(NO, epub(), "application/epub+zip")[0])) == "refused"
    assert verdict(put(tmp_path, "b.png", png())) == "silent"
    assert verdict(put(tmp_path, "c.txt", "c2pa 是什么".encode())) == "silent", "a text about it is no manifest"


def test_a_manifest_beside_the_file_counts_and_the_stricter_wins(tmp_path):
    own, beside = signed(YES)[0], signed(NO)[1]
    assert verdict(put(tmp_path, "a.txt", b"text"), beside) == "refused"
    assert verdict(put(tmp_path, "a.png", own), beside) == "refused"
    assert verdict(put(tmp_path, "b.png", own), signed(YES)[1]) == "allowed"


@pytest.mark.parametrize("broken", ["cut", "changed", "sidecar"])
def test_a_manifest_that_cannot_be_read_reserves_and_a_damaged_file_without_one_does_not(tmp_path, broken):
    own = bytearray(signed(YES)[0])
    place = own.find(b"training-mining") + 40
    own = own[:place] if broken == "cut" else own[:place] + b"\xff" * 40 + own[place + 40 :]
    if broken == "sidecar":
        assert verdict(put(tmp_path, "a.txt", b"x"), b"no manifest") == "refused"
        assert verdict(put(tmp_path, "b.txt", b"x"), b"x" * (credentials.MANIFEST_MAX + 1)) == "refused"
    else:
        assert verdict(put(tmp_path, "a.png", bytes(own))) == "refused"
    assert verdict(put(tmp_path, "b.pdf", b"%PDF-1.4 no document")) == "silent"


def test_a_manifest_that_lies_elsewhere_is_not_asked_for_by_the_parser(tmp_path):
    with site() as web:
        path = put(tmp_path, "a.png", signed(YES, remote=web.url("/m.c2pa"))[0])
        assert verdict(path) == "refused", "nobody knows what it says"
        assert web.asked == []


def test_a_hostile_manifest_hurts_nobody(tmp_path):
    raw = b"\xff\xd8\xff\xeb\xff\xff" + b"JP\0\0" * 16000 + b"jumb" + b"\xff" * 5_000_000
    assert verdict(put(tmp_path, "a.jpg", raw)) in ("refused", "silent")


# ---------------------------------------------------------------- at fetch time


def folder_source(tmp_path):
    place = installation(tmp_path, "notes")
    folder = tmp_path / "files"
    folder.mkdir()
    return run_of(place), declared(channel={"type": "folder", "path": str(folder)}), folder


def test_a_file_in_a_folder_that_reserves_is_not_taken_and_the_verdict_is_kept(tmp_path):
    run, source, folder = folder_source(tmp_path)
    put(folder, "a.png", signed(NO)[0]), put(folder, "b.png", signed(YES)[0]), put(folder, "c.txt", b"text")
    result = run.write(fetch(run, source))
    assert [a["name"] for a in result.facts["acquisitions"]] == ["b.png", "c.txt"]
    assert (result.removed_by_rule, result.removed) == ({"opted_out": 1}, 1)
    assert [(r["signal"], r["verdict"]) for r in signal_rows(run)] == [
        ("c2pa a.png", "refused"),
        ("c2pa b.png", "allowed"),
    ]


def test_a_reservation_that_comes_later_is_obeyed_and_unchanged_bytes_are_not_read_again(tmp_path, monkeypatch):
    run, source, folder = folder_source(tmp_path)
    put(folder, "b.png", signed(YES)[0]), put(folder, "c.txt", b"text")
    fetch(run, source)
    read = []
    of_file = credentials.of_file
    monkeypatch.setattr(credentials, "of_file", lambda path, name, more: read.append(name) or of_file(path, name, more))
    assert fetch(run, source).kept == 2 and read == []
    put(folder, "c.c2pa", signed(NO)[1])
    names = [a["name"] for a in fetch(run, source).facts["acquisitions"]]
    assert "c.txt" not in names and "b.png" in names and read == ["c.txt"]


@pytest.fixture
def bench(tmp_path):
    return Bench(installation(tmp_path, "notes"), "notes", run="r1", at="2026-11-24T08:00:00+00:00")


def channel(*urls):
    given = {"type": "http", "urls": urls, "private_networks": ["127.0.0.0/8"], "delay": 0, "timeout": 3}
    return HttpChannel.model_validate(given)


def test_what_a_host_sends_with_a_reservation_inside_is_not_kept(bench):
    with site() as web:
        urls = web.put("/a.png", signed(NO)[0]), web.put("/b.png", signed(YES)[0])
        batch = http.fetch(channel(*urls), bench)
    assert (batch.refused, [f.url for f in batch.objects]) == ([(urls[0], "opted_out")], [urls[1]])
    said = {r["signal"]: r["verdict"] for r in batch.signals}
    assert (said["c2pa /a.png"], said["c2pa /b.png"]) == ("refused", "allowed")
    assert len(list(bench.place.raw.glob("[0-9a-f][0-9a-f]/*"))) <= 1


@pytest.mark.parametrize(
    ("link", "answer", "expected"),
    [
        ('</m.c2pa>; rel="c2pa-manifest"', NO, "opted_out"), ("</m.c2pa>;rel=c2pa-manifest", YES, None),
        ('</x.css>; rel=preload, </m.c2pa>; rel="c2pa-manifest"', NO, "opted_out"),
        ('</gone.c2pa>; rel="c2pa-manifest"', YES, "opted_out"), ("</m.c2pa>; rel=preload", NO, None),
    ],
)  # fmt: skip
def test_a_manifest_that_the_answer_links_to_is_asked_for_and_one_that_is_not_there_reserves(
    bench, link, answer, expected
):
    with site() as web:
        url = web.put("/a.txt", b"text", Link=link)
        web.put("/m.c2pa", signed(answer)[1])
        batch = http.fetch(channel(url), bench)
    assert batch.refused == ([(url, expected)] if expected else [])


def test_where_a_manifest_lies_is_read_of_the_link_header_only_in_its_own_form():
    assert linked_manifest({}) is None
    assert linked_manifest({"link": '<a>; rel="c2pa-manifestx"'}) is None
    assert linked_manifest({"link": "<" * 5000}) is None
