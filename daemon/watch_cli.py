"""What the administrator's command tells those who watch and plan: health, metrics, capacity."""

from typing import Annotated

import typer

from daemon import config, schema
from daemon.errors import ConfigError
from daemon.options import AsJson, Home, show_facts
from daemon.serve import Part

watch_app = typer.Typer()


def parts_of(only: str) -> list[Part]:
    """Read the parts that an option names, with commas.

    Raises
    ------
    ConfigError
        If one is none of ours.
    """
    try:
        return [Part(name.strip()) for name in only.split(",")]
    except ValueError:
        raise ConfigError(f"--only {only}: choose from {', '.join(Part)}") from None


@watch_app.command()
def health(
    only: Annotated[str, typer.Option(help="Parts that have to be here.", metavar="PARTS")] = "",
    ready: Annotated[bool, typer.Option("--ready", help="And able to take work now.")] = False,
    home: Home = None,
) -> None:
    """Say whether the parts on this host get on; exit 1 if one does not. See daemon.health."""
    from daemon.health import problems

    parts = [str(part) for part in parts_of(only)] if only else []
    told = problems(config.load(home).home, parts, ready)
    typer.echo("\n".join(told) or "ok")
    raise typer.Exit(bool(told))


@watch_app.command()
def metrics(home: Home = None) -> None:
    """Count everything for a monitoring system, in the Prometheus text format.

    For the textfile collector of node_exporter, or wherever the site's own page is not reached.
    """
    from daemon.metrics import exposition

    settings = config.load(home)
    typer.echo(exposition(settings, schema.ready_ledger(settings)), nl=False)


@watch_app.command()
def traces(
    to: Annotated[str, typer.Option(help="OpenTelemetry collector: http://HOST:4318.")],
    once: Annotated[bool, typer.Option("--once", help="What is there, then end.")] = False,
    home: Home = None,
) -> None:
    """Send each study's way through all processes to a collector of traces, until Ctrl-C."""
    from daemon.traces import follow

    settings = config.load(home)
    sent = follow(settings, schema.ready_ledger(settings), to, once)
    typer.echo(f"{sent} spans sent")


@watch_app.command()
def capacity(
    studies_per_day: Annotated[float, typer.Option(min=1, help="How many are to come.")],
    wait_s: Annotated[float, typer.Option(min=1, help="What 19 in 20 cases may wait.")] = 120,
    days: Annotated[float, typer.Option(min=0, help="How long images are kept.")] = 30,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say which listeners, workers, GPUs, disk and rows that needs, from what was measured here."""
    from daemon import console
    from daemon.capacity import Wanted, plan

    settings = config.load(home)
    told = plan(settings, schema.ready_ledger(settings), Wanted(studies_per_day, wait_s, days))
    if told is None:
        raise ConfigError("nothing has come here yet: there is nothing to measure by")
    show_facts(told, as_json, console.capacity)


@watch_app.command()
def conformance(
    home: Home = None,
    ihe: Annotated[bool, typer.Option("--ihe", help="The IHE integration statement.")] = False,
) -> None:
    """Write the DICOM conformance statement of this installation, in Markdown."""
    from daemon.conformance import ihe as integration
    from daemon.conformance.statement import statement

    settings = config.load(home)
    typer.echo(integration.statement(settings) if ihe else statement(settings))
