"""The tables of banks (45654-2025 B.1): keywords, test questions, answers, and the register of their versions.

A version of a bank is whole: all its entries stand under it. What is not in `bank_version` was not imported to its end
and counts for nothing.
"""

from __future__ import annotations

from corpusgate.lake.schema import DAY, I64, NAMED, STRINGS, TIME, B, S, Table, table

# fmt: off
_ENTRY = [("bank_id", S), ("version", S)]
#: `match_form`: folded as the detectors fold, so that what a reader takes for the same counts once.
_SAID = [("origin", S), ("raw_file_sha256", S), ("raw_pointer", S)]

BANKS: tuple[Table, ...] = (
    table("bank_version", "Versions of banks: of what kind, from which files (name -> SHA-256), since which day, how "
          "many entries: rows_in = kept + refused + passed_over.",
          "bank_id version", [
              *_ENTRY, ("kind", S), ("service", S), ("released_on", DAY), ("files", NAMED), ("content_sha256", S),
              ("rows_in", I64), ("kept", I64), ("refused", I64), ("passed_over", I64), ("distinct_entries", I64),
              ("source", S), ("licence", S), ("owner", S), ("recorded_at", TIME)]),
    table("bank_review", "Dated reviews of a version that found nothing to change.",
          "review_id", [
              ("review_id", S), *_ENTRY, ("reviewed_on", DAY), ("by", S), ("because", S), ("recorded_at", TIME)]),
    table("bank_refusal", "Rows of a bank's files that were not taken, with the reason and the remedy.",
          "bank_id version raw_pointer reason", [
              *_ENTRY, ("raw_file_sha256", S), ("raw_pointer", S), ("reason", S), ("detail", S), ("remedy", S),
              ("recorded_at", TIME)], partition="bank_id"),
    table("keyword", "Keywords of a library, each with the risks of Annex A that it is filed to.",
          "bank_id version keyword_id", [
              *_ENTRY, ("keyword_id", S), ("word", S), ("match_form", S), ("risks", STRINGS), ("severity", S),
              ("language", S), *_SAID], partition="bank_id"),
    table("question", "Test questions: to generate content, to be refused, not to be refused; with risks and aspects.",
          "bank_id version question_id", [
              *_ENTRY, ("question_id", S), ("text", S), ("match_form", S), ("risks", STRINGS), ("aspects", STRINGS),
              ("language", S), ("modality", S), *_SAID], partition="bank_id"),
    table("response", "A model's answers to questions of a bank, and what was said of them: by hand or by technical "
          "means, pass or fail, refused or not.",
          "bank_id version response_id", [
              *_ENTRY, ("response_id", S), ("question_bank", S), ("question_id", S), ("model", S), ("text", S),
              ("answered_at", TIME), ("method", S), ("verdict", S), ("refused", B), ("judged_by", S), *_SAID],
          partition="bank_id"),
)
# fmt: on
