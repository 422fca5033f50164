"""The command line: parse, call, print. Heavy imports happen inside the commands."""

from __future__ import annotations

import errno
import os
import sys
from typing import NoReturn

import typer

from artcurate import interruption
from artcurate.cli.benchmark import benchmark_app
from artcurate.cli.build import build_command, run_command
from artcurate.cli.bundled import pipelines_command, schemas_command
from artcurate.cli.download import download_command
from artcurate.cli.inspect import inspect_command
from artcurate.cli.pair import fill_in_values, pair_app
from artcurate.cli.publish import publish_command
from artcurate.cli.rebuild import rebuild_command
from artcurate.cli.sample import sample_app
from artcurate.cli.sources import sources_command
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
app.add_typer(pair_app, name="pair")
app.add_typer(benchmark_app, name="benchmark")
app.command("sources")(sources_command)
app.command("download")(download_command)
app.command("build")(build_command)
app.command("run")(run_command)
app.command("validate")(validate_command)
app.command("inspect")(inspect_command)
app.command("publish")(publish_command)
app.command("rebuild")(rebuild_command)
app.command("pipelines")(pipelines_command)
app.command("schemas")(schemas_command)

#: Errors of the file system that are no defect of the program.
_OF_THE_SYSTEM = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.EBUSY,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)


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
    interruption.listen()
    # polars' allocator reads it when polars is loaded. By itself it keeps what was freed for
    # seconds: about 100 MiB in a build of a million captions.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
    try:
        _run()
    except (KeyboardInterrupt, SystemExit, Exception):
        if not interruption.requested():
            raise
        _fail(f"interrupted; {interruption.way_on()}", 130)


def _run() -> None:
    try:
        app(fill_in_values(sys.argv[1:]))
    except ArtcurateError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _OF_THE_SYSTEM:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror}.", 1)


def _fail(message: str, code: int) -> NoReturn:
    for line in message.split("\n"):
        prefix = "" if line.startswith(" ") else "error: "
        typer.echo(f"{prefix}{line}", err=True)
    sys.exit(code)
