"""Where a lake's models lie and which one is promoted: asked by steps that train nothing and import no trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpusgate.settings.place import Place


def models(place: Place) -> Path:
    """The folder of all models of a lake."""
    return place.lake / "models"


def promoted(place: Place, corpus_id: str) -> dict[str, Any] | None:
    """What says which model is promoted for a corpus: `version`, `weights_sha256`, `promoted_at`; None: none is."""
    path = models(place) / f"{corpus_id}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None
