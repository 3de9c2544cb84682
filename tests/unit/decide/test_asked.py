"""What findings of one list say about another: weights put in their place give what a new screening would give."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpusgate.banks.lexicon import load_lexicon
from corpusgate.decide.asked import read_new, weigh
from corpusgate.errors import ConfigError
from corpusgate.intake.detectors import keywords
from corpusgate.intake.detectors.batch import make_batch
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.model import RISKS_OF_SOURCE
from corpusgate_testing.lexicons import write_lexicon

KEYS = ("赌博", "赌博网站", "网站开户", "casino", "线上赌场", "包治百病")
RISKS = ("a1h", "a5a", "a5b,a4a", "a3e,a1h")


def score(findings):
    return round(sum(f.weight for f in findings if f.risk in RISKS_OF_SOURCE), 6)


def told(findings, weighed):
    """The score that the old findings give under the new weights, as `whatif` adds them up."""
    of_rule = {w.rule: w for w in weighed}
    heaviest: dict[str, float] = {}
    for f in findings:
        if one := of_rule.get(f.rule):
            heaviest[one.word] = max(heaviest.get(one.word, 0.0), one.weight)
    return round(sum(heaviest.values()), 6)


LISTS = st.dictionaries(
    st.sampled_from(KEYS), st.tuples(st.sampled_from((0, 0.2, 0.5, 1.0)), st.sampled_from(RISKS)), min_size=1
)
TEXTS = st.lists(
    st.sampled_from([*KEYS, "赌*博", "赌 博 网 站", "casinos", "线\u200b上賭場", "，", "好", "禁止赌博"]), max_size=8
).map("".join)


@given(LISTS, LISTS, st.lists(TEXTS, max_size=4))
@settings(max_examples=100, deadline=None)
def test_where_nothing_is_unanswered_a_new_screening_would_score_the_same(tmp_path_factory, before, after, texts):
    lists = []
    for name, words in (("old", before), ("new", after)):
        rows = [(f"{name}{n}", w, "deny", risks, weight) for n, (w, (weight, risks)) in enumerate(words.items())]
        folder = tmp_path_factory.mktemp(name)
        lists.append(load_lexicon(write_lexicon(folder, [*rows, ("al", "禁止赌博", "allow", "", 0)])))
    weighed, unanswered = weigh(*lists)
    old, new = (keywords.from_lexicon(one, "v").find(make_batch(texts)) for one in lists)
    if not unanswered:
        assert [told(f, weighed) for f in old] == [score(f) for f in new]
    else:
        assert set(after) - set(before) or any(a in b and a != b for a in after for b in before)


@pytest.fixture
def corpus():
    return Corpus.model_validate({
        "id": "demo", "title": "t", "intended_use": "pre_training", "commercial": True, "languages": ["zh"],
        "service_type": "s", "item_unit": "document", "home_country": "CN", "seed": "s", "sources": ["a"],
        "policy": {"lexicon": "old", "personal_information": {}},
    })  # fmt: skip


@pytest.mark.parametrize("whole", [True, False], ids=["policy above it", "the policy alone"])
def test_a_policy_alone_leaves_the_rest_of_the_corpus_as_it_is(tmp_path, corpus, whole):
    policy = {"lexicon": "new", "remove_at": 2, "personal_information": {"pi_id": "remove"}}
    path = tmp_path / "New policy.yaml"
    path.write_text(json.dumps({"policy": policy} if whole else policy), "utf-8")
    found = read_new(path, corpus)
    assert (found.policy.lexicon, found.policy.remove_at, found.sources) == ("new", 2.0, ("a",))


def test_a_corpus_file_keeps_the_release_s_id_whatever_its_name(tmp_path, corpus):
    path = tmp_path / "tried.yaml"
    path.write_text(json.dumps({**corpus.model_dump(mode="json", exclude={"id"}), "sources": ["b"]}), "utf-8")
    assert (read_new(path, corpus).id, read_new(path, corpus).sources) == ("demo", ("b",))


@pytest.mark.parametrize("content", ["- a list", "remove_att: 1", "policy: {lexicon: x}", "a: ["])
def test_a_wrong_file_is_told_with_its_field(tmp_path, corpus, content):
    path = tmp_path / "new.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError, match=r"new\.yaml"):
        read_new(path, corpus)
