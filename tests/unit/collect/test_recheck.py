"""Hosts asked again before a release: what they reserve now removes records, what they said last holds while they are
silent, and nobody is asked where the corpus does not say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from corpusgate.collect.recheck import hosts
from corpusgate.lake import store
from corpusgate.settings.corpus import AskHosts
from corpusgate.sources.takedown import withdrawn
from corpusgate_testing.gates import sha
from corpusgate_testing.lake import rows
from corpusgate_testing.sources import installation, run_of
from corpusgate_testing.web import site

AT = datetime(2026, 11, 2, 3, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
def web():
    with site() as served:
        yield served


class Lake:
    """Records of a WARC source with addresses of the site, and one that the channel http fetched itself."""

    def __init__(self, folder, web) -> None:
        self.place = installation(folder, "notes")
        self.urls = {n: web.url(f"/{n}") for n in ("open/1", "open/2", "closed/1")}
        store.ensure_tables(self.place, ["record", "acquisition", "host_signal", "takedown"])
        made = [self.record(n, url, "warc") for n, url in self.urls.items()]
        made.append(self.record("own", web.url("/own"), "own"))
        store.append_new(self.place, "record", made, "r")
        store.append_new(self.place, "acquisition", [
            {"acquisition_id": "warc", "source_id": "notes"},
            {"acquisition_id": "own", "source_id": "notes", "permission": "allowed robots:none:404",
             "url": web.url("/own")},
        ], "r")  # fmt: skip

    @staticmethod
    def record(name, url, acquisition):
        return {"record_id": sha(name), "source_id": "notes", "batch_id": "b", "acquisition_id": acquisition,
                "text_sha256": name, "url": url, "domain": "127.0.0.1", "attributes": {}}  # fmt: skip

    def ask(self, day=0, **policy):
        run = run_of(self.place, f"r{day}", AT + timedelta(days=day))
        ask = AskHosts(**{"delay": 0, "timeout": 2, "private_networks": LOOPBACK} | policy)
        corpus = run.corpus.model_copy(update={"policy": run.corpus.policy.model_copy(update={"ask_hosts": ask})})
        return hosts(replace(run, corpus=corpus))

    @property
    def gone(self):
        known = {sha(n): n for n in (*self.urls, "own")}
        return {known[r] for r in withdrawn(self.place)}


@pytest.fixture
def lake(tmp_path, web):
    return Lake(tmp_path, web)


def test_nobody_is_asked_where_the_corpus_does_not_say_so(lake, web):
    result = hosts(run_of(lake.place))
    assert (result.state, result.rows_in, web.asked) == ("ok", 0, [])
    assert "policy.ask_hosts" in result.because


def test_a_later_reservation_removes_what_it_reaches_and_no_more_and_history_stays(lake, web):
    web.put("/robots.txt", "User-agent: *\nAllow: /\n")
    result = lake.ask(0)
    assert (result.rows_in, result.kept, lake.gone) == (1, 1, set())
    before = rows(lake.place, "host_signal")
    web.put("/robots.txt", "User-agent: *\nDisallow: /closed/\n")
    lake.ask(1)
    assert lake.gone == {"closed/1"}
    web.put("/.well-known/tdmrep.json", '[{"location": "/*", "tdm-reservation": 1}]')
    result = lake.ask(2)
    assert lake.gone == set(lake.urls), "what the channel http fetched was judged there"
    assert (result.removed, result.removed_by_rule) == (1, {"opted_out": 1})
    assert [r for r in rows(lake.place, "host_signal") if r["fetched_at"] == AT] == before


def test_what_a_host_allows_again_is_free_for_the_next_candidate(lake, web):
    web.put("/robots.txt", "User-agent: *\nDisallow: /closed/\n")
    lake.ask(0)
    web.put("/robots.txt", "User-agent: *\nAllow: /\n")
    lake.ask(1)
    assert lake.gone == set()


def test_a_host_that_forbids_its_root_and_allows_a_part_forbids_only_the_rest(lake, web):
    web.put("/robots.txt", "User-agent: *\nDisallow: /\nAllow: /open/\n")
    lake.ask(0)
    assert lake.gone == {"closed/1"}


def test_each_host_is_asked_once_a_day_and_then_conditionally(lake, web):
    web.put("/robots.txt", "User-agent: *\nDisallow: /closed/\n", ETag='"1"')
    lake.ask(0)
    asked = len(web.asked)
    assert asked == 3
    lake.ask(0)
    assert len(web.asked) == asked
    lake.ask(1)
    (again,) = [h for p, h in web.asked[asked:] if p == "/robots.txt"]
    assert again["if-none-match"] == '"1"' and lake.gone == {"closed/1"}


def test_of_a_host_that_is_silent_what_it_said_last_holds_and_is_said(lake, web):
    web.put("/robots.txt", "User-agent: *\nDisallow: /closed/\n")
    lake.ask(0)
    for path in ("/robots.txt", "/ai.txt", "/.well-known/tdmrep.json"):
        web.pages[path] = [None]
    result = lake.ask(1)
    assert lake.gone == {"closed/1"} and result.errored == 0
    assert "1 did not answer: what they said last holds" in result.because and "2026-11-02" in result.because
    web.put("/robots.txt", "oops", status=503)
    lake.ask(2)
    assert lake.gone == {"closed/1"}


@pytest.mark.parametrize(("policy", "gone", "errored"), [("keep", 0, 1), ("refuse", 3, 0)])
def test_a_host_that_never_answered_is_as_the_policy_says(lake, web, policy, gone, errored):
    web.pages["/robots.txt"] = [None]
    result = lake.ask(0, unreachable=policy)
    assert (len(lake.gone), result.errored) == (gone, errored)


def test_private_networks_are_not_asked_unless_they_are_named(lake, web):
    result = lake.ask(0, private_networks=())
    assert (web.asked, result.errored, lake.gone) == ([], 1, set())


def test_no_more_hosts_are_asked_than_the_policy_says_and_the_others_come_next_time(tmp_path):
    with site() as one, site() as two:
        lake = Lake(tmp_path, one)
        store.append_new(lake.place, "record", [lake.record("two", two.url("/x"), "warc")], "r")
        result = lake.ask(0, hosts_max=1)
        assert (result.rows_in, result.facts["left"]) == (1, 1)
        lake.ask(1, hosts_max=1)
        assert one.asked and two.asked


def test_a_run_that_is_killed_and_started_again_writes_nothing_twice(lake, web):
    web.put("/robots.txt", "User-agent: *\nDisallow: /\n")
    lake.ask(0)
    before = rows(lake.place, "host_signal")
    lake.ask(0)
    assert rows(lake.place, "host_signal") == before
