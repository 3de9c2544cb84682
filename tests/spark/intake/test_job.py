"""Intake: every raw record ends somewhere, once, and however it is read the tables are the same."""

from __future__ import annotations

from corpusgate.intake.job import intake
from corpusgate_testing.lake import duplicates, rows

TEXT = "今天的天气很好，我们一起去公园里散步，然后回家吃饭。"


def test_every_item_is_kept_removed_or_errored_and_lies_where_it_belongs(spark, made):
    made.source("a", [
        {"id": "1", "text": TEXT, "title": "标题", "url": "https://WWW.Example.org/x"},
        {"id": "2", "text": TEXT + "二"},
        {"id": "2", "text": TEXT + "二"},
        "not json",
        {"id": "3", "text": "请拨打13800138000联系我们，谢谢大家。", "stranger": 1},
    ])  # fmt: skip
    result = intake(made.run())
    assert (result.rows_in, result.kept, result.removed, result.errored) == (5, 3, 1, 1)
    assert result.removed_by_rule == {"duplicate_locator": 1}
    assert result.facts["signals"] == {"a": {"stranger": 1}}
    records = {r["locator"]: r for r in rows(made.place, "record")}
    assert set(records) == {"key:1", "key:2", "key:3"}
    assert records["key:1"]["domain"] == "www.example.org"
    assert dict(records["key:1"]["attributes"]) == {"title": "标题", "url": "https://WWW.Example.org/x"}
    assert records["key:1"]["language"] == "zh"
    assert {d["text"] for d in rows(made.place, "document")} == {
        TEXT,
        TEXT + "二",
        "请拨打13800138000联系我们，谢谢大家。",
    }
    assert [q["reason"] for q in rows(made.place, "quarantine")] == ["not_json"]
    assert len(rows(made.place, "screening")) == 3 * len(result.facts["versions"])
    mobile = [
        f for f in rows(made.place, "finding") if f["risk"] == "pi_mobile" and f["family"] == "personal_information"
    ]
    assert {(f["start"], f["end"], f["surface"]) for f in mobile} == {(3, 14, None)}
    assert not any(duplicates(made.place, t) for t in ("record", "document", "screening", "finding", "quarantine"))
