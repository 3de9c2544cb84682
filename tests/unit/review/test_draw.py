"""Draws: a function of seed and record id, whatever the engine, the order and the company."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.errors import UserError
from corpusgate.lake import store
from corpusgate.review.draw import (
    GROUPS,
    MANUAL,
    RECORDS,
    TECHNICAL,
    Draw,
    draw_sql,
    drawn_sql,
    frame_where,
    group_digest,
    item_rows,
    now_sql,
    place_in_draw,
    planned,
    redraw,
    sample_id,
    sample_row,
    share_of,
)
from corpusgate.settings.load import load_corpus
from corpusgate_testing.decide import AT, World, declare
from corpusgate_testing.lake import place_in

ids = st.lists(st.integers().map(lambda n: hashlib.sha256(str(n).encode()).hexdigest()), unique=True, max_size=30)


@given(ids, st.text("abc-/1", min_size=1), st.integers(0, 30))
def test_a_record_that_leaves_moves_only_those_after_it(records, seed, n):
    drawn = sorted(records, key=lambda r: place_in_draw(seed, r))
    for gone in drawn[: n + 1]:
        rest = sorted((r for r in records if r != gone), key=lambda r: place_in_draw(seed, r))
        assert rest == [r for r in drawn if r != gone]


@pytest.fixture
def lake(tmp_path):
    """A lake with 200 kept records of two modalities."""
    place = place_in(tmp_path)
    store.ensure_tables(place)
    rows = [
        {"release_id": "demo-1", "record_id": hashlib.sha256(str(n).encode()).hexdigest(),
         "released_sha256": f"{n:064x}", "modality": "code" if n % 4 == 0 else "text"}
        for n in range(200)
    ]  # fmt: skip
    store.replace(place, "release_record", rows, "release_id = 'demo-1'", "test")
    return place, rows


def drawn(place, draw, sql_of="datafusion"):
    sql = draw_sql(sql_of, "release_record", frame_where("demo-1", draw.stratum), draw.seed, draw.size)
    return [(r["record_id"], r["released_sha256"]) for r in store.query(place, sql, ["release_record"]).to_pylist()]


def test_the_template_orders_as_the_plain_function_does(lake):
    place, rows = lake
    expected = sorted((r["record_id"] for r in rows if r["modality"] == "text"), key=lambda r: place_in_draw("s/1", r))
    assert [i for i, _ in drawn(place, Draw(MANUAL, "", "text", "s/1", 40, 150, ""))] == expected[:40]


def test_a_recorded_sample_is_redrawn_in_order_and_a_changed_one_is_seen(lake):
    place, _ = lake
    draw = Draw(MANUAL, "manual review", "text", "s", 25, 150, "0" * 64)
    name = sample_id("demo-1", draw)
    store.replace(place, "sample", [sample_row("demo-1", draw, "document", AT)], f"sample_id = '{name}'", "test")
    items = item_rows("demo-1", draw, drawn(place, draw))
    assert [i["ordinal"] for i in items] == list(range(1, 26))
    store.replace(place, "sample_item", items, f"sample_id = '{name}'", "test")
    recorded, again = redraw(place, name)
    assert recorded == again and len(again) == 25
    swapped = [{**items[0], "record_id": items[1]["record_id"]}, {**items[1], "record_id": items[0]["record_id"]}]
    store.replace(place, "sample_item", [*swapped, *items[2:]], f"sample_id = '{name}'", "test")
    recorded, again = redraw(place, name)
    assert recorded != again and set(recorded) == set(again)


def grouped(place, rows):
    """The lake's texts in groups of four, but for those of code; what each item is drawn as."""
    rows = [{**r, "group_id": f"{n // 4:0>63}g" if r["modality"] == "text" else None} for n, r in enumerate(rows)]
    store.replace(place, "release_record", rows, "release_id = 'demo-1'", "test")
    items = {}
    for r in rows:
        items.setdefault(r["group_id"] or r["record_id"], []).append((r["record_id"], r["released_sha256"]))
    return {i: members[0][1] if i == members[0][0] else group_digest(members) for i, members in items.items()}


