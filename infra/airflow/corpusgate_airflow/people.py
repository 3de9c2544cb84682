"""The two tasks of a filing that wait for people: for verdicts on a sample, and for a signature.

Both park in Airflow's state `awaiting_input`: no worker, no trigger, and a scheduler that is stopped loses nothing.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param, get_current_context
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from corpusgate.errors import LakeBusy, UserError
from corpusgate.lake.run import Run, StepResult, write_atomically
from corpusgate_airflow import filing
from corpusgate_airflow.links import REVIEW_PREFIX, ReviewLink
from corpusgate_airflow.review.waiting import COUNT, GIVE_UP, SERVICE

log = logging.getLogger(__name__)

#: Seconds between attempts to write a signature while a rebuild holds the lake, and for how long.
RETRY_EVERY, RETRY_FOR = 15.0, 3600.0
#: What the page tells with its answer, and what a person tells with a signature. They are handed to the operators where
#: the DAG is declared, since Airflow adds the DAG's own parameters to whatever a constructor sets by itself.
TOLD: dict[str, Param] = {
    name: Param(None, type=["null", "string", "integer"]) for name in ("person", "decided", "bad")
}
#: No least length here: Airflow checks what is declared against its default too, and an empty text is asked for anyway.
BECAUSE: dict[str, Param] = {
    "because": Param("", type="string", maxLength=2000, title="Because / 理由", description="why, in a sentence")
}


class ReviewsOperator(HITLOperator):
    """Waits until the review page says that the verdicts on the release's samples suffice.

    Only the page's service user may answer. What it says is not believed: the next task counts.
    """

    operator_extra_links = (ReviewLink(),)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="People review the samples of a release", options=[COUNT, GIVE_UP], defaults=GIVE_UP,
            assigned_users=[{"id": SERVICE, "name": SERVICE}], **kwargs,
        )  # fmt: skip

    def execute(self, context: Any) -> Any:
        """Waits, unless the verdicts suffice already."""
        run = filing._run()
        release_id = filing.release_of_run()
        days = run.corpus.policy.review_wait_days
        self.response_timeout = timedelta(days=days)
        self.subject = f"People review the samples of {release_id}"
        self.body = asked(run, release_id, days)
        if self._suffices(run, release_id):
            return None
        try:
            return super().execute(context)
        except TaskAwaitingInput:
            # who judged the last item while the question was being written was told that nobody waits
            if self._suffices(run, release_id):
                return None
            raise

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Goes on where the page answered; fails where nobody did in time."""
        given = super().execute_complete(context, event)
        if given["chosen_options"] == [GIVE_UP]:
            days = filing._run().corpus.policy.review_wait_days
            raise AirflowFailException(
                f"Given up: the reviews were not complete after {days} days (policy.review_wait_days). What was said "
                "is kept; clear this task to wait again."
            )
        log.info("The review page says that the verdicts suffice; the next task counts them.")
        return None

    def _suffices(self, run: Run, release_id: str) -> bool:
        from corpusgate.review.filing import waits_for

        wait = waits_for(run.place, release_id)
        return wait.enough or bool(wait.lost)


