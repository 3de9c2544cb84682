"""What becomes of the records of a candidate, over columns. Narrow ones: text is joined only where something is masked.

A row is a record throughout. `rule` is null while the record stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpusgate.decide import masking
from corpusgate.decide.rules import (
    DOCUMENT_MISSING,
    UNKNOWN_LANGUAGE,
    masked_classes,
    primary_language,
    removed_classes,
    sets_removed,
)
from corpusgate.intake.rules import detector_version
from corpusgate.settings.model import PERSONAL, RISKS_OF_SOURCE

if TYPE_CHECKING:
    from corpusgate.settings.corpus import Policy

NARROW = (
    "source_id", "text_sha256", "language", "modality", "characters", "bytes", "domain", "licence_part",
    "source_rule", "first_acquired_at", "role", "group_id", "turn", "speaker",
)  # fmt: skip

MASKED_SCHEMA = (
    "text_sha256 string, has_basis boolean, mask_set string, released_sha256 string, released_characters bigint, "
    "released_bytes bigint, fault string"
)

# Exact, unlike a sum of doubles: whether 0.1 + 0.2 + 0.7 reaches 1 must not depend on the order of the partitions.
_WEIGHT = "decimal(18,6)"


def considered(record: DataFrame, batches: Iterable[str], acquisitions: Iterable[str], parts: DataFrame) -> DataFrame:
    """The records of a run's acquisitions, one row a record id, with `NARROW` and `has_basis`.

    `parts` has `source_id`, `licence_part`: the parts whose licence passed in this run.
    """
    chosen = record.where(F.col("batch_id").isin(sorted(batches)) & F.col("acquisition_id").isin(sorted(acquisitions)))
    chosen = chosen.join(F.broadcast(parts), ["source_id", "licence_part"], "left_semi")
    narrow = chosen.select(
        "record_id", F.struct("first_acquired_at", *(c for c in NARROW if c != "first_acquired_at"),
                              F.col("personal_information_basis").isNotNull().alias("has_basis")).alias("row"),
    )  # fmt: skip
    # One place that two acquisitions hold is one record: the same row whichever comes first.
    return narrow.groupBy("record_id").agg(F.min("row").alias("row")).select("record_id", "row.*")


def without_void(records: DataFrame, void: DataFrame) -> DataFrame:
    """Gives records of void annotation batches (`record_id`) the rule `void_batch`, where their source has none for
    them: such a batch reaches no release (45674-2025 8.2 g, 8.3 c)."""
    marked = records.join(F.broadcast(void.withColumn("_void", F.lit(True))), "record_id", "left")
    own = F.when(F.col("source_rule") != "", F.col("source_rule"))
    return marked.withColumn("source_rule", F.coalesce(own, F.when(F.col("_void"), F.lit("void_batch")))).drop("_void")


def text_findings(finding: DataFrame, versions: Mapping[str, str], signs: Iterable[str] = ()) -> DataFrame:
    """What the current versions of the detectors found in each text, in one pass over the findings.

    Returns:
        `text_sha256`; `keyword_score`, the weights of the keyword findings of risks A.1 to A.4, added up exactly;
        `classes` of personal information and their `spans` (start, end, risk; sorted); `incomplete`: more were counted
        than written (a rule writes some twenty findings a text), so that the text is looked at again before masking;
        `test_sets` with which it overlaps; those of `signs` that it shows.
    """
    word = _of("keyword", versions) & F.col("risk").isin(list(RISKS_OF_SOURCE))
    personal = _of("personal_information", versions) & F.col("risk").isin(list(PERSONAL))
    looked = any("contamination-" in version for version in versions.values())
    overlap = _of("contamination", versions) if looked else F.lit(False)
    sign = F.lit(False)
    if chosen := sorted(signs):
        sign = _of("language_quality", versions) & F.col("risk").isin(chosen)
    found = (
        finding.where(word | personal | overlap | sign)
        .groupBy("text_sha256")
        .agg(
            F.sum(F.when(word, F.col("weight").cast(_WEIGHT))).alias("keyword_score"),
            F.array_sort(F.collect_set(F.when(personal, F.col("risk")))).alias("classes"),
            F.array_sort(F.collect_set(F.when(personal, F.struct("start", "end", "risk")))).alias("spans"),
            F.collect_set(F.when(personal, F.struct("rule", F.col("count").alias("n")))).alias("counted"),
            F.size(F.collect_set(F.when(personal, F.struct("rule", "start", "end")))).alias("written"),
            F.collect_set(F.when(overlap, F.substring_index("rule", ":", -1))).alias("test_sets"),
            F.collect_set(F.when(sign, F.col("risk"))).alias("signs"),
        )
    )
    total = F.aggregate("counted", F.lit(0).cast("bigint"), lambda sum_, one: sum_ + one["n"])
    return found.withColumn("incomplete", total > F.col("written")).drop("counted", "written")


def with_findings(records: DataFrame, found: DataFrame) -> DataFrame:
    """Records with `keyword_score`, `classes`, `spans`, `incomplete`, `test_sets`, `signs` of their texts."""
    return records.join(found, "text_sha256", "left").withColumns({
        "keyword_score": F.coalesce("keyword_score", F.lit(Decimal(0)).cast(_WEIGHT)),
        "classes": F.coalesce("classes", F.array().cast("array<string>")),
        "incomplete": F.coalesce("incomplete", F.lit(False)),
        "test_sets": F.coalesce("test_sets", F.array().cast("array<string>")),
        "signs": F.coalesce("signs", F.array().cast("array<string>")),
    })  # fmt: skip


def eligibility(policy: Policy, held: Iterable[str], served: Sequence[str], safety: Iterable[str] = ()) -> Column:
    """The first rule that removes a record before masks and duplicates, or null (order: `rules.REMOVAL_ORDER`).

    `safety`: the sources of safety data, in which some roles may hold risk (`rules.may_hold_risk`).
    """
    rules = [
        F.when(F.col("source_id").isin(sorted(held)), F.lit("source_held")),
        F.when(F.col("source_rule") != "", F.col("source_rule")),
    ]
    if policy.remove_languages_not_served:
        stays = [UNKNOWN_LANGUAGE, *sorted({primary_language(s) for s in served})]
        rules.append(F.when(~_primary("language").isin(stays), F.lit("language_not_served")))
    at = F.lit(Decimal(str(policy.remove_at))).cast(_WEIGHT)
    risky = F.col("keyword_score") >= at
    if (safety := sorted(safety)) and policy.risk_allowed_in:
        allowed = F.col("source_id").isin(safety) & F.coalesce(
            F.col("role").isin(list(policy.risk_allowed_in)), F.lit(False)
        )
        risky &= ~allowed
    rules.append(F.when(risky, F.lit("keyword")))
    if removed := removed_classes(policy.personal_information):
        unwanted = F.array(*(F.lit(c) for c in sorted(removed)))
        rules.append(F.when(F.arrays_overlap("classes", unwanted), F.lit("personal_information")))
    if unseen := sets_removed(policy.test_sets):
        named = F.array(*(F.lit(name) for name in sorted(unseen)))
        rules.append(F.when(F.arrays_overlap("test_sets", named), F.lit("contamination")))
    if policy.remove_signs:
        poor = F.array(*(F.lit(sign) for sign in sorted(policy.remove_signs)))
        rules.append(F.when(F.arrays_overlap("signs", poor), F.lit("quality")))
    return F.coalesce(*rules)


def with_masks(
    records: DataFrame, document: DataFrame, policy: Policy, rule: Column, version: str, *, few: bool = False
) -> DataFrame:
    """Records with `mask_set`, `released_sha256`, `released_characters`, `released_bytes` and `fault`.

    Only texts in which an eligible record is masked are read. `fault` names why a text could not be masked; its record
    is errored. `version` is that of the detector that found the spans. `few`: every worker can hold what was found in
    these texts, so that no text has to be shuffled to be found.
    """
    masked = {basis: masked_classes(policy.personal_information, PERSONAL, basis) for basis in (True, False)}
    wanted = to_mask(masked)
    key, asked = ["text_sha256", "has_basis"], rule.isNull() & wanted
    texts = records.where(asked).select(*key, "spans", "incomplete").dropDuplicates(key)
    texts = F.broadcast(texts) if few else texts
    found = document.select("text_sha256", "text").join(texts, "text_sha256")
    read = found.select(*key, "spans", "incomplete", "text").mapInArrow(_mask_batches(masked, version), MASKED_SCHEMA)
    joined = records.drop("spans", "incomplete").join(read, key, "left")
    gone = asked & F.col("mask_set").isNull() & F.col("fault").isNull()
    return with_released(joined.withColumn("fault", F.when(gone, F.lit(DOCUMENT_MISSING)).otherwise(F.col("fault"))))


def to_mask(masked: Mapping[bool, frozenset[str]]) -> Column:
    """Whether something of the classes to be masked was found in a record (see `rules.masked_classes`)."""
    return F.when(F.col("has_basis"), _overlaps(masked[True])).otherwise(_overlaps(masked[False]))


def with_released(joined: DataFrame) -> DataFrame:
    """Records joined with what `masking` says of some: where it says nothing, the text is released as it is stored."""
    return joined.withColumns({
        "mask_set": F.coalesce("mask_set", F.lit("")),
        "released_sha256": F.coalesce("released_sha256", "text_sha256"),
        "released_characters": F.coalesce("released_characters", "characters"),
        "released_bytes": F.coalesce("released_bytes", "bytes"),
    })  # fmt: skip


def eligible(records: DataFrame, rule: Column) -> DataFrame:
    """Records with `rule` as the first rules say it; what an earlier judgement added is forgotten."""
    none = F.lit(None).cast("string")
    records = records.drop("cluster", "survivor", "outcome")
    return records.withColumns({"rule": rule, "cause": none, "cause_record": none})


def without_copies(records: DataFrame) -> DataFrame:
    """Adds `cluster` and `survivor`, and gives `exact_duplicate` to all but one record of each released text.

    Needs `rule` and `fault`; records that have either take no part. The judge of near duplicates (`near.job`) takes
    this frame and returns it with the same columns.
    """
    taking_part = F.col("rule").isNull() & F.col("fault").isNull()
    # Those that take no part are alone under their own id, so that one window serves all.
    group = F.when(taking_part, F.col("released_sha256")).otherwise(F.concat(F.lit("-"), F.col("record_id")))
    window = Window.partitionBy("_group").orderBy(F.col("first_acquired_at").asc_nulls_last(), "record_id")
    ranked = records.withColumn("_group", group).withColumns(
        {"_rank": F.row_number().over(window), "_first": F.first("record_id").over(window)}
    )
    copy = F.col("_rank") > 1
    return ranked.withColumns({
        "rule": F.when(copy, F.lit("exact_duplicate")).otherwise(F.col("rule")),
        "cluster": F.when(copy, F.col("released_sha256")),
        "survivor": F.when(copy, F.col("_first")),
    }).drop("_group", "_rank", "_first")  # fmt: skip


def with_outcome(records: DataFrame) -> DataFrame:
    """Adds `outcome` (kept, removed, errored); a fault becomes the rule of an errored record, never released."""
    faulty = F.col("rule").isNull() & F.col("fault").isNotNull()
    outcome = F.when(faulty, F.lit("errored")).when(F.col("rule").isNull(), F.lit("kept")).otherwise(F.lit("removed"))
    return records.withColumns({"outcome": outcome, "rule": F.when(faulty, F.col("fault")).otherwise(F.col("rule"))})


def released_texts(kept: DataFrame, document: DataFrame) -> DataFrame:
    """`kept` (release_record rows) with `text`, the released text, `checked`: whether its hash is as recorded, and
    `notice_masks`: its masks inside copyright notices.

    `text` is null where the stored text is gone or its masks do not fit.
    """
    stored = document.select("text_sha256", F.col("text").alias("stored"))
    joined = kept.join(stored, "text_sha256", "left")
    names = [c for c in joined.columns if c != "stored"]
    schema = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in joined.schema if f.name != "stored")
    return joined.select(*names, "stored").mapInArrow(
        masking.release_batches, f"{schema}, text string, checked boolean, notice_masks bigint"
    )


def _primary(column: str) -> Column:
    return F.lower(F.substring_index(F.coalesce(F.col(column), F.lit(UNKNOWN_LANGUAGE)), "-", 1))


def _of(detector: str, versions: Mapping[str, str]) -> Column:
    # By detector, not by family: the second patterns (pi_check) judge the masks and must not make them.
    return (F.col("detector") == detector) & (F.col("version") == detector_version(detector, versions))


def _overlaps(classes: Iterable[str]) -> Column:
    return F.arrays_overlap("classes", F.array(*(F.lit(c) for c in sorted(classes))).cast("array<string>"))


def _mask_batches(masked: Mapping[bool, frozenset[str]], version: str):
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return masking.mask_batches(batches, masked, version)

    return run
