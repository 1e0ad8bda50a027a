"""`osteoscreen`: the administrator's command."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from daemon import config, schema
from daemon.errors import ConfigError, DeliveryError, LedgerAway
from daemon.models_cli import models_app
from daemon.options import AsJson, Home, JsonDocument, show_facts
from daemon.peers_cli import address_of_peer, peers_app
from daemon.records.ledger import LedgerError
from daemon.records.people_tables import Right
from daemon.settings import Settings
from daemon.titles_cli import titles_app
from daemon.watch_cli import parts_of, watch_app
from engines.product import PRODUCT, VERSION

if TYPE_CHECKING:
    from daemon.backup import Copied

HELP = """Screen routine imaging for bone loss, silently, beside the PACS.

A first day, in five commands:

    osteoscreen peers add CT1 10.0.0.5 104 --sends

    osteoscreen peers add PACS 10.0.0.9 11112 --results flagged --role research

    osteoscreen check

    osteoscreen serve

    osteoscreen status

Every model starts in stage *shadow*: computed and kept, told to nobody.
"""

app = typer.Typer(
    name=PRODUCT,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.add_typer(peers_app, name="peers")
app.add_typer(models_app, name="models")
app.add_typer(titles_app, name="titles")
app.add_typer(watch_app)


@app.command()
def serve(
    home: Home = None,
    only: Annotated[
        str, typer.Option(help="Run some parts only: listener,intake,worker,web.", metavar="PARTS")
    ] = "listener,intake,worker,web",
) -> None:
    """Run the system: listener, intake, worker and site, restarted if one dies, until Ctrl-C.

    On several hosts, with PostgreSQL and Redis: `osteoscreen serve --only worker`
    """
    from daemon import logs
    from daemon.serve import serve as run

    parts = parts_of(only)
    settings = config.load(home)
    logs.set_up(settings.log_level, settings.log_format)
    try:
        schema.ready_ledger(settings).close()
    except LedgerAway as error:
        # what is received waits in the spool meanwhile, and each part says what it waits for
        Console(stderr=True, soft_wrap=True).print(f"{PRODUCT}: {error}", markup=False)
    run(settings, parts)


@app.command()
def migrate(
    home: Home = None,
    to: Annotated[
        str | None, typer.Option(help="Take it back to an earlier revision.", metavar="REVISION")
    ] = None,
) -> None:
    """Bring the database to this version's revision; makes it if there is none.

    What would break a process that runs with an older version is held back, and said.
    """
    done = schema.migrate(config.load(home), to)
    typer.echo(f"database at revision {done.revision}")
    if done.held_back:
        typer.echo(f"held back: {done.held_back}")


@app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Count what came and what became of it; name what waits and what needs a person."""
    from daemon import console
    from daemon.standing import standing

    settings = config.load(home)
    show_facts(standing(settings, schema.ready_ledger(settings)), as_json, console.status)


@app.command()
def show(
    study_uid: Annotated[str, typer.Argument(help="StudyInstanceUID.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell one study's whole story: what arrived, what was decided and why, what was sent."""
    from daemon import console
    from daemon.records import summary

    story = summary.study(schema.ready_ledger(config.load(home)), study_uid)
    if story is None:
        raise ConfigError(f"nothing of study {study_uid} has come to us")
    show_facts(story, as_json, console.study)


@app.command()
def retry(
    series_uid: Annotated[str, typer.Argument(help="SeriesInstanceUID; see show.")] = "",
    parked: Annotated[bool, typer.Option("--parked", help="All series that are parked.")] = False,
    home: Home = None,
) -> None:
    """Judge and screen once more what was parked, failed or skipped, after its cause is gone.

    Or a series that was screened: with nothing changed since, nothing is sent.

    Deliveries that are parked: `osteoscreen peers resend`
    """
    from daemon.records import claims

    if bool(series_uid) == parked:
        raise ConfigError("name one series, or say --parked")
    again = claims.anew(schema.ready_ledger(config.load(home)), series_uid or None)
    if series_uid and not again:
        raise ConfigError(
            f"{series_uid} has not ended, its images are purged, or its result was retracted: "
            "osteoscreen show"
        )
    typer.echo(f"{len(again)} series will be judged and screened once more")


@app.command("web-link")
def web_link(
    name: Annotated[str, typer.Argument(help="Who signs in; added if there is none.")] = "admin",
    right: Annotated[
        Right | None, typer.Option(help="What they may do; the first is an administrator.")
    ] = None,
    home: Home = None,
) -> None:
    """Print a link with which a person sets a new password on the site, once, within a day."""
    from daemon.invitations import link

    settings = config.load(home)
    typer.echo(link(settings, schema.ready_ledger(settings), name, right))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="Where to; what it has already stays.")],
    home: Home = None,
) -> None:
    """Copy ledger, images and results of a home at work into a folder.

    The folder is a home itself: `osteoscreen audit --home FOLDER` proves it.
    """
    from daemon import backup as copies

    _tell_copied(copies.backup(config.load(home), folder))


