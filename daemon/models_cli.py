"""`osteoscreen models`: the models and how far their results go."""

from pathlib import Path
from typing import Annotated

import typer

from daemon import config, schema
from daemon.errors import ConfigError
from daemon.options import AsJson, Home, show_facts
from daemon.records.tables import Stage

models_app = typer.Typer(no_args_is_help=True, help="The models and how far their results go.")


@models_app.command("list")
def models_list(home: Home = None, as_json: AsJson = False) -> None:
    """List the models, their weights and their stages."""
    from daemon import console
    from daemon.models import rows

    settings = config.load(home)
    show_facts(rows(settings, schema.ready_ledger(settings)), as_json, console.table)


@models_app.command("stage")
def models_stage(model: str, stage: Stage, home: Home = None) -> None:
    """Set how far a model's results go.

    **off**: it does not look. **shadow**: computed and kept, told to nobody. **research**: sent to
    peers of role research, marked RESEARCH. **live**: to clinical peers too, when these weights
    were revealed; never for weights trained on simulated patients.
    """
    from daemon.models import set_stage

    settings = config.load(home)
    set_stage(settings, schema.ready_ledger(settings), model, stage)
    typer.echo(f"{model} is now in stage {stage}")


@models_app.command("reveal")
def models_reveal(
    model: str,
    report: Annotated[
        Path, typer.Argument(help="What `osteoscreen-lab evaluate --report` wrote.", exists=True)
    ],
    person: Annotated[str, typer.Option(help="Who has read it and answers for it.")],
    why: Annotated[str, typer.Option(help="In a few words.")],
    home: Home = None,
) -> None:
    """Set a model live, on a validation report of its weights on your own patients.

    Refused for weights trained on simulated patients, for a report of other weights than those in
    service, and for one on virtual patients. The file, its SHA-256 and the person are kept.
    """
    from daemon.models import require_known
    from daemon.reveal import Request, reveal

    settings = config.load(home)
    require_known(model)
    try:
        text = report.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"{report} cannot be read as a report") from None
    asked = Request(model, text, person, "osteoscreen models reveal", why)
    reveal(settings, schema.ready_ledger(settings), asked)
    typer.echo(f"{model} is now in stage live: {person} answers for it")
