"""Where things lie on this machine: configuration, lake, tools. The only reader of `CORPUSGATE_*` path variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from corpusgate.errors import UserError


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one installation.

    `home` is the checkout (or the folder that holds `conf/`), `conf` the declarations, `lake` the Delta tables and the
    raw archive, `var` everything that a run may write outside the lake (tools, Airflow, fixtures, logs).
    """

    home: Path
    conf: Path
    lake: Path
    var: Path

    @property
    def raw(self) -> Path:
        """Content-addressed raw archive: `raw/<first two hex>/<sha256>`."""
        return self.lake / "raw"

    @property
    def runs(self) -> Path:
        """One folder a run with the JSON result of each step."""
        return self.lake / "_runs"

    @property
    def releases(self) -> Path:
        """Published releases: `releases/<release_id>/`, and the channels' pointers."""
        return self.lake / "releases"

    def table(self, name: str) -> Path:
        """Folder of the Delta table `name`."""
        return self.lake / "tables" / name

    def raw_file(self, sha256: str) -> Path:
        """Where the raw bytes with this hash lie."""
        return self.raw / sha256[:2] / sha256


def find_place(start: Path | None = None) -> Place:
    """The installation that `CORPUSGATE_HOME` names, or the nearest folder from `start` upwards with `conf/corpora`.

    Raises:
        UserError: no such folder is found.
    """
    named = os.environ.get("CORPUSGATE_HOME")
    candidates = [Path(named)] if named else _upwards(start or Path.cwd())
    home = next((c for c in candidates if (c / "conf" / "corpora").is_dir() or os.environ.get("CORPUSGATE_CONF")), None)
    if home is None:
        raise UserError(
            "No corpusgate folder here: neither this folder nor one above it has conf/corpora. "
            "Change to your checkout, or set CORPUSGATE_HOME to it."
        )
    home = home.resolve()
    var = home / "var"
    return Place(
        home=home,
        conf=Path(os.environ.get("CORPUSGATE_CONF") or home / "conf").resolve(),
        lake=Path(os.environ.get("CORPUSGATE_LAKE") or var / "lake").resolve(),
        var=var,
    )


def _upwards(start: Path) -> list[Path]:
    start = start.resolve()
    return [start, *start.parents]
