"""What the admin's commands share: where they look, and how they answer."""

import json
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
