"""Who may do what: Airflow's simple users, without the power of the role `user` to set states by hand.

SimpleAuthManager lets a `user` mark an approval task as successful, edit XComs and delete runs: a person who may only
trigger and answer could so write verdicts. Here a `user` may trigger a run and answer what waits for people, and reads
everything else; an `op` keeps all it had. It is a fence for people at the UI, not for code: tasks run as one OS user.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.resource_details import DagDetails
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

#: The only changes that the role `user` may make: trigger a run, answer a task that waits for a person.
USER_MAY: frozenset[tuple[str, DagAccessEntity | None]] = frozenset(
    {("POST", DagAccessEntity.RUN), ("PUT", DagAccessEntity.HITL_DETAIL)}
)


class StrictAuthManager(SimpleAuthManager):
    """SimpleAuthManager with a narrower role `user`; login page, tokens and the other roles are unchanged."""

    def is_authorized_dag(
        self,
        *,
        method: ResourceMethod,
        user: SimpleAuthManagerUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        """Whether `user` may do `method` on a DAG or on what belongs to one (`access_entity`)."""
        is_change = method != "GET"
        if is_change and (user.role or "").upper() == "USER" and (method, access_entity) not in USER_MAY:
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
