"""`osteoscreen`: the administrator's command."""

import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from daemon import config, schema
from daemon.config import Settings
from daemon.errors import ConfigError, DeliveryError, LedgerAway
from daemon.models_cli import models_app
from daemon.options import AsJson, Home, show_facts
from daemon.records import peers, summary
from daemon.records.ledger import LedgerError
from daemon.records.tables import Peer, Role, Wants
from daemon.serve import Part
from engines.product import PRODUCT, VERSION

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
peers_app = typer.Typer(no_args_is_help=True, help="The AEs that send to us or receive results.")
app.add_typer(peers_app, name="peers")
app.add_typer(models_app, name="models")


class SrClass(StrEnum):
    """The SR SOP Classes a peer can be sent (PS3.4 B.5)."""

    COMPREHENSIVE_3D = "comprehensive3d"
    COMPREHENSIVE = "comprehensive"
    ENHANCED = "enhanced"


# written out (PS3.4 B.5): pydicom and its pixel libraries would weigh down the supervisor
SR_CLASS_UIDS = {
    SrClass.COMPREHENSIVE_3D: "1.2.840.10008.5.1.4.1.1.88.34",
    SrClass.COMPREHENSIVE: "1.2.840.10008.5.1.4.1.1.88.33",
    SrClass.ENHANCED: "1.2.840.10008.5.1.4.1.1.88.22",
}


@app.command()
def serve(
    home: Home = None,
    only: Annotated[
        str, typer.Option(help="Run some parts only: listener,intake,worker.", metavar="PARTS")
    ] = "listener,intake,worker",
) -> None:
    """Run the system: listener, intake and worker, restarted if one dies, until Ctrl-C.

    On several hosts, with PostgreSQL and Redis: `osteoscreen serve --only worker`
    """
    from daemon import logs
    from daemon.serve import serve as run

    try:
        parts = [Part(name.strip()) for name in only.split(",")]
    except ValueError:
        raise ConfigError(f"--only {only}: choose from {', '.join(Part)}") from None
    settings = config.load(home)
    logs.set_up(settings.log_level)
    try:
        schema.ready_ledger(settings).close()
    except LedgerAway as error:
        # what is received waits in the spool meanwhile, and each part says what it waits for
        Console(stderr=True, soft_wrap=True).print(f"{PRODUCT}: {error}", markup=False)
    run(settings, parts)


@app.command()
def migrate(home: Home = None) -> None:
    """Bring the database to the revision this version needs; makes it if there is none."""
    typer.echo(f"database at revision {schema.migrate(config.load(home))}")


