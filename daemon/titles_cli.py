"""`osteoscreen titles`: our own AE titles, and the rules for what is sent to each."""

from typing import Annotated

import typer

from daemon import config, schema
from daemon.errors import ConfigError
from daemon.options import AsJson, Home, show_facts
from daemon.records.decision_tables import OwnTitle
from daemon.records.tables import Stage

titles_app = typer.Typer(no_args_is_help=True, help="Our own AE titles, each with its rules.")


@titles_app.command("add")
def titles_add(
    aet: Annotated[str, typer.Argument(help="The AE title, as callers name it.")],
    purpose: Annotated[str, typer.Option("--for", help="What it is for.")] = "",
    model: Annotated[
        list[str] | None, typer.Option(help="A model that looks; several times, or none for all.")
    ] = None,
    stage: Annotated[Stage, typer.Option(help="How far results go at most.")] = Stage.LIVE,
    min_age_years: Annotated[
        int | None, typer.Option(min=0, max=120, help="Youngest age; else the setting's.")
    ] = None,
    accept_derived: Annotated[
        bool | None, typer.Option(help="Screen DERIVED\\\\PRIMARY films; else as the setting says.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Answer to it at this address of ours alone; else at every one.")
    ] = "",
    home: Home = None,
) -> None:
    """Answer to a title too, or change its rules; effective within a second.

    A trial: `osteoscreen titles add TRIAL --for "trial 7" --stage research --min-age-years 65`
    """
    from daemon.titles import put

    if stage is Stage.OFF:
        raise ConfigError(
            "--stage off: a title for which nobody looks; choose shadow, or remove it"
        )
    settings = config.load(home)
    title = OwnTitle(
        aet=aet,
        purpose=purpose,
        models=list(model or ()),
        stage=str(stage),
        min_age_years=min_age_years,
        accept_derived_primary=accept_derived,
        host=host,
    )
    put(settings, schema.ready_ledger(settings), title)
    typer.echo(f"{aet} is a title of ours; osteoscreen titles list tells its rules")


@titles_app.command("list")
def titles_list(home: Home = None, as_json: AsJson = False) -> None:
    """List the titles we answer to; what is empty is as the settings say."""
    from daemon import console
    from daemon.titles import all_of, told

    settings = config.load(home)
    rows = [told(title) for title in all_of(settings, schema.ready_ledger(settings))]
    show_facts(rows, as_json, console.table)


@titles_app.command("remove")
def titles_remove(aet: str, home: Home = None) -> None:
    """Answer to a title no more; what came by it keeps its rules."""
    from daemon.titles import remove

    settings = config.load(home)
    remove(settings, schema.ready_ledger(settings), aet)
    typer.echo(f"{aet} removed")
