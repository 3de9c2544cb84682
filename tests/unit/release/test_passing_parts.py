"""What a release says of the licences behind it."""

from corpusgate.release.manifest import passing_parts


def test_granted_uses_and_obligations_of_the_passing_parts_are_carried_and_no_others():
    said = {"part": "all", "verdict": "pass", "concluded": "CC-BY-4.0", "text_sha256": "a" * 64,
            "use_training": "yes", "use_commercial": "yes", "use_redistribution": "conditional",
            "use_derivatives": "yes", "obligations": ["notice", "attribution"]}  # fmt: skip
    assert passing_parts({"parts": [said, said | {"part": "rest", "verdict": "fail"}]}) == [
        {"part": "all", "expression": "CC-BY-4.0", "text_sha256": "a" * 64, "obligations": ["attribution", "notice"],
         "uses": {"training": "yes", "commercial": "yes", "redistribution": "conditional", "derivatives": "yes"}}
    ]  # fmt: skip
