"""The tables of annotation: one row a fact, as an assessor asks for it (GB/T 45674-2025, 5 to 8).

`fact_origin` says of each field that could have come from elsewhere where it came from: `export` (the tool's file),
`sidecar` (what the annotation lead states beside it), `map` (a name or column that the lead translated). Safety
annotation has tables, and so prefixes, of its own (45654-2025 4.3.4): access to them can be given apart. None of these
tables holds corpus text. Days of validity are days in the annotators' zone, not moments.
"""

from __future__ import annotations

from corpusgate.lake.schema import DAY, F64, I64, NAMED, STRINGS, TIME, B, S, Table, table

# fmt: off
#: Which file said it, where in it, and when it came in.
_SAID = [("raw_file_sha256", S), ("raw_pointer", S), ("fact_origin", NAMED), ("recorded_at", TIME)]
_TASK = [("corpus", S), ("batch_id", S), ("record_id", S)]

_ANNOTATION = [
    ("annotation_id", S), *_TASK, ("text_sha256", S), ("kind", S), ("round", I64), ("rule_version", S),
    ("annotator_id", S), ("label", S), ("risks", STRINGS), ("state", S), ("is_gold", B), ("is_machine", B),
    # a period where the tool keeps no times: both ends; else twice the same moment
    ("decided_from", TIME), ("decided_at", TIME), ("lead_time_s", F64),
    ("tool", S), ("tool_project", S), ("tool_annotation_id", S), ("updated_at", TIME), ("exported_at", TIME),
    ("stated_at", TIME),
    ("degraded", B), ("state_sha256", S), ("sidecar_sha256", S), ("map_sha256", S), *_SAID,
]
_ABOUT = "state: submitted, cancelled, draft or discarded; only submitted ones count."

