"""Where a browser is found, and what is said where there is none."""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from corpusgate.errors import UserError
from corpusgate.serve import browser


def with_programs(monkeypatch: pytest.MonkeyPatch, names: Collection[str], user: int = 1000) -> list[list[str]]:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 1, "", "no network")

    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}" if name in names else None)
    monkeypatch.setattr(browser.os, "geteuid", lambda: user)
    monkeypatch.setattr(browser.subprocess, "run", run)
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    return ran


def test_installed_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert with_programs(monkeypatch, ["chromium"]) == []
    assert browser.chromium() == "/usr/bin/chromium"


def test_named_one_comes_first_and_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_programs(monkeypatch, ["chromium"])
    monkeypatch.setenv(browser.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UserError, match="is no program"):
        browser.chromium()


@pytest.mark.parametrize("programs", [[], ["apt-get"], ["apt-get", "sudo"]])
def test_where_nothing_may_be_installed_the_message_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, programs: list[str]
) -> None:
    with_programs(monkeypatch, programs)
    with pytest.raises(UserError, match=r"sudo apt-get install chromium .*CORPUSGATE_CHROMIUM"):
        browser.chromium()


def test_root_installs_it_and_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = with_programs(monkeypatch, ["apt-get"], user=0)
    with pytest.raises(UserError, match=r"could not be installed \(no network\)"):
        browser.chromium()
    assert [c[2:4] for c in ran] == [["apt-get", "update"], ["apt-get", "install"]]
