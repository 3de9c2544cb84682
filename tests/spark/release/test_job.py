"""Publishing, by Spark and without: all or nothing, once, from the candidate that was judged; and finding what was
changed afterwards."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import timedelta

import pytest

from corpusgate.errors import CorpusgateError, StaleCandidate, UserError
from corpusgate.lake import store
from corpusgate.lake.run import Run
from corpusgate.release import job, parts
from corpusgate.release.job import publish
from corpusgate.release.pointer import move_pointer, read_pointer, rollback
from corpusgate.release.queries import changes, counts, difference, releases
from corpusgate.release.verify import verify
from corpusgate.settings.profile import Profile
from corpusgate_testing.decide import AT, Text, judged
from corpusgate_testing.lake import place_in, rows
from corpusgate_testing.release import gate, gated, texts_of, tree

CORPUS = [
    *(Text(f"第{n}段文字。", source=s, key=f"{s}{n}", url=f"https://{s}.example/{n}") for s in ("alpha", "beta")
      for n in range(3)),
    Text("电话13800138000找张三", key="phone", personal=((2, 13, "pi_mobile"),)),
    Text("坏话", key="bad", weights=(("a1a", 1.0),)),
]  # fmt: skip

pytestmark = pytest.mark.timeout(300)  # Spark on a busy machine


class Killed(Exception):
    """What ends a publish in the middle."""


def at(stage):
    def stop(reached):
        if reached == stage:
            raise Killed(stage)

    return stop


@pytest.fixture(scope="module", params=["spark", "alone"], autouse=True)
def engine(request):
    """Who writes a release's data: so few records the driver would do alone."""
    with pytest.MonkeyPatch.context() as patch:
        most = 0 if request.param == "spark" else 1000
        patch.setattr(job, "load_profile", lambda place: Profile(alone_records=most))
        yield request.param


@pytest.fixture(scope="module")
def candidate(spark, tmp_path_factory):
    """A lake with a candidate that is decided and judged; copied for each test."""
    place = place_in(tmp_path_factory.mktemp("candidate"))
    store.ensure_tables(place)
    return place, gated(place, CORPUS).result("decide").facts


@pytest.fixture
def ready(candidate, tmp_path):
    """A lake of its own with the judged candidate: (place, run, release id)."""
    shutil.copytree(candidate[0].home, tmp_path, dirs_exist_ok=True)
    place = place_in(tmp_path)
    return place, judged(place, CORPUS, keep_tables=True), candidate[1]["release_id"]


@pytest.fixture(scope="module")
def published(engine, candidate, tmp_path_factory):
    """A published release; tests that change it copy it first."""
    home = tmp_path_factory.mktemp("published")
    shutil.copytree(candidate[0].home, home, dirs_exist_ok=True)
    place = place_in(home)
    run = judged(place, CORPUS, keep_tables=True)
    run.write(publish(run))
    return place, candidate[1]["release_id"]


@pytest.fixture
def copy(published, tmp_path):
    shutil.copytree(published[0].home, tmp_path, dirs_exist_ok=True)
    return place_in(tmp_path), published[1]


def test_a_release_holds_the_released_texts_and_nothing_else(published):
    place, release = published
    texts = texts_of(place, release)
    phone = next(t for t in CORPUS if t.key == "phone")
    assert texts[phone.record_id] == "电话[pi_mobile]找张三"
    assert len(texts) == 4 and not any("13800138000" in t for t in texts.values())
    assert {p.name for p in (place.releases / release).iterdir()} == {
        "data", "manifest.json", "run.json", "files.json", "signature.json", "NOTICE",
        "chains--trial.json",
    }  # fmt: skip
    assert "CC0-1.0" in (place.releases / release / "NOTICE").read_text("utf-8")
    pointer = read_pointer(place, "demo", "trial")
    assert (pointer["release_id"], pointer["previous"]) == (release, None)
    assert [(r["release_id"], r["channel"], r["records"]) for r in rows(place, "release")] == [(release, "trial", 4)]
    assert verify(place, release) == []


def test_the_demo_key_is_readable_by_its_owner_alone_and_said_to_be_one(published):
    place, release = published
    assert stat.S_IMODE((place.var / "keys" / "signing.key").stat().st_mode) == 0o600
    assert json.loads((place.releases / release / "signature.json").read_text("utf-8"))["demo"] is True


