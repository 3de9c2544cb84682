"""What becomes of groups, over columns: a conversation stays whole or goes whole (docs/adr/0062-groups.md).

A group is the records with one `group_id`; a record without one is alone. The frames are those of `frames.py`, and only
a corpus that has groups comes here. `rules.py` says the same on records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from corpusgate.decide import frames, group_masks
from corpusgate.decide.rules import GROUP_MEMBER_REMOVED, GROUP_UNCLEAR, NO_TURN, masked_classes
from corpusgate.settings.model import PERSONAL

if TYPE_CHECKING:
    from corpusgate.decide.near.job import Search
    from corpusgate.settings.corpus import NearDuplicates, Policy

_VALUES = "group_id string, surface string, kind string"
_MASKED = frames.MASKED_SCHEMA.replace("text_sha256 string, has_basis boolean", "record_id string")


def whole(records: DataFrame) -> DataFrame:
    """Gives `group_member_removed` to what is left of a group that lost a member, with the rule that took the first one
    (`cause`) and which one it was (`cause_record`).

    A group in which one place has two texts cannot be put together: its records get the fault `group_unclear`.
    """
    of_group = Window.partitionBy(_unit())
    place = F.when(F.col("turn").isNotNull() & (F.col("role") != "text"), F.struct(F.col("role") == "rejected", "turn"))
    records = records.withColumns({
        "_places": F.size(F.collect_set(place).over(of_group)), "_texts": F.count(place).over(of_group),
    })  # fmt: skip
    unclear = F.col("group_id").isNotNull() & (F.col("_places") < F.col("_texts"))
    records = records.withColumn("fault", F.when(unclear, F.lit(GROUP_UNCLEAR)).otherwise(F.col("fault")))
    gone = F.coalesce("rule", "fault")
    lost = F.struct(F.coalesce("turn", F.lit(NO_TURN)).alias("turn"), "record_id", gone.alias("gone"))
    records = records.withColumn("_first", F.min(F.when(gone.isNotNull(), lost)).over(of_group))
    left = F.col("group_id").isNotNull() & F.col("_first").isNotNull() & gone.isNull()
    return records.withColumns({
        "rule": F.when(left, F.lit(GROUP_MEMBER_REMOVED)).otherwise(F.col("rule")),
        "cause": F.when(left, F.col("_first.gone")).otherwise(F.col("cause")),
        "cause_record": F.when(left, F.col("_first.record_id")).otherwise(F.col("cause_record")),
    }).drop("_places", "_texts", "_first")  # fmt: skip


def without_copies(records: DataFrame) -> DataFrame:
    """Adds `cluster` and `survivor`, and gives `exact_duplicate` to all but one of the groups that say the same in the
    same places, as to all but one record of each released text."""
    return _copies(records, F.col("released_sha256"), "exact_duplicate")


def without_near_copies(search: Search, policy: NearDuplicates, records: DataFrame) -> DataFrame:
    """`near_duplicate` likewise: groups each text of which is nearly the one in the same place of the other."""
    from corpusgate.decide.near import components
    from corpusgate.decide.near.frames import alike_enough
    from corpusgate.decide.near.job import compare_new, edges_among

    compare_new(search)
    edges = edges_among(search, records.where(_taking_part()).select("text_sha256").distinct())
    few = search.rows("near_edge") <= components.ONE_TASK
    found = components.clusters(edges.where(alike_enough(policy)), few=few).withColumnRenamed("cluster", "_near")
    joined = records.join(found, "text_sha256", "left")
    return _copies(joined, F.coalesce("_near", "text_sha256"), "near_duplicate").drop("_near")


def with_masks(records: DataFrame, document: DataFrame, policy: Policy, rule: Column, version: str) -> DataFrame:
    """As `frames.with_masks`; in a group what is masked in one text is masked in all, by the same token."""
    alone = frames.with_masks(records.where("group_id IS NULL"), document, policy, rule, version)
    masked = {basis: masked_classes(policy.personal_information, PERSONAL, basis) for basis in (True, False)}
    of_group, wanted = Window.partitionBy("group_id"), frames.to_mask(masked)
    grouped = records.where("group_id IS NOT NULL").withColumns({
        "_wanted": wanted, "_any": F.max(wanted).over(of_group), "_open": F.min(rule.isNull()).over(of_group),
    })  # fmt: skip
    members = grouped.where("_any AND _open")
    stored = document.select("text_sha256", "text")
    key = ["group_id", "text_sha256", "has_basis"]
    texts = members.where("_wanted").select(*key, "spans", "incomplete").dropDuplicates(key)
    values = texts.join(stored, "text_sha256").mapInArrow(_value_batches(masked, version), _VALUES)
    known = values.groupBy("group_id").agg(F.array_sort(F.collect_set(F.struct("surface", "kind"))).alias("values"))
    narrow = members.select("record_id", *key, "spans", "incomplete").join(known, "group_id", "left")
    read = narrow.join(stored, "text_sha256", "left").mapInArrow(_member_batches(masked, version), _MASKED)
    joined = grouped.drop("spans", "incomplete", "_wanted", "_any", "_open").join(read, "record_id", "left")
    return alone.unionByName(frames.with_released(joined))


def _copies(records: DataFrame, token: Column, rule: str) -> DataFrame:
    """Of units with equal tokens all but the first acquired get `rule`; each of a group's records names its counterpart
    as the survivor."""
    grouped, taking_part = F.col("group_id").isNotNull(), _taking_part()
    of_unit = Window.partitionBy(_unit())
    place = F.concat_ws("|", F.coalesce("role", F.lit("")), F.coalesce(F.col("turn").cast("string"), F.lit("")), token)
    everything = F.sha2(F.array_join(F.array_sort(F.collect_list(place).over(of_unit)), "\n"), 256)
    records = records.withColumns({
        "_print": F.when(grouped, everything).otherwise(token), "_at": F.min("first_acquired_at").over(of_unit),
        "_lead": F.min("record_id").over(of_unit),
    })  # fmt: skip
    mine = F.when(grouped, F.concat_ws("|", F.lit("group"), "_print", place)).otherwise(token)
    same = F.when(taking_part, mine).otherwise(F.concat(F.lit("-"), F.col("record_id")))
    order = (F.col("_at").asc_nulls_last(), F.col("_lead"))
    records = records.withColumn("_same", same).withColumns({
        "_rank": F.dense_rank().over(Window.partitionBy("_same").orderBy(*order)),
        "_survivor": F.first("record_id").over(Window.partitionBy("_same").orderBy(*order, "record_id")),
    })  # fmt: skip
    copy = F.col("_rank") > 1
    before = {n: F.col(n) if n in records.columns else F.lit(None).cast("string") for n in ("cluster", "survivor")}
    return records.withColumns({
        "rule": F.when(copy, F.lit(rule)).otherwise(F.col("rule")),
        "cluster": F.when(copy, F.col("_print")).otherwise(before["cluster"]),
        "survivor": F.when(copy, F.col("_survivor")).otherwise(before["survivor"]),
    }).drop("_print", "_at", "_lead", "_same", "_rank", "_survivor")  # fmt: skip


def _unit() -> Column:
    return F.coalesce("group_id", "record_id")


def _taking_part() -> Column:
    return F.col("rule").isNull() & F.col("fault").isNull()


def _value_batches(masked: Mapping[bool, frozenset[str]], version: str):
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return group_masks.value_batches(batches, masked, version)

    return run


def _member_batches(masked: Mapping[bool, frozenset[str]], version: str):
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return group_masks.member_batches(batches, masked, version)

    return run
