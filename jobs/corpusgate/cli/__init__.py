"""The command line: `corpusgate …`. Reads arguments, calls a room, prints; the DAGs call the same functions.

Exit codes: 0 done (held sources are listed, not failed); 1 a verdict or a fault stops the run; 2 the user's mistake.
"""

from __future__ import annotations

import sys

import typer

from corpusgate.cli import (
    annotation,
    attest,
    bank,
    classify,
    control,
    evidence,
    lexicon,
    look,
    operate,
    policy,
    quarantine,
    rebuild,
    release,
    review,
    sample,
    source,
)
from corpusgate.errors import CorpusgateError

app = typer.Typer(
    name="corpusgate",
    help="Builds training corpora that pass a security assessment, and proves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (rebuild, look, operate, attest):
    module.register(app)
for group in (
    source, quarantine, release, annotation, control, sample, review, evidence, classify, bank, lexicon, policy,
):  # fmt: skip
    app.add_typer(group.app)
app.add_typer(control.app, name="controls", hidden=True)  # both are said


def main() -> None:
    """Entry point. A user's mistake is one paragraph on stderr, without a traceback."""
    try:
        code = app(standalone_mode=False)  # what a command ended with: typer returns it here instead of raising it
    except CorpusgateError as error:
        print(f"corpusgate: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except typer.Exit as stop:
        raise SystemExit(stop.exit_code) from None
    except (typer.Abort, KeyboardInterrupt):
        print("corpusgate: stopped.", file=sys.stderr)
        raise SystemExit(130) from None
    except typer.TyperException as error:  # wrong arguments
        error.show()  # ty: ignore[missing-attribute]
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader of a pipe has gone: not our fault and not worth a word
        sys.stderr.close()
        raise SystemExit(0) from None
    if isinstance(code, int):
        raise SystemExit(code)