@app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Count what came and what became of it; name what waits and what needs a person."""
    from daemon import console
    from daemon.retention import disk_now
    from daemon.spool import Spool

    settings = config.load(home)
    ledger = schema.ready_ledger(settings)
    numbers = summary.status(ledger) | {"disk": disk_now(settings, ledger)}
    numbers["oldest"] = Spool(settings.spool).oldest() | numbers["oldest"]
    show_facts(numbers, as_json, console.status)


@app.command()
def show(
    study_uid: Annotated[str, typer.Argument(help="StudyInstanceUID.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Tell one study's whole story: what arrived, what was decided and why, what was sent."""
    from daemon import console

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

    Deliveries that are parked: `osteoscreen peers resend`
    """
    from daemon.records import claims

    if bool(series_uid) == parked:
        raise ConfigError("name one series, or say --parked")
    again = claims.anew(schema.ready_ledger(config.load(home)), series_uid or None)
    if series_uid and not again:
        raise ConfigError(f"{series_uid} is not parked, failed or skipped: osteoscreen status")
    typer.echo(f"{len(again)} series will be judged and screened once more")


@app.command()
def audit(home: Home = None, as_json: AsJson = False) -> None:
    """Hold the ledger against the disk: each object acknowledged, its series, results, deliveries.

    Exit 1 and a plain sentence for whatever does not add up.
    """
    from daemon import console
    from daemon.audit import audit as look

    settings = config.load(home)
    found = look(settings, schema.ready_ledger(settings))
    show_facts(found, as_json, console.audit)
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
    send(_address(settings, to) if to else _ourselves(settings), paths)


@app.command()
def check(home: Home = None, as_json: AsJson = False) -> None:
    """Look at everything that could keep us from working; exit 1 if anything would."""
    from daemon import checks, console

    found = checks.run(config.load(home))
    show_facts([finding.as_json() for finding in found], as_json, console.checks)
    raise typer.Exit(any(finding.state == "fail" for finding in found))


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
    """Send films through a whole system of its own and show what came back."""
    from daemon.demo.run import run

    raise typer.Exit(run(results.absolute(), films, keep))


@peers_app.command("add")
def peers_add(
    aet: Annotated[str, typer.Argument(help="Its AE title, as it calls itself.")],
    host: Annotated[str, typer.Argument(help="Its name or address.")],
    port: Annotated[int, typer.Argument(min=1, max=65535, help="Its DICOM port.")],
    sends: Annotated[bool, typer.Option(help="May send images to us.")] = False,
    results: Annotated[Wants, typer.Option(help="Which results it receives.")] = Wants.NONE,
    role: Annotated[Role, typer.Option(help="Who reads there.")] = Role.RESEARCH,
    sr: Annotated[SrClass, typer.Option(help="SR class its viewers read best.")] = (
        SrClass.COMPREHENSIVE_3D
    ),
    commits: Annotated[
        bool, typer.Option(help="Is asked to commit to the results sent to it (PS3.4 J).")
    ] = False,
    answers_find: Annotated[
        bool, typer.Option(help="Is asked by C-FIND what it has of results and series.")
    ] = False,
    tls: Annotated[
        bool, typer.Option("--tls", help="Is called, and may call, by TLS alone.")
    ] = False,
    tls_fingerprint: Annotated[
        str, typer.Option(help="SHA-256 of its certificate: the only one it may show; means --tls.")
    ] = "",
    tls_name: Annotated[
        bool, typer.Option(help="Its certificate has to name its host when we call it.")
    ] = True,
    only_from_host: Annotated[
        bool, typer.Option("--only-from-host", help="May call from HOST alone.")
    ] = False,
    home: Home = None,
) -> None:
    """Add a peer, or change the one of that AE title; effective within a second.

    A modality: `osteoscreen peers add CR1 10.0.0.5 104 --sends`

    A research archive: `osteoscreen peers add ARCHIVE 10.0.0.9 11112 --results all`
    """
    settings = config.load(home)
    if not config.is_ae_title(aet):
        raise ConfigError(f"AE title {aet!r}: 1 to 16 ASCII characters, no backslash (PS3.5 6.2)")
    if aet == settings.aet or not host:
        raise ConfigError("a peer is another AE than ours, at a host with a name or an address")
    peer = Peer(
        aet=aet,
        host=host,
        port=port,
        sends=sends,
        results=results,
        role=role,
        sr_class=SR_CLASS_UIDS[sr],
        commits=commits,
        answers_find=answers_find,
        tls=tls or bool(tls_fingerprint),
        tls_fingerprint=_sha256(tls_fingerprint),
        tls_named=tls_name,
        bound=only_from_host,
    )
    peers.add(schema.ready_ledger(settings), peer)
    typer.echo(
        f"{aet} at {host}:{port}: sends={'yes' if sends else 'no'} results={results} role={role}"
        f"{' commits' if commits else ''}{' answers C-FIND' if answers_find else ''}"
        f"{' by TLS' if peer.tls else ''}{' from this host alone' if only_from_host else ''}"
    )


def _sha256(text: str) -> str:
    """Read a fingerprint as openssl and browsers write it."""
    plain = text.rpartition("=")[2].replace(":", "").replace(" ", "").lower()
    if plain and not re.fullmatch("[0-9a-f]{64}", plain):
        raise ConfigError(f"fingerprint {text}: openssl x509 -noout -fingerprint -sha256 -in FILE")
    return plain


@peers_app.command("list")
def peers_list(home: Home = None, as_json: AsJson = False) -> None:
    """List the peers."""
    from daemon import console

    names = {uid: str(name) for name, uid in SR_CLASS_UIDS.items()}
    everyone = peers.everyone(schema.ready_ledger(config.load(home)))
    rows = [peers.told(peer) | {"sr": names[peer.sr_class]} for peer in everyone]
    show_facts(rows, as_json, console.peers)


@peers_app.command("remove")
def peers_remove(aet: str, home: Home = None) -> None:
    """Remove a peer; what was sent to it stays in the ledger."""
    if not peers.remove(schema.ready_ledger(config.load(home)), aet):
        raise ConfigError(f"there is no peer {aet}: osteoscreen peers list")
    typer.echo(f"{aet} removed")


@peers_app.command("echo")
def peers_echo(aet: str, home: Home = None) -> None:
    """Ask a peer whether it hears us (C-ECHO), and say in words what is wrong."""
    from daemon import scu

    scu.echo(_address(config.load(home), aet))
    typer.echo(f"{aet} answered")


@peers_app.command("resend")
def peers_resend(aet: str, home: Home = None) -> None:
    """Send what is parked for a peer after all, once it has been put right."""
    from daemon.records import deliveries

    ledger = schema.ready_ledger(config.load(home))
    if peers.named(ledger, aet) is None:
        raise ConfigError(f"there is no peer {aet}: osteoscreen peers list")
    typer.echo(f"{deliveries.resend(ledger, aet)} objects will be sent to {aet} again")


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


def _address(settings: Settings, aet: str) -> Any:
    from daemon.scu import address_of

    peer = peers.named(schema.ready_ledger(settings), aet)
    if peer is None:
        raise ConfigError(f"there is no peer {aet}: osteoscreen peers add {aet} HOST PORT")
    return address_of(settings, peer)


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
