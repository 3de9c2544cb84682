"""The reviewed table of licences: what ships is sound, and a wrong table names all its mistakes."""

from __future__ import annotations

import pytest
from license_expression import get_spdx_licensing

from corpusgate.errors import ConfigError
from corpusgate.settings.licence import USES, load_licences
from corpusgate_testing.sources import REPOSITORY, installation

PATH = REPOSITORY / "conf" / "licences.yaml"


def test_every_identifier_of_the_shipped_table_is_in_the_spdx_list_or_a_licenseref(tmp_path):
    table = load_licences(installation(tmp_path))
    known = get_spdx_licensing().known_symbols

    named = [*table.licences, *table.exceptions]

    assert [n for n in named if not n.startswith("LicenseRef-") and n not in known] == []
    assert all(known[e].is_exception for e in table.exceptions)


def test_the_shipped_table_says_why_for_every_entry(tmp_path):
    table = load_licences(installation(tmp_path))

    assert all(len(licence.because) > 10 for licence in table.licences.values())
    assert all(table.licences[k].public_domain for k in ("CC0-1.0", "PDDL-1.0", "LicenseRef-PRC-Copyright-Law-Art5"))
    assert not any(
        getattr(licence, use) == "no" for licence in table.licences.values() if licence.public_domain for use in USES
    )


def test_all_mistakes_of_a_table_are_named_at_once(tmp_path):
    place = installation(tmp_path)
    (place.conf / "licences.yaml").write_text(
        """\
obligations:
  notice: {says: Keep it., says_zh: 保留。, carried: true}
licences:
  MIT: &mit
    name: MIT
    training: "yes"
    commercial: "yes"
    redistribution: conditional
    derivatives: conditional
    because: it says so
  Not an id:
    <<: *mit
    obligations: [notice]
  Other:
    <<: *mit
    obligations: [unheard_of]
    aliases: [mit]
ambiguous:
  - written: [BSD]
    could_be: [Nowhere]
    because: several
""",
        "utf-8",
    )

    with pytest.raises(ConfigError) as raised:
        load_licences(place)

    said = str(raised.value)
    for mistake in (
        "licences.MIT: a use is conditional",
        "licences.Not an id: not an SPDX identifier",
        "licences.Other: obligation 'unheard_of' is not in obligations",
        "'mit' stands for MIT and for Other",
        "ambiguous 'BSD': Nowhere is not in licences",
    ):
        assert mistake in said


def test_a_field_that_nobody_knows_is_a_mistake_with_its_line(tmp_path):
    place = installation(tmp_path)
    path = place.conf / "licences.yaml"
    path.write_text(
        PATH.read_text("utf-8").replace("    name: MIT License\n", "    name: MIT License\n    colour: red\n"), "utf-8"
    )

    with pytest.raises(ConfigError, match=r"licences\.yaml:\d+: licences\.MIT\.colour: is not a field"):
        load_licences(place)
