"""Content hashes of what judges a corpus: code, configuration, lock, lexicon, policy. Equal content, equal digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from corpusgate.lake.run import Run

NO_LOCK = "none"


def digests(run: Run) -> dict[str, str]:
    """SHA-256, hex, of `code`, `conf`, `lock`, `lexicon` and `policy` of a run, and of `model`, the weights of the
    classifier that is promoted for its corpus, where one is.

    `conf` covers the corpus's own files only: its YAML, its sources' and banks', controls, licences, its lexicon;
    another corpus's change is no change of this one. `lock` is "none" where the installation has no requirements.lock.
    """
    lock = run.place.home / "requirements.lock"
    return {
        "code": code_digest(),
        "conf": files_digest(run.place.conf, conf_files(run)),
        "lock": file_sha256(lock) if lock.is_file() else NO_LOCK,
        "lexicon": files_digest(run.place.conf, lexicon_files(run)),
        "policy": policy_digest(run),
        **_model_digest(run),
    }


def _model_digest(run: Run) -> dict[str, str]:
    from corpusgate.classify.models import promoted

    said = promoted(run.place, run.corpus.id)
    return {} if said is None else {"model": said["weights_sha256"]}


def policy_digest(run: Run) -> str:
    """Digest of the corpus's policy: the version that decisions carry."""
    return sha256_of(run.corpus.policy.model_dump(mode="json"))


@cache
def code_digest() -> str:
    """Digest of the packages `corpusgate` and `corpusgate_expectations` as this process found them."""
    import corpusgate
    import corpusgate_expectations

    hashed = hashlib.sha256()
    for package in (corpusgate, corpusgate_expectations):
        root = Path(next(iter(package.__path__)))
        files = (p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        hashed.update(f"{package.__name__} {files_digest(root, files)}\n".encode())
    return hashed.hexdigest()


def conf_files(run: Run) -> list[Path]:
    """The files under `conf/` that a verdict of this corpus depends on."""
    conf = run.place.conf
    named = [conf / "corpora" / f"{run.corpus.id}.yaml", *(conf / "sources" / f"{s}.yaml" for s in run.corpus.sources),
             *(conf / "banks" / f"{b}.yaml" for b in run.corpus.banks)]  # fmt: skip
    named += [conf / "test_sets" / f"{name}.yaml" for name in run.corpus.policy.test_sets]
    licences = [p for p in conf.glob("licences*") for p in (p.rglob("*") if p.is_dir() else (p,))]
    return [p for p in (*named, *conf.glob("controls/*.yaml"), *licences, *lexicon_files(run)) if p.is_file()]


def lexicon_files(run: Run) -> list[Path]:
    """The files of the lexicon that the policy names."""
    return [p for p in (run.place.conf / "lexicons" / run.corpus.policy.lexicon).rglob("*") if p.is_file()]


def files_digest(root: Path, files: Iterable[Path]) -> str:
    """Digest over the files' paths below `root` and their contents; their order and times do not count."""
    lines = sorted(f"{p.relative_to(root).as_posix()} {file_sha256(p)}\n" for p in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256, hex, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def canonical(value: Any) -> bytes:
    """JSON in one form only: sorted keys, no spaces, UTF-8. No floats: their text differs between writers."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sha256_of(value: Any) -> str:
    """SHA-256, hex, of the value's canonical JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()
