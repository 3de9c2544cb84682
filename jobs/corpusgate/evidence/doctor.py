"""What can be wrong with an installation, each with what to do about it. Looks only; mends nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
from pathlib import Path

from corpusgate.settings.place import Place

Row = dict[str, str]
_MINIMUM_GIB = 5


def examine(place: Place) -> list[Row]:
    """Rows with `state` (fine, note, wrong), `what`, `found` and `do`."""
    return [
        _java(place), *_jars(place), _spark_conf(place), _lock(place), _disk(place), _ports(place), *_keys(place),
        _lease(place), _lake(place),
    ]  # fmt: skip


def _row(state: str, what: str, found: str, do: str = "") -> Row:
    return {"state": state, "what": what, "found": found, "do": do}


def _java(place: Place) -> Row:
    home = os.environ.get("JAVA_HOME") or _from_env_file(place, "JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if not java or not Path(java).exists():
        return _row("wrong", "Java", "none", "Run `make setup`; it installs a JDK 17 where it may.")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    number = re.search(r'version "(\d+)', said)
    if not number or not 17 <= int(number[1]) <= 21:
        return _row("wrong", "Java", said.splitlines()[0] if said else "no answer", "Spark 4 needs Java 17 to 21.")
    return _row("fine", "Java", f"{said.splitlines()[0]} at {java}")


def _jars(place: Place) -> list[Row]:
    listed = place.home / "infra" / "setup" / "jars.sha256"
    if not listed.is_file():
        return [_row("wrong", "Delta jars", f"no list at {listed}", "Restore it from the repository.")]
    rows = []
    for line in listed.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        digest, name = line.split()[:2]
        path = place.var / "tools" / "jars" / name.lstrip("*")
        if not path.is_file():
            rows.append(_row("wrong", "Delta jar", f"{path.name} is missing", "Run `make setup`."))
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            rows.append(_row("wrong", "Delta jar", f"{path.name} has another hash", "Delete it and run `make setup`."))
    return rows or [_row("fine", "Delta jars", "all there, hashes as pinned")]


def _spark_conf(place: Place) -> Row:
    path = place.var / "tools" / "spark" / "spark-defaults.conf"
    if path.is_file():
        return _row("fine", "Spark settings", str(path))
    return _row("wrong", "Spark settings", "none", "Run `make setup`.")


def _lock(place: Place) -> Row:
    stamp, lock = place.home / ".venv", place.home / "requirements.lock"
    if not lock.is_file():
        return _row("note", "Lock file", "none here", "Without requirements.lock a release cannot name its versions.")
    if stamp.is_dir() and lock.stat().st_mtime > max(p.stat().st_mtime for p in [stamp, *stamp.glob("*stamp*")]):
        return _row("note", "Lock file", "newer than .venv", "Run `make setup`.")
    return _row("fine", "Lock file", str(lock))


def _disk(place: Place) -> Row:
    where = place.lake if place.lake.exists() else place.home
    free = shutil.disk_usage(where).free / 2**30
    if free < _MINIMUM_GIB:
        return _row("wrong", "Disk", f"{free:.1f} GiB free at {where}", f"Make room: {_MINIMUM_GIB} GiB or more.")
    return _row("fine", "Disk", f"{free:.0f} GiB free at {where}")


def _ports(place: Place) -> Row:
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", 8080)) == 0
    ours = any((place.var / "airflow").glob("*.pid")) if (place.var / "airflow").is_dir() else False
    if taken and not ours:
        return _row("note", "Port 8080", "taken by another program", "`make run` takes the next free one.")
    return _row("fine", "Port 8080", "ours" if taken else "free")


def _keys(place: Place) -> list[Row]:
    rows = []
    for path in sorted((place.var / "keys").glob("*")) if (place.var / "keys").is_dir() else []:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            rows.append(_row("wrong", "Key", f"{path} is open to others ({mode:o})", f"chmod 600 {path}"))
    if rows:
        return rows
    given = "CORPUSGATE_HMAC_KEY" in os.environ and "CORPUSGATE_SIGNING_KEY" in os.environ
    if given:
        return [_row("fine", "Keys", "from the environment")]
    return [
        _row("note", "Keys", "demonstration keys", "For a filing give CORPUSGATE_HMAC_KEY and CORPUSGATE_SIGNING_KEY.")
    ]


def _lease(place: Place) -> Row:
    path = place.lake / "_lease.json"
    if not path.is_file():
        return _row("fine", "Lease", "free")
    try:
        lease = json.loads(path.read_text("utf-8"))
    except ValueError:
        return _row("wrong", "Lease", f"{path} cannot be read", "If no rebuild runs, delete it.")
    who = f"{lease.get('holder')} (process {lease.get('pid')} on {lease.get('host')})"
    if lease.get("host") == socket.gethostname() and not Path(f"/proc/{lease.get('pid')}").exists():
        return _row("note", "Lease", f"left by {who}, which has ended", "The next run clears it.")
    return _row("note", "Lease", f"held by {who}", "A rebuild is running; wait for it.")


def _lake(place: Place) -> Row:
    if not (place.lake / "tables").is_dir():
        return _row("note", "Lake", f"none yet at {place.lake}", "`make run` makes it.")
    return _row("fine", "Lake", str(place.lake))


def _from_env_file(place: Place, name: str) -> str | None:
    path = place.var / "tools" / "env.sh"
    if path.is_file() and (found := re.search(rf"{name}=[\"']?([^\"'\n]+)", path.read_text("utf-8"))):
        return found[1]
    return None
