"""Reads `conf/`: one file at a time, all mistakes of it at once, each with its line, field and what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from corpusgate.errors import ConfigError, UserError
from corpusgate.settings.bank import Bank
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.model import Declared, is_identifier
from corpusgate.settings.place import Place
from corpusgate.settings.source import Source
from corpusgate.settings.test_set import TestSet

M = TypeVar("M", bound=Declared)


def load_corpus(place: Place, corpus_id: str) -> Corpus:
    """The corpus `conf/corpora/<corpus_id>.yaml`.

    Raises:
        UserError: no such corpus; the message lists those that are there.
        ConfigError: the file is wrong.
    """
    return _load_named(place.conf / "corpora", corpus_id, Corpus, "corpus", "corpora")


def load_source(place: Place, source_id: str) -> Source:
    """The source `conf/sources/<source_id>.yaml`. Raises as `load_corpus`."""
    return _load_named(place.conf / "sources", source_id, Source, "source", "sources")


def load_bank(place: Place, bank_id: str) -> Bank:
    """The bank `conf/banks/<bank_id>.yaml`. Raises as `load_corpus`."""
    return _load_named(place.conf / "banks", bank_id, Bank, "bank", "banks")


def load_sources(place: Place, corpus: Corpus) -> list[Source]:
    """The sources of a corpus, in the declared order; every broken file is named before anything runs."""
    sources, mistakes = [], []
    for source_id in corpus.sources:
        try:
            sources.append(load_source(place, source_id))
        except UserError as error:
            mistakes.append(str(error))
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    return sources


def load_test_sets(place: Place, corpus: Corpus) -> list[TestSet]:
    """The test sets that the corpus's policy names, by id. Raises as `load_corpus`."""
    folder = place.conf / "test_sets"
    return [_load_named(folder, name, TestSet, "test set", "test sets") for name in sorted(corpus.policy.test_sets)]


def load_file(path: Path, model: type[M], *, named: bool = True) -> M:
    """One YAML file as `model`; a field `id` is filled from the file's stem. `named`: the stem must be an id.

    Raises:
        ConfigError: with one line a mistake: `file:line: field: what is wrong (what was given)`.
    """
    data = _read_yaml(path)
    if named and not is_identifier(path.stem):
        raise ConfigError(f"{path}: the file's stem is the id: use lower case, digits and hyphens, at most 63.")
    if "id" in model.model_fields:
        if "id" in data:
            raise ConfigError(f"{path}:{_line(data, ('id',))}: id: leave it out; the file's name is the id.")
        plain = {"id": path.stem, **_plain(data)}
    else:
        plain = _plain(data)
    try:
        return model.model_validate(plain)
    except ValidationError as error:
        lines = [f"{path}:{_line(data, e['loc'])}: {_field(e['loc'])}: {_say(e)}" for e in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def plain(path: Path) -> dict[str, Any]:
    """The fields of a YAML file as plain values; empty where it cannot be read (`load_file` says why)."""
    try:
        return _plain(_read_yaml(path))
    except ConfigError:
        return {}


def line_of(path: Path, loc: tuple[Any, ...]) -> int:
    """Line of a field in a YAML file that can be read: `loc` is the way to it, e.g. `("licence", 0, "include")`."""
    return _line(_read_yaml(path), loc)


def _load_named(folder: Path, name: str, model: type[M], noun: str, nouns: str) -> M:
    path = folder / f"{name}.yaml"
    if not is_identifier(name) or not path.is_file():
        there = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise UserError(f"No {noun} {name!r} under {folder}. The {nouns} there: {there}.")
    return load_file(path, model)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = YAML(typ="rt").load(path.read_text("utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise ConfigError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {error.problem}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: expected fields (name: value), found {type(data).__name__}.")
    return data


def _plain(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(k): _plain(v) for k, v in node.items()}
    if isinstance(node, list):
        return [_plain(v) for v in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (str, int, float):
        if isinstance(node, kind):
            return kind(node)
    return str(node)  # dates: quoted or not, they stay text


def _line(data: Any, loc: tuple[Any, ...]) -> int:
    line, node = 1, data
    for part in loc:
        marks = getattr(node, "lc", None)
        if marks is None:
            break
        try:
            line = marks.key(part)[0] + 1 if isinstance(node, dict) else marks.item(part)[0] + 1
            node = node[part]
        except (KeyError, IndexError, TypeError):
            # a union's tag or a missing field: the nearest line above is the best that can be said
            continue
    return line


def _field(loc: tuple[Any, ...]) -> str:
    return ".".join(str(p) for p in loc) or "(file)"


def _say(error: Any) -> str:
    kind, given = error["type"], error.get("input")
    if kind == "missing":
        return "is missing; it must be given."
    if kind == "extra_forbidden":
        return "is not a field that is known here; correct its name or take it out."
    shown = repr(given)
    return f"{error['msg']} (given: {shown if len(shown) < 80 else shown[:77] + '...'})"
