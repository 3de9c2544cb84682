"""A release that Spark wrote and one that the driver wrote alone are the same bytes, whichever wrote the one before."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from corpusgate.decide.job import decide
from corpusgate.errors import CorpusgateError
from corpusgate.lake import store
from corpusgate.release import job, parts
from corpusgate.release.verify import verify
from corpusgate.settings.profile import Profile
from corpusgate_testing.decide import AT, Text, judged
from corpusgate_testing.lake import place_in
from corpusgate_testing.release import gate, texts_of

pytestmark = pytest.mark.timeout(300)  # Spark on a busy machine

ODD = ["a|b", "", '"quoted"\\', "two\nlines", "\u2028", "😀", " x ", "é", "e\u0301", "\x7f"]
NOTICE = Text("Copyright 2026 a@b.cn\n正文一二三", key="notice", personal=((15, 21, "pi_email"),))
TEXTS = [
    NOTICE,
    *(Text(f"第{n}段文字。", key=f"odd{n}", url=f"https://a.example/{odd}" if odd else odd)
      for n, odd in enumerate(ODD)),
    Text("没有地址的", key="bare", language=None),
    Text("粤语也在", key="yue", language="zh-|-yue"),
    *(Text(f"问{g}答{n}", key=f"{g}{n}", role="turn", group=g, turn=n) for g in ("g|1", "g2") for n in range(3)),
    *(Text(f"乙的第{n}段。", source="beta", key=f"b{n}", url="https://b.example/") for n in range(30)),
    Text("电话13800138000找张三", source="beta", key="phone", personal=((2, 13, "pi_mobile"),)),
    Text("还有Copyright 2025 c@d.cn", source="beta", key="notice2", personal=((17, 23, "pi_email"),)),
]  # fmt: skip
FILES = ["a|b.txt", "😀.txt", 'a "quoted"\n.txt', None]


def place_of(text, moved):
    """In which file of its source a text lies; `moved` ones lie in another."""
    number = 0 if text.source == "beta" else sum(text.key.encode()) % 3 + 1
    return f"acq-{(number + 2) % 5 if text.key in moved else number}"


def candidate(place, texts, run_id, at, moved=()):
    """A run that is ready to be published, of records with odd speakers; its records lie in several files."""
    run = judged(place, texts, run_id=run_id, at=at)
    by_id = {t.record_id: t for t in texts}

    def change(column, value):
        rows = store.read(place, "record").to_pylist()
        changed = [{**r, column: value(by_id[r["record_id"]])} for r in rows]
        store.replace(place, "record", changed, "TRUE", "test")

    change("speaker", lambda text: ODD[text.turn] if text.group else None)
    run.write(decide(run))
    gate(run)
    change("acquisition_id", lambda text: place_of(text, moved))
    names = [{"acquisition_id": f"acq-{n}", "source_id": "alpha", "name": name} for n, name in enumerate(FILES)]
    store.replace(place, "acquisition", names, "TRUE", "test")
    return run


def copy(place, to):
    made = place_in(to)
    for folder in ("conf", "lake", "var"):
        shutil.copytree(getattr(place, folder), getattr(made, folder), dirs_exist_ok=True)
    return made


def published(run, place, engine):
    """Publishes the run's candidate on a copy of its lake; the content of every file of the release."""
    there = type(run)(run.id, run.corpus, run.at, place)
    with pytest.MonkeyPatch.context() as patch:
        most = {"alone": 1000, "spark": 0}[engine]
        patch.setattr(job, "load_profile", lambda _: Profile(alone_records=most))
        result = job.publish(there)
    there.write(result)
    folder = place.releases / result.facts["release_id"]
    return folder, {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def second_corpus():
    """A text more, one less, an address that is another, and two texts (one with a masked notice) in other files."""
    changed = {t.key: t for t in TEXTS}
    changed["odd2"] = Text(changed["odd2"].text, key="odd2", url="https://a.example/other")
    del changed["odd3"]
    return [*changed.values(), Text("新的一段", key="new")], ("notice", "odd5")


def test_both_leave_the_same_bytes_of_a_first_release_and_of_one_that_links_to_it(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROWS", 8)  # so that files of many records are split
    one = place_in(tmp_path / "one")
    store.ensure_tables(one)
    run = candidate(one, TEXTS, "run-1", AT)
    job.sign(one, "0" * 64)  # makes the key, which both use
    two = copy(one, tmp_path / "two")
    (first, by_spark), (_, alone) = published(run, one, "spark"), published(run, two, "alone")
    assert by_spark == alone and len([n for n in alone if n.startswith("data/")]) > 6
    assert set(texts_of(two, first.name)) == {t.record_id for t in TEXTS}
    assert sum(json.loads(alone["files.json"])["masks_in_notices"].values()) == 2

    texts, moved = second_corpus()
    run = candidate(one, texts, "run-2", AT + timedelta(days=7), moved)
    ways = {"spark": one, "alone": copy(one, tmp_path / "three"), "anew": copy(one, tmp_path / "four")}
    # Spark goes on from what the driver wrote, the driver from what Spark wrote, or from files of another make.
    shutil.copytree(two.releases / first.name, one.releases / first.name, dirs_exist_ok=True)
    other = ways["anew"].releases / first.name / "files.json"
    other.write_text(other.read_text("utf-8").replace(f'"{parts.FORMAT}"', '"parts/1"'), "utf-8")
    made = {way: published(run, place, way.replace("anew", "alone")) for way, place in ways.items()}
    contents = [content for _, content in made.values()]
    assert contents[0] == contents[1] == contents[2]
    assert sum(json.loads(contents[0]["files.json"])["masks_in_notices"].values()) == 2

    def linked(way):
        second, content = made[way]
        old = ways[way].releases / first.name
        return {n for n in content if n.startswith("data/") and (old / n).is_file() and (old / n).samefile(second / n)}

    written = {n for n in contents[0] if n.startswith("data/")} - linked("alone")
    assert linked("spark") == linked("alone") and written and not linked("anew")
    assert verify(ways["alone"], made["alone"][0].name) == []


@pytest.mark.parametrize("engine", ["spark", "alone"])
def test_a_text_that_is_gone_stops_the_release(spark, tmp_path, engine):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    run = candidate(place, TEXTS, "run-1", AT)
    store.replace(place, "document", [], f"text_sha256 = '{NOTICE.sha256}'", "test")
    expected = f"of {len(TEXTS)} records {len(TEXTS) - 1} could be written, 0 with .*first: a text that is gone"
    with pytest.raises(CorpusgateError, match=expected):
        published(run, place, engine)
    assert not list(place.releases.glob("demo-*"))
