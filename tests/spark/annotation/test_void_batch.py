"""A void annotation batch reaches no release: decide removes its records by name."""

from __future__ import annotations

import shutil

import pytest

from corpusgate.decide.job import decide
from corpusgate.lake import store
from corpusgate_testing import annotation as a
from corpusgate_testing.annotation import Annotated
from corpusgate_testing.decide import Text, World, judged
from corpusgate_testing.gates import HOME
from corpusgate_testing.lake import place_in, rows

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("engine")]  # Spark on a busy machine
TEXTS = [
    Text(f"一段没有问题的文字，{s}的第{n}段。", source=s, key=f"{s}{n}") for s in ("alpha", "beta") for n in range(4)
]
TEXTS.append(Text("过时的条文", key="old", source_rule="law-not-in-force"))


def annotated(records: list[str], kind: str, prefix: str = "") -> Annotated:
    """A batch of these records that passed."""
    made = Annotated()
    old = a.add_batch(made, kind, [("good", [])] * len(records), prefix=prefix)
    renamed = dict(zip([i["record_id"] for i in made.items], records, strict=True))
    new = a.batch_id(records, "v1", kind)
    for table in (made.batches, made.items, made.annotations, *made.registers.values()):
        for row in table:
            row |= {"corpus": "demo"} if "corpus" in row else {}
            if row.get("batch_id") == old:
                row["batch_id"] = new
            if row.get("record_id") in renamed:
                row["record_id"] = renamed[row["record_id"]]
    return made


def test_records_of_a_void_batch_are_removed_by_name_unless_another_batch_passed(spark, tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    shutil.copytree(HOME / "conf" / "controls", place.conf / "controls")
    run = judged(place, TEXTS, world=World())
    ids = {t.key: t.record_id for t in TEXTS}
    void = annotated([ids["alpha0"], ids["alpha1"], ids["beta0"], ids["old"]], "functional")
    void.registers["verification"][0]["risks"] = ["a1f"]
    void.write(place)
    annotated([ids["beta0"], ids["beta1"]], "safety", "again-").write(place)
    result = run.write(decide(run))
    decided = {r["record_id"]: r["rule"] for r in rows(place, "decision")}
    assert {key: decided.get(name) for key, name in ids.items() if name in decided} == {
        "alpha0": "void_batch", "alpha1": "void_batch", "old": "law-not-in-force"
    }  # fmt: skip
    assert result.removed_by_rule == {"void_batch": 2, "law-not-in-force": 1}
    assert ids["beta0"] in {r["record_id"] for r in rows(place, "release_record")}
