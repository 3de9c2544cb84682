"""Who may do what, asked of the class that Airflow asks: rows as in the table of docs and of the UI."""

from __future__ import annotations

import pytest
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity as Entity
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

from corpusgate.serve import accounts
from corpusgate_airflow.auth import StrictAuthManager

VIEWER, USER, OP = "viewer", "user", "op"
NOBODY: set[str] = set()


def may(role: str | None, method: str, entity: Entity | None) -> bool:
    user = SimpleAuthManagerUser(username="somebody", role=role)
    return StrictAuthManager().is_authorized_dag(method=method, user=user, access_entity=entity)  # ty: ignore[invalid-argument-type]


@pytest.mark.parametrize(
    ("method", "entity", "allowed"),
    [
        pytest.param("GET", None, {VIEWER, USER, OP}, id="see DAGs"),
        pytest.param("GET", Entity.RUN, {VIEWER, USER, OP}, id="see runs and evidence"),
        pytest.param("GET", Entity.TASK_LOGS, {VIEWER, USER, OP}, id="read logs"),
        pytest.param("GET", Entity.XCOM, {VIEWER, USER, OP}, id="read XComs"),
        pytest.param("GET", Entity.HITL_DETAIL, {VIEWER, USER, OP}, id="see what waits for people"),
        pytest.param("POST", Entity.RUN, {USER, OP}, id="trigger a run"),
        pytest.param("PUT", Entity.HITL_DETAIL, {USER, OP}, id="answer what waits for people"),
        pytest.param("PUT", None, {OP}, id="pause"),
        pytest.param("DELETE", None, {OP}, id="delete a DAG"),
        pytest.param("PUT", Entity.RUN, {OP}, id="set a run's state, clear it, write its note"),
        pytest.param("DELETE", Entity.RUN, {OP}, id="delete a run"),
        pytest.param("PUT", Entity.TASK_INSTANCE, {OP}, id="set a task's state, clear it"),
        pytest.param("DELETE", Entity.TASK_INSTANCE, {OP}, id="delete a task instance"),
        pytest.param("PUT", Entity.XCOM, {OP}, id="change an XCom"),
        pytest.param("POST", Entity.XCOM, {OP}, id="make an XCom"),
        pytest.param("DELETE", Entity.XCOM, {OP}, id="delete an XCom"),
    ],
)
@pytest.mark.parametrize("role", [VIEWER, USER, OP])
def test_role_matrix(role: str, method: str, entity: Entity | None, allowed: set[str]) -> None:
    assert may(role, method, entity) == (role in allowed)


@pytest.mark.parametrize("role", ["USER", "User", "user"])
def test_spelling_of_the_role_opens_nothing(role: str) -> None:
    assert not may(role, "PUT", Entity.TASK_INSTANCE)


@pytest.mark.parametrize("role", [None, ""])
def test_somebody_without_a_role_sees_nothing(role: str | None) -> None:
    assert not may(role, "GET", Entity.RUN)
    assert not may(role, "PUT", Entity.HITL_DETAIL)


@pytest.mark.parametrize("entity", [e for e in Entity if e not in (Entity.RUN, Entity.HITL_DETAIL)])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_whatever_airflow_adds_stays_closed_to_the_role_user(entity: Entity, method: str) -> None:
    assert not may("user", method, entity)


def test_airflow_is_told_to_use_this_manager_and_these_users() -> None:
    from airflow.api_fastapi.app import get_auth_manager_cls
    from airflow.configuration import conf

    assert get_auth_manager_cls() is StrictAuthManager
    assert {(u.username, u.role) for u in StrictAuthManager.get_users()} == set(accounts.USERS.items())
    assert conf.getboolean("core", "simple_auth_manager_all_admins") is False
