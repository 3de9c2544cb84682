"""Masks inside copyright notices are counted while a release is written, source by source."""

import json

import pytest

from corpusgate.lake import store
from corpusgate.release.job import publish
from corpusgate_testing.decide import Text
from corpusgate_testing.lake import place_in
from corpusgate_testing.release import gated

pytestmark = pytest.mark.timeout(300)  # Spark on a busy machine

NOTICED, PLAIN = "Copyright 2003 张三 13800138000", "电话13800138000找张三"


def test_masks_inside_copyright_notices_are_counted_by_source(spark, tmp_path):
    place = place_in(tmp_path)
    store.ensure_tables(place)
    at = NOTICED.index("138")
    corpus = [
        Text(NOTICED, source="alpha", key="a", personal=((at, at + 11, "pi_mobile"),)),
        Text(PLAIN, source="beta", key="b", personal=((2, 13, "pi_mobile"),)),
    ]
    run = gated(place, corpus)

    release = run.write(publish(run)).facts["release_id"]

    folder = place.releases / release
    assert json.loads((folder / "files.json").read_text("utf-8"))["masks_in_notices"] == {"alpha": 1}
    lines = [ln for ln in (folder / "NOTICE").read_text("utf-8").splitlines() if ln.startswith("- ")]
    assert [("masks in copyright notices: 1" in ln) for ln in lines] == [True, False]
