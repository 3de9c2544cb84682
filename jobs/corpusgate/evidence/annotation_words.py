"""What each figure of annotation means and what to do about it, in Chinese and English, for a lead without statistics.

Each function returns (Chinese, English). A figure that is not computable is said to be so, and never sounds good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Said = tuple[str, str]

#: Under this share of right answers a person is taken off a batch and trained again (as for gold questions).
ACCURACY = 0.85
#: Items with two labels under which an agreement is chance.
FEWEST_COMPARED = 30
#: Seconds under which nobody has read.
FAST = 3


def agreement(figures: Mapping[str, Any]) -> Said:
    """Of a batch, a week, or all: what its alpha says and what to do."""
    raw, alpha = figures["raw"], figures["alpha"]
    if figures["reading"] == "not_computable":
        return _not_computable(figures["why"], raw)
    shown = f"alpha {alpha:.2f}"
    if figures["compared"] < FEWEST_COMPARED:
        return (
            f"仅有 {figures['compared']} 条由两人以上标注（一致比例 {raw:.0%}），太少，不能下结论。"
            "请让更多条目由两人以上标注。",
            f"Only {figures['compared']} items have two labels (the same in {raw:.0%} of comparisons): too few to "
            "tell. Have more items labelled by two people.",
        )
    if figures["reading"] == "reliable":
        return (
            f"标注员两两意见一致的比例为 {raw:.0%}，扣除偶然后仍足够（{shown}，不低于 0.80）。无需处理。",
            f"People give the same label in {raw:.0%} of comparisons, far more than chance would ({shown}, at least "
            "0.80). Nothing to do.",
        )
    if figures["reading"] == "tentative":
        return (
            f"一致比例 {raw:.0%}，勉强可用（{shown}，低于 0.80）。请查看分歧最多的标签，在规则中补充例子后再继续。",
            f"The same label in {raw:.0%} of comparisons: just usable ({shown}, under 0.80). Look at the labels they "
            "differ on most and add examples to the rules before going on.",
        )
    return (
        f"一致比例 {raw:.0%}，扣除偶然后不足（{shown}，低于 0.67）。暂停使用：先统一规则、重新培训，再返工。",
        f"The same label in {raw:.0%} of comparisons, too little beyond chance ({shown}, under 0.67). Do not use it: "
        "settle the rules, train again, then redo it.",
    )


def _not_computable(why: str, raw: float | None) -> Said:
    if why == "unanimous":
        return (
            "无法计算：所有人给出的标签完全相同。这不代表质量好，可能没有认真看。请加入已知答案的题目，并人工抽查。",
            "Not computable: everybody gave one and the same label. That is no proof of quality; perhaps nobody "
            "looked. Add questions with known answers and check some by hand.",
        )
    if why == "no_pairs" or raw is None:
        return (
            "无法计算：每条只有一人标注，无从比较。请让至少一部分条目由两人以上独立标注。",
            "Not computable: each item has one label only, so there is nothing to compare. Have at least some of the "
            "items labelled by two people independently.",
        )
    return ("无法计算。请核对导入的数据。", "Not computable. Check what was imported.")


def person(figures: Mapping[str, Any], reliable: bool) -> Said:
    """Of a person: gold questions first, then the estimate from the others' labels, then speed."""
    known, accuracy, seconds = figures["gold"], figures["accuracy"], figures["seconds"]
    if known is not None and known["standing"] == "poor":
        return (
            f"已知答案题 {known['answers']} 题答对 {known['right']} 题，低于七成。"
            "请暂停其工作、重新培训，并复查其已标条目。",
            f"Right in {known['right']} of {known['answers']} questions with known answers: under 70 %. Take them off "
            "the work, train them again, and look at what they labelled.",
        )
    if accuracy is not None and reliable and accuracy < ACCURACY:
        return (
            f"估计每百条约有 {100 - accuracy * 100:.0f} 条标错。请看其混淆表中颜色深的红格，就这些标签单独培训。",
            f"Probably wrong in some {100 - accuracy * 100:.0f} of 100 labels. Look at the dark red cells of their "
            "matrix and train them on these labels.",
        )
    if seconds is not None and seconds < FAST:
        return (
            f"每条用时中位数 {seconds:.1f} 秒，来不及读完。请抽查其标注，并约谈。",
            f"Half of the answers took under {seconds:.1f} s: too fast to have read. Check some of them and talk to "
            "the person.",
        )
    if known is None or known["standing"] == "too_few":
        return (
            "未发现问题，但已知答案题不足十题，尚不能下结论。请补充。",
            "Nothing stands out, but fewer than ten questions with known answers were put: too few to tell. Add some.",
        )
    return (
        f"已知答案题 {known['answers']} 题答对 {known['right']} 题。无需处理。",
        f"Right in {known['right']} of {known['answers']} questions with known answers. Nothing to do.",
    )