@app.command()
def restore(folder: Annotated[Path, typer.Argument(help="A backup.")], home: Home = None) -> None:
    """Copy a backup into an empty home, and into the database that is set for it."""
    from daemon import backup as copies

    _tell_copied(copies.restore(config.load(home), folder))


def _tell_copied(copied: "Copied") -> None:
    size = f"{copied.size_bytes / 1e6:.1f} MB"
    typer.echo(f"{copied.files} new files ({size}), {copied.rows} rows of the ledger")


@app.command()
def audit(home: Home = None, as_json: AsJson = False) -> None:
    """Hold the ledger against the disk: each object acknowledged, its series, results, deliveries.

    Exit 1 and a plain sentence for whatever does not add up.
    """
    from daemon import console
    from daemon.audit import audit as look

    settings = config.load(home)
    document = JsonDocument("objects") if as_json else None
    found = look(settings, schema.ready_ledger(settings), document.entry if document else None)
    if document:
        document.end(found)
    else:
        console.audit(found)
    raise typer.Exit(bool(found["problems"]))


@app.command()
def retention(home: Home = None, as_json: AsJson = False) -> None:
    """Say what would be purged now and by which rule; nothing is changed.

    The rules are settings, `keep_days_...` and `purge_when_full`; `osteoscreen serve` purges.
    """
    from daemon import console
    from daemon.retention import Retention

    settings = config.load(home)
    rows = Retention(settings, schema.ready_ledger(settings)).due()
    show_facts(rows, as_json, console.table)


@app.command()
def push(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.", exists=True)],
    to: Annotated[str | None, typer.Option(help="AE title of a peer; ours without it.")] = None,
    home: Home = None,
) -> None:
    """Send files or folders over C-STORE, to our own listener unless told otherwise."""
    from daemon.push import push as send

    settings = config.load(home)
    send(address_of_peer(settings, to) if to else _ourselves(settings), paths)


@app.command()
def check(home: Home = None, as_json: AsJson = False) -> None:
    """Look at everything that could keep us from working; exit 1 if anything would."""
    from daemon import checks, console

    found = checks.run(config.load(home))
    show_facts([finding.as_json() for finding in found], as_json, console.checks)
    raise typer.Exit(any(finding.state == "fail" for finding in found))


@app.command()
def commission(
    to: Annotated[
        str | None, typer.Option(help="AE title of a peer that passes images on to us; else ours.")
    ] = None,
    report: Annotated[Path, typer.Option(help="Where the page is written.")] = Path(
        "commissioning.html"
    ),
    within_s: Annotated[float, typer.Option(min=1, help="How long it may take.")] = 600,
    exams: Annotated[str, typer.Option(help="What is sent.", metavar="EXAMS")] = "cxr,hip,ct",
    home: Home = None,
) -> None:
    """Send virtual patients of known bone density through this site; exit 1 if any comes out wrong.

    From your PACS, if it routes to us: `osteoscreen commission --to PACS`
    """
    from daemon.commission.patients import MADE
    from daemon.commission.run import run
    from engines.exams import Exam

    named = [name.strip() for name in exams.split(",")]
    if strange := [name for name in named if name not in MADE]:
        raise ConfigError(f"--exams {','.join(strange)}: choose from {', '.join(MADE)}")
    settings = config.load(home)
    where = address_of_peer(settings, to) if to else _ourselves(settings)
    raise typer.Exit(not run(settings, where, within_s, report, [Exam(one) for one in named]))


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, to play with.")] = False,
    films: Annotated[
        Path | None, typer.Option(help="A folder of DICOM films to send besides ours.")
    ] = None,
    results: Annotated[
        Path, typer.Option(help="Where to leave the SR and SC files; emptied first.")
    ] = Path("demo-results"),
) -> None:
    """Send films and CTs through a whole system of its own and show what came back."""
    from daemon.demo.run import run

    raise typer.Exit(run(results.absolute(), films, keep))


def main() -> None:
    """Run the command line; whatever goes wrong ends in one line for a human."""
    # patients' images: for the account that runs us and nobody else
    os.umask(0o077)
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except (ConfigError, DeliveryError) as error:
        _fail(str(error), 2 if isinstance(error, ConfigError) else 1)
    except LedgerError as error:
        _fail(f"database: {str(error).splitlines()[0]}", 1)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the edge: one line for a human, not a traceback
        if hasattr(error, "show"):  # click's own usage errors know how to explain themselves
            error.show()
            sys.exit(2)
        _fail(f"{type(error).__name__}: {error}", 1)


def _fail(line: str, code: int) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"{PRODUCT}: {line}", markup=False)
    sys.exit(code)


def _ourselves(settings: Settings) -> Any:
    from daemon.scu import ourselves

    return ourselves(settings)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(f"{PRODUCT} {VERSION}")
        raise typer.Exit


if __name__ == "__main__":
    main()
