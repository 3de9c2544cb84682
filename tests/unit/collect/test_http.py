"""The channel http against a real server on loopback: what is fetched, what is refused and why, what is asked again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from corpusgate.collect.channels import Bench, http
from corpusgate.collect.job import fetch
from corpusgate.collect.rules import acquisition_rows, signal_rows
from corpusgate.collect.web import addresses
from corpusgate.errors import NotAvailable
from corpusgate.settings.source import HttpChannel
from corpusgate_testing.sources import declared, installation, run_of
from corpusgate_testing.web import site

LOOPBACK = ["127.0.0.0/8"]


@pytest.fixture
def web():
    with site() as served:
        yield served


@pytest.fixture
def bench(tmp_path):
    return Bench(installation(tmp_path, "notes"), "notes", run="r1", at="2026-11-24T08:00:00+00:00")


def channel(*urls, **more):
    given = {"type": "http", "urls": urls, "private_networks": LOOPBACK, "delay": 0, "timeout": 3}
    return HttpChannel.model_validate(given | more)


def got(batch):
    return [(f.url, f.path.read_text("utf-8")) for f in batch.objects]


def test_each_object_has_its_collection_record(web, bench):
    web.put("/robots.txt", "User-agent: *\nDisallow: /private\n")
    url = web.put("/a.txt", "甲", ETag='"1"')
    run = run_of(bench.place)
    source = declared(kind="self_collected", channel=channel(url).model_dump())
    result = run.write(fetch(run, source))
    (row,) = acquisition_rows(run)
    assert (row["url"], row["etag"], row["bytes"], row["purl"]) == (url, '"1"', 3, url)
    assert row["permission"].startswith("allowed robots:sha256:") and row["agent"] == "corpusgate/1.0"
    assert row["fetched_at"] == run.at
    said = {r["signal"]: r["verdict"] for r in signal_rows(run)}
    assert said == {"robots": "allowed", "content-usage rule": "silent", "tdmrep": "silent", "ai.txt": "silent"}
    assert result.state == "ok"


# ---------------------------------------------------------------- what a host says


@pytest.mark.parametrize(
    ("path", "body", "rule"),
    [
        ("/robots.txt", "User-agent: *\nDisallow: /\n", "robots"),
        ("/robots.txt", "User-agent: corpusgate\nDisallow: /a\n\nUser-agent: *\nAllow: /\n", "robots"),
        ("/robots.txt", "User-agent: *\nAllow: /\nContent-Usage: train-ai=n\n", "opted_out"),
        ("/robots.txt", "User-agent: *\nAllow: /\nContent-Usage: /a train-ai=n\n", "opted_out"),
        ("/.well-known/tdmrep.json", '[{"location": "/*", "tdm-reservation": 1}]', "tdm_reserved"),
        ("/.well-known/tdmrep.json", "{broken", "tdm_reserved"),
        ("/ai.txt", "User-Agent: *\nDisallow: /\n", "ai_txt"),
    ],
)
def test_what_the_host_forbids_is_not_even_asked_for(web, bench, path, body, rule):
    url = web.put("/a.txt", "甲")
    web.put(path, body)
    batch = http.fetch(channel(url), bench)
    assert (batch.objects, batch.refused) == ([], [(url, rule)])
    assert web.paths() == []
    assert any(r["verdict"] == "refused" and r["signal"].endswith("/a.txt") for r in batch.signals)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/robots.txt", "User-agent: *\nDisallow: /b\n"),
        ("/robots.txt", "User-agent: *\nContent-Usage: /b train-ai=n\n"),
        ("/robots.txt", "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /a train-ai=y\n"),
        ("/robots.txt", "User-agent: *\nContent-Usage: train-ai=y, tdm=n\n"),
        ("/robots.txt", "User-agent: *\nContent-Usage: search=n\n"),
        ("/.well-known/tdmrep.json", '[{"location": "/b*", "tdm-reservation": 1}]'),
        (
            "/.well-known/tdmrep.json",
            '[{"location": "/a*", "tdm-reservation": 0}, {"location": "/*", "tdm-reservation": 1}]',
        ),
    ],
)
def test_what_is_said_of_others_does_not_forbid_it(web, bench, path, body):
    url = web.put("/a.txt", "甲")
    web.put(path, body)
    assert got(http.fetch(channel(url), bench)) == [(url, "甲")]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_robots_rules_that_cannot_be_had_refuse_everything(web, bench, status):
    url = web.put("/a.txt", "甲")
    web.put("/robots.txt", "User-agent: *\nAllow: /", status=status)
    assert http.fetch(channel(url), bench).refused == [(url, "robots")]


def test_robots_rules_that_break_off_refuse_everything(web, bench):
    url = web.put("/a.txt", "甲")
    web.pages["/robots.txt"] = [None]
    assert http.fetch(channel(url), bench).refused == [(url, "robots")]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_robots_rules_that_are_not_there_allow_it(web, bench, status):
    url = web.put("/a.txt", "甲")
    web.put("/robots.txt", "User-agent: *\nDisallow: /", status=status)
    (found,) = http.fetch(channel(url), bench).objects
    assert found.permission == f"allowed robots:none:{status}"


@pytest.mark.parametrize(
    "headers",
    [{"Content_Usage": "train-ai=n"}, {"TDM_Reservation": "1"}, {"X_Robots_Tag": "noindex, noai"}],
)
def test_what_an_answer_s_header_forbids_is_not_kept(web, bench, headers):
    url = web.put("/a.txt", "甲", **headers)
    batch = http.fetch(channel(url), bench)
    assert (batch.objects, batch.refused) == ([], [(url, "opted_out")])
    assert not list(bench.place.raw.glob("??/*"))


@pytest.mark.parametrize(
    "meta", ['<meta name="tdm-reservation" content="1">', '<META NAME="robots" CONTENT="noindex, NoAI">']
)
def test_what_a_page_forbids_is_not_kept_and_the_stricter_wins(web, bench, meta):
    page = f"<html><head>{meta}</head><body>甲</body></html>"
    url = web.put("/a.html", page, Content_Type="text/html; charset=utf-8", Content_Usage="train-ai=y")
    batch = http.fetch(channel(url), bench)
    assert (batch.objects, batch.refused) == ([], [(url, "opted_out")])


def test_the_host_s_files_are_asked_once_a_run(web, bench):
    urls = [web.put(f"/{n}.txt", str(n)) for n in range(4)]
    http.fetch(channel(*urls), bench)
    assert [p for p, _ in web.asked].count("/robots.txt") == 1


def test_a_source_of_which_everything_is_forbidden_is_held(web, bench):
    url = web.put("/a.txt", "甲")
    web.put("/robots.txt", "User-agent: *\nDisallow: /")
    run = run_of(bench.place)
    result = fetch(run, declared(kind="self_collected", channel=channel(url).model_dump()))
    assert (result.state, result.held_by, result.removed_by_rule) == ("held", "45654-4-1-3-b", {"robots": 1})
    assert result.reconcile()


# ---------------------------------------------------------------- private networks, redirects


def test_a_private_network_that_the_source_does_not_name_is_refused(web, bench):
    url = web.put("/a.txt", "甲")
    with pytest.raises(NotAvailable, match="private network"):
        http.fetch(channel(url, private_networks=[]), bench)
    assert web.asked == []


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/a", "http://[::1]/a", "http://169.254.169.254/latest", "file:///etc/passwd",
     "http://[::ffff:10.0.0.1]/a", "http://u:p@127.0.0.1/a", "gopher://127.0.0.1/"],
)  # fmt: skip
def test_a_redirect_into_a_private_network_or_another_scheme_is_a_fault(web, bench, target):
    url, good = web.put("/a.txt", status=302, Location=target), web.put("/b.txt", "乙")
    batch = http.fetch(channel(url, good), bench)
    assert got(batch) == [(good, "乙")]
    assert [name for name, _ in batch.faults] == [url]


def test_a_redirect_is_followed_under_the_rules_of_where_it_leads(web, bench):
    web.put("/robots.txt", "User-agent: *\nDisallow: /secret\n")
    there, barred = web.put("/a.txt", status=301, Location="/b.txt"), web.put("/c.txt", status=301, Location="/secret")
    web.put("/b.txt", "乙")
    web.put("/secret", "丙")
    batch = http.fetch(channel(there, barred), bench)
    assert (got(batch), batch.refused) == ([(there, "乙")], [(barred, "robots")])
    assert "/secret" not in web.paths()


def test_a_circle_of_redirects_ends(web, bench):
    url, good = web.put("/a.txt", status=302, Location="/a.txt"), web.put("/b.txt", "乙")
    batch = http.fetch(channel(url, good), bench)
    assert batch.faults == [(url, "redirects more than 5 times")]


# ---------------------------------------------------------------- bounds


@pytest.mark.parametrize("announced", [True, False])
def test_more_bytes_than_the_bound_are_a_fault_and_nothing_is_kept(web, bench, announced):
    good = web.put("/b.txt", "乙")
    url = web.put("/a.txt", b"x" * 5000, **({} if announced else {"Content-Length": "4000000"}))
    batch = http.fetch(channel(url, good, max_bytes=1000), bench)
    assert [name for name, _ in batch.faults] == [url] and "1,000" in batch.faults[0][1]


def test_a_body_that_ends_early_is_a_fault(web, bench, monkeypatch):
    monkeypatch.setattr(http.time, "sleep", lambda seconds: None)
    good, url = web.put("/b.txt", "乙"), web.put("/a.txt", b"x" * 50, **{"Content-Length": "80"})
    batch = http.fetch(channel(good, url, timeout=1), bench)
    assert [name for name, _ in batch.faults] == [url]


def test_a_busy_host_is_asked_again_after_the_time_that_it_says(web, bench, monkeypatch):
    waited = []
    monkeypatch.setattr(http.time, "sleep", waited.append)
    url = web.put("/a.txt", "甲")
    web.pages["/a.txt"].insert(0, (503, {"Retry-After": "2"}, b""))
    assert got(http.fetch(channel(url), bench)) == [(url, "甲")]
    assert waited == [2.0]


def test_one_host_is_asked_no_faster_than_declared(web, bench, monkeypatch):
    from corpusgate.collect.web import client

    waited = []
    monkeypatch.setattr(client.time, "sleep", waited.append)
    urls = [web.put(f"/{n}.txt", str(n)) for n in range(3)]
    http.fetch(channel(*urls, delay=30), bench)
    assert len([w for w in waited if w > 20]) >= 2


# ---------------------------------------------------------------- again


def test_an_unchanged_object_costs_a_conditional_request(web, bench):
    url = web.put("/a.txt", "甲", ETag='"1"')
    (first,) = http.fetch(channel(url), bench).objects
    (again,) = http.fetch(channel(url), replace(bench, run="r2")).objects
    assert web.asked[-1][1]["if-none-match"] == '"1"'
    assert (again.status, again.sha256, again.name) == ("not_modified", first.sha256, first.name)


def test_a_changed_object_is_fetched_anew_and_one_that_is_gone_is_removed_by_rule(web, bench):
    changed, gone = web.put("/a.txt", "甲", ETag='"1"'), web.put("/b.txt", "乙")
    http.fetch(channel(changed, gone), bench)
    web.put("/a.txt", "丙", ETag='"2"')
    web.put("/b.txt", status=410)
    batch = http.fetch(channel(changed, gone), replace(bench, run="r2"))
    assert (got(batch), batch.refused) == ([(changed, "丙")], [(gone, "gone")])


def test_a_later_opt_out_ends_what_was_fetched_before(web, bench):
    url = web.put("/a.txt", "甲", ETag='"1"')
    http.fetch(channel(url), bench)
    web.put("/robots.txt", "User-agent: *\nDisallow: /")
    batch = http.fetch(channel(url), replace(bench, run="r2"))
    assert (batch.objects, batch.refused) == ([], [(url, "robots")])


def test_a_run_that_was_killed_asks_only_for_the_rest(web, bench, monkeypatch):
    urls = [web.put(f"/{n}.txt", str(n)) for n in range(3)]
    kept = http.keep

    def killed(place, path, found):
        if path.read_text() == "1":
            raise KeyboardInterrupt
        kept(place, path, found)

    monkeypatch.setattr(http, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        http.fetch(channel(*urls), bench)
    monkeypatch.setattr(http, "keep", kept)
    with (bench.place.raw / "_http" / "notes.jsonl").open("a") as file:
        file.write('["http://half')  # what was being written then
    assert [t for _, t in got(http.fetch(channel(*urls), bench))] == ["0", "1", "2"]
    assert web.paths() == ["/0.txt", "/1.txt", "/1.txt", "/2.txt"]


# ---------------------------------------------------------------- lists and sitemaps


def test_lists_and_sitemaps_name_addresses_and_other_hosts_only_where_they_are_named(web, bench):
    a, b, c = (web.put(f"/{n}.txt", n) for n in "abc")
    (bench.place.home / "list.txt").write_text(f"# ours\n{a}\n\n{a}\nhttp://elsewhere.example/x\n", "utf-8")
    entry = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{}</loc></url></urlset>"
    inner = web.put("/inner.xml", entry.format(b))
    index = f"<sitemapindex><sitemap><loc>{inner}</loc></sitemap></sitemapindex>"
    web.put("/index.xml", index)
    batch = http.fetch(
        channel(c, lists=["list.txt"], sitemaps=[web.url("/index.xml")], hosts=["127.0.0.1"]), bench
    )  # fmt: skip
    assert [t for _, t in got(batch)] == ["c", "a", "b"]
    assert batch.refused == [("http://elsewhere.example/x", "host_not_named")]


@pytest.mark.parametrize(
    "body", ["<html></html>", "<urlset>", "<!DOCTYPE x [<!ENTITY a 'b'>]><urlset/>", b"\x1f\x8b\x08broken"]
)
def test_a_sitemap_that_is_none_is_said(web, bench, body):
    with pytest.raises(NotAvailable, match="sitemap"):
        http.fetch(channel(sitemaps=[web.put("/s.xml", body)]), bench)


def test_names_are_safe_and_tell_addresses_apart():
    urls = ["http://h.example/a/b.txt", "http://h.example/a/b.txt?x=1", "http://h.example/a/b.txt?x=2",
            "http://h.example/", "http://h.example/a/%2e%2e/%2fetc", "http://h.example/a//b.txt"]  # fmt: skip
    names = [http.name_of(u) for u in urls]
    assert len(set(names)) == len(urls) and names[0] == "h.example/a/b.txt"
    assert all(".." not in n.split("/") and not n.startswith("/") for n in names)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<urlset>" + b"<a>" * 1000, "nested"), (b"<!DOCTYPE a [<!ENTITY b 'c'>]><urlset/>", "document type"),
        (b"<html/>", "begins with <html>"), (b"<urlset>", "no XML"),
    ],
)  # fmt: skip
def test_a_hostile_sitemap_is_said_to_be_unusable(body, says):
    with pytest.raises(addresses.Unusable, match=says):
        addresses.of_sitemap(body)


def test_addresses_stand_in_entries_and_nowhere_else():
    body = b"<urlset><loc>http://a/0</loc><url><loc> http://a/1 </loc><x><loc>http://a/2</loc></x></url></urlset>"
    assert addresses.of_sitemap(body) == (["http://a/1"], [])