def test_nothing_changed_is_the_same_release_and_nothing_is_written(published):
    place, release = published
    run = judged(place, CORPUS, run_id="run-2", at=AT + timedelta(days=7), keep_tables=True)
    decided = Run("run-1", run.corpus, AT, place).result("decide")
    run.write(decided.model_copy(update={"facts": {**decided.facts, "parent": {"trial": release, "filing": None}}}))
    gate(run)
    before = {t: store.version(place, t) for t in ("release", "export", "release_record")}
    pointer = read_pointer(place, "demo", "trial")
    result = publish(run)
    assert (result.state, result.facts["release_id"]) == ("unchanged", release)
    assert {t: store.version(place, t) for t in before} == before
    assert read_pointer(place, "demo", "trial") == pointer


def test_a_blocked_candidate_is_held_and_nothing_of_it_is_visible(ready):
    place, run, _ = ready
    gate(run, ["45654-4-2-1", "45654-4-2-3-a"])
    result = publish(run)
    assert (result.state, result.held_by) == ("held", "45654-4-2-1")
    assert not place.releases.exists() and rows(place, "release") == []


def test_the_filing_channel_has_its_own_gate(ready):
    _, run, _ = ready
    assert publish(run, "filing").held_by == "45654-4-2-1-manual"


def test_a_candidate_built_on_another_parent_is_stale(ready):
    place, run, _ = ready
    move_pointer(place, "demo", "trial", expected=None, to="demo-000000000000", root="0" * 64, run_id="x", at=AT)
    with pytest.raises(StaleCandidate, match="demo-000000000000"):
        publish(run)
    assert rows(place, "release") == []


def test_without_a_gates_result_nothing_is_published(ready):
    place, run, _ = ready
    (run.folder / "release_gate.json").unlink()
    with pytest.raises(CorpusgateError, match="release_gate"):
        publish(run)
    assert not place.releases.exists()


def test_a_text_that_changed_after_the_decision_stops_the_release(ready):
    place, run, release = ready
    text = CORPUS[0]
    doc = store.read(place, "document", where=f"text_sha256 = '{text.sha256}'").to_pylist()
    store.replace(place, "document", [{**d, "text": "别的"} for d in doc], f"text_sha256 = '{text.sha256}'", "test")
    with pytest.raises(CorpusgateError, match=f"1 with a text that is not .*{text.record_id}"):
        publish(run)
    assert read_pointer(place, "demo", "trial") is None and not (place.releases / release).exists()


def test_killed_at_every_stage_and_started_again_it_leaves_the_same(ready, published):
    place, run, release = ready
    for stage in ("data", "papers", "rename", "rows", "pointer"):
        with pytest.raises(Killed):
            publish(run, at_stage=at(stage))
        assert read_pointer(place, "demo", "trial") is None
        assert (place.releases / release).is_dir() == (stage in ("rows", "pointer"))
    with pytest.raises(Killed):
        publish(run, at_stage=at("end"))
    assert publish(run).state == "ok"
    whole = published[0]
    own = (
        "run.json",
        "signature.json",
        "chains--trial.json",
        "files.json",
    )  # host, a demo key a lake, names that Spark gave
    kept = {n: b for n, b in tree(place.releases).items() if not n.endswith(own)}
    assert kept == {n: b for n, b in tree(whole.releases).items() if not n.endswith(own)}
    assert f"{release}/manifest.json" in kept
    for table, left_out in (("release", ("signature", "key_id")), ("export", ("sha256",))):
        mine, theirs = (
            [{k: v for k, v in r.items() if k not in left_out} for r in rows(p, table)] for p in (place, whole)
        )
        assert mine == theirs and mine
    assert verify(place, release) == []


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        pytest.param("record", "Bucket", id="a kept record's hash"),
        pytest.param("decision", "Bucket", id="a removed record's rule"),
        pytest.param("row", "records were sealed", id="a row more"),
        pytest.param("file", "was changed", id="a byte of a file"),
        pytest.param("text", "are not those decided about", id="a text, with its file's hash put right"),
        pytest.param("manifest", "manifest.json", id="the manifest"),
        pytest.param("signature", "signature", id="the signature"),
    ],
)
def test_verify_names_what_was_changed(copy, harm, named):
    place, release = copy
    tamper(place, release, harm)
    problems = verify(place, release)
    assert any(named in p for p in problems), problems
    if harm in ("record", "decision"):
        target = CORPUS[0] if harm == "record" else CORPUS[-1]
        assert any(target.record_id in p for p in problems)


