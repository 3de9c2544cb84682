"""From accepted labels to a promoted model, over a small lake: what teaches, what does not, what is promoted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from corpusgate.classify import examples as gathered
from corpusgate.classify import train
from corpusgate.classify.job import card_of, evaluate, promote, train_classifier
from corpusgate.classify.models import models, promoted
from corpusgate.errors import UserError
from corpusgate.intake.kit import promoted_model
from corpusgate.lake import store
from corpusgate.lake.run import open_run
from corpusgate.release.digests import digests
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place
from corpusgate_testing.annotation import CORPUS, HOME, Annotated, add_batch, clean
from corpusgate_testing.classify import sha, text_of
from corpusgate_testing.lake import place_in

AT = datetime(2026, 3, 2, tzinfo=UTC)


class Built:
    """A lake with annotated texts of two sources and their unlabelled neighbours."""

    def __init__(self) -> None:
        self.made = Annotated()
        made = clean()
        for name in ("annotator", "annotator_role", "exam", "qualification", "rule_document"):
            self.made.registers[name] = made.registers[name]
        self.texts: dict[str, tuple[str, str]] = {}
        self.fixture = False

    def batch(self, prefix: str, kinds: list[tuple[str, int]], source: str = "alpha", kind: str = "safety") -> str:
        """A batch of texts of these kinds, numbered; verified by hand and approved."""
        labels = [("none" if k == "clean" else k, [] if k == "clean" else [k]) for k, _ in kinds]
        name = add_batch(self.made, kind, labels, prefix=prefix)
        items = [i for i in self.made.items if i["batch_id"] == name]
        for item, (what, number) in zip(items, kinds, strict=True):
            text = text_of(what, number)
            item["text_sha256"] = item["shown_sha256"] = sha(text)
            self.texts[item["record_id"]] = (source, text)
        return name

    def neighbours(self, source: str, kind: str, numbers: range) -> None:
        """Texts of a source that nobody labelled."""
        for number in numbers:
            self.texts[sha(f"{source} {kind} {number}")] = (source, text_of(kind, number))

    def write(self, folder: Path) -> Place:
        place = place_in(folder)
        for name in ("corpora", "sources", "lexicons/starter"):
            (place.conf / name).mkdir(parents=True)
        (place.conf / "controls").symlink_to(HOME / "conf" / "controls")
        corpus = {
            "title": "Test", "intended_use": "pre_training", "commercial": True, "languages": ["zh"],
            "service_type": "t", "item_unit": "document", "home_country": "CN", "seed": "s",
            "sources": ["alpha", "beta"], "policy": {"lexicon": "starter", "personal_information": {}},
        }  # fmt: skip
        (place.conf / "corpora" / f"{CORPUS}.yaml").write_text(json.dumps(corpus))
        for source in ("alpha", "beta"):
            about: dict[str, Any] = {
                "title": "S", "kind": "open_source", "language": "zh", "country": "CN", "category": "test",
                "owner": "owner", "provider": source, "description": "made up", "fixture": self.fixture,
                "channel": {"type": "folder", "path": source}, "reader": {"format": "text"},
            }  # fmt: skip
            (place.conf / "sources" / f"{source}.yaml").write_text(json.dumps(about))
        store.ensure_tables(place, ["record", "document"])
        self.made.write(place)
        at = {"batch_id": "0" * 16}
        records = [
            at | {"record_id": r, "source_id": s, "text_sha256": sha(t), "modality": "text", "role": "text"}
            for r, (s, t) in self.texts.items()
        ]
        documents = {sha(t): at | {"text_sha256": sha(t), "text": t} for _, t in self.texts.values()}
        store.append_new(place, "record", records, "test")
        store.append_new(place, "document", list(documents.values()), "test")
        return place


def built(each: int = 260) -> Built:
    lake = Built()
    lake.batch("one", [(k, n) for k in ("clean", "a2i", "a3a") for n in range(each)])
    lake.neighbours("beta", "clean", range(1000, 1000 + each))
    return lake


def test_labels_and_each_sources_register_teach(tmp_path: Path) -> None:
    place = built(20).write(tmp_path)
    taught = gathered.examples_of(place, load_corpus(place, CORPUS), register=5)
    by_origin = {o: [e for e in taught.examples if e.origin == o] for o in ("annotation", "register")}
    assert len(by_origin["annotation"]) == 60 and {e.source_id for e in by_origin["annotation"]} == {"alpha"}
    assert len(by_origin["register"]) == 5 and {e.source_id for e in by_origin["register"]} == {"beta"}
    assert all(not e.risks for e in by_origin["register"])


def test_a_voided_and_an_unverified_batch_teach_nothing_not_even_as_register(tmp_path: Path) -> None:
    lake = Built()
    good = lake.batch("good", [("clean", n) for n in range(5)] + [("a2i", n) for n in range(5)])
    void = lake.batch("void", [("a3a", n) for n in range(5)])
    lake.batch("unverified", [("clean", 90 + n) for n in range(5)])
    lake.made.registers["verification"] = [
        v for v in lake.made.registers["verification"] if v["batch_id"] in (good, void)
    ]
    lake.made.registers["batch_voiding"].append({
        "corpus": CORPUS, "batch_id": void, "voided_at": AT, "voided_by": "lead", "because": "a test",
    })  # fmt: skip
    place = lake.write(tmp_path)
    taught = gathered.examples_of(place, load_corpus(place, CORPUS))
    assert taught.batches == (good,) and len(taught.examples) == 10


def test_functional_labels_that_name_no_risk_say_nothing_of_risk() -> None:
    rows = [
        {"kind": "functional", "rule_version": "f1", "risks": []},
        {"kind": "functional", "rule_version": "f2", "risks": []},
        {"kind": "functional", "rule_version": "f2", "risks": ["a1a"]},
        {"kind": "safety", "rule_version": "s1", "risks": []},
    ]
    assert gathered.about_risks(rows) == rows[1:]


def test_no_accepted_label_no_model(tmp_path: Path) -> None:
    lake = Built()
    lake.neighbours("beta", "clean", range(5))
    with pytest.raises(UserError, match="no accepted label"):
        train_classifier(lake.write(tmp_path), CORPUS, AT)


def test_a_model_is_trained_once_measured_promoted_and_named_by_the_release(tmp_path: Path) -> None:
    place = built().write(tmp_path)
    card = train_classifier(place, CORPUS, AT)
    assert card["test"]["macro_f1"] > 0.95 and not card["fixture"] and card["independent"]
    assert set(card["test"]["false_alarms_by_source"]) == {"alpha", "beta"}
    assert train_classifier(place, CORPUS, datetime(2027, 1, 1, tzinfo=UTC)) == card, "the same labels, the same model"
    run = open_run(place, CORPUS, "r1", AT)
    assert promoted_model(run) == (None, None) and "model" not in digests(run)
    with pytest.raises(UserError, match="No model is promoted"):
        card_of(place, CORPUS)
    assert promote(place, CORPUS, card["version"], AT) == (True, [])
    assert promoted_model(run) == (str(models(place) / card["version"]), card["weights_sha256"])
    assert digests(run)["model"] == card["weights_sha256"]
    assert evaluate(place, CORPUS) == card["test"]
    said = (models(place) / f"{CORPUS}.json").read_bytes()
    assert promote(place, CORPUS, card["version"], datetime(2027, 1, 1, tzinfo=UTC)) == (True, [])
    assert (models(place) / f"{CORPUS}.json").read_bytes() == said
    assert not [p for p in models(place).iterdir() if p.name.startswith(".")], "nothing half-made is left"


def test_a_worse_model_is_not_promoted_and_the_predecessor_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = built().write(tmp_path)
    good = train_classifier(place, CORPUS, AT)["version"]
    assert promote(place, CORPUS, good, AT)[0]
    honest, other = train.fit, {"a2i": "a3a", "a3a": "a2i"}
    monkeypatch.setattr(
        train, "fit", lambda rows: honest([replace(e, risks=tuple(map(other.__getitem__, e.risks))) for e in rows])
    )
    worse = train_classifier(place, CORPUS, AT, false_alarms=0.01)["version"]
    assert worse != good
    done, against = promote(place, CORPUS, worse, AT)
    assert not done and any("its predecessor" in a for a in against)
    assert (promoted(place, CORPUS) or {})["version"] == good


def test_too_few_held_out_texts_are_no_proof(tmp_path: Path) -> None:
    place = built(40).write(tmp_path)
    card = train_classifier(place, CORPUS, AT)
    done, against = promote(place, CORPUS, card["version"], AT)
    assert not done and any("are needed to judge it" in a for a in against)


def test_a_fixture_says_so(tmp_path: Path) -> None:
    lake = built(20)
    lake.fixture = True
    assert train_classifier(lake.write(tmp_path), CORPUS, AT)["fixture"]


def test_an_unknown_version_is_the_users_mistake(tmp_path: Path) -> None:
    place = built(2).write(tmp_path)
    for version in ("nothing", "../../etc"):
        with pytest.raises(UserError, match="No model"):
            promote(place, CORPUS, version, AT)
