"""One peer: what it may do, whether it hears us, and the form that changes it."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon import peering, scu
from daemon.callers import obstacle
from daemon.errors import ConfigError, DeliveryError
from daemon.records import deliveries, peers, tally
from daemon.records.tables import Peer, Role, Wants
from daemon.web.guard import (
    Administrator,
    Operator,
    Refused,
    SentForm,
    Viewer,
    ledger_of,
    note,
    settings_of,
)
from daemon.web.needs import peer_path
from daemon.web.pages import page, see

router = APIRouter()

ECHO_S = 5
SR_CLASSES = {uid: str(name) for name, uid in peering.SR_CLASS_UIDS.items()}
CHOICES = {"wants": list(Wants), "roles": list(Role), "classes": SR_CLASSES}
BOXES = ("sends", "commits", "answers_find", "tls", "tls_named", "bound")


def _blank(aet: str, host: str) -> dict[str, Any]:
    """Return a form for a modality that knocked: it may send, and receives nothing."""
    plain = dict.fromkeys(BOXES, False) | {"sends": bool(aet), "tls_named": True}
    sr_class = next(iter(SR_CLASSES))
    wishes = {"results": Wants.NONE, "role": Role.RESEARCH, "sr_class": sr_class}
    return plain | wishes | {"aet": aet, "host": host, "port": 104, "tls_fingerprint": ""}


@router.get("/peer/new")
def new_page(request: Request, who: Administrator, aet: str = "", host: str = "") -> HTMLResponse:
    """Ask what a new peer is and may do."""
    return _form(request, _blank(aet[:16], host[:255]), new=True)


def _form(
    request: Request, peer: Mapping[str, Any], new: bool, words: str = "", status: int = 200
) -> HTMLResponse:
    facts = {"peer": peer, "new": new, "words": words, **CHOICES}
    return page(request, "peer_form", status, **facts)


@router.get("/peer/change")
def change_page(request: Request, who: Administrator, aet: str) -> HTMLResponse:
    """Show what a peer may do, to be changed."""
    return _form(request, peers.as_row(_peer(request, aet)), new=False)


@router.post("/peer/set")
def put(request: Request, who: Administrator, form: SentForm) -> Response:
    """Add a peer or change it; effective within a second."""
    ledger, settings = ledger_of(request), settings_of(request)
    filled = _filled(form)
    new = form.get("new") == "yes"
    try:
        peer = _read(filled)
        peering.require_sound(settings, peer)
        if new and peers.named(ledger, peer.aet):
            raise ConfigError(f"there is a peer {peer.aet} already: change it instead")
    except ConfigError as error:
        return _form(request, filled, new, str(error), 400)
    told = ", ".join(f"{key} {value}" for key, value in peers.told(peer).items() if key != "aet")
    note(request, who, "peer set", peer.aet, detail=told)
    peers.add(ledger, peer)
    return see(peer_path(peer.aet))


def _filled(form: Mapping[str, str]) -> dict[str, Any]:
    """Return a form as it was filled in, so that it can be shown again."""
    texts = {key: form.get(key, "").strip() for key in ("aet", "host", "port", "tls_fingerprint")}
    wishes = {key: form.get(key, "") for key in ("results", "role", "sr_class")}
    return texts | wishes | {box: form.get(box) == "yes" for box in BOXES}


def _read(filled: Mapping[str, Any]) -> Peer:
    if not filled["port"].isdecimal():
        raise ConfigError("port: a number from 1 to 65535")
    known = filled["results"] in list(Wants) and filled["role"] in list(Role)
    if not known or filled["sr_class"] not in SR_CLASSES:
        raise ConfigError("choose one of the results, roles and classes that are offered")
    peer = Peer(**{**filled, "port": int(filled["port"])})
    peer.tls_fingerprint = peering.sha256_of(filled["tls_fingerprint"])
    peer.tls = peer.tls or bool(peer.tls_fingerprint)
    return peer


@router.get("/peer")
def peer_page(request: Request, who: Viewer, aet: str) -> HTMLResponse:
    """Show one peer."""
    return _show(request, _peer(request, aet))


def _show(request: Request, peer: Peer, said: tuple[str, str] = ("", "")) -> HTMLResponse:
    last = tally.last_images(ledger_of(request), [peer.aet])[peer.aet]
    facts: dict[str, Any] = {
        "peer": peer,
        "last": last,
        "waiting": deliveries.counts_of(ledger_of(request), peer.aet),
        "obstacle": obstacle(settings_of(request), peer),
        "sr": SR_CLASSES.get(peer.sr_class, peer.sr_class),
        "mark": said[0],
        "words": said[1],
    }
    return page(request, "peer", **facts)


def _peer(request: Request, aet: str) -> Peer:
    peer = peers.named(ledger_of(request), aet)
    if peer is None:
        raise Refused("There is no such peer.", 404)
    return peer


@router.post("/peer/echo")
def echo(request: Request, who: Operator, form: SentForm) -> HTMLResponse:
    """Ask a peer whether it hears us, and say in words what is wrong."""
    peer = _peer(request, form.get("aet", ""))
    note(request, who, "peer asked (C-ECHO)", peer.aet)
    try:
        scu.echo(scu.address_of(settings_of(request), peer, ECHO_S))
    except (DeliveryError, ConfigError) as error:
        return _show(request, peer, ("bad", f"No: {error}."))
    return _show(request, peer, ("good", f"{peer.aet} answered: it hears us, and knows our name."))


@router.post("/peer/resend")
def resend(request: Request, who: Operator, form: SentForm) -> HTMLResponse:
    """Send what is parked for a peer after all."""
    peer = _peer(request, form.get("aet", ""))
    note(request, who, "parked results sent again", peer.aet)
    count = deliveries.resend(ledger_of(request), peer.aet)
    return _show(request, peer, ("good", f"{count} objects will be sent to {peer.aet} again."))


@router.post("/peer/remove")
def remove(request: Request, who: Administrator, form: SentForm) -> Response:
    """Remove a peer; what was sent to it stays in the ledger."""
    peer = _peer(request, form.get("aet", ""))
    if form.get("sure") != "yes":
        return _show(request, peer, ("warn", "Tick the box beside the button to remove it."))
    note(request, who, "peer removed", peer.aet)
    peers.remove(ledger_of(request), peer.aet)
    return see("/peers")