def batch(verdict: str) -> Said:
    """Of a batch's verdict."""
    return {
        "passed": ("可以使用其标签。", "Its labels may be used."),
        "void": (
            "整批作废：任何标签都不得用于发布或训练。请先查明原因，再整批返工（corpusgate annotation rework）。",
            "Void: none of its labels may be released or trained on. Find the cause, then have the whole batch redone "
            "(corpusgate annotation rework).",
        ),
    }.get(
        verdict,
        (
            "尚未核验：在有人抽查之前不得使用。请安排未参与该批次的人员抽查。",
            "Not verified: it may not be used until somebody has checked a sample of it. Ask someone who did not work "
            "on the batch.",
        ),
    )


def drift(week: Mapping[str, Any]) -> Said:
    """Of a person's week that differs."""
    if week["hasty"]:
        return (
            f"{week['week']} 当周 {week['fast']:.0%} 的标注用时不足 {FAST} 秒。请抽查这一周的标注。",
            f"In the week of {week['week']} {week['fast']:.0%} of the answers took under {FAST} s. Check that week's.",
        )
    way = ("下降", "fell") if week["down"] else ("上升", "rose")
    return (
        f"{week['week']} 当周与他人的一致比例由 {week['before']:.0%} {way[0]}到 {week['agreed']:.0%}，超出偶然。"
        + ("请了解原因：规则是否改动、是否疲劳。" if week["down"] else "若未培训过，请确认不是在照抄。"),
        f"In the week of {week['week']} agreement with the others {way[1]} from {week['before']:.0%} to "
        f"{week['agreed']:.0%}, more than chance. "
        + ("Ask why: new rules, tiredness?" if week["down"] else "Unless they were trained, make sure nobody copies."),
    )


def label(figures: Mapping[str, Any]) -> Said:
    """Of one label: how often a second person says it too."""
    specific = figures["specific"]
    if specific is None:
        return (
            "没有两人标过同一条的情况，无法比较。",
            "No item with this label was labelled by a second person: nothing to compare.",
        )
    if specific >= 0.8:
        return (
            f"一人给出此标签时，另一人有 {specific:.0%} 也给出。无需处理。",
            f"When one person gives it, another does too in {specific:.0%} of cases. Nothing to do.",
        )
    return (
        f"一人给出此标签时，另一人只有 {specific:.0%} 也给出。请在规则中写清此标签的边界，并附例子。",
        f"When one person gives it, another does too in only {specific:.0%} of cases. Say in the rules where this "
        "label ends, with examples.",
    )


def suspects(count: int, reliable: bool) -> Said:
    """Of the items whose commonest label is probably wrong."""
    if not count:
        return (
            "未发现多数人可能标错的条目。", "No item was found whose commonest label is probably wrong.",
        )  # fmt: skip
    doubt = ("", "") if reliable else (
        "每条标注不足三个，以下仅供参考。", " With fewer than three labels an item these are hints only.",
    )  # fmt: skip
    return (
        f"有 {count} 条的多数标签可能有误。请从上到下复查。{doubt[0]}",
        f"Of {count} items the commonest label is probably wrong. Look at them again from the top.{doubt[1]}",
    )
