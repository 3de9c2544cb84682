"""What a worker is given to screen with: the lexicon's folder and hash, the key for identifiers. Made by the driver."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from corpusgate.banks.lexicon import digest
from corpusgate.errors import UserError
from corpusgate.intake.detectors.model import Kit, SetFile
from corpusgate.lake.run import Run
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.load import load_test_sets
from corpusgate.settings.place import Place

KEY_VARIABLE = "CORPUSGATE_HMAC_KEY"
CACHE = "cache/keywords"
"""Folder under `var` of compiled lists of words; it may be deleted at any time."""
_SHORTEST = 16  # bytes: under that a key could be found by trial


def kit_for(run: Run) -> Kit:
    """The kit of a run: the lexicon and the test sets that the corpus names, by their hashes, the key of this
    installation, the promoted model.

    Raises:
        UserError: no such lexicon or test set, or a key that is not usable.
    """
    folder = run.place.conf / "lexicons" / run.corpus.policy.lexicon
    if not folder.is_dir():
        there = ", ".join(sorted(p.name for p in folder.parent.glob("*") if p.is_dir())) or "none"
        raise UserError(
            f"The corpus {run.corpus.id} names the lexicon {folder.name!r}, but {folder} is not there. "
            f"Correct policy.lexicon in conf/corpora/{run.corpus.id}.yaml; the lexicons there: {there}."
        )
    key = hmac_key(run.place.var)
    model_dir, model_sha256 = promoted_model(run)
    return Kit(
        str(folder), digest(folder), key, key_id(key), model_dir, model_sha256, str(run.place.var / CACHE),
        test_files(run.place, run.corpus),
    )  # fmt: skip


def test_files(place: Place, corpus: Corpus) -> tuple[SetFile, ...]:
    """The files of the test sets that the corpus's policy names, each seen to be the declared one.

    Raises:
        UserError: a set is not declared, or its file is not there or another one.
    """
    made = []
    for one in load_test_sets(place, corpus):
        path = place.var / "test_sets" / one.path
        if not path.is_file():
            raise UserError(
                f"The test set {one.id} is not in {path}: get it from {one.source} (licence {one.licence}) and put it "
                f"there, or take it out of policy.test_sets in conf/corpora/{corpus.id}.yaml."
            )
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != one.sha256:
            raise UserError(
                f"{path} hashes to {found}, and conf/test_sets/{one.id}.yaml names {one.sha256}: get the declared file "
                "again, or declare this one as another version."
            )
        made.append(SetFile(one.id, str(path), one.sha256, one.fields if one.format == "jsonl" else ()))
    return tuple(made)


def promoted_model(run: Run) -> tuple[str | None, str | None]:
    """Folder and weights' digest of the model that is promoted for the run's corpus; None twice where none is."""
    from corpusgate.classify.models import models, promoted

    said = promoted(run.place, run.corpus.id)
    return (None, None) if said is None else (str(models(run.place) / said["version"]), said["weights_sha256"])


def hmac_key(var: Path) -> bytes:
    """The key for hashes of personal identifiers: from the environment (hex), else from `keys/hmac.key` under `var`.

    The file is made on first use, readable by its owner alone; of two processes that make it, one wins and both use it.

    Raises:
        UserError: the value is not hex, or is shorter than 16 bytes.
    """
    given = os.environ.get(KEY_VARIABLE)
    if given:
        return _key(given, f"The environment's {KEY_VARIABLE}")
    path = var / "keys" / "hmac.key"
    if not path.exists():
        _make(path)
    return _key(path.read_text("ascii", errors="replace"), str(path))


def key_id(key: bytes) -> str:
    """Name of a key that tells nothing of it: the first 16 hex of its SHA-256."""
    return hashlib.sha256(key).hexdigest()[:16]


def _key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) < _SHORTEST:
        raise UserError(
            f"{where} is not a key: at least {_SHORTEST} bytes in hex are needed, for example what "
            "`openssl rand -hex 32` prints. Hashes made with another key cannot be compared: keep the old one."
        )
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(os.urandom(32).hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails where the file is already there, unlike a rename
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