class SigningOperator(ApprovalOperator):
    """One form for a role: shows what the gates found, and writes who approved or refused it into `signoff`.

    Its state in Airflow is no approval: publishing asks for the row.
    """

    def __init__(self, *, role: str, **kwargs: Any) -> None:
        self.role = role
        super().__init__(
            subject=f"Approve a release for {filing.CHANNEL} as {role}", defaults=self.REJECT, fail_on_reject=True,
            **kwargs,
        )  # fmt: skip

    def execute(self, context: Any) -> Any:
        """Shows the text to those who hold the role."""
        from corpusgate.review.filing import approval_text
        from corpusgate.settings.roles import load_roles

        run, release_id = filing._run(), filing.release_of_run()
        holders = load_roles(run.place).holders(self.role)
        if not holders:
            raise AirflowFailException(f"Nobody holds the role {self.role} in conf/roles.yaml, so nobody can sign.")
        self.assigned_users = [{"id": name, "name": name} for name in holders]
        self.response_timeout = timedelta(days=run.corpus.policy.review_wait_days)
        self.subject = f"Approve {release_id} for {filing.CHANNEL} as {self.role}"
        self.body = approval_text(run.place, release_id)
        shown = self._shown(run)
        if not shown.is_file():  # Airflow keeps the first text of a question, so this one does too
            write_atomically(shown, self.body)
        log.info("%s is shown to %s", release_id, ", ".join(holders))
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Records the signature, then ends as the answer says.

        Raises:
            AirflowFailException: nobody answered in time, or who did may not sign.
        """
        if "error" not in event:
            self._record(filing._run(), event)
        return super().execute_complete(context, event)

    def _record(self, run: Run, event: dict[str, Any]) -> None:
        from corpusgate.review.signoff import text_sha256

        release_id, who = filing.release_of_run(), event.get("responded_by_user")
        seen = text_sha256(self._shown(run).read_text("utf-8"))
        facts = {"release_id": release_id, "role": self.role, "seen_sha256": seen, "by": who["id"] if who else None}
        if who is None:
            days = run.corpus.policy.review_wait_days
            because = f"Refused: nobody signed within {days} days (policy.review_wait_days)."
            run.write(_result(self.role, "held", because, facts))
            raise AirflowFailException(f"{because} Clear the task `gate` to judge and ask again.")
        approved = event["chosen_options"] == [self.APPROVE]
        because = reason(self.role, (event["params_input"] or {}).get("because"))
        row = signed(run, release_id, self.role, approved, facts, because, event["responded_at"])
        run.write(_result(self.role, "ok" if approved else "held", row["because"], {**facts, **_plain(row)}))
        log.info("%s (%s) %ss %s: signoff %s, seen %s", row["by"], self.role, row["decision"], release_id,
                 row["signoff_id"], seen)  # fmt: skip

    def _shown(self, run: Run) -> Path:
        return run.folder / "shown" / f"{self.role}-{get_current_context()['ti'].id}.md"


def signed(
    run: Run, release_id: str, role: str, approved: bool, facts: dict[str, Any], because: str, at: Any
) -> dict[str, Any]:
    """The row of `signoff`; waits while a rebuild writes, since the answer cannot be asked for again.

    Raises:
        AirflowFailException: the person may not sign, or gave no reason. LakeBusy: a rebuild wrote for an hour.
    """
    from corpusgate.review.signoff import sign_off

    decision, tries = "approve" if approved else "reject", int(RETRY_FOR / RETRY_EVERY)
    for attempt in range(tries + 1):
        try:
            return sign_off(
                run.place, release_id, filing.CHANNEL, facts["by"], role, decision, facts["seen_sha256"], because, at
            )
        except LakeBusy:
            if attempt == tries:
                raise
            time.sleep(RETRY_EVERY)
        except UserError as error:
            raise AirflowFailException(f"Nothing was signed: {error}") from None
    raise AssertionError


def reason(role: str, text: Any) -> str:
    """The person's own words on one line, with where they were said; empty for none. A short answer to a question that
    cannot be asked again must not be lost."""
    said = " ".join("".join(c if c.isprintable() else " " for c in str(text or "")).split())
    return f"Signed as {role} in Airflow: {said}" if said else ""


def asked(run: Run, release_id: str, days: int) -> str:
    """What the waiting task says in Airflow: what it waits for, of whom, where. Markdown, ids and counts only."""
    from corpusgate.review.filing import waits_for

    lines = [
        f"`{release_id}` waits for people. **[Open the review page]({REVIEW_PREFIX}/)** · "
        f"**[打开审核页面]({REVIEW_PREFIX}/)**", "",
        "| sample 样本 | decided 已定 | bad 不合格 | open with 待审 |", "|---|---|---|---|",
    ]  # fmt: skip
    for s in waits_for(run.place, release_id).samples:
        open_with = ", ".join(f"{person} {waits}" for person, _, waits in s.by_reviewer if waits) or "nobody"
        may = "" if s.bad_at_most is None else f" (at most {s.bad_at_most})"
        lines.append(f"| `{s.sample_id}` | {s.decided} of {s.needed} | {s.bad}{may} | {open_with} |")
    lines += [
        "", f"The page answers by itself when the verdicts suffice, or no more can; after {days} days it is given up. "
        "Do not answer by hand: the next task counts.",
        "", f"结果足够（或已不可能合格）时页面会自动作答；{days} 天后放弃。请勿手动作答，下一任务会重新计数。",
    ]  # fmt: skip
    return "\n".join(lines)


def _result(role: str, state: Any, because: str, facts: dict[str, Any]) -> StepResult:
    kept = int(state == "ok")
    return StepResult(
        step="filing_approval", source_id=role, state=state, unit="signature", rows_in=1, kept=kept, removed=1 - kept,
        removed_by_rule={} if kept else {"not_approved": 1}, because=because, facts=facts,
    )  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, str]:
    return {k: str(row[k]) for k in ("signoff_id", "manifest_root", "decision", "at")}
