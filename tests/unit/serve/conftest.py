"""A run of a corpus with two sources, as the flow leaves it: results are written by the tests themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpusgate.lake.run import Run, open_run
from corpusgate.settings.place import Place

CORPUS = """
title: Small
intended_use: pre_training
commercial: true
languages: [zh]
service_type: general text generation
item_unit: document
home_country: CN
seed: s
sources: [alpha, beta]
policy: {lexicon: starter, personal_information: {}}
"""
SOURCE = """
title: A source
kind: open_source
language: zh
country: CN
category: test
owner: data sourcing lead
provider: {name}.example
description: made by a test
channel: {{type: folder, path: var/{name}}}
reader: {{format: text}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for name in ("corpora", "sources"):
        (tmp_path / "conf" / name).mkdir(parents=True)
    (tmp_path / "conf/corpora/demo.yaml").write_text(CORPUS)
    for name in ("alpha", "beta"):
        (tmp_path / f"conf/sources/{name}.yaml").write_text(SOURCE.format(name=name))
    return Place(home=tmp_path, conf=tmp_path / "conf", lake=tmp_path / "lake", var=tmp_path / "var")


@pytest.fixture
def run(place: Place) -> Run:
    return open_run(place, "demo", "manual__1", datetime(2026, 3, 1, tzinfo=UTC))
