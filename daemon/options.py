"""What the admin's commands share: where they look, and how they answer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

Home = Annotated[
    Path | None,
    typer.Option(help="Folder of ledger, spool and osteoscreen.toml [env: OSTEOSCREEN_HOME]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]


def show_facts(facts: Any, as_json: bool, show_it: Any) -> None:
    """Print facts for a script, or show them to a person."""
    if as_json:
        typer.echo(json.dumps(facts, indent=1, default=str))
    else:
        show_it(facts)


class JsonDocument:
    """Prints an object whose first member is a list, entry by entry: it may have millions.

    Parameters
    ----------
    name : str
        Of that member.
    """

    def __init__(self, name: str) -> None:
        typer.echo(f"{{{json.dumps(name)}: [", nl=False)
        self._between = "\n"

    def entry(self, one: Any) -> None:
        """Print the next entry of the list."""
        typer.echo(self._between + json.dumps(one, default=str), nl=False)
        self._between = ",\n"

    def end(self, members: Mapping[str, Any]) -> None:
        """Print the other members."""
        typer.echo("\n]")
        for name, value in members.items():
            typer.echo(f", {json.dumps(name)}: {json.dumps(value, indent=1, default=str)}")
        typer.echo("}")
