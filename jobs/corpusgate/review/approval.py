"""The text that a person is shown before signing: one state of the lake, one text. Markdown, none of it by others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from corpusgate.evidence.cells import tame
from corpusgate.gates.reviewed import draws_of
from corpusgate.gates.verdict import ORDER, combined
from corpusgate.gates.words import shown
from corpusgate.release.manifest import manifest_root
from corpusgate.release.pointer import current_release
from corpusgate.release.verify import manifest_of
from corpusgate.review.standing import Standing, standing
from corpusgate.settings.catalogue import load_catalogue
from corpusgate.settings.place import Place

#: Longest reason that is shown of a control.
REASON = 600


def approval_lines(
    place: Place, release_id: str, parent: str | None, changed: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """The lines. `parent`: what filing showed when the candidate was built; `changed`: what of that which judges is not
    what the manifest names any more; `rows`: the verdicts in force of the filing's run."""
    manifest = manifest_of(place, release_id)
    outcome = manifest["counts"]["by_outcome"]
    shows = current_release(place, manifest["corpus"], "filing")
    yield f"# {md(release_id)} for filing"
    yield ""
    yield f"- Manifest: `{manifest_root(manifest)}`"
    yield f"- Records: {outcome['kept']} kept, {outcome['removed']} removed, {outcome['errored']} errored"
    yield f"- Sources taken: {', '.join(md(s['source_id']) for s in manifest['sources'] if s['taken'])}"
    yield f"- Built on {md(parent or 'nothing')} in the channel filing of {md(manifest['corpus'])}"
    if shows not in (parent, release_id):
        yield f"- The channel shows {md(shows or 'nothing')} by now: this candidate is stale and cannot be published"
    if changed:
        yield f"- Changed since the candidate was frozen, and judged by as it is now: {', '.join(changed)}"
    yield ""
    yield "## What people judged"
    yield ""
    yield from _samples(place, release_id)
    out = {s["source_id"] for s in manifest["sources"] if not s["taken"]}
    if out:
        yield f"Sources not in the release, whose verdicts say nothing of it: {', '.join(map(md, sorted(out)))}."
        yield ""
    yield from _controls(place, [r for r in rows if not (r["scope"] == "source" and r["scope_id"] in out)])


def md(text: str) -> str:
    """Text without power over Markdown or HTML."""
    plain = tame(" ".join(str(text).split()))
    return re.sub(r"[<>&]", lambda m: f"&#{ord(m[0])};", re.sub(r"([\\`*\[\]#|~])", r"\\\1", plain))


def _samples(place: Place, release_id: str) -> Iterator[str]:
    found = draws_of(place, release_id)
    if not found:
        yield "No sample for people was drawn."
        yield ""
        return
    yield "| Sample | Of | Draw | Decided | Bad | Void | Judged twice | Agreement | State |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row, number, of in found:
        yield _sample(row, number, of, standing(place, row["sample_id"]))
    yield ""
    for row, number, _ in found:
        if row.get("follows"):
            yield (
                f"Draw {number} ({md(row['sample_id'])}) took the place of {md(row['follows'])}, which failed; "
                f"{md(row['drawn_by'] or 'somebody')}: {md(row['follows_because'] or '')}"
            )
            yield ""


def _sample(row: Mapping[str, Any], number: int, of: int, at: Standing) -> str:
    state = f"{at.open} open" if at.state == "open" else at.state
    agreed = "–" if at.agreement is None else f"{at.agreement:.1%}, kappa {at.kappa_said}"
    return (
        f"| {md(row['sample_id'])} | {md(row['stratum'])} ({row['frame_rows']} {md(row['item_unit'])}s) "
        f"| {number} of {of} "
        f"| {at.decided} of {at.needed} | {at.bad} (at most {at.bad_at_most}) | {at.void} | {at.double} | {agreed} "
        f"| {state} |"
    )


def _controls(place: Place, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    catalogue = load_catalogue(place)
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["control_id"], row["scope_id"], row["stratum"]), []).append(row)
    titles = {
        "fail": "What fails", "pending": "What is pending", "waived": "What is waived", "pass": "What passes",
        "not_applicable": "What does not apply",
    }  # fmt: skip
    for verdict in ORDER:
        of_it = sorted((k, g) for k, g in groups.items() if combined(r["verdict"] for r in g) == verdict)
        yield f"## {titles[verdict]}: {len(of_it)}"
        yield ""
        if verdict == "not_applicable":
            continue
        if verdict == "pass":  # a line a source and control would bury what has to be read
            whole = len(of_it)
            of_it = [(k, g) for k, g in of_it if g[0]["scope"] == "release"]
            yield f"- {whole - len(of_it)} verdicts on single sources"
        for (control_id, scope, stratum), group in of_it:
            said = [r for r in group if r["verdict"] == verdict]
            figure = next((r for r in said if r["figure"] is not None), None)
            value = "" if figure is None else f", {shown(figure['figure'])} ({figure['k']} of {figure['n']})"
            clause = catalogue[control_id].clause if control_id in catalogue else control_id
            because = "; ".join(dict.fromkeys(r["because"] for r in said))
            where = f"{scope} {stratum}".strip()
            yield f"- {md(clause)}, {md(where)}{value}: {md(because[:REASON])}"
        yield ""
