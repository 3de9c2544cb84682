"""The DAG release_filing as data, and what its tasks do whatever Airflow's state says."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.providers.standard.operators import hitl
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskAwaitingInput

from corpusgate.lake import lease, store
from corpusgate.lake.run import Run, StepResult, open_run
from corpusgate.review.assignments import record
from corpusgate.review.desk import given_of
from corpusgate.review.signoff import text_sha256
from corpusgate_airflow import filing, people
from corpusgate_airflow.links import FILING_DAG, REVIEWS_TASK
from corpusgate_airflow.review.waiting import COUNT, GIVE_UP, SERVICE
from corpusgate_testing.filing import ITEMS, two_releases
from corpusgate_testing.gates import AT, HOME
from corpusgate_testing.lake import rows
from corpusgate_testing.review import Room

RUN = "manual__2026-03-02T00:00:00+00:00"


@pytest.fixture(scope="module")
def dag() -> DAG:
    bag = BundleDagBag(str(HOME / "dags"), bundle_path=HOME / "dags")
    assert bag.import_errors == {}
    return bag.dags[FILING_DAG]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    first, _ = two_releases(tmp_path)
    monkeypatch.setattr(filing, "find_place", lambda: first.place)
    return first


Press = Any


@pytest.fixture
def press(room: Room, monkeypatch: pytest.MonkeyPatch) -> Press:
    """Sets who started the run, and what the form said."""

    def start(person: str | None = "lead", **given: str) -> dict[str, Any]:
        context: dict[str, Any] = {
            "params": {"corpus": "test", "release": room.release, "reviewers": "reviewer1", **given}, "run_id": RUN,
            "dag_run": SimpleNamespace(run_after=AT, triggering_user_name=person),
            "ti": SimpleNamespace(id="1", start_date=AT, task_id="t"),
        }  # fmt: skip
        context["task_instance"] = context["ti"]
        for module in (filing, people):
            monkeypatch.setattr(module, "get_current_context", lambda: context)
        return context

    return start


def run_of(room: Room) -> Run:
    return open_run(room.place, "test", RUN, AT)


def test_tasks_follow_one_another_and_publish_comes_last(dag: DAG) -> None:
    order = ["choose", "reviews", "recount", "gate", "approval", "publish"]
    assert [t.task_id for t in dag.topological_sort()] == order
    for before, after in pairwise(order):
        assert dag.get_task(after).upstream_task_ids == {before}
    assert {t.trigger_rule for t in dag.tasks} == {"all_success"}


def test_reviews_is_the_service_users_question_and_holds_no_retry(dag: DAG) -> None:
    task: Any = dag.get_task(REVIEWS_TASK)
    assert [u["id"] for u in task.assigned_users] == [SERVICE]
    assert (task.options, task.defaults, task.retries) == ([COUNT, GIVE_UP], [GIVE_UP], 0)
    assert task.execution_timeout is None


def test_only_names_of_roles_go_through_xcom(dag: DAG) -> None:
    def pushes(task: Any) -> bool:
        return task.partial_kwargs["do_xcom_push"] if task.is_mapped else task.do_xcom_push

    assert {t.task_id for t in dag.tasks if pushes(t)} == {"gate"}


def test_publish_is_the_command_lines_own_and_reads_the_release_from_the_runs_folder(dag: DAG) -> None:
    task: Any = dag.get_task("publish")
    assert task.application_args == [
        "release", "file", "{{ release_of_run(run_id) }}", "--corpus", "{{ params.corpus }}"
    ]  # fmt: skip
    assert dag.user_defined_macros == {"release_of_run": filing.release_of_run}


@pytest.mark.parametrize("wrong", ["x", "../test-0123456789ab", "test-0123456789AB", "test; rm -rf /"])
def test_form_takes_ids_of_releases_alone(dag: DAG, wrong: str) -> None:
    with pytest.raises(Exception, match="does not match"):
        dag.params.get_param("release").resolve(wrong)


def test_samples_are_given_out_by_the_lead_who_started_the_run(room: Room, press: Press) -> None:
    press()
    filing.choose()
    assert given_of(room.place, room.sample).people == ("reviewer1",)
    (row,) = rows(room.place, "review_assignment")
    assert row["assigned_by"] == "lead"
    assert filing.release_of_run() == room.release


def test_samples_go_to_all_reviewers_where_nobody_is_named_and_who_has_them_keeps_them(
    room: Room, press: Press
) -> None:  # fmt: skip
    press(reviewers="")
    filing.choose()
    assert given_of(room.place, room.sample).people == ("lead", "reviewer1")
    press(reviewers="reviewer1")
    filing.choose()
    assert given_of(room.place, room.sample).people == ("lead", "reviewer1")


@pytest.mark.parametrize("person", ["engineer", "reviewer1", None])
def test_nobody_else_gives_samples_out(room: Room, press: Press, person: str | None) -> None:
    press(person)
    with pytest.raises(AirflowFailException, match=r"lead|Nobody is known"):
        filing.choose()
    assert given_of(room.place, room.sample).people == ()


def test_release_of_another_corpus_is_refused(room: Room, press: Press) -> None:
    press(release="other-0123456789ab")
    with pytest.raises(AirflowFailException):
        filing.choose()


def test_newest_candidate_is_taken_where_none_is_named(room: Room, press: Press) -> None:
    press(release="")
    filing.choose()
    assert filing.release_of_run() == filing.newest(room.place, "test")


def test_recount_fails_where_reviews_are_short_whoever_said_that_they_suffice(room: Room, press: Press) -> None:
    press()
    filing.choose()
    record(room.place, room.says("reviewer1", 1))
    with pytest.raises(AirflowFailException, match=f"1 of {ITEMS}.*clear the task `reviews`"):
        filing.recount()
    assert len(rows(room.place, "review")) == 1, "what was said is kept"
    room.judge_all(["reviewer1"])
    filing.recount()
    assert len(rows(room.place, "review")) == ITEMS


def test_recount_goes_on_where_the_sample_can_pass_no_more(room: Room, press: Press) -> None:
    press()
    filing.choose()
    for ordinal in (1, 2):
        record(room.place, room.says("reviewer1", ordinal, "bad", ["a1f"]))
    filing.recount()
    assert len(rows(room.place, "review")) == 2, "the two bad ones are kept, and the others are not asked for"


def test_recount_without_a_chosen_release_says_so(room: Room, press: Press) -> None:
    press()
    with pytest.raises(AirflowFailException, match="`choose` left no result"):
        filing.recount()


@pytest.fixture
def reviews(dag: DAG, room: Room, press: Press, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The waiting task of a run that has chosen; what it asks lies in `asked`."""
    task: Any = dag.get_task(REVIEWS_TASK)
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **given: asked.update(given)
    )
    context = press()
    filing.choose()
    return SimpleNamespace(task=task, context=context, asked=asked)


