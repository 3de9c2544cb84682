"""What a rebuild would cost, said without asking anybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from corpusgate.collect.channels import Bench, http
from corpusgate.lake.run import StepResult
from corpusgate.settings.source import HttpChannel
from corpusgate.sources.forecast import of_channel, screening
from corpusgate_testing.sources import declared, installation, run_of
from corpusgate_testing.web import site


def web(*urls, **more):
    given = {"type": "http", "urls": urls, "private_networks": ["127.0.0.0/8"], "delay": 0, "timeout": 3}
    return given | more


def test_a_site_costs_its_addresses_and_three_files_a_host_and_says_what_only_it_knows(tmp_path):
    place = installation(tmp_path, "notes")
    (tmp_path / "list.txt").write_text("http://b.example/1\nhttp://b.example/2\n", "utf-8")
    channel = web("http://a.example/1", lists=["list.txt"], sitemaps=["http://a.example/sitemap.xml"], delay=2)
    found = of_channel(place, declared(channel=channel))
    assert found.fetch == "to ask: 3 addresses, 0 of them only if changed; and what 1 sitemap or lists name"
    assert found.cost == "10 requests or more, 3 s or more of waiting our turn"
    assert found.mb is None


def test_what_was_fetched_before_is_counted_as_asked_only_if_changed(tmp_path):
    place = installation(tmp_path, "notes")
    with site() as served:
        given = web(served.put("/a", b"x" * 500_000), served.url("/gone"))
        http.fetch(HttpChannel.model_validate(given), Bench(place, "notes", run="r", at="2026-11-01T00:00:00+00:00"))
        asked = len(served.asked)
        found = of_channel(place, declared(channel=given))
        assert len(served.asked) == asked, "a plan asks nobody"
    assert found.fetch == "to ask: 2 addresses, 1 of them only if changed" and found.mb == 0.5


def test_a_bucket_costs_its_listing_and_what_changed(tmp_path):
    place = installation(tmp_path, "notes")
    source = declared(channel={"type": "s3", "bucket": "texts", "prefix": "zh/"})
    assert of_channel(place, source).fetch == "to list: s3://texts/zh/"
    note = place.raw / "_s3" / "notes.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({f"zh/{n}": {"etag": "e", "bytes": 1_000_000, "sha256": "0"} for n in range(1500)}))
    found = of_channel(place, source)
    assert (found.mb, found.cost) == (1500.0, "2 requests to list, and one a changed object")
    assert "1500 objects last time" in found.fetch


@pytest.mark.parametrize(
    ("items", "screen", "says"),
    [(1000, "all, if admitted", "about 50 s to screen"), (1000, "none", ""), (None, "all", ""),
     (1, "again", "about 1 s to screen")],
)  # fmt: skip
def test_screening_is_told_by_the_pace_of_the_last_run(tmp_path, items, screen, says):
    run = run_of(installation(tmp_path, "notes"), at=datetime(2026, 11, 1, tzinfo=UTC))
    run.write(StepResult(step="intake", unit="item", rows_in=2000, kept=2000, seconds=100.0))
    assert screening(run, items, screen) == says
    assert screening(None, items, screen) == ""
