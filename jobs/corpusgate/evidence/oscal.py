"""The catalogue as an OSCAL catalog, and a release's verdicts as OSCAL assessment-results (NIST OSCAL 1.2.1, JSON).

Written here, without a library: two documents of one nesting each. Identifiers are UUIDs of version 5 over content, so
equal content has equal identifiers. OSCAL knows two states, satisfied and not-satisfied; the verdict itself stands in a
property beside it. What waits or is waived is not satisfied: nothing defaults to pass.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from corpusgate import __version__
from corpusgate.errors import UserError
from corpusgate.evidence.cells import tame
from corpusgate.gates.figures import quoted
from corpusgate.gates.verdict import combined
from corpusgate.gates.words import bound_shown
from corpusgate.lake import store
from corpusgate.release.digests import sha256_of
from corpusgate.release.verify import manifest_of
from corpusgate.settings.catalogue import Catalogue, load_catalogue
from corpusgate.settings.control import Control
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place

OSCAL_VERSION = "1.2.1"
#: Namespace of our properties, and of our UUIDs.
NAMESPACE = "urn:corpusgate:oscal"
_UUIDS = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)

STANDARDS = {
    "45654-2025": "GB/T 45654-2025, basic security requirements for generative AI services",
    "45674-2025": "GB/T 45674-2025, security of data annotation",
    "45652-draft": "GB/T 45652, security of training data: read in the consultation draft of 2024-03-28 only",
    "corpusgate": "corpusgate's own controls",
}
#: Verdict -> OSCAL state and reason.
STATES: dict[str, tuple[str, str]] = {
    "pass": ("satisfied", "pass"), "fail": ("not-satisfied", "fail"), "pending": ("not-satisfied", "other"),
    "waived": ("not-satisfied", "other"), "not_applicable": ("satisfied", "other"),
}  # fmt: skip

Json = dict[str, Any]


def catalog(place: Place, at: datetime | None = None) -> Json:
    """Every control as an OSCAL control, grouped by standard; `at` (default: now) is the time of the document."""
    catalogue = load_catalogue(place)
    groups: dict[str, list[Control]] = {}
    for control in catalogue:
        groups.setdefault(control.clause.split(" ", 1)[0], []).append(control)
    return {"catalog": {
        "uuid": _uuid("catalog", _digest(catalogue)),
        "metadata": _metadata("Data clauses as corpusgate judges them", at or datetime.now(UTC)),
        "groups": [
            {"id": _token(f"group-{standard}"), "class": "standard", "title": _line(STANDARDS.get(standard, standard)),
             "controls": [_control(c) for c in controls]}
            for standard, controls in groups.items()
        ],
    }}  # fmt: skip


def results(place: Place, release_id: str) -> Json:
    """The verdicts that are in force on a release, and on the sources that gave to it.

    Raises:
        UserError: no such release, or no gate has judged it.
    """
    manifest = manifest_of(place, release_id)
    catalogue = load_catalogue(place).for_corpus(load_corpus(place, manifest["corpus"]))
    taken = {s["source_id"] for s in manifest["sources"] if s["taken"]}
    rows = [r for r in verdicts_of(place, release_id) if r["control_id"] in catalogue
            and (r["scope"] == "release" or r["scope_id"] in taken or r["scope_id"] == "*")]  # fmt: skip
    times = [r["judged_at"] for r in rows]
    plan = _uuid("plan", _digest(catalogue))
    ids = sorted({r["control_id"] for r in rows})
    found = {
        "uuid": _uuid("result", release_id, *(r["row_sha256"] for r in rows)),
        "title": _line(f"Verdicts on {release_id}"),
        "description": "Whether the checks of each clause are met by this release. It says nothing of a filing's "
        "outcome.",
        "start": _time(min(times)), "end": _time(max(times)),
        "props": _props({"release": release_id, "manifest-root": sha256_of(manifest), "run": rows[0]["run_id"]}),
        "reviewed-controls": {"control-selections": [{"include-controls": [{"control-id": _id(i)} for i in ids]}]},
        "observations": [_observation(catalogue[r["control_id"]], r) for r in rows],
        "findings": [_finding(catalogue[i], release_id, [r for r in rows if r["control_id"] == i]) for i in ids],
    }  # fmt: skip
    return {"assessment-results": {
        "uuid": _uuid("assessment-results", found["uuid"]),
        "metadata": _metadata(f"Verdicts of corpusgate on {release_id}", max(times)),
        "import-ap": {"href": f"#{plan}"},
        "results": [found],
        "back-matter": {"resources": [{
            "uuid": plan, "title": "The catalogue of controls",
            "description": "What is judged, by which figure and bound: `corpusgate controls export --oscal`.",
        }]},
    }}  # fmt: skip


def verdicts_of(place: Place, release_id: str) -> list[Json]:
    """The rows of `control_result` in force in the newest run that judged the release, both gates.

    Raises:
        UserError: none did.
    """
    where = f"release_id = {quoted(release_id)} AND gate = 'release_gate'"
    runs = store.read(place, "control_result", ["run_id", "judged_at"], where).to_pylist()
    if not runs:
        raise UserError(f"No gate has judged {release_id!r}: `corpusgate release list` shows releases.")
    run_id = max(runs, key=lambda r: (r["judged_at"], r["run_id"]))["run_id"]
    rows = [
        row
        for gate in ("source_gate", "release_gate")
        for row in store.in_force(place, "control_result", f"run_id = {quoted(run_id)} AND gate = {quoted(gate)}")
    ]
    return sorted(rows, key=lambda r: (r["control_id"], r["scope"], r["scope_id"], r["stratum"], r["half"]))


def _control(control: Control) -> Json:
    name = _id(control.id)
    props = {
        "level": control.level, "body": control.body, "certainty": control.certainty, "mode": control.mode,
        "gate": control.gate, "scope": control.scope, "waivable": "yes" if control.waivable else "no",
        "blocks": " ".join(control.blocks) or "nothing", "waits-for": control.waits_for,
        "attestation-role": control.attestation_role,
        "attestation-days": None if control.expires_days is None else str(control.expires_days),
    }  # fmt: skip
    made: Json = {
        "id": name, "class": "GB-T", "title": _line(control.title),
        "props": [
            {"name": "label", "value": _line(control.clause)}, *_props(props),
            *(p for alias in control.aliases for p in _props({"alias": alias})),
        ],
        "parts": _parts(control, name),
    }  # fmt: skip
    if control.comparator is not None:
        made["params"] = [{
            "id": f"{name}_bound", "label": _line(control.figure or "figure"),
            "props": _props({"comparator": control.comparator, "unit": control.unit}),
            "values": [_line(f"{control.bound:g}")] if control.bound is not None else [],
        }]  # fmt: skip
    return made


def _parts(control: Control, name: str) -> list[Json]:
    objective = f"{control.figure} {control.comparator} {bound_shown(control)}" if control.comparator else ""
    attested = f"{control.attestation_role} attests: {control.attests}" if control.attests else ""
    prose = {
        ("statement", "smt"): f"{control.requirement.strip()}\n\n{control.requirement_zh.strip()}",
        ("assessment-objective", "obj"): "; ".join(p for p in (objective, attested) if p),
        ("guidance", "gdn"): f"{control.because.strip()}\n\n{control.next_act.strip()}",
    }
    return [{"id": f"{name}_{end}", "name": kind, "prose": text} for (kind, end), text in prose.items() if text]


def _observation(control: Control, row: Mapping[str, Any]) -> Json:
    said = {
        "verdict": row["verdict"], "half": row["half"], "scope": row["scope"], "scope-id": row["scope_id"],
        "stratum": row["stratum"], "figure": _number(row["figure"]), "comparator": row["comparator"],
        "bound": _number(row["bound"]), "n": _number(row["n"]), "k": _number(row["k"]), "unit": row["unit"],
        "suite-sha256": row["suite_sha256"], "row-sha256": row["row_sha256"],
    }  # fmt: skip
    made: Json = {
        "uuid": _uuid("observation", row["row_sha256"]), "title": _line(f"{control.clause}: {row['verdict']}"),
        "description": tame(row["because"] or "no reason was recorded"),
        "props": _props(said),
        "methods": ["TEST" if row["half"] == "computed" else "EXAMINE"],
        "types": ["control-objective"],
        "collected": _time(row["judged_at"]),
    }  # fmt: skip
    if row["evidence_ids"]:
        made["relevant-evidence"] = [{"description": f"attestation {tame(e)}"} for e in row["evidence_ids"]]
    return made


def _finding(control: Control, release_id: str, rows: Sequence[Mapping[str, Any]]) -> Json:
    verdict = combined(r["verdict"] for r in rows)
    state, reason = STATES[verdict]
    because = list(dict.fromkeys(tame(r["because"]) for r in rows if r["verdict"] == verdict and r["because"]))
    return {
        "uuid": _uuid("finding", release_id, *(r["row_sha256"] for r in rows)),
        "title": _line(f"{control.clause}: {verdict}"),
        "description": "; ".join(because)[:4000] or verdict,
        "props": _props({"verdict": verdict, "level": control.level}),
        "target": {
            "type": "objective-id", "target-id": f"{_id(control.id)}_obj",
            "status": {"state": state, "reason": reason, "remarks": f"corpusgate's verdict: {verdict}"},
        },
        "related-observations": [{"observation-uuid": _uuid("observation", r["row_sha256"])} for r in rows],
    }  # fmt: skip


def _metadata(title: str, at: datetime) -> Json:
    return {
        "title": _line(title), "last-modified": _time(at), "version": __version__, "oscal-version": OSCAL_VERSION,
        "remarks": "Requirements are told in corpusgate's own words; the standards' text decides.",
    }  # fmt: skip


def _props(values: Mapping[str, str | None]) -> list[Json]:
    """Properties of those that say something; a value is one line without blanks around it."""
    lines = {name: _line(value) for name, value in values.items() if value is not None}
    return [{"name": name, "ns": NAMESPACE, "value": line} for name, line in lines.items() if line]


def _digest(catalogue: Catalogue) -> str:
    said: Iterable[Json] = (c.model_dump(mode="json") for c in catalogue)
    return sha256_of([json.dumps(c, ensure_ascii=False, sort_keys=True) for c in said])


def _uuid(*said: str) -> str:
    return str(uuid.uuid5(_UUIDS, "\0".join(said)))


def _id(control_id: str) -> str:
    """The control's id as an OSCAL token, which may not begin with a digit."""
    return _token(control_id if control_id[0].isalpha() else f"gbt-{control_id}")


def _token(text: str) -> str:
    return text.replace(" ", "-").replace("/", "-")


def _line(text: str) -> str:
    return " ".join(tame(" ".join(text.split())).split())


def _number(value: float | int | None) -> str | None:
    return None if value is None else f"{value:.10g}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
