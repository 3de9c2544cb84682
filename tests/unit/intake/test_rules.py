"""Ids, forms and choices of intake."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.intake import rules
from corpusgate.intake.items import Item
from corpusgate.settings.source import LicencePart, RemovalRule
from corpusgate_testing.intake import found, jsonl, reader, written

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
#: Texts that any of the encodings can hold and that are no blank.
HAN = st.text("天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往abc，。", min_size=1, max_size=30)


def ids(items: list[Item], source: str = "s") -> list[str]:
    ordinals = rules.Ordinals()
    out = []
    for item in items:
        sha256 = rules.text_sha256(item.text)
        out.append(rules.record_id(source, rules.locator(item, sha256, ordinals(item, sha256)), sha256))
    return out


class TestStoredText:
    @settings(deadline=None)
    @given(TEXT)
    def test_has_only_lf_and_is_nfc_and_stays_as_it_is(self, text: str) -> None:
        stored = rules.stored_text(text)
        assert "\r" not in stored
        assert unicodedata.is_normalized("NFC", stored)
        assert rules.stored_text(stored) == stored

    @settings(deadline=None)
    @given(TEXT)
    def test_changes_nothing_but_line_ends_and_composition(self, text: str) -> None:
        assert rules.stored_text(text) == unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))

    @pytest.mark.parametrize("kept", ["ＡＢＣ１２３", "，：“”", "\u200b功㓛", "\u00a0 x\t", "ﬁ"])
    def test_keeps_width_punctuation_and_format_characters(self, kept: str) -> None:
        assert rules.stored_text(kept) == kept

    def test_the_hash_is_sha256_of_utf8(self) -> None:
        assert rules.text_sha256("中国") == "f0e9521611bb290d7b09b8cd14a63c3fe7cbf9a2f4e0090d8238d22403d35182"


class TestIds:
    @settings(deadline=None)
    @given(st.lists(HAN, min_size=1, max_size=12), st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]))
    def test_do_not_depend_on_the_encoding(self, tmp_path_factory: pytest.TempPathFactory, lines, encoding) -> None:
        folder = tmp_path_factory.mktemp("twins")
        rows = [{"text": "这是同一篇文章的开头，" + t} for t in lines]
        one = found(written(folder, "a.jsonl", jsonl(rows)))
        other = found(written(folder, "b.jsonl", jsonl(rows, encoding)), name="a.jsonl")
        assert ids(one) == ids(other)
        assert len(set(ids(one))) == len(lines)

    @settings(deadline=None)
    @given(st.lists(HAN, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
    def test_do_not_depend_on_line_ends(self, lines: list[str], end: str) -> None:
        plain = Item("m", rules.stored_text("\n".join(lines)))
        assert ids([plain]) == ids([Item("m", rules.stored_text(end.join(lines)))])

    @settings(deadline=None)
    @given(st.permutations(["key", "text", "title", "extra"]))
    def test_do_not_depend_on_the_order_of_keys(self, tmp_path_factory: pytest.TempPathFactory, order) -> None:
        folder = tmp_path_factory.mktemp("order")
        row = {"key": "k1", "text": "正文", "title": "题", "extra": 1}
        declared = {"key": "key", "fields": {"title": "title"}, "ignore": ("extra",)}
        path = written(folder, "a.jsonl", jsonl([{name: row[name] for name in order}]))
        twin = written(folder, "b.jsonl", jsonl([row]))
        assert ids(found(path, **declared)) == ids(found(twin, **declared))

    @pytest.mark.parametrize("form", ["./a/b.txt", "a//b.txt", "a\\b.txt", "a/./b.txt"])
    def test_do_not_depend_on_the_form_of_the_path(self, form: str) -> None:
        assert ids([Item(form, "文")]) == ids([Item("a/b.txt", "文")])

    @settings(deadline=None)
    @given(
        st.lists(st.text("ab文é", min_size=1, max_size=3), min_size=1, max_size=3),
        st.lists(st.sampled_from(["/", "//", "/./", "\\"]), min_size=3, max_size=3),
        st.sampled_from(["NFC", "NFD"]),
    )
    def test_do_not_depend_on_any_form_of_the_path(self, parts: list[str], between: list[str], form: str) -> None:
        other = "./" + parts[0] + "".join(s + p for s, p in zip(between, parts[1:], strict=False))
        assert ids([Item(unicodedata.normalize(form, other), "文")]) == ids([Item("/".join(parts), "文")])

    @given(st.lists(HAN, min_size=1, max_size=15), HAN, st.data())
    def test_one_inserted_row_does_not_rename_the_rest(self, lines: list[str], new: str, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(lines)))
        before = ids([Item("m", t) for t in lines])
        after = ids([Item("m", t) for t in [*lines[:at], new, *lines[at:]]])
        assert set(before) < set(after)
        assert len(set(after)) == len(lines) + 1

    def test_equal_texts_of_a_member_are_different_records(self) -> None:
        assert len(set(ids([Item("m", "同"), Item("m", "同"), Item("n", "同")]))) == 3

    def test_a_declared_key_is_the_name_wherever_the_record_moves(self) -> None:
        assert ids([Item("a", "文", key="7")]) == ids([Item("b/c", "文", key="7")])

    def test_sources_and_versions_of_a_text_are_told_apart(self) -> None:
        item = Item("m", "文", key="7")
        assert ids([item], "one") != ids([item], "two")
        assert ids([item]) != ids([Item("m", "文二", key="7")])


class TestMemberPath:
    @pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "C:\\x", "\\x", "", ".", "a\nb", "a\udcffb"])
    def test_refuses_what_leads_out_or_cannot_be_shown(self, name: str) -> None:
        with pytest.raises(ValueError, match="path"):
            rules.member_path(name)

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_is_stable(self, name: str) -> None:
        try:
            path = rules.member_path(name)
        except ValueError:
            return
        assert rules.member_path(path) == path
        assert ".." not in path.split("/")


class TestGlobs:
    @pytest.mark.parametrize(
        ("glob", "member", "chosen"),
        [
            ("**/*", "a", True), ("**/*", "a/b/c", True), ("**", "a/b/c", True), ("*", "a", True), ("*", "a/b", False),
            ("a/**", "a/b/c", True), ("a/**", "a", False), ("a/**/c", "a/c", True), ("a/**/c", "a/x/y/c", True),
            ("*.txt", "a.TXT", False), ("c[a-r][0-9]", "ca1", True), ("c[!a-r]", "cz", True), ("c[!a-r]", "ca", False),
            ("a?", "ab", True), ("a?", "a/", False), ("a.b", "axb", False), ("*.1", "ls.1.gz", True),
            (".*", ".x", True),
            ("*.gz", "ls.1.gz", True), ("[^a]", "^", True), ("[^a]", "b", False), ("[x", "[x", True),
        ],
    )  # fmt: skip
    def test_follow_pathlib(self, glob: str, member: str, chosen: bool) -> None:
        assert rules.matches(member, (glob,)) is chosen

    def test_exclude_wins(self) -> None:
        assert not rules.matches("a/b.dat", ("a/*",), ("**/*.dat",))

    def test_the_first_part_that_takes_a_member_decides(self) -> None:
        parts = [LicencePart(id="one", include=("a/x*",)), LicencePart(id="rest", include=("a/**",))]
        assert [rules.licence_part(m, parts) for m in ("a/xy", "a/b", "c")] == ["one", "rest", None]

    def test_a_source_without_parts_has_one_that_a_person_may_conclude_about(self) -> None:
        assert rules.licence_part("a/b", []) == "all"


class TestSourceRules:
    RULE = RemovalRule(rule="not-in-force", field="status", not_in=("现行有效",), because="test")

    def test_a_value_outside_not_in_is_removed(self) -> None:
        declared = reader(fields={"state": "status"}, remove=(self.RULE,))
        assert rules.source_rule(declared, Item("m", "x", attributes={"state": "废止"})) == "not-in-force"
        assert rules.source_rule(declared, Item("m", "x", attributes={"state": "现行有效"})) is None

    def test_a_record_without_the_field_is_removed_by_not_in_and_not_by_is_in(self) -> None:
        barred = RemovalRule(rule="barred", field="status", is_in=("x",), because="test")
        assert rules.source_rule(reader(remove=(self.RULE,)), Item("m", "x")) == "not-in-force"
        assert rules.source_rule(reader(remove=(barred,)), Item("m", "x")) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.CN:8080/a?b", "example.cn"), ("http://例子.中国/", "xn--fsqu00a.xn--fiqs8s"),
        ("no address", None),
        ("http://[::1", None), ("", None), (None, None), ("mailto:a@b.cn", None), ("http://a.cn./", "a.cn"),
    ],
)  # fmt: skip
def test_domain_of_an_address(url: str | None, host: str | None) -> None:
    assert rules.domain(url) == host


@given(
    st.sampled_from(["http://", "https://", "HTTP://", "ftp://", "//", ""]),
    st.text("aZ09.-_:@[]%例 \t", max_size=12),
    st.sampled_from(["", "/", "/a?b", "?q", "#f", ":80", ":80/", "\n", "\\"]),
)
def test_the_short_way_to_a_domain_gives_what_the_standard_gives(scheme: str, host: str, rest: str) -> None:
    short = rules.domain(scheme + host + rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "_PLAIN_URL", re.compile(r"(?!)"))
        assert short == rules.domain(scheme + host + rest)


def test_no_id_depends_on_where_the_file_lies(tmp_path: Path) -> None:
    rows = [{"text": "一"}, {"text": "二"}]
    one = found(written(tmp_path, "x/a.jsonl", jsonl(rows)))
    two = found(written(tmp_path, "y/z/a.jsonl", jsonl(rows)))
    assert ids(one) == ids(two)
