"""The suites as plain JSON: what is hashed into each verdict, and the golden files that show a changed bound in review.

`python -m corpusgate_expectations.rendering` writes the golden files anew.
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from great_expectations import ExpectationSuite

from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.place import find_place
from corpusgate_expectations import GATES


def suite(gate: str, catalogue: Catalogue) -> ExpectationSuite:
    """The suite of a gate, its bounds taken from the catalogue."""
    if gate not in GATES:
        raise KeyError(f"no suite for the gate {gate!r}; there are {', '.join(GATES)}")
    return import_module(f"corpusgate_expectations.{gate}").suite(catalogue)


def rendered(made: ExpectationSuite) -> str:
    """The suite as JSON with sorted keys, without ids and versions: equal for equal meaning."""
    whole = cast("dict[str, Any]", made.to_json_dict())
    expectations = [_plain(e) for e in whole["expectations"]]
    return json.dumps(
        {"suite": whole["name"], "expectations": expectations}, ensure_ascii=False, indent=1, sort_keys=True
    )


def digest(made: ExpectationSuite) -> str:
    """SHA-256 of the rendering: recorded with every verdict of the suite."""
    return hashlib.sha256(rendered(made).encode("utf-8")).hexdigest()


def write_golden(catalogue: Catalogue, folder: Path) -> list[Path]:
    """Writes `<gate>.json` for every suite; returns the files whose content changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for gate in GATES:
        path, text = folder / f"{gate}.json", rendered(suite(gate, catalogue)) + "\n"
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            changed.append(path)
    return changed


def _plain(expectation: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in expectation.items() if k in ("type", "kwargs", "meta", "severity") and v is not None}


if __name__ == "__main__":
    place = find_place()
    for path in write_golden(load_catalogue(place), place.home / "tests" / "data" / "suites"):
        print(f"rewritten: {path.relative_to(place.home)}")
