"""`corpusgate release …`: what was published, whether it still is what it was, going back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from corpusgate.cli.look import FormatOption
from corpusgate.cli.output import Format, show
from corpusgate.cli.rebuild import moment
from corpusgate.settings.place import find_place

app = typer.Typer(name="release", help="Published releases.", no_args_is_help=True)


@app.command("list")
def list_(form: FormatOption = Format.table) -> None:
    """Lists releases, newest first, with the channel that points at each."""
    from corpusgate.release.queries import releases

    show(releases(find_place()), form)


@app.command("show")
def show_(release_id: Annotated[str, typer.Argument()], form: FormatOption = Format.table) -> None:
    """Shows a release: counts by source, outcome and rule."""
    from corpusgate.release.queries import counts

    show(counts(find_place(), release_id), form)


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A release id.")],
    new: Annotated[str, typer.Argument(help="Another one.")],
    form: FormatOption = Format.table,
) -> None:
    """Says what the new release added, removed (by which rule) and changed, by source."""
    from corpusgate.release.queries import difference

    show(difference(find_place(), old, new), form)


@app.command()
def verify(release_id: Annotated[str, typer.Argument()]) -> None:
    """Recomputes the manifest from the tables and files; names what is not as it was sealed."""
    from corpusgate.release.verify import verify as check

    problems = check(find_place(), release_id)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{release_id}: every record, file and signature is as it was sealed.")


@app.command()
def rollback(
    release_id: Annotated[str, typer.Argument(help="A release that the channel had before.")],
    channel: Annotated[str, typer.Option("--channel")] = "trial",
    corpus: Annotated[str, typer.Option("--corpus")] = "demo",
) -> None:
    """Points the channel back at an earlier release; nothing is deleted."""
    from corpusgate.release.pointer import rollback as back

    back(find_place(), corpus, channel, release_id)
    typer.echo(f"{corpus}/{channel} points at {release_id}.")


AtOption = Annotated[str | None, typer.Option("--at", help="When, ISO 8601. Default: now.")]


@app.command()
def judge(release_id: Annotated[str, typer.Argument()], at: AtOption = None) -> None:
    """Counts the reviews, judges a frozen release for filing, and shows what a person is asked to sign."""
    from corpusgate.review.filing import approval_text
    from corpusgate.review.filing import judge as judged

    place = find_place()
    gate = judged(place, release_id, _when(at))
    typer.echo(approval_text(place, release_id))
    blocked = gate.facts["blocked"].get("filing", [])
    if blocked:
        typer.echo(f"{len(blocked)} controls keep it from filing: {', '.join(blocked)}.", err=True)
        raise typer.Exit(1)


@app.command()
def approval(release_id: Annotated[str, typer.Argument()]) -> None:
    """Shows what a person is asked to sign for filing, as it was judged last, and its SHA-256."""
    from corpusgate.review.filing import approval_text
    from corpusgate.review.signoff import text_sha256

    text = approval_text(find_place(), release_id)
    typer.echo(text)
    typer.echo(f"SHA-256 of this text: {text_sha256(text)}")


@app.command()
def signoff(
    release_id: Annotated[str, typer.Argument()],
    by: Annotated[str, typer.Option("--by", help="Name of the person, as in conf/roles.yaml.")],
    role: Annotated[str, typer.Option("--role", help="As what: conf/roles.yaml says which roles sign.")],
    seen: Annotated[str, typer.Option("--seen", help="SHA-256 of what was shown (`corpusgate release approval`).")],
    because: Annotated[str, typer.Option("--because", help="Why.")],
    reject: Annotated[bool, typer.Option("--reject", help="Refuse the release instead of approving it.")] = False,
    channel: Annotated[str, typer.Option("--channel")] = "filing",
    at: AtOption = None,
) -> None:
    """Records a person's approval (or refusal) of a release for filing, bound to its manifest."""
    from corpusgate.review.signoff import sign_off

    decision = "reject" if reject else "approve"
    row = sign_off(find_place(), release_id, channel, by, role, decision, seen, because, _when(at))
    typer.echo(f"{row['signoff_id']}: {row['by']} ({row['role']}) {decision}s {release_id} for {channel}.")


@app.command("file")
def file_(
    release_id: Annotated[str, typer.Argument(help="A frozen candidate or a release.")],
    corpus: Annotated[str, typer.Option("--corpus")] = "demo",
    at: AtOption = None,
) -> None:
    """Publishes a release to filing: counts, judges, demands the approvals, moves the channel's pointer."""
    from corpusgate.review.filing import publish_to

    result = publish_to(find_place(), corpus, release_id, "filing", _when(at))
    typer.echo(f"{corpus}/filing points at {release_id}. {result.because}".strip())


def _when(at: str | None) -> datetime:
    return moment(at) if at else datetime.now(UTC)
