"""The command line: parse, call, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import errno
import sys

import typer

from artcurate.cli.build import build_command, run_command
from artcurate.cli.bundled import pipelines_command, schemas_command
from artcurate.cli.inspect import inspect_command
from artcurate.cli.sample import sample_app
from artcurate.cli.validate import validate_command
from artcurate.errors import ArtcurateError

app = typer.Typer(
    name="artcurate",
    help="Build multimodal emotion datasets that load, do not leak and can be rebuilt bit for bit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(sample_app, name="sample")
app.command("build")(build_command)
app.command("run")(run_command)
app.command("validate")(validate_command)
app.command("inspect")(inspect_command)
app.command("pipelines")(pipelines_command)
app.command("schemas")(schemas_command)


def _version(wanted: bool) -> None:
    if wanted:
        from artcurate import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options that stand before a command."""


def main() -> None:
    """Run the command line; exit 2 for a wrong call, 1 for wrong data, 130 when interrupted."""
    try:
        app()
    except ArtcurateError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO):
            raise
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror}; nothing unfinished was left in the output's place.", 1)


def _fail(message: str, code: int) -> None:
    for line in message.split("\n"):
        prefix = "" if line.startswith(" ") else "error: "
        typer.echo(f"{prefix}{line}", err=True)
    sys.exit(code)