def tamper(place, release, harm):
    folder = place.releases / release
    if harm in ("record", "decision"):
        table, text = ("release_record", CORPUS[0]) if harm == "record" else ("decision", CORPUS[-1])
        row = store.read(place, table, where=f"record_id = '{text.record_id}'").to_pylist()[0]
        changed = {**row, **({"released_sha256": "f" * 64} if harm == "record" else {"rule": "source_held"})}
        store.replace(place, table, [changed], f"record_id = '{text.record_id}'", "tampering")
    elif harm == "row":
        other = "0" * 64
        row = store.read(place, "release_record").to_pylist()[0]
        store.replace(place, "release_record", [{**row, "record_id": other}], f"record_id = '{other}'", "tampering")
    elif harm == "file":
        path = next((folder / "data").iterdir())
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    elif harm == "text":
        import pyarrow as pa
        import pyarrow.parquet as pq

        from corpusgate.release.digests import file_sha256

        path = next((folder / "data").iterdir())
        table = pq.read_table(path)
        changed = table.set_column(table.schema.get_field_index("text"), "text", pa.array(["改了"] * table.num_rows))
        pq.write_table(changed, path)
        listed = json.loads((folder / "files.json").read_text("utf-8"))
        for f in listed["files"]:
            f["sha256"] = file_sha256(folder / f["path"])
        (folder / "files.json").write_text(json.dumps(listed), "utf-8")
        out = store.read(place, "export").to_pylist()
        put_right = [{**o, "sha256": file_sha256(folder / o["path"])} for o in out]
        store.replace(place, "export", put_right, "path <> ''", "tampering")
    elif harm == "manifest":
        path = folder / "manifest.json"
        path.write_bytes(path.read_bytes().replace(b'"seed-1"', b'"seed-2"'))
    else:
        signed = json.loads((folder / "signature.json").read_text("utf-8"))
        (folder / "signature.json").write_text(json.dumps({**signed, "signature": "00" * 64}), "utf-8")


def test_a_second_release_can_be_compared_with_the_first_and_taken_back(spark, copy):
    place, first = copy
    held_back = next(t for t in CORPUS if t.key == "phone")
    texts = [
        *(t for t in CORPUS if t is not held_back and t.source == "alpha"),
        Text("第0段文字。", source="beta", key="beta0", weights=(("a1a", 1.0),)),
        Text("新的一段", source="beta", key="new"),
    ]
    run = gated(place, texts, run_id="run-2", at=AT + timedelta(days=7))
    assert publish(run).state == "ok"
    second = run.result("decide").facts["release_id"]
    assert read_pointer(place, "demo", "trial")["previous"] == first
    found = {c["record_id"]: (c["change"], c["rule"]) for c in changes(place, first, second)}
    assert found[held_back.record_id] == ("removed", "no_longer_offered")
    assert found[texts[-1].record_id] == ("added", "")
    assert sum(d["records"] for d in difference(place, first, second)) == len(found)
    assert sum(c["records"] for c in counts(place, second)) == len(texts)

    rollback(place, "demo", "trial", first, at=AT + timedelta(days=8))
    assert [(r["release_id"], r["current"]) for r in releases(place)] == [(second, False), (first, True)]
    with pytest.raises(UserError, match="never published"):
        rollback(place, "demo", "trial", "demo-ffffffffffff")


def test_a_second_release_links_to_what_did_not_change_and_is_the_one_that_is_made_anew(spark, copy, tmp_path):
    place, first = copy
    anew = place_in(tmp_path / "anew")
    shutil.copytree(place.lake, anew.lake, dirs_exist_ok=True)
    shutil.copytree(place.var, anew.var, dirs_exist_ok=True)
    path = anew.releases / first / "files.json"
    of_another_make = path.read_text("utf-8").replace(f'"{parts.FORMAT}"', '"parts/1"')
    path.write_text(of_another_make, "utf-8")  # so that nothing is linked to
    texts = [*CORPUS, Text("新的一段", source="beta", key="new")]
    for one in (place, anew):
        assert publish(gated(one, texts, run_id="run-2", at=AT + timedelta(days=7))).state == "ok"
    second = read_pointer(place, "demo", "trial")["release_id"]
    assert second != first == read_pointer(place, "demo", "trial")["previous"]

    def files(of, release):
        said = json.loads((of.releases / release / "files.json").read_text("utf-8"))["files"]
        return {f["part"]: of.releases / release / f["path"] for f in said}

    old, new, whole = files(place, first), files(place, second), files(anew, second)
    linked = {part for part in new if part in old and new[part].samefile(old[part])}
    assert linked and set(new) - linked, "what did not change is a second name, and something did change"
    assert not [part for part in whole if part in old and whole[part].samefile(files(anew, first).get(part, path))]
    assert {p: f.read_bytes() for p, f in new.items()} == {p: f.read_bytes() for p, f in whole.items()}
    listed = [(of.releases / second / "files.json").read_bytes() for of in (place, anew)]
    assert listed[0] == listed[1]
    assert verify(place, second) == [] == verify(place, first)

    next(iter(sorted(new[p] for p in linked))).write_bytes(b"PAR1")
    assert all(any("was changed" in p for p in verify(place, r)) for r in (first, second)), "one file, two releases"