def test_waiting_says_what_for_of_whom_and_where_and_for_how_long(room: Room, reviews: Any) -> None:
    with pytest.raises(TaskAwaitingInput) as parked:
        reviews.task.execute(reviews.context)
    assert parked.value.timeout == timedelta(days=60)
    assert room.release in reviews.asked["subject"]
    body = reviews.asked["body"]
    assert f"| `{room.sample}` | 0 of {ITEMS} | 0 (at most 1) | reviewer1 {ITEMS} |" in body
    assert "/corpusgate-review/" in body and "60 天" in body


def test_nothing_waits_where_the_verdicts_suffice_already(room: Room, reviews: Any) -> None:
    room.judge_all(["reviewer1"])
    assert reviews.task.execute(reviews.context) is None
    assert reviews.asked == {}


def test_last_verdict_during_the_question_is_not_lost(
    room: Room, reviews: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was told that nobody waits, since the question was not written yet."""
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **_: room.judge_all(["reviewer1"]))
    assert reviews.task.execute(reviews.context) is None


def answered(who: str | None, option: str, **told: Any) -> dict[str, Any]:
    by = {"id": who, "name": who} if who else None
    return {"chosen_options": [option], "params_input": told, "responded_by_user": by, "responded_at": AT}


def test_wait_that_ran_out_is_given_up(reviews: Any) -> None:
    with pytest.raises(AirflowFailException, match="not complete after 60 days"):
        reviews.task.execute_complete(reviews.context, answered(None, GIVE_UP))


@pytest.fixture
def signing(room: Room, press: Press, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The form for the role lead, shown."""
    from corpusgate.review import filing as core

    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        "airflow.providers.standard.operators.hitl.upsert_hitl_detail", lambda **given: asked.update(given)
    )
    monkeypatch.setattr(core, "approval_text", lambda place, release: f"# {release}\n\nfigures\n")
    context = press()
    filing.choose()
    task = people.SigningOperator(task_id="approval", role="lead", params=deepcopy(people.BECAUSE))
    with pytest.raises(TaskAwaitingInput):
        task.execute(context)
    return SimpleNamespace(task=task, context=context, asked=asked)


WHY = {"because": "reviews and figures were read"}


