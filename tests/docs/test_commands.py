"""Every command that README, tutorial and how-to tell people to type: it exists, and it does what they say."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import typer

from corpusgate.cli import app
from corpusgate.lake import store
from corpusgate_testing.docs import REPOSITORY, Block, Typist, blocks, fill_in, installation, sources_of

DOCS = REPOSITORY / "docs"
#: English and Chinese; the two say the same commands.
PAIRS = [
    (REPOSITORY / "README.md", DOCS / "zh" / "README.md"),
    (DOCS / "tutorial.md", DOCS / "zh" / "tutorial.md"),
    (DOCS / "add-a-source.md", DOCS / "zh" / "add-a-source.md"),
    (DOCS / "reviewing.md", DOCS / "zh" / "reviewing.md"),
]
PAGES = [page for pair in PAIRS for page in pair]
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMAND = re.compile(r"(?:^|[\s(])(?:\.venv/bin/)?corpusgate (.*)$")


def commands(block: Block) -> list[list[str]]:
    """The arguments of each call of corpusgate in a block."""
    return [shlex.split(found[1]) for line in block.lines if (found := COMMAND.search(line))]


def targets(block: Block) -> list[str]:
    """The targets of each call of make in a block."""
    return [word for line in block.lines if line.startswith("make ") for word in line.split()[1:]]


def parse(command: object, arguments: list[str], parent: object = None) -> list[str]:
    """Lets the command line's own parser look at the arguments, command by command, and gives the names of the commands
    that it chose; nothing runs."""
    context = command.make_context(getattr(command, "name", None) or "corpusgate", list(arguments), parent=parent)
    if hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        name, chosen, rest = command.resolve_command(context, rest)
        return [name, *parse(chosen, rest, context)]
    return []


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: b.name)
def test_each_command_is_one_that_the_command_line_takes(block):
    for arguments in commands(block):
        chosen = parse(typer.main.get_command(app), arguments)
        assert chosen and chosen == arguments[: len(chosen)], arguments


def test_the_parser_of_this_test_refuses_what_is_no_command():
    for wrong in (["nonsense"], ["source", "conclude", "x"], ["sql", "--formt", "csv", "SELECT 1"]):
        with pytest.raises(typer.TyperException):
            parse(typer.main.get_command(app), wrong)


@pytest.mark.parametrize("target", sorted({t for block in BLOCKS for t in targets(block)}))
def test_each_target_is_one_that_make_knows(target):
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda p: p.name)
def test_both_languages_say_the_same_commands(english, chinese):
    assert [b.lines for b in blocks(english)] == [b.lines for b in blocks(chinese)]
    assert [b.lines for b in blocks(english, "yaml")] == [b.lines for b in blocks(chinese, "yaml")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_every_link_and_picture_is_there(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points at {target}"


@pytest.mark.parametrize("page", [c for _, c in PAIRS], ids=lambda p: p.name)
def test_the_readme_leads_to_the_chinese_pages_and_they_lead_back(page):
    head = "\n".join((REPOSITORY / "README.md").read_text("utf-8").splitlines()[:5])
    assert "docs/zh/README.md" in head
    assert "English](" in "\n".join(page.read_text("utf-8").splitlines()[:4])


@pytest.fixture
def typist(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    place = installation(home)
    monkeypatch.chdir(home)
    monkeypatch.setenv("CORPUSGATE_HOME", str(home))
    for name in ("CORPUSGATE_LAKE", "CORPUSGATE_CONF"):
        monkeypatch.delenv(name, raising=False)
    return Typist(place)


def test_the_commands_of_the_readme_answer(typist):
    typist.rebuild()
    record = store.read(typist.place, "record", ["record_id"]).to_pylist()[0]["record_id"]
    file = next((typist.place.var / "fixtures" / "fixture-utf8").glob("*.jsonl"))
    typist.words = {"RECORD_ID": record, "FILE": str(file), "RELEASE": typist.releases[0]}

    for block in blocks(REPOSITORY / "README.md")[1:]:
        typist.type(block)

    assert sum("corpusgate " in line for line in typist.typed) >= 5


def test_the_tutorial_holds_what_it_promises(typist):
    place = typist.place
    said = []
    for block in blocks(DOCS / "tutorial.md"):
        if typist.releases:
            records = store.read(place, "record", ["record_id"], "source_id = 'fixture-unlicensed'").to_pylist()
            typist.words = {"OLD": typist.releases[0], "NEW": typist.releases[-1]}
            typist.words |= {"RECORD_ID": records[0]["record_id"]} if records else {}
        typist.type(block)
        said.append(typist.said)

    before, after = (sources_of(place, r) for r in typist.releases)
    assert before == {"fixture-utf8": 120}
    assert after == {"fixture-utf8": 120, "fixture-unlicensed": 100}
    held = next(s for s in said if "scope_id" in s)
    assert "fixture-unlicensed" in held and "pending" in held
    assert any("the next rebuild says pass" in s for s in said)
    difference = next(s for s in said if "added" in s)
    assert "fixture-unlicensed" in difference and "100" in difference
    asked = next(s for s in said if "locator" in s and "record_id" in s)
    assert "fixture-unlicensed" in asked
    story = next(s for s in said if s.startswith("text "))
    assert "Apache-2.0" in story and "Li Hua" in story and "kept" in story
    assert any("as it was sealed" in s for s in said)
    gate = said[-1] if "run_id" in said[-1] else said[-2]
    assert "verdict" in gate and "because" in gate, "where a reviewer sees the gate turn"


def test_a_newcomer_adds_a_folder_of_text(typist):
    page = DOCS / "add-a-source.md"
    typist.rebuild()
    path = typist.place.conf / "sources" / "my-texts.yaml"
    before = (typist.place.conf / "corpora" / "demo.yaml").read_text("utf-8")
    said = []
    for block in blocks(page):
        if path.exists() and ": FILL IN" in path.read_text("utf-8"):
            fill_in(path, blocks(page, "yaml")[0].lines)
        typist.type(block)
        said.append(typist.said)

    assert (typist.place.conf / "corpora" / "demo.yaml").read_text("utf-8").splitlines() == [
        line for ln in before.splitlines()
        for line in ((ln, "  - my-texts") if ln == "  - fixture-unlicensed" else (ln,))
    ]  # fmt: skip
    assert "my-texts: fine" in said[2]
    steps = said[3]
    assert [line.split()[0] for line in steps.splitlines() if "[my-texts]" in line] == ["ok", "ok", "ok"]
    assert "2 records in = 2 kept" in steps
    assert "my-texts" in said[4]
    assert typist.place.var.joinpath("source.schema.json").is_file()
    assert path.read_text("utf-8").startswith("# yaml-language-server: $schema=../../var/source.schema.json")
    typist.rebuild()
    assert sources_of(typist.place, typist.releases[-1])["my-texts"] == 2
