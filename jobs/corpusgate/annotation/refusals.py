"""Why a fact of an export is not taken, and what to do about each reason."""

from __future__ import annotations

from collections.abc import Mapping

#: Reason of a refusal -> remedy. Readers give further reasons, about their own formats, with their remedies.
REMEDIES: Mapping[str, str] = {
    "annotator_lost": "export in a form that says who annotated, or state annotator in the sidecar (one person)",
    "annotator_unmapped": "add the person to people in the sidecar, with the annotator_id of the register",
    "annotation_id_lost": "export in a form that has the annotation's id",
    "record_lost": "put our record_id into the task's data, as `annotation assign` does",
    "record_unknown": "annotate records of this lake: draw the batch with `annotation assign`",
    "record_ambiguous": "several records have this text: put our record_id into the task's data",
    "text_changed": "have the text annotated as it was given out; draw a batch anew if the record itself changed",
    "text_lost": "export the task's data with the text",
    "batch_unknown": "state the batch in the sidecar: id, or name, kind and rule_version",
    "batch_not_drawn": "no batch has this id: take it from the task files that `annotation assign` wrote",
    "batch_differs": "a batch is fixed when it is drawn: state the batch that the tasks carry",
    "not_in_batch": "a batch is fixed when it is drawn: draw another batch for further items",
    "rule_version_differs": "the batch was drawn for another version of the rules: have it annotated by that one",
    "no_label": "have the item annotated, or skip it in the tool",
    "label_not_mapped": "say in the sidecar's labels which risks it stands for (an empty list: none)",
    "time_unknown": "state the period in the sidecar",
    "time_unreadable": "write times as ISO 8601, and the zone in the sidecar",
    "time_in_future": "correct the clock or the zone",
    "nothing_to_review": "import what the executors did first",
    "reviewer_lost": "export in a form that says who reviewed",
    "doubled": "export again: one annotation stands twice in the file, with different contents",
    "same_time_other_content": "state a later exported_at (or signed_at) in the sidecar than the last time",
}


class Refused(Exception):
    """One fact is not taken: `reason` is a key of `REMEDIES`, the message says what was found."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
