"""The rooms keep their doors: who may import whom, what stays out of a DAG file, what never runs at import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from corpusgate import flow
from corpusgate.lake.tables import TABLES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "jobs" / "corpusgate"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"pyspark", "great_expectations", "pandas", "delta", "airflow"}


def top_level_imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def all_imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_steps_name_functions_that_exist():
    for step in flow.STEPS:
        module, function = step.target.split(":")
        path = ROOT / "jobs" / Path(*module.split(".")).with_suffix(".py")
        names = {n.name for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.FunctionDef)}
        assert function in names, f"{step.name}: {module} has no function {function}"


def test_the_steps_write_tables_that_exist():
    said = {name for step in flow.STEPS for name in step.writes if " " not in name}
    assert said <= set(TABLES)


@pytest.mark.parametrize(
    "module", ["corpusgate.flow", "corpusgate.settings.load", "corpusgate.lake.run", "corpusgate.cli"]
)
def test_what_a_dag_file_or_a_quick_command_imports_stays_light(module):
    code = f"import {module}, sys; print(*sorted({HEAVY!r} & {{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "", f"importing {module} pulls in {done.stdout.strip()}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("rules.py")), ids=lambda p: p.parent.name)
def test_rules_are_plain_functions_on_records(path):
    engines = {m for m in all_imports(path) if m.split(".")[0] in HEAVY}
    doors = {m for m in all_imports(path) if m.startswith("corpusgate.") and m.endswith((".frames", ".job"))}
    assert not engines | doors, f"{path.parent.name}/rules.py imports {engines | doors}: logic there takes records only"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_room_imports_the_command_line(path):
    if path.is_relative_to(PACKAGE / "cli") or path.name == "__main__.py":
        return
    assert not {m for m in all_imports(path) if m.startswith("corpusgate.cli")}, "the command line calls rooms"


def test_dag_files_import_only_the_flow_and_the_settings():
    for path in sorted((ROOT / "dags").glob("*.py")):
        ours = {m for m in all_imports(path) if m.startswith("corpusgate")}
        allowed = ("corpusgate.flow", "corpusgate.settings", "corpusgate.errors", "corpusgate_airflow")
        others = {m for m in ours if m != "corpusgate" and not m.startswith(allowed)}
        assert not others, f"{path.name} imports {others}: a DAG file only wires"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_an_empty_list_of_values_is_false_and_not_in_null(path):
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    lists = {n.lineno for n in nodes if isinstance(n, ast.BoolOp) and any(_is_null(v) for v in n.values)}
    assert not lists, f"{path.name}, lines {sorted(lists)}: say it with lake.dialect.one_of"


def _is_null(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "NULL"


def test_there_is_no_room_for_leftovers():
    names = {p.stem for p in MODULES} | {p.parent.name for p in MODULES}
    assert not names & {"utils", "util", "helpers", "common", "misc"}
