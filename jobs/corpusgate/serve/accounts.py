"""The people of the demo and their passwords: who they are is declared here, the passwords lie in one file (0600).

Airflow would print a password that it has to make up; therefore the file holds all of them before Airflow starts.
"""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path

from corpusgate.errors import UserError
from corpusgate.lake.run import write_atomically

#: User -> role in Airflow. Nobody is an admin. Reviewers and the assessor read; `reviewapp` answers for a review page.
USERS: dict[str, str] = {
    "engineer": "op",
    "lead": "user",
    "officer": "user",
    "reviewer1": "viewer",
    "assessor": "viewer",
    "reviewapp": "user",
}
#: Whom `corpusgate up` works as: the only one who may write a run's note.
ENGINEER = "engineer"

# no letters and digits that look alike: people type these from a terminal
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
_LENGTH = 20  # more than 110 bits


def as_setting() -> str:
    """All users as Airflow's setting `simple_auth_manager_users` wants them."""
    return ",".join(f"{name}:{role}" for name, role in USERS.items())


def passwords(path: Path) -> dict[str, str]:
    """The users' passwords; those that are missing are made and written first. The file ends with mode 0600.

    Raises:
        UserError: the file is there, but is not what we wrote.
    """
    known = _read(path) if path.exists() else {}
    whole = known | {n: "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for n in USERS if n not in known}
    if whole != known:
        write_atomically(path, json.dumps(whole, indent=1) + "\n")  # a new file of mkstemp: 0600 from its first byte
    if stat.S_IMODE(path.stat().st_mode) != 0o600:
        path.chmod(0o600)
    return whole


def _read(path: Path) -> dict[str, str]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        data = None
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise UserError(
            f"{path} is not a file of passwords (user: password). Remove it; new ones are made at the start."
        )
    return data
