"""Reading licence expressions by the table, and combining them: never more permissive when something is added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpusgate.settings.licence import USES, LicenceTable
from corpusgate.settings.load import load_file
from corpusgate.sources.expressions import ORDER, Grants, best_choice, grants, most_restrictive, read
from corpusgate_testing.sources import REPOSITORY

TABLE = load_file(REPOSITORY / "conf" / "licences.yaml", LicenceTable)
LICENCES = sorted(TABLE.licences)
OPEN = [name for name, obligation in TABLE.obligations.items() if not obligation.carried]

expressions = st.recursive(
    st.sampled_from(LICENCES),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=5,
)
needs = st.sets(st.sampled_from(USES), min_size=1)
permissions = st.sampled_from(ORDER)
granted = st.builds(
    Grants, permissions, permissions, permissions, permissions,
    obligations=st.lists(st.sampled_from(sorted(TABLE.obligations)), unique=True).map(lambda o: tuple(sorted(o))),
)  # fmt: skip


def no_wider(left: Grants, right: Grants) -> bool:
    return all(ORDER.index(left.use(u)) <= ORDER.index(right.use(u)) for u in USES)


def rank(choice: Grants, needed: set[str]) -> int:
    """0 fail, 1 pending, 2 pass: what the choice means for a corpus with these needs."""
    if any(choice.use(u) == "no" for u in needed):
        return 0
    return 1 if set(choice.obligations) & set(OPEN) else 2


@given(expressions, expressions, needs)
def test_adding_a_term_by_and_is_never_more_permissive(one, other, needed):
    alone, both = grants(one, TABLE, needed), grants(f"{one} AND {other}", TABLE, needed)

    assert no_wider(both, alone)
    assert set(both.obligations) >= set(alone.obligations)
    assert rank(both, needed) <= rank(alone, needed)


@given(expressions, expressions, needs)
def test_a_choice_is_as_good_as_its_better_side_and_no_better(one, other, needed):
    sides = [grants(one, TABLE, needed), grants(other, TABLE, needed)]

    chosen = grants(f"{one} OR {other}", TABLE, needed)

    assert rank(chosen, needed) == max(rank(side, needed) for side in sides)
    assert chosen in sides


@given(expressions)
def test_the_normal_form_reads_as_itself_and_grants_the_same(written):
    normal = read(written, TABLE).expression

    assert normal is not None
    assert read(normal, TABLE).expression == normal
    assert grants(normal, TABLE, USES) == grants(written, TABLE, USES)


@given(granted, granted, granted)
def test_most_restrictive_is_commutative_associative_and_idempotent(a, b, c):
    assert most_restrictive(a, b) == most_restrictive(b, a)
    assert most_restrictive(a, most_restrictive(b, c)) == most_restrictive(most_restrictive(a, b), c)
    assert most_restrictive(a, a) == a


@given(st.lists(granted, min_size=1, max_size=4), needs)
def test_the_best_choice_does_not_depend_on_the_order(choices, needed):
    assert best_choice(choices, needed, OPEN) == best_choice(choices[::-1], needed, OPEN)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-2.0", "GPL-2.0-only"),
        ("GFDL-1.2+", "GFDL-1.2-or-later"),
        ("Expat", "MIT"),
        ("the  mit LICENSE", "MIT"),
        ("License :: OSI Approved :: MIT License", "MIT"),
        ("CC0-1.0 or BSD-2-Clause", "CC0-1.0 OR BSD-2-Clause"),
        ("GPL-2+ and (MIT or Apache-2)", "GPL-2.0-or-later AND (MIT OR Apache-2.0)"),
        ("GPL-2+ WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("LicenseRef-PRC-Copyright-Law-Art5", "LicenseRef-PRC-Copyright-Law-Art5"),
    ],
)
def test_what_people_write_is_read_where_it_means_one_thing(written, normal):
    assert read(written, TABLE).expression == normal


@pytest.mark.parametrize("written", ["BSD", "License :: OSI Approved :: BSD License", "MIT AND BSD", "public-domain",
                                     "GPL", "CC-BY", "UNLICENSED", "Apache License"])  # fmt: skip
def test_what_can_mean_several_things_is_never_guessed(written):
    reading = read(written, TABLE)

    assert (reading.expression, reading.problem) == (None, "ambiguous")
    assert "does not say which licence" in reading.says


@pytest.mark.parametrize("written", ["", "  ", "SEE LICENSE IN x.txt", "MIT AND", "MIT, GPL-2", "MIT)",
                                     "LicenseRef-Nobody", "MIT AND LicenseRef-Nobody", "ＭＩＴ",
                                     "MIT\n\nGPL-2"])  # fmt: skip
def test_what_the_table_does_not_know_is_unknown(written):
    reading = read(written, TABLE)

    assert (reading.expression, reading.problem) == (None, "unknown")
    assert reading.says


def test_an_exception_does_not_narrow_and_the_base_licence_decides():
    assert grants("GPL-2+ WITH Classpath-exception-2.0", TABLE, USES) == grants("GPL-2+", TABLE, USES)


def test_uses_are_as_the_licences_say():
    assert grants("CC-BY-NC-4.0", TABLE, USES).commercial == "no"
    assert grants("CC-BY-ND-4.0", TABLE, USES).derivatives == "no"
    assert grants("CC-BY-NC-4.0 OR CC-BY-SA-4.0", TABLE, USES).commercial == "yes"
    assert grants("MIT AND CC-BY-NC-4.0", TABLE, USES).commercial == "no"
    assert grants("CC0-1.0", TABLE, USES) == Grants("yes", "yes", "yes", "yes")
    assert "share_alike" in grants("CC-BY-SA-4.0 AND CC0-1.0", TABLE, USES).obligations


def test_two_choices_are_never_mixed():
    # one forbids commerce, the other changes: no reading of OR allows both
    chosen = grants("CC-BY-NC-4.0 OR CC-BY-ND-4.0", TABLE, ["commercial", "derivatives"])

    assert "no" in (chosen.commercial, chosen.derivatives)
