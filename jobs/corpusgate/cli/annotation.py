"""`corpusgate annotation …`: give batches out, take in what comes back, judge it, say what is to be done again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import CorpusOption, line, moment
from corpusgate.errors import UserError
from corpusgate.lake.run import Run, open_run
from corpusgate.settings.place import find_place

app = typer.Typer(name="annotation", help="Annotation: batches, people, labels, verdicts.", no_args_is_help=True)

AtOption = Annotated[str | None, typer.Option("--at", help="The run's time, ISO 8601. Default: now.")]
RunOption = Annotated[str | None, typer.Option("--run-id", help="Default: from the time.")]
ToolOption = Annotated[str, typer.Option("--tool", help="label_studio, doccano, argilla, cvat or table.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The export as it is; or a register (CSV, XLSX).")],
    tool: Annotated[str, typer.Option("--tool", help="label_studio, doccano, argilla, cvat, table; register; list.")],
    sidecar: Annotated[Path | None, typer.Option("--sidecar", help="What the lead states beside it (YAML).")] = None,
    column_map: Annotated[Path | None, typer.Option("--map", help="Column map of a table (YAML).")] = None,
    register: Annotated[str | None, typer.Option("--register", help="Of a CSV not named after its register.")] = None,
    corpus: CorpusOption = "demo",
    run_id: RunOption = None,
    at: AtOption = None,
) -> None:
    """Takes an export or a register in. Ends with 1 where facts were refused: they are listed, the rest is in."""
    run = _run(corpus, run_id, at)
    if tool == "register":
        from corpusgate.annotation.log import import_registers

        if sidecar or column_map:
            raise UserError("A register says everything itself: leave out --sidecar and --map.")
        typer.echo(line(run.write(import_registers(run, file, register))))
        return
    from corpusgate.annotation.handing_in import LIST, import_list
    from corpusgate.annotation.intake import SHOWN, import_export

    if tool == LIST:
        result = run.write(import_list(run, file))
    else:
        result = run.write(import_export(run, file, tool, sidecar, column_map))
    typer.echo(line(result))
    refusals = result.facts["refusals"]
    if refusals:
        show(refusals, Format.table, columns=["pointer", "item", "reason", "detail", "remedy"], width=60)
        if result.removed > SHOWN:
            typer.echo(f"… of {result.removed}; the rest: corpusgate sql 'SELECT * FROM annotation_refusal'")
        raise typer.Exit(1)


@app.command()
def assign(
    kind: Annotated[str, typer.Option("--kind", help="functional or safety.")],
    rules: Annotated[str, typer.Option("--rules", help="Version of the rules, as registered in rule_document.")],
    tool: ToolOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for the tasks and the sidecar.")],
    size: Annotated[int | None, typer.Option("--size", min=1, help="How many records to draw.")] = None,
    records: Annotated[Path | None, typer.Option("--records", help="File of record ids, instead of a draw.")] = None,
    release: Annotated[str | None, typer.Option("--release", help="Draw from this release's records.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Draw only from this source.")] = None,
    to: Annotated[list[str] | None, typer.Option("--to", help="annotator_id; may be given several times.")] = None,
    gold: Annotated[Path | None, typer.Option("--gold", help="CSV of record_id, label, risks: known answers.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the batch. Default: kind and day.")] = None,
    corpus: CorpusOption = "demo",
    run_id: RunOption = None,
    at: AtOption = None,
) -> None:
    """Draws a batch, fixes it, and writes its tasks. The same --name again writes the tasks of that batch again."""
    from corpusgate.annotation.assign import Wanted
    from corpusgate.annotation.assign import assign as draw

    if kind not in ("functional", "safety"):
        raise UserError(f"--kind {kind!r}: batches are functional or safety, never both (45654-2025 4.3.2 b).")
    run = _run(corpus, run_id, at)
    ids = tuple(records.read_text("utf-8").split()) if records else ()
    named = name or f"{kind}-{run.at:%Y%m%d}"
    wanted = Wanted(named, kind, rules, tool, size, ids, release, source, tuple(to or ()), gold)
    result = run.write(draw(run, wanted, out))
    typer.echo(line(result))
    typer.echo(f"batch {result.facts['batch_id']} ({named})")
    for path in result.facts["files"]:
        typer.echo(f"  {path}")


@app.command()
def rework(
    batch: Annotated[str, typer.Argument(help="A batch's id or name.")],
    tool: ToolOption,
    out: Annotated[Path, typer.Option("--out", help="Folder for the list and the tasks.")],
    corpus: CorpusOption = "demo",
    run_id: RunOption = None,
    at: AtOption = None,
) -> None:
    """Writes what of a batch is open: to be annotated again, ruled on, reviewed."""
    from corpusgate.annotation.rework import rework as write

    run = _run(corpus, run_id, at)
    result = run.write(write(run, batch, tool, out))
    typer.echo(line(result))
    facts = result.facts
    typer.echo(f"batch {facts['batch_id']}: {facts['verdict']}; open: {facts['acts'] or 'nothing'}")
    for path in result.facts["files"]:
        typer.echo(f"  {path}")


@app.command()
def check(
    corpus: CorpusOption = "demo",
    detail: Annotated[bool, typer.Option("--detail", help="Also each control that waits for a person.")] = False,
    run_id: RunOption = None,
    at: AtOption = None,
    form: FormatOption = Format.table,
) -> None:
    """Judges the annotation of a corpus and shows each control's verdict. Ends with 1 where a shall fails."""
    from corpusgate.gates.annotation_gate import annotation_gate, verdict_rows

    run = _run(corpus, run_id, at)
    result = run.write(annotation_gate(run))
    rows = verdict_rows(run)
    if form is not Format.table:
        show(rows, form)
    else:
        waiting = [r for r in rows if r["half"] == "human" and r["verdict"] == "pending"]
        shown = [r for r in rows if detail or r not in waiting]
        for row in shown:
            row["worst"] = ", ".join(row["examples"][:1])
        names = ["verdict", "clause", "stratum", "figure", "bound", "n", "because", "worst", "next_act"]
        show(shown, form, columns=names, width=100)
        if waiting and not detail:
            typer.echo(f"{len(waiting)} more wait for an attestation (corpusgate attest); --detail shows them.")
    if result.state == "held":
        raise typer.Exit(1)


def _run(corpus: str, run_id: str | None, at: str | None) -> Run:
    when = moment(at) if at else datetime.now(UTC)
    return open_run(find_place(), corpus, run_id or f"annotation__{when:%Y-%m-%dT%H:%M:%S}", when)
