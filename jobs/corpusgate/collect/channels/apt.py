"""Debian packages by the machine's own apt, where its signed index offers the pinned version; never unpacked by it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from corpusgate.collect.archive import archived, incoming
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.collect.channels.pip import keep_checked
from corpusgate.collect.client import Said, call
from corpusgate.errors import Mismatch, NotAvailable
from corpusgate.settings.source import AptChannel


def fetch(channel: AptChannel, bench: Bench) -> Batch:
    """The pinned package; without any network where the archive holds it.

    Raises:
        NotAvailable: no apt here, or this release offers another version.
        Mismatch: the index or the download has another hash.
    """
    found = archived(bench.place, channel.sha256)
    if found is None:
        with incoming(bench.place, bench.name) as folder:
            if archived(bench.place, channel.sha256) is None:
                _download(channel, bench, folder)
        found = archived(bench.place, channel.sha256)
    assert found is not None
    name = f"{channel.package}_{channel.version.replace(':', '%3a')}.deb"
    path = bench.place.raw_file(channel.sha256)
    return Batch([Fetched(name, path, found.bytes, found.sha256, "archived", "apt")])


def _download(channel: AptChannel, bench: Bench, folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
        raise NotAvailable(f"not available here: {channel.package} comes by apt, and this machine has none.")
    named = f"{channel.package}={channel.version}"
    shown = _show(named, bench, folder)
    if shown.code and _lists_are_empty(bench, folder):
        _update(channel, bench, folder)
        shown = _show(named, bench, folder)
    if shown.code:
        raise NotAvailable(f"not available here: {_offer(channel, bench, folder)}")
    offered = {line.split(":", 1)[1].strip() for line in shown.out.splitlines() if line.startswith("SHA256:")}
    if channel.sha256 not in offered:
        raise Mismatch(
            f"{named}: apt's index gives SHA-256 {', '.join(sorted(offered)) or 'none'}, the declaration pins "
            f"{channel.sha256}. Nothing was fetched. Next: find out why one version has two contents."
        )
    said = call(["apt-get", "--quiet", "download", named], folder, limit=bench.limit)
    packages = sorted(folder.glob("*.deb"))
    if said.code or len(packages) != 1:
        raise NotAvailable(f"not available here: apt-get did not bring {named}: {said.last_line}")
    keep_checked(bench.place, packages[0], named, channel.sha256)


def _show(named: str, bench: Bench, folder: Path) -> Said:
    return call(["apt-cache", "show", "--no-all-versions", named], folder, limit=bench.limit)


def _lists_are_empty(bench: Bench, folder: Path) -> bool:
    """Whether this machine's apt knows no index at all, as in a fresh container."""
    return "Packages" not in call(["apt-cache", "policy"], folder, limit=bench.limit).out


def _update(channel: AptChannel, bench: Bench, folder: Path) -> None:
    """Fills empty lists where we may; lists that are there are the person's and stay as they are."""
    if os.geteuid() != 0:
        raise NotAvailable(
            f"not available here: apt has no package lists, so nobody knows whether it offers {channel.package}. Next: "
            "let an administrator run apt-get update, then rebuild."
        )
    with incoming(bench.place, "apt-update"):  # one at a time: apt refuses a second update
        if not _lists_are_empty(bench, folder):
            return
        said = call(["apt-get", "--quiet", "update"], folder, limit=bench.limit)
    if said.code:
        raise NotAvailable(f"not available here: apt has no package lists and could not get them: {said.last_line}")


def _offer(channel: AptChannel, bench: Bench, folder: Path) -> str:
    policy = call(["apt-cache", "policy", channel.package], folder, limit=bench.limit).out
    candidate = next((ln.split(":", 1)[1].strip() for ln in policy.splitlines() if "Candidate:" in ln), "(none)")
    if candidate == "(none)":
        return f"this system's apt has no package {channel.package}; the declaration pins version {channel.version}."
    return f"this system's apt offers {channel.package} {candidate}; the declaration pins version {channel.version}."