ANNOTATION: tuple[Table, ...] = (
    table("annotation", f"What an executor said of an item of functional annotation, in its newest state. {_ABOUT}",
          "annotation_id", _ANNOTATION, partition="batch_id"),
    table("annotation_state", "Older states of functional annotation, each as it was.",
          "annotation_id state_sha256 updated_at exported_at stated_at", _ANNOTATION, partition="batch_id"),
    table("safety_annotation", f"What an executor said of an item of safety annotation, in its newest state. {_ABOUT}",
          "annotation_id", _ANNOTATION, partition="batch_id"),
    table("safety_annotation_state", "Older states of safety annotation, each as it was.",
          "annotation_id state_sha256 updated_at exported_at stated_at", _ANNOTATION, partition="batch_id"),
    table("annotation_import", "Files that were handed in, with what became of their facts: in = kept + refused.",
          "import_id", [
              ("import_id", S), ("corpus", S), ("tool", S), ("name", S), ("raw_file_sha256", S), ("sidecar_sha256", S),
              ("map_sha256", S), ("rows_in", I64), ("kept", I64), ("refused", I64),
              ("signed_by", S), ("signed_at", TIME), ("recorded_at", TIME)]),
    table("annotation_refusal", "Facts of a handed-in file that were not taken, with the reason and the remedy.",
          "import_id raw_pointer reason", [
              ("import_id", S), ("corpus", S), ("tool", S), ("raw_file_sha256", S), ("raw_pointer", S), ("item", S),
              ("record_id", S), ("reason", S), ("detail", S), ("remedy", S), ("recorded_at", TIME)]),
    table("annotation_batch", "Batches, fixed when they were drawn: `batch_id` is the hash of their records, kind and "
          "rule version, so a batch that was put together anew is another one.",
          "batch_id", [
              ("batch_id", S), ("corpus", S), ("name", S), ("kind", S), ("rule_version", S), ("draw", I64),
              ("items", I64),
              ("frame", S), ("seed", S), ("release_id", S), ("drawn_at", TIME), ("origin", S)]),
    table("annotation_batch_item", "The items of a batch, with the hash of the text that annotators were shown; "
          "`gold_label` where the answer is known.",
          "batch_id record_id", [
              ("batch_id", S), ("record_id", S), ("ordinal", I64), ("text_sha256", S), ("shown_sha256", S),
              ("gold_label", S), ("gold_risks", STRINGS)], partition="batch_id"),
    table("annotator", "People who annotate, by a name that tells nothing of the person.",
          "annotator_id", [
              ("annotator_id", S), ("organisation", S), ("joined_on", DAY), ("left_on", DAY),
              ("confidentiality_signed_on", DAY), ("trained_on", DAY), *_SAID]),
    table("annotator_role", "Who holds which role from when to when: executor, reviewer, arbitrator, supervisor.",
          "annotator_id role valid_from", [
              ("annotator_id", S), ("role", S), ("valid_from", DAY), ("valid_to", DAY), *_SAID]),
    table("exam", "Examinations: who, when, on which version of the rules, with which result.",
          "exam_id", [
              ("exam_id", S), ("annotator_id", S), ("kind", S), ("rule_version", S), ("taken_on", DAY), ("method", S),
              ("topics", STRINGS), ("score", F64), ("passed", B), *_SAID]),
    table("qualification", "Who may do which kind of annotation, from when to when; a suspension is a row of its own.",
          "annotator_id kind valid_from state", [
              ("annotator_id", S), ("kind", S), ("state", S), ("exam_id", S), ("valid_from", DAY), ("valid_to", DAY),
              ("because", S), *_SAID]),
    table("revocation", "Access to tool and data withdrawn from people who left or lost their qualification.",
          "annotator_id revoked_on", [
              ("annotator_id", S), ("revoked_on", DAY), ("because", S), *_SAID]),
    table("rule_document", "Versions of the annotation rules, by kind and document hash; `material`: people must be "
          "examined again.",
          "kind rule_version", [
              ("kind", S), ("rule_version", S), ("valid_from", DAY), ("valid_to", DAY), ("document_sha256", S),
              ("covers_execution", B), ("covers_review", B), ("material", B), ("risks", STRINGS), *_SAID]),
    table("assignment", "Who was given which item of a batch, in which role, when.",
          "batch_id record_id annotator_id role", [
              *_TASK, ("annotator_id", S), ("role", S), ("assigned_at", TIME), ("assigned_by", S), *_SAID],
          partition="batch_id"),
    table("approval", "What a reviewer said of an item: approve, reject or fix (then with the label).",
          "approval_id", [
              ("approval_id", S), *_TASK, ("annotation_id", S), ("reviewer_id", S), ("decision", S), ("label", S),
              ("reason", S), ("reviewed_from", TIME), ("reviewed_at", TIME), *_SAID], partition="batch_id"),
    table("arbitration", "An arbitrator's ruling where labels differ: upheld (with the label), discarded or redo.",
          "batch_id record_id ruled_at", [
              *_TASK, ("arbitrator_id", S), ("outcome", S), ("label", S), ("because", S), ("ruled_at", TIME), *_SAID],
          partition="batch_id"),
    table("verification", "A check of an item's result by somebody outside the batch: the batch's manual sample. "
          "risks: those of Annex A that were found; understanding, agreement, language_quality: the three points.",
          "batch_id record_id verification_id", [
              ("verification_id", S), *_TASK, ("verifier_id", S), ("method", S), ("verified_at", TIME), ("result", S),
              ("problems", S),
              ("measures", S), ("understanding", S), ("agreement", S), ("language_quality", S), ("risks", STRINGS),
              ("defects", STRINGS), *_SAID], partition="batch_id"),
    table("correction", "A correction of an item: who said what, when, and who changed it to what, when.",
          "batch_id record_id correction_id", [
              ("correction_id", S), *_TASK, ("original_annotator_id", S), ("corrector_id", S), ("old_content", S),
              ("new_content", S), ("old_at", TIME), ("new_at", TIME), *_SAID], partition="batch_id"),
    table("supervision", "A supervisor's look at the work of one role in a batch, and what came of it.",
          "batch_id role supervisor_id supervised_on", [
              ("corpus", S), ("batch_id", S), ("role", S), ("supervisor_id", S), ("supervised_on", DAY),
              ("sampled", I64), ("findings", S), ("handled", S), *_SAID]),
    table("batch_voiding", "A batch declared void, by whom and why: nothing of it is used again.",
          "batch_id", [
              ("corpus", S), ("batch_id", S), ("voided_at", TIME), ("voided_by", S), ("because", S), *_SAID]),
)
# fmt: on
