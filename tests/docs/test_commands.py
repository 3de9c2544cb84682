"""Every command that README, tutorial and how-to tell people to type: it exists, and it does what they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from corpusgate.cli import app
from corpusgate.lake import store
from corpusgate.settings.place import Place
from corpusgate_testing.docs import REPOSITORY, Block, blocks, installation, rebuilt

DOCS = REPOSITORY / "docs"
#: English and Chinese; the two say the same commands.
PAIRS = [
    (REPOSITORY / "README.md", DOCS / "zh" / "README.md"),
    (DOCS / "tutorial.md", DOCS / "zh" / "tutorial.md"),
    (DOCS / "add-a-source.md", DOCS / "zh" / "add-a-source.md"),
]
PAGES = [page for pair in PAIRS for page in pair]
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMAND = re.compile(r"(?:^|[\s(])(?:\.venv/bin/)?corpusgate (.*)$")
AT = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = datetime(2099, 1, 1, tzinfo=UTC)  # after any clock that a command may have read


def commands(block: Block) -> list[list[str]]:
    """The arguments of each call of corpusgate in a block."""
    return [shlex.split(found[1]) for line in block.lines if (found := COMMAND.search(line))]


def targets(block: Block) -> list[str]:
    """The targets of each call of make in a block."""
    return [word for line in block.lines if line.startswith("make ") for word in line.split()[1:]]


def parse(command: object, arguments: list[str], parent: object = None) -> None:
    """Lets the command line's own parser look at the arguments, command by command; nothing runs."""
    context = command.make_context(getattr(command, "name", None) or "corpusgate", list(arguments), parent=parent)
    if hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        _, chosen, rest = command.resolve_command(context, rest)
        parse(chosen, rest, context)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: b.name)
def test_each_command_is_one_that_the_command_line_takes(block):
    for arguments in commands(block):
        parse(typer.main.get_command(app), arguments)


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


class Typist:
    """Types the commands of a page, one after another, into an installation without Spark.

    Commands of corpusgate run in this process, lines with more of a shell in them in bash; what only make does is left
    out, but for `make run`, in place of which the installation is rebuilt without Spark.
    """

    def __init__(self, place: Place) -> None:
        self.place, self.typed, self.releases = place, [], []
        self.said = ""
        self.words: dict[str, str] = {}

    def rebuild(self) -> None:
        """What stands for `make run`."""
        number = len(self.releases) + 1
        self.releases.append(rebuilt(self.place, f"r{number}", AT if number == 1 else LATER))

    def type(self, block: Block) -> None:
        """Types a block."""
        lines = [self.filled(line) for line in block.lines]
        self.typed += lines
        if any(re.search(r"[$>]", line) for line in lines):
            self.shell("\n".join(lines))
            return
        for line in lines:
            if line == "make run":
                self.rebuild()
            elif not line.startswith("make "):
                self.corpusgate(line)

    def filled(self, line: str) -> str:
        """The line with the words in capitals filled in."""
        for word, value in self.words.items():
            line = re.sub(rf"\b{word}\b", value, line)
        return line

    def corpusgate(self, line: str) -> None:
        """Types a line that calls corpusgate alone."""
        program, *arguments = shlex.split(line)
        assert program == ".venv/bin/corpusgate", f"no test types {line!r}"
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code in ((0, 1) if arguments == ["doctor"] else (0,)), f"{line}\n{done.output}{done.exception}"
        self.said = done.output

    def shell(self, text: str) -> None:
        """Types lines for a shell."""
        done = subprocess.run(
            ["bash", "-euc", text], cwd=self.place.home, capture_output=True, text=True, timeout=110, check=False,
            env={**os.environ, "CORPUSGATE_HOME": str(self.place.home)},
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        self.said = done.stdout


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


def sources_of(place: Place, release: str) -> dict[str, int]:
    """Source -> records of a release."""
    sql = f"SELECT source_id, count(*) AS n FROM release_record WHERE release_id = '{release}' GROUP BY source_id"
    return {r["source_id"]: r["n"] for r in store.query(place, sql, ["release_record"]).to_pylist()}


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
    assert "as it was sealed" in said[-1] or "as it was sealed" in said[-2]


def test_a_newcomer_adds_a_folder_of_text(typist):
    page = DOCS / "add-a-source.md"
    typist.rebuild()
    path = typist.place.conf / "sources" / "my-texts.yaml"
    before = (typist.place.conf / "corpora" / "demo.yaml").read_text("utf-8")
    said = []
    for block in blocks(page):
        if path.exists() and ": FILL IN" in path.read_text("utf-8"):
            _fill_in(path, blocks(page, "yaml")[0].lines)
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


def _fill_in(path: Path, lines: list[str]) -> None:
    """Does what the how-to says: replaces the fields that still say FILL IN, and there are no others."""
    text = path.read_text("utf-8")
    for line in lines:
        field = line.split(":")[0]
        text, count = re.subn(rf"^{field}: FILL IN.*$", line, text, flags=re.MULTILINE)
        assert count == 1, f"the draft asks for no {field.strip()}"
    assert not [ln for ln in text.splitlines() if "FILL IN" in ln and not ln.startswith("#")]
    path.write_text(text, "utf-8")
