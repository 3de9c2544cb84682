"""What the DAG of annotation does: takes in one handed-in file, then judges the annotation of the corpus.

Files come from one folder, by name: whoever may start a run may not read the machine's other files through it. The log
has numbers, ids and reasons, never text or labels.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from airflow.sdk import Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException

from corpusgate.errors import LakeBusy, UserError
from corpusgate.lake.run import Run, open_run
from corpusgate.settings.model import ID_PATTERN
from corpusgate.settings.place import Place, find_place
from corpusgate_airflow.steps import account, end_as, say

log = logging.getLogger(__name__)

#: The readers of corpusgate.annotation.exports, registers, and a list of files; a test holds them together.
TOOLS: tuple[str, ...] = ("label_studio", "doccano", "argilla", "cvat", "table", "register", "list")
_NAME = r"^[^/\\]{0,200}$"
FORM: dict[str, Param] = {
    "corpus": Param("demo", type="string", pattern=ID_PATTERN, title="Corpus"),
    "file": Param(
        "",
        type="string",
        pattern=r"^[^/\\]{1,200}$",
        title="File",
        description="its name in var/annotation; for several at once, a list (YAML) of file, tool, sidecar",
    ),
    "tool": Param("label_studio", type="string", enum=list(TOOLS), title="Tool"),
    "sidecar": Param("", type="string", pattern=_NAME, title="Sidecar", description="what the lead states beside it"),
    "map": Param("", type="string", pattern=_NAME, title="Column map", description="of a table"),
}


def inbox_of(place: Place) -> Path:
    """The folder for files that are handed in through Airflow."""
    return place.var / "annotation"


def take_in() -> None:
    """Takes the file in. Refused facts are counted in the log and listed in `annotation_refusal`; the rest is in.

    Raises:
        AirflowFailException: the file, its sidecar or the map is wrong, or every fact of it was refused.
    """
    run, given = _run(), dict(get_current_context()["params"])
    try:
        file, sidecar, columns = (_handed_in(run.place, given[name]) for name in ("file", "sidecar", "map"))
        if file is None:
            raise UserError(f"No file was named. Put it into {inbox_of(run.place)} and give its name.")
        if given["tool"] == "list":
            from corpusgate.annotation.handing_in import import_list

            result = import_list(run, file, lambda name: _there(run.place, name))
        elif given["tool"] == "register":
            from corpusgate.annotation.log import import_registers

            result = import_registers(run, file)
        else:
            from corpusgate.annotation.intake import import_export

            result = import_export(run, file, given["tool"], sidecar, columns)
    except LakeBusy:
        raise  # the other run ends some day: worth the retry
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    run.write(result)
    log.info(account(result))
    if result.removed:
        log.warning("%s", result.because)
    if result.rows_in and not result.kept:
        raise AirflowFailException(f"Nothing of the file was taken. {result.because}")


def check() -> None:
    """Judges the annotation of the corpus; red where a `shall` fails, with clause, figure, bound and next act.

    Raises:
        AirflowFailException: a control says so.
    """
    from corpusgate.evidence.annotation_page import leave_page
    from corpusgate.gates.annotation_gate import annotation_gate, verdict_rows

    run = _run()
    try:
        result = run.write(annotation_gate(run))
    except UserError as error:
        raise AirflowFailException(str(error)) from None
    leave_page(run, verdict_rows(run))
    for row in result.facts["verdicts"]:
        (log.error if row["verdict"] == "fail" else log.info)("%s", say(run, row))
    end_as(result)


def _handed_in(place: Place, name: str) -> Path | None:
    """The file of this name in the inbox; None for no name.

    Raises:
        UserError: it is not there, or leads out of the folder.
    """
    if not name:
        return None
    return _there(place, name)


def _there(place: Place, name: str) -> Path:
    folder = inbox_of(place).resolve()
    path = (folder / name).resolve()
    if path.parent != folder or not path.is_file():
        raise UserError(f"No file {name!r} in {folder}. Put it there, then start the run again.")
    return path


def _run() -> Run:
    context: Any = get_current_context()
    return open_run(find_place(), context["params"]["corpus"], context["run_id"], context["dag_run"].run_after)
