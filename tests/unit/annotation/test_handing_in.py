"""Several files in one go: a list of what goes in, in its order."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpusgate.annotation.handing_in import import_list, read_list, write_list
from corpusgate.errors import UserError
from corpusgate.lake.run import Run
from corpusgate_testing import annotation as a
from corpusgate_testing.lake import rows


def listed(folder: Path, *entries: dict[str, str]) -> Path:
    return write_list(folder / "list.yaml", entries)


def test_registers_go_in_in_the_order_of_the_list_and_are_counted_together(run: Run, tmp_path: Path) -> None:
    a.file(tmp_path, "new.csv", "annotator_id,organisation\np01,test\np02,test\n")
    a.file(tmp_path, "roles.csv", "annotator_id,role,valid_from\np01,executor,2026-01-01\n")
    path = listed(
        tmp_path,
        {"file": "new.csv", "tool": "register", "register": "annotator"},
        {"file": "roles.csv", "tool": "register", "register": "annotator_role"},
    )
    result = import_list(run, path)
    assert (result.rows_in, result.kept, result.removed, result.state) == (3, 3, 0, "ok")
    assert {"p01", "p02"} <= {r["annotator_id"] for r in rows(run.place, "annotator")}
    assert import_list(run, path).state == "unchanged", "the same list again changes nothing"


def test_a_wrong_file_is_named_with_its_entry_and_what_went_in_before_it_stays(run: Run, tmp_path: Path) -> None:
    a.file(tmp_path, "new.csv", "annotator_id,organisation\np01,test\n")
    a.file(tmp_path, "roles.csv", "annotator_id,role,valid_from\nnobody,executor,2026-01-01\n")
    path = listed(
        tmp_path,
        {"file": "new.csv", "tool": "register", "register": "annotator"},
        {"file": "roles.csv", "tool": "register", "register": "annotator_role"},
    )
    with pytest.raises(UserError, match=r"list\.yaml, entry 2 \(roles\.csv\): .*nobody"):
        import_list(run, path)
    assert "p01" in {r["annotator_id"] for r in rows(run.place, "annotator")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("file: x", "is no list of files"),
        ("[]", "is no list of files"),
        ("- {file: x, tool: excel}", "entry 1, tool"),
        ("- {file: ../x, tool: table}", "entry 1, file"),
        ("- {file: x, tool: table}\n- {file: y, tool: table, sidecar: /etc/passwd}", "entry 2, sidecar"),
        ("- {file: x, tool: table, text: y}", "entry 1, text"),
        ("- [", "cannot be read as a list"),
    ],
)
def test_what_is_no_list_is_refused_before_anything_is_taken(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_list(a.file(tmp_path, "list.yaml", content))