def test_form_is_shown_to_who_holds_the_role(room: Room, signing: Any) -> None:
    assert [u["id"] for u in signing.asked["assigned_users"]] == ["lead"]
    assert signing.asked["body"] == f"# {room.release}\n\nfigures\n"
    assert signing.asked["defaults"] == ["Reject"]


def test_approval_is_a_row_bound_to_what_was_seen(room: Room, signing: Any) -> None:
    signing.task.execute_complete(signing.context, answered("lead", "Approve", **WHY))
    (row,) = rows(room.place, "signoff")
    assert (row["by"], row["role"], row["decision"]) == ("lead", "lead", "approve")
    assert row["because"] == f"Signed as lead in Airflow: {WHY['because']}"
    assert row["seen_sha256"] == text_sha256(signing.asked["body"])
    assert row["manifest_root"][:12] == room.release[-12:]


def test_refusal_is_a_row_too_and_the_task_is_red(room: Room, signing: Any) -> None:
    with pytest.raises(Exception, match="Reject"):
        signing.task.execute_complete(signing.context, answered("lead", "Reject", **WHY))
    assert [r["decision"] for r in rows(room.place, "signoff")] == ["reject"]


def test_time_out_refuses_is_recorded_and_signs_for_nobody(room: Room, signing: Any) -> None:
    with pytest.raises(AirflowFailException, match="nobody signed within 60 days"):
        signing.task.execute_complete(signing.context, answered(None, "Reject"))
    result = run_of(room).result("filing_approval", "lead")
    assert result is not None and (result.state, result.facts["by"]) == ("held", None)
    assert not (room.place.table("signoff") / "_delta_log").is_dir() or rows(room.place, "signoff") == []


@pytest.mark.parametrize(("who", "told"), [("officer", WHY), ("lead", {"because": " "}), ("lead", {})])
def test_who_may_not_sign_or_gives_no_reason_signs_nothing(
    room: Room, signing: Any, who: str, told: dict[str, Any]
) -> None:
    with pytest.raises(AirflowFailException, match="Nothing was signed"):
        signing.task.execute_complete(signing.context, answered(who, "Approve", **told))
    store.ensure_tables(room.place, ["signoff"])
    assert rows(room.place, "signoff") == []


def test_answer_waits_while_a_rebuild_writes(room: Room, signing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    held = lease.lease(room.place, "a rebuild")
    held.__enter__()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        held.__exit__(None, None, None)

    monkeypatch.setattr(people.time, "sleep", sleep)
    signing.task.execute_complete(signing.context, answered("lead", "Approve", **WHY))
    assert slept == [people.RETRY_EVERY]
    assert [r["by"] for r in rows(room.place, "signoff")] == ["lead"]


def test_text_of_a_question_stays_what_airflow_shows(room: Room, signing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow keeps the first text of a question that is asked again; so does what is hashed."""
    from corpusgate.review import filing as core

    monkeypatch.setattr(core, "approval_text", lambda place, release: "other")
    with pytest.raises(TaskAwaitingInput):
        signing.task.execute(signing.context)
    signing.task.execute_complete(signing.context, answered("lead", "Approve", **WHY))
    (row,) = rows(room.place, "signoff")
    assert row["seen_sha256"] == text_sha256(f"# {room.release}\n\nfigures\n")


def test_evidence_of_a_filing_is_that_of_its_release_once_it_was_judged(room: Room, press: Press) -> None:
    from corpusgate_airflow.pages import draw

    press()
    filing.choose()
    before = draw(room.place, RUN)
    assert RUN.split("+")[0] in before
    judged = open_run(room.place, "test", f"filing__{room.release}", AT)
    judged.write(StepResult(step="release_gate", unit="control", rows_in=0, kept=0))
    assert f"filing__{room.release}" in draw(room.place, RUN)


def test_short_reason_on_several_lines_is_not_lost(room: Room, signing: Any) -> None:
    signing.task.execute_complete(signing.context, answered("lead", "Approve", because="ok\n\u202eso"))
    assert [r["because"] for r in rows(room.place, "signoff")] == ["Signed as lead in Airflow: ok so"]


def test_fields_of_the_waiting_tasks_pass_airflows_own_check(dag: DAG) -> None:
    """Airflow resolves every parameter before a task begins: a default that breaks its own schema fails the task."""
    approval: Any = dag.get_task("approval")
    assert dict(approval.unmap({"role": "lead"}).params)["because"] == ""
    assert dict(dag.get_task(REVIEWS_TASK).params)["person"] is None
