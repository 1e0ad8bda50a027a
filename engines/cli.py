"""`osteoscreen-lab`: the researcher's command; files in, findings out, no daemon and no network."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from engines.product import PRODUCT, VERSION

app = typer.Typer(
    name=f"{PRODUCT}-lab",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
    help="Screen DICOM files for bone loss on this machine: no daemon, no PACS, no network.",
)


def notes() -> Console:
    """Return the console for people; stdout belongs to results alone, so it writes to stderr."""
    return Console(stderr=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PRODUCT} {VERSION}")
        raise typer.Exit


@app.callback()
def lab(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Screen DICOM files for bone loss on this machine: no daemon, no PACS, no network."""


# Commands: one function each, with its work in a module of its own, imported inside the function
# so that `--help` answers at once and `screen` never loads what only training needs.


def main() -> None:
    """Run the command line; an error ends in one line for a human."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