def test_a_group_is_one_item_with_a_hash_over_all_of_its_texts(lake):
    place, rows = lake
    items = grouped(place, rows)
    sql = drawn_sql("datafusion", RECORDS, "demo-1", GROUPS, "text", "s", 20)
    drawn = [(r["record_id"], r["released_sha256"]) for r in store.query(place, sql, [RECORDS]).to_pylist()]
    of_text = [i for i in items if i.endswith("g")]
    assert [i for i, _ in drawn] == sorted(of_text, key=lambda i: place_in_draw("s", i))[:20]
    assert all(items[i] == digest for i, digest in drawn)
    now = store.query(place, f"SELECT * FROM {now_sql('demo-1', GROUPS)} AS f", [RECORDS]).to_pylist()
    assert {r["record_id"]: r["released_sha256"] for r in now} == items


def test_a_sample_of_groups_says_so_and_a_member_that_changes_is_seen(lake):
    place, rows = lake
    grouped(place, rows)
    draw = Draw(MANUAL, "manual review", "text", "s", 25, 50, "0" * 64, GROUPS)
    row = sample_row("demo-1", draw, "document", AT)
    assert (row["frame"], row["item_unit"], draw.descriptor()["frame"]) == (GROUPS, "group, else document", GROUPS)
    assert sample_row("demo-1", draw, row["item_unit"], AT)["item_unit"] == row["item_unit"]
    assert "frame" not in Draw(MANUAL, "", "text", "s", 25, 50, "").descriptor()
    name = sample_id("demo-1", draw)
    sql = drawn_sql("datafusion", RECORDS, "demo-1", GROUPS, "text", "s", 25)
    items = item_rows("demo-1", draw, [tuple(r.values()) for r in store.query(place, sql, [RECORDS]).to_pylist()])
    store.replace(place, "sample", [row], f"sample_id = '{name}'", "test")
    store.replace(place, "sample_item", items, f"sample_id = '{name}'", "test")
    assert redraw(place, name)[0] == redraw(place, name)[1] == [i["record_id"] for i in items]
    first = int(items[0]["record_id"][:-1]) * 4 + 1
    store.replace(place, "release_record", [], f"record_id = '{rows[first]['record_id']}'", "test")
    now = store.query(place, f"SELECT * FROM {now_sql('demo-1', GROUPS)} AS f", [RECORDS]).to_pylist()
    assert {r["record_id"]: r["released_sha256"] for r in now}[items[0]["record_id"]] != items[0]["released_sha256"]


def test_a_sample_that_is_not_there_is_the_users_mistake(lake):
    with pytest.raises(UserError, match="No sample"):
        redraw(lake[0], "0" * 16)


def test_each_modality_has_its_draws_all_records_where_there_are_fewer(tmp_path):
    place = place_in(tmp_path)
    declare(place, World(policy={"review_sample": 50}))
    corpus = load_corpus(place, "demo")
    draws = planned(corpus, [("text", 1001, "a" * 64), ("code", 30, "b" * 64)])
    assert [(d.stratum, d.control_id, d.size) for d in draws] == [
        ("code", MANUAL, 30), ("code", TECHNICAL, 3), ("text", MANUAL, 50), ("text", TECHNICAL, 101),
    ]  # fmt: skip
    assert len({d.seed for d in draws}) == 2 and len({sample_id("demo-1", d) for d in draws}) == 4
    assert sample_id("demo-1", draws[0]) != sample_id("demo-2", draws[0])
    assert draws[0].descriptor()["frame_sha256"] == "b" * 64


@pytest.mark.parametrize(("rows", "size"), [(0, 0), (1, 1), (10, 1), (11, 2), (30, 3), (1000, 100), (1001, 101)])
def test_a_share_is_rounded_up_and_never_by_a_doubles_error(rows, size):
    assert share_of(0.1, rows) == size


@pytest.mark.parametrize("seed", ["it's", "a\\b", 'a"b', "a{b}", "a\nb"])
def test_a_seed_that_would_need_quoting_is_refused(seed):
    with pytest.raises(ValueError, match="not usable in SQL"):
        draw_sql("spark", "release_record", "true", seed, 1)
