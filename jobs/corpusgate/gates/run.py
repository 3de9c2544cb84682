"""One Great Expectations validation a suite, over a small table of figures. Great Expectations is imported nowhere
else."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from corpusgate.gates.figures import Figure
from corpusgate.settings.catalogue import Catalogue

LOG = logging.getLogger(__name__)

Place = tuple[str, str, str]
ROW = "row"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a suite said. `evaluated` and `failed` hold (control id, row of the table); `faults` says of a control why
    no verdict of it may be believed (an exception, a missing column, values that were not looked at)."""

    gate: str
    suite_sha256: str = ""
    evaluated: frozenset[tuple[str, Place]] = frozenset()
    failed: frozenset[tuple[str, Place]] = frozenset()
    faults: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""


def imports() -> None:
    """Imports what judging needs: some 13 CPU seconds once a process, which are no cost of judging."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: it would report its use to a server otherwise
    import_module("great_expectations")
    import_module("pandas")
    import_module("corpusgate_expectations.bounds")


def validate(gate: str, figures: Sequence[Figure], catalogue: Catalogue) -> Outcome:
    """Validates the figures of one gate; never raises: a crash is an outcome in which nothing was evaluated."""
    try:
        return _validate(gate, figures, catalogue)
    except Exception as error:
        LOG.exception("the suite %s crashed", gate)
        return Outcome(gate, fault=f"the gate could not judge: {type(error).__name__}: {str(error)[:200]}")


def table(figures: Iterable[Figure], catalogue: Catalogue) -> tuple[list[Place], dict[str, list[Any]]]:
    """The gate's table: its rows (one a source or stratum) and its columns (one a figure's name; None: not measured).

    Raises:
        ValueError: two figures claim one cell with different values.
    """
    figures = [f for f in figures if catalogue[f.control_id].computed]
    places = sorted({f.place for f in figures})
    rows = {place: n for n, place in enumerate(places)}
    columns: dict[str, list[Any]] = {}
    for f in figures:
        name = catalogue[f.control_id].figure or f.control_id
        cells = columns.setdefault(name, [None] * len(places))
        value = f.value if f.state == "measured" else None
        if value is not None and cells[rows[f.place]] not in (None, value):
            raise ValueError(f"two figures {name} for {f.place}")
        cells[rows[f.place]] = value if value is not None else cells[rows[f.place]]
    return places, columns


def _said(gate: str, made: Any, columns: Mapping[str, Sequence[Any]], rows: int) -> Any:
    """What Great Expectations says of the table by the suite `made`; COMPLETE, so that every failing row is named."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    frame = pd.DataFrame(
        {ROW: range(rows)} | {name: pd.array(list(cells), dtype="float64") for name, cells in columns.items()}
    )
    # no documentation site: each would leave a folder behind
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    config = DataContextConfig(store_backend_defaults=stores, progress_bars=ProgressBarsConfig(globally=False))
    context = gx.get_context(mode="ephemeral", project_config=config)
    asset = context.data_sources.add_pandas("figures").add_dataframe_asset(gate)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    return batch.validate(made, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [ROW]})


def _validate(gate: str, figures: Sequence[Figure], catalogue: Catalogue) -> Outcome:
    imports()
    from corpusgate_expectations.bounds import ROW_COUNT
    from corpusgate_expectations.rendering import digest, suite

    places, columns = table(figures, catalogue)
    made = suite(gate, catalogue)
    digested = digest(made)
    said = _said(gate, made, columns, len(places))
    results = {r.expectation_config.meta["control"]: r for r in said.results if r.expectation_config}
    counted = results.get(ROW_COUNT)
    if counted is None or not counted.success:
        return Outcome(gate, digested, fault="empty: there was no row to judge, and an empty table proves nothing")
    evaluated, failed, faults = set(), set(), {}
    for control_id, result in results.items():
        if control_id == ROW_COUNT:
            continue
        cells = columns.get(catalogue[control_id].figure or "", [])
        measured = {n for n, cell in enumerate(cells) if cell is not None}
        bad, fault = _reading(result, measured)
        if fault:
            faults[control_id] = fault
            continue
        evaluated |= {(control_id, places[n]) for n in measured}
        failed |= {(control_id, places[n]) for n in bad}
    return Outcome(gate, digested, frozenset(evaluated), frozenset(failed), faults)


def _reading(result: Any, measured: set[int]) -> tuple[set[int], str]:
    """Rows that failed, and why the result cannot be believed (empty: it can)."""
    details = result.result or {}
    if "element_count" not in details:
        return set(), f"the gate could not read the figure: {_exception(result.exception_info)}"
    looked_at = details["element_count"] - details.get("missing_count", 0)
    if looked_at != len(measured):
        return set(), f"the gate could not read the figure: {len(measured)} values measured, {looked_at} looked at"
    bad = {int(entry[ROW]) for entry in details.get("unexpected_index_list") or ()}
    if len(bad) != details.get("unexpected_count", 0) or bool(bad) == bool(result.success):
        return set(), "the gate could not read the figure: its result contradicts itself"
    return bad, ""


def _exception(info: Mapping[str, Any]) -> str:
    """The message, wherever this version of Great Expectations put it."""
    if "exception_message" in info:
        return str(info["exception_message"])[:200]
    return "; ".join(
        sorted({str(one.get("exception_message"))[:200] for one in info.values() if isinstance(one, Mapping)})
    )
