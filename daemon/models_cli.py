"""`osteoscreen models`: the models and how far their results go."""

import typer

from daemon import config, schema
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
    peers of role research, marked RESEARCH. **live**: to clinical peers too; refused for weights
    trained on simulated patients.
    """
    from daemon.models import set_stage

    settings = config.load(home)
    set_stage(settings, schema.ready_ledger(settings), model, stage)
    typer.echo(f"{model} is now in stage {stage}")
