"""The example of fine-tuning data in the how-to: the declaration is whole, and reads the lines that stand above it."""

from __future__ import annotations

from corpusgate.intake.items import Item
from corpusgate.intake.read import read_items
from corpusgate.settings.load import load_file
from corpusgate.settings.source import Source
from corpusgate_testing.docs import REPOSITORY, blocks

PAGES = (REPOSITORY / "docs" / "add-a-source.md", REPOSITORY / "docs" / "zh" / "add-a-source.md")


def test_the_declaration_of_the_page_reads_the_lines_of_the_page(tmp_path):
    for page in PAGES:
        declared, lines = tmp_path / "my-chats.yaml", tmp_path / "chats.jsonl"
        declared.write_text("\n".join(blocks(page, "yaml")[1].lines), "utf-8")
        lines.write_text("\n".join(blocks(page, "json")[0].lines), "utf-8")
        source = load_file(declared, Source)
        found = list(read_items(lines, "chats.jsonl", source.reader))
        assert source.id == "my-chats" and len(found) == 5
        assert all(isinstance(one, Item) for one in found), "neither a fault nor a signal"
        assert [(i.role, i.turn, i.group_id) for i in found if isinstance(i, Item)] == [
            ("prompt", 0, "t-1"), ("prompt", 1, "t-1"), ("chosen", 2, "t-1"),
            ("prompt", 0, "t-2"), ("chosen", 1, "t-2"),
        ]  # fmt: skip


def test_both_languages_show_the_same_lines():
    assert len({tuple(blocks(page, "json")[0].lines) for page in PAGES}) == 1
