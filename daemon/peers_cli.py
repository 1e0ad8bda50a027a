"""`osteoscreen peers`: the AEs that send to us or receive results."""

from typing import Annotated, Any

import typer

from daemon import config, schema
from daemon.errors import ConfigError
from daemon.options import AsJson, Home, show_facts
from daemon.peering import SR_CLASS_UIDS, SrClass, require_sound, sha256_of
from daemon.records import peers
from daemon.records.tables import Peer, Role, Wants
from daemon.settings import Settings

peers_app = typer.Typer(no_args_is_help=True, help="The AEs that send to us or receive results.")


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
        tls_fingerprint=sha256_of(tls_fingerprint),
        tls_named=tls_name,
        bound=only_from_host,
    )
    ledger = schema.ready_ledger(settings)
    require_sound(settings, ledger, peer)
    peers.add(ledger, peer)
    typer.echo(
        f"{aet} at {host}:{port}: sends={'yes' if sends else 'no'} results={results} role={role}"
        f"{' commits' if commits else ''}{' answers C-FIND' if answers_find else ''}"
        f"{' by TLS' if peer.tls else ''}{' from this host alone' if only_from_host else ''}"
    )


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

    scu.echo(address_of_peer(config.load(home), aet))
    typer.echo(f"{aet} answered")


@peers_app.command("resend")
def peers_resend(aet: str, home: Home = None) -> None:
    """Send what is parked for a peer after all, once it has been put right."""
    from daemon.records import deliveries

    ledger = schema.ready_ledger(config.load(home))
    if peers.named(ledger, aet) is None:
        raise ConfigError(f"there is no peer {aet}: osteoscreen peers list")
    typer.echo(f"{deliveries.resend(ledger, aet)} objects will be sent to {aet} again")


def address_of_peer(settings: Settings, aet: str) -> Any:
    """Return where and how a peer of that AE title is called."""
    from daemon.scu import address_of

    peer = peers.named(schema.ready_ledger(settings), aet)
    if peer is None:
        raise ConfigError(f"there is no peer {aet}: osteoscreen peers add {aet} HOST PORT")
    return address_of(settings, peer)
