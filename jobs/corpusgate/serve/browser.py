"""Where Chromium is, for pictures and for tests; installed by apt where it is missing and that may be done."""

from __future__ import annotations

import os
import shutil
import subprocess

from corpusgate.errors import UserError

PACKAGES = ("chromium", "fonts-noto-cjk")
#: Another browser of the same family, by its path: for a machine without apt.
VARIABLE = "CORPUSGATE_CHROMIUM"


def chromium() -> str:
    """The browser's path.

    Raises:
        UserError: it is missing and cannot be installed; says what to do.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if shutil.which(named) is None:
            raise UserError(f"{VARIABLE}={named} is no program.")
        return named
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or _installed()


def _installed() -> str:
    by_hand = f"sudo apt-get install {' '.join(PACKAGES)}; or set {VARIABLE} to a Chromium's path"
    prefix = _as_root()
    if prefix is None or shutil.which("apt-get") is None:
        raise UserError(f"There is no Chromium here, which the pages are tried in: {by_hand}.")
    said = ""
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *PACKAGES],
    ):
        given = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *command]
        said = subprocess.run(given, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stderr
    found = shutil.which("chromium")
    if found is None:
        raise UserError(f"Chromium could not be installed ({said.strip()[-300:]}): {by_hand}.")
    return found


def _as_root() -> list[str] | None:
    """What to write before a command to run it as root; None where we may not."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None
