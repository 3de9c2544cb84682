"""Task files for the labelling tools, each in the form that its importer reads, with our record id, the batch and the
version of the rules in every task: that is what joins the export to the record again.

The text is corpus text, and hostile: in CSV a cell that a spreadsheet would run gets an apostrophe, which the reader of
tables takes off again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpusgate.errors import UserError
from corpusgate.evidence.cells import as_csv
from corpusgate.lake.run import write_atomically


@dataclass(frozen=True, slots=True)
class Shown:
    """An item as it is given out: the text that annotators see, or of an image the ending of its file."""

    record_id: str
    text: str
    batch_id: str
    rule_version: str
    round: int = 1
    reason: str = ""

    @property
    def about(self) -> dict[str, str]:
        """What every tool carries through with the task."""
        return {"record_id": self.record_id, "batch_id": self.batch_id, "rule_version": self.rule_version}


def label_studio(items: Sequence[Shown]) -> str:
    """Tasks as a JSON list; `data` comes back in the export."""
    return json.dumps([{"data": {"text": i.text, **i.about}} for i in items], ensure_ascii=False, indent=1)


def doccano(items: Sequence[Shown]) -> str:
    """JSON lines; what is not `text` or `label` becomes meta. (A meta called id would replace the id.)"""
    return _lines([{"text": i.text, "label": [], **i.about} for i in items])


def argilla(items: Sequence[Shown]) -> str:
    """Records for `dataset.records.log`: field `text`, the rest as metadata, our record id as the record's."""
    return _lines([{"id": i.record_id, "text": i.text, **i.about} for i in items])


def cvat(items: Sequence[Shown]) -> str:
    """A manifest of images: each file must be named so, for the export names the record in no other way."""
    rows = [{"image": f"{i.record_id}{i.text}", **i.about} for i in items]
    return as_csv(rows, ["image", "record_id", "batch_id", "rule_version"])


def table(items: Sequence[Shown]) -> str:
    """CSV with the text, for any other tool."""
    rows = [{**i.about, "text": i.text, "label": "", "annotator": "", "decided_at": ""} for i in items]
    return as_csv(rows, ["record_id", "batch_id", "rule_version", "text", "label", "annotator", "decided_at"])


#: Tool -> (ending of the file, writer).
WRITERS: Mapping[str, tuple[str, Callable[[Sequence[Shown]], str]]] = {
    "label_studio": ("json", label_studio), "doccano": ("jsonl", doccano), "argilla": ("jsonl", argilla),
    "cvat": ("csv", cvat), "table": ("csv", table),
}  # fmt: skip

SIDECAR = """\
# What the export will not say, stated by the annotation lead. Fill in what is left open; every fact from here is marked
# as testimony. Then: corpusgate annotation import EXPORT --tool {tool} --sidecar {name}
batch: {{id: "{batch_id}"}}
round: {round}
people: {{}}        # the tool's name of a person: annotator_id
labels: {{}}        # label: [risks of Annex A it stands for]; [] for none
# period: {{first: 2026-01-01, last: 2026-01-31}}   # where the tool keeps no times
# exported_at: 2026-01-31T18:00:00+08:00
signed_by: ""
signed_role: annotation_lead
signed_at: ""
"""


def write_tasks(folder: Path, name: str, tool: str, items: Sequence[Shown]) -> list[Path]:
    """Writes the task file and, where there is none yet, a sidecar to fill in.

    Raises:
        UserError: no such tool.
    """
    if tool not in WRITERS:
        raise UserError(f"No tool {tool!r}; tasks can be written for {', '.join(WRITERS)}.")
    ending, writer = WRITERS[tool]
    tasks, sidecar = folder / f"{name}.{tool}.{ending}", folder / f"{name}.sidecar.yaml"
    write_atomically(tasks, writer(items))
    if items and not sidecar.exists():
        about = {"tool": tool, "name": sidecar.name, "batch_id": items[0].batch_id, "round": items[0].round}
        write_atomically(sidecar, SIDECAR.format(**about))
    return [tasks, sidecar]


def _lines(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
