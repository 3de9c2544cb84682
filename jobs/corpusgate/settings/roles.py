"""Who may attest: `conf/roles.yaml`, the names of people and the roles they hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from corpusgate.errors import UserError
from corpusgate.settings.load import load_file
from corpusgate.settings.model import Declared
from corpusgate.settings.place import Place

#: An assessor reads every sample and speaks for nothing.
Role = Literal["annotation_lead", "assessor", "counsel", "lead", "reviewer", "security"]


class Roles(Declared):
    """The table: a name as it is given at login, and what that person may speak as."""

    users: dict[str, tuple[Role, ...]] = Field(min_length=1)
    annotates_as: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="login -> names in the annotation tables; the login itself counts anyway"
    )
    signoff: dict[Literal["trial", "filing"], tuple[Role, ...]] = Field(
        {"filing": ("lead",)}, description="channel -> roles that each approve a release"
    )

    def holders(self, role: str) -> list[str]:
        """Names of those who hold the role."""
        return sorted(name for name, roles in self.users.items() if role in roles)

    def check(self, name: str, role: str) -> None:
        """Raises UserError unless the person holds the role; says who does."""
        held = self.users.get(name)
        if held is not None and role in held:
            return
        who = f"{name} holds {', '.join(held) or 'no role'}" if held is not None else f"{name!r} is not in the table"
        raise UserError(
            f"{name!r} may not speak as {role}: {who}. In conf/roles.yaml the role {role} is held by "
            f"{', '.join(self.holders(role)) or 'nobody'}; whoever decides about roles enters others there."
        )


def load_roles(place: Place) -> Roles:
    """`conf/roles.yaml`.

    Raises:
        UserError: it is not there: nobody may attest. ConfigError: it is wrong.
    """
    path = place.conf / "roles.yaml"
    if not path.is_file():
        raise UserError(
            f"There is no {path}, so nobody may attest anything. Write who holds which role: "
            "users: {<name at login>: [counsel, lead, …]}."
        )
    return load_file(path, Roles)
