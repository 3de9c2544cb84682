"""What each format makes a record of."""

from __future__ import annotations

import gzip
import sqlite3
import zlib
from pathlib import Path

import pytest

from corpusgate.intake import roff
from corpusgate.intake.items import Fault, Item, Signal
from corpusgate.intake.members import Member
from corpusgate.intake.readers import sqlite as sqlite_reader
from corpusgate.intake.readers import yaml as yaml_reader
from corpusgate_testing.intake import found, reader, reasons, texts, written, zipped


class TestCsv:
    def test_a_row_is_a_record_with_fields_by_the_header(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.csv", 'id,text,note\n1,"一,\n二",x\n2,三,y\n')
        results = found(path, key="id", ignore=("note",))
        assert results == [Item("a.csv", "一,\n二", "1"), Item("a.csv", "三", "2")]

    def test_columns_and_delimiter_can_be_declared(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.tsv", "正文\t甲\n")
        assert texts(found(path, format="csv", options={"delimiter": "\t", "columns": ["text", "who"]})) == ["正文"]

    def test_a_ragged_row_is_a_fault_and_an_unknown_column_a_signal(self, tmp_path: Path) -> None:
        results = found(written(tmp_path, "a.csv", "text,x\na,1\nb\nc,3\n"))
        assert (texts(results), reasons(results)) == (["a", "c"], ["ragged_row"])
        assert [r.field for r in results if isinstance(r, Signal)] == ["x"]

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
    def test_it_is_read_in_the_encoding_of_the_whole(self, tmp_path: Path, encoding: str) -> None:
        path = written(tmp_path, "a.csv", "text\n好文章一篇\n又是一篇\n".encode(encoding))
        assert texts(found(path)) == ["好文章一篇", "又是一篇"]

    def test_a_row_that_is_not_in_the_encoding_is_a_fault_of_its_own(self, tmp_path: Path) -> None:
        raw = "text\n好\n".encode() + "坏\n".encode("gb18030") + "又好\n再好\n".encode()
        results = found(written(tmp_path, "a.csv", raw))
        assert (texts(results), reasons(results)) == (["好", "又好", "再好"], ["undecodable"])

    def test_quotes_that_never_close_are_a_fault(self, tmp_path: Path) -> None:
        assert reasons(found(written(tmp_path, "a.csv", 'text\n"abc\n'))) == ["not_csv"]


class TestJson:
    @pytest.mark.parametrize(
        ("tree", "path", "expected"),
        [
            ('["一", "二"]', None, ["一", "二"]), ('["一", "二"]', "*", ["一", "二"]), ('{"text": "一"}', None, ["一"]),
            ('{"data": {"rows": [{"text": "一"}]}}', "data.rows.*", ["一"]),
            ('{"a": "一", "b": "二"}', "*", ["一", "二"]),
            ('[["一", "二"], ["三"]]', "*", ["一\\n二", "三"]),
        ],
    )  # fmt: skip
    def test_a_path_leads_to_the_records(
        self, tmp_path: Path, tree: str, path: str | None, expected: list[str]
    ) -> None:
        options = {"records": path} if path else {}
        assert texts(found(written(tmp_path, "a.json", tree), options=options)) == [
            e.replace("\\n", "\n") for e in expected
        ]

    def test_a_path_that_is_not_there_is_a_fault(self, tmp_path: Path) -> None:
        assert reasons(found(written(tmp_path, "a.json", '{"a": 1}'), options={"records": "data.*"})) == ["no_records"]

    def test_fields_beside_the_path_are_signals_unless_ignored(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.json", '{"data": ["一"], "next": 1, "total": 2}')
        results = found(path, options={"records": "data.*"}, ignore=("total",))
        assert [r.field for r in results if isinstance(r, Signal)] == ["next"]

    def test_an_element_that_is_neither_object_nor_text_is_a_fault(self, tmp_path: Path) -> None:
        results = found(written(tmp_path, "a.json", '["一", 2, null, {"text": "三"}]'))
        assert (texts(results), reasons(results)) == (["一", "三"], ["not_an_object"] * 2)


class TestYaml:
    def test_a_conversation_is_a_record_a_turn_a_line(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.yml", "categories: [x]\nconversations:\n- - 你好\n  - 您好\n- - 几点\n  - 12\n")
        results = found(path, format="yaml", options={"records": "conversations.*"}, ignore=("categories",))
        assert results == [Item("a.yml", "你好\n您好"), Item("a.yml", "几点\n12")]

    @pytest.mark.parametrize(
        "hostile",
        [
            "a: &a [x, x]\ntext: *a\n", "!!python/object/apply:os.system ['true']", "[" * 3000, "a: [b",
            "\t- x: \n\t y",
            "x: " + "9" * 5000,
        ],
    )  # fmt: skip
    def test_nothing_but_plain_yaml_is_read(self, tmp_path: Path, hostile: str) -> None:
        assert reasons(found(written(tmp_path, "a.yaml", hostile)))[0] in ("not_yaml", "no_text")
        assert texts(found(written(tmp_path, "a.yaml", hostile))) == []

    def test_a_document_over_the_bound_is_a_fault(self, tmp_path: Path) -> None:
        assert reasons(found(written(tmp_path, "a.yaml", "text: " + "x" * yaml_reader.YAML_MAX))) == ["too_large"]


class TestHtml:
    PAGE = (
        "<html><head><meta charset='{0}'><title>第一章 \n 总则</title></head><body><div class=nav>上一页</div>"
        "<h1>总则</h1><p>正文&amp;内容镕。</p><table><tr><td>格子</td></tr></table><script>alert(1)</script></body></html>"
    )

    def test_a_page_is_its_visible_text_and_its_title(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.html", self.PAGE.format("utf-8"))
        (item,) = found(path, options={"main": False, "skip": [".nav"]})
        assert isinstance(item, Item)
        assert (item.title, item.attributes) == ("第一章 总则", {"title": "第一章 总则"})
        assert item.text == "总则\n\n正文&内容镕。\n\n格子"

    def test_a_page_that_declares_gb2312_is_read_as_gb18030(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.html", self.PAGE.format("gb2312").encode("gb18030"))
        assert "正文&内容镕。" in texts(found(path, options={"main": False}))[0]

    def test_a_selector_that_is_none_is_a_fault_that_says_so(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.html", self.PAGE)
        assert reasons(found(path, options={"skip": ["::::"]})) == ["not_html"]


class TestSqlite:
    @staticmethod
    def database(folder: Path, statements: str = "") -> Path:
        path = folder / "laws.db"
        with sqlite3.connect(path) as open_database:
            open_database.executescript(
                "CREATE TABLE article (id INTEGER, law TEXT, body TEXT, status TEXT);"
                "INSERT INTO article VALUES (1, '甲法', '第一条', '有效'), (2, '甲法', '第二条', '废止');" + statements
            )
        open_database.close()
        return path

    def test_a_row_of_the_query_is_a_record(self, tmp_path: Path) -> None:
        path = self.database(tmp_path)
        results = found(
            path, format="sqlite", key="id", text="body", fields={"status": "status"},
            options={"query": "SELECT id, body, status FROM article ORDER BY id"},
        )  # fmt: skip
        assert results == [
            Item("laws.db", "第一条", "1", attributes={"status": "有效"}),
            Item("laws.db", "第二条", "2", attributes={"status": "废止"}),
        ]

    def test_it_is_read_out_of_an_archive_and_left_as_it_was(self, tmp_path: Path) -> None:
        path = self.database(tmp_path)
        before = path.read_bytes()
        wheel = written(tmp_path, "x.whl", zipped({"data/laws.db": before}))
        query = {"query": "SELECT body AS text FROM article ORDER BY id"}
        assert texts(found(wheel, format="sqlite", options=query)) == ["第一条", "第二条"]
        assert texts(found(path, format="sqlite", options=query)) == ["第一条", "第二条"]
        assert path.read_bytes() == before
        assert sorted(p.name for p in tmp_path.iterdir()) == ["laws.db", "x.whl"]

    @pytest.mark.parametrize(
        "query",
        [
            "DELETE FROM article", "ATTACH 'other.db' AS o", "PRAGMA journal_mode = WAL", "SELECT nothing FROM article",
            "SELECT load_extension('x')", "CREATE TABLE t (x)", "VACUUM INTO 'copy.db'",
        ],
    )  # fmt: skip
    def test_a_query_may_only_read_and_only_this_file(self, tmp_path: Path, query: str) -> None:
        path = self.database(tmp_path)
        assert reasons(found(path, format="sqlite", options={"query": query})) == ["not_sqlite"]
        assert [p.name for p in tmp_path.iterdir()] == ["laws.db"]

    def test_a_query_that_never_ends_is_ended(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("corpusgate.intake.readers.sqlite.STEPS_MAX", 3_000_000)
        endless = (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 'a' AS text FROM n WHERE x < 0"
        )
        path = self.database(tmp_path)
        member = Member(path.name, lambda: path.open("rb"), path.stat().st_size, path)
        assert reasons(sqlite_reader.read(member, reader("sqlite", options={"query": endless}))) == ["not_sqlite"]
        monkeypatch.undo()
        results = found(path, format="sqlite", options={"query": endless, "seconds": 1})
        assert reasons(results) == ["timeout"], "its own bound is minutes; that of the child comes first if it is less"

    def test_a_cell_that_is_no_utf8_is_a_fault_of_its_row(self, tmp_path: Path) -> None:
        path = self.database(tmp_path, "INSERT INTO article VALUES (3, '乙法', CAST(X'ff41' AS TEXT), '');")
        query = {"query": "SELECT body AS text FROM article ORDER BY id"}
        results = found(path, format="sqlite", options=query)
        assert (texts(results), reasons(results)) == (["第一条", "第二条"], ["undecodable"])


class TestFortune:
    def test_records_stand_between_percent_lines_and_colours_are_markup(self, tmp_path: Path) -> None:
        path = written(tmp_path, "tang", "\x1b[32m《春晓》\x1b[m\n春眠不觉晓\n%\n%\n  100%\u00a0满\n%\n\n末\n")
        assert texts(found(path, format="fortune")) == ["《春晓》\n春眠不觉晓", "  100%\u00a0满", "末"]

    def test_a_percent_sign_with_blanks_behind_it_is_text_as_for_strfile(self, tmp_path: Path) -> None:
        path = written(tmp_path, "song", "一\n% \n二\n%\n三\n")
        assert texts(found(path, format="fortune")) == ["一\n% \n二", "三"]


class TestTagged:
    def test_words_are_kept_and_tags_are_not(self, tmp_path: Path) -> None:
        path = written(tmp_path, "ca01", "\n\n\tThe/at and/or/cc 1/2/cd /nil word\n\n\n\n\tEnd/nn ./.\n")
        assert texts(found(path, format="tagged")) == ["The and/or 1/2 /nil word\n\nEnd ."]


class TestManualPages:
    @pytest.mark.parametrize(
        ("source", "text"),
        [
            (".SH 名称\nls \\- 列出\n", "名称\nls - 列出"),
            ("甲行\n乙行\nword\nnext\n", "甲行乙行 word next"),
            (".PP\n\\fB\\-a\\fR, \\fI选项\\fP\n", "-a, 选项"),
            (".TP\n.BR \\-\\-all \", \" \\-a\n全部\n.TP\n\\(bu\n点\n", "--all, -a\n全部\n\n• 点"),
            (".nf\n  a\n    b\n.fi\nc\nd\n", "  a\n    b\nc d"),
            ('.\\" 注释\n一 \\" 也是\n', "一"),
            (".de XX \\\" 定义\n.B 隐\n..\n正文\n", "正文"),
            (".ig \\\"-*-\n隐\n..\n正文\n", "正文"),
            (".if n 终端\n.if t 纸\n", "终端"),
            (".ie t \\{\\\n纸\n.\\}\n.el \\{\\\n终端\n.\\}\n", "终端"),
            (".ds CW 宽\n\\*(CW\\*(Tm\n", "宽™"),
            ("\\(co \\[rs] \\e \\& \\|\\[u4E2D]\\0x\n", "© \\ \\  中 x"),
            (".TS\nl l.\n甲\t乙\n_\n丙\t丁\n.TE\n", "甲\t乙\n丙\t丁"),
            (".Sh NAME\n.Nm kill\n.Nd 终止\n.Nm\n.Op Fl s Ar signal\n", "NAME\nkill — 终止 kill [-s signal]"),
            (".Bl\n.It Fl a\n全部\n.El\n", "-a\n全部"),
        ],
    )  # fmt: skip
    def test_roff_becomes_the_text_that_a_reader_sees(self, source: str, text: str) -> None:
        assert roff.page(source).text == text

    @pytest.mark.parametrize(
        ("line", "title"),
        [
            ('.TH LS 1 2022 "GNU"', "LS(1)"), ('.TH "LOCALE\\&.CONF" "5"', "LOCALE.CONF(5)"), (".Dt KILL 1", "KILL(1)"),
            (".TH ls", "ls"), (".TH", None), ("", None),
        ],
    )  # fmt: skip
    def test_the_title_is_the_pages_own(self, line: str, title: str | None) -> None:
        assert roff.page(f"{line}\n.SH X\n正文\n").title == title

    def test_a_page_is_a_record_whether_compressed_or_not(self, tmp_path: Path) -> None:
        raw = ".TH LS 1\n.SH 名称\nls\n".encode()
        path = written(tmp_path, "x.whl", zipped({"man1/ls.1": raw, "man1/ls2.1.gz": gzip.compress(raw)}))
        results = found(path, format="man", include=("man1/*",))
        assert [(r.title, r.text) for r in results if isinstance(r, Item)] == [("LS(1)", "名称\nls")] * 2

    def test_a_page_that_only_points_to_another_has_no_text(self, tmp_path: Path) -> None:
        assert reasons(found(written(tmp_path, "a.1", ".so man1/b.1\n"), format="man")) == ["no_text"]

    @pytest.mark.parametrize(
        "hostile", ["\\[" * 200_000, "\\h'" * 200_000, ".if n " * 50_000, "\n" * 300_000, "x \n" * 200_000]
    )
    @pytest.mark.timeout(20)
    def test_a_hostile_page_takes_no_longer_than_its_size(self, hostile: str) -> None:
        text = roff.page(hostile).text
        assert len(text) <= len(hostile) and not set(text) - set(hostile)


class TestParquet:
    def test_only_the_declared_columns_are_read(self, tmp_path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = tmp_path / "a.parquet"
        table = {"text": ["一", None, "三"], "id": [1, 2, 3], "extra": [[1], [2], [3]], "left": ["x"] * 3}
        pq.write_table(pa.table(table), path)
        results = found(path, key="id", ignore=("left",))
        assert [r.field for r in results if isinstance(r, Signal)] == ["extra"]
        assert [r.key for r in results if isinstance(r, Item)] == ["1", "3"]
        assert reasons(results) == ["no_text"]


class TestPdf:
    @staticmethod
    def pdf(text: str, times: int = 1) -> bytes:
        """A one-page PDF in the standard font, by hand; its text is written `times` times."""
        page = zlib.compress(b"BT /F1 12 Tf 20 100 Td " + f"({text}) Tj ".encode() * times + b"ET")
        parts = [
            b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
            b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(page), page),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>", b"<</Title(A title)>>",
        ]  # fmt: skip
        out, offsets = b"%PDF-1.4\n", []
        for number, part in enumerate(parts, 1):
            offsets.append(len(out))
            out += b"%d 0 obj" % number + part + b"endobj\n"
        table = b"".join(b"%010d 00000 n \n" % o for o in offsets)
        size = len(parts) + 1
        return out + (
            b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF"
            % (size, table, size, len(out))
        )

    def test_a_document_is_a_record_with_its_title(self, tmp_path: Path) -> None:
        (item,) = found(written(tmp_path, "a.pdf", self.pdf("Hello page")))
        assert isinstance(item, Item)
        assert (item.text.strip(), item.title) == ("Hello page", "A title")

    def test_a_damaged_document_is_a_fault(self, tmp_path: Path) -> None:
        (fault,) = found(written(tmp_path, "a.pdf", b"%PDF-1.4\n" + b"\x00\xff" * 200))
        assert isinstance(fault, Fault)
        assert fault.reason == "not_pdf"

    def test_a_parser_that_takes_too_long_is_ended(self, tmp_path: Path) -> None:
        path = written(tmp_path, "a.pdf", self.pdf("x", times=5_000_000))
        assert reasons(found(path, options={"seconds": 2})) == ["timeout"]


class TestWarc:
    @staticmethod
    def record(
        kind: str, uri: str, body: bytes, mime: str = "text/html; charset=gb2312", status: str = "200 OK"
    ) -> bytes:
        http = f"HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        block = (http if kind == "response" else b"") + body
        content = "application/http; msgtype=response" if kind == "response" else "text/plain"
        head = (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"
            f"WARC-Record-ID: <urn:uuid:0-{len(body)}>\r\nContent-Type: {content}\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        )
        return head.encode() + block + b"\r\n\r\n"

    def test_a_wet_file_gives_its_texts_with_their_addresses(self, tmp_path: Path) -> None:
        info = (
            b"WARC/1.0\r\nWARC-Type: warcinfo\r\nWARC-Record-ID: <urn:uuid:i>\r\nContent-Length: 3\r\n\r\nx:y\r\n\r\n"
        )
        records = [info, *(self.record("conversion", f"http://a.cn/{n}", f"第{n}页的文字".encode()) for n in range(3))]
        path = written(tmp_path, "CC-MAIN-0.warc.wet.gz", b"".join(map(gzip.compress, records)))
        results = found(path, format="warc", include=("*.wet.gz",))
        assert [(r.url, r.text) for r in results if isinstance(r, Item)] == [
            (f"http://a.cn/{n}", f"第{n}页的文字") for n in range(3)
        ]
        assert reasons(results) == []

    @pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
    def test_pages_and_texts_are_records_and_the_rest_is_passed_over(self, tmp_path: Path, pack) -> None:
        page = "<html><title>题</title><body><p>镕基正文。</p></body></html>".encode("gb18030")
        records = [
            self.record("response", "http://a.cn/1", page),
            self.record("response", "http://a.cn/2", b"\x89PNG", "image/png"),
            self.record("response", "http://a.cn/3", b"<p>gone</p>", status="404 Not Found"),
            self.record("request", "http://a.cn/4", b"GET / HTTP/1.1"),
            self.record("conversion", "http://a.cn/5", "已取出的文字".encode()),
        ]
        results = found(written(tmp_path, "a.warc", b"".join(pack(r) for r in records)), options={"main": False})
        assert [(r.url, r.title, r.text) for r in results if isinstance(r, Item)] == [
            ("http://a.cn/1", "题", "镕基正文。"), ("http://a.cn/5", None, "已取出的文字"),
        ]  # fmt: skip
        assert reasons(results) == []
