"""One peer: what it may do, whether it hears us, and the form that changes it."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon import peering
from daemon.callers import obstacle
from daemon.records import deliveries, peers, tally
from daemon.records.tables import Peer, Role, Wants
from daemon.said import Said
from daemon.web.deeds import ask_peer, peer_of, remove_peer, send_parked, set_peer
from daemon.web.guard import (
    Administrator,
    Operator,
    Refused,
    SentForm,
    Viewer,
    ledger_of,
    settings_of,
)
from daemon.web.needs import peer_path
from daemon.web.pages import page, see

router = APIRouter()

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
    return _form(request, peers.as_row(peer_of(request, aet)), new=False)


@router.post("/peer/set")
def put(request: Request, who: Administrator, form: SentForm) -> Response:
    """Add a peer or change it; effective within a second."""
    filled = _filled(form)
    new = form.get("new") == "yes"
    try:
        peer = _read(filled)
        if new and peers.named(ledger_of(request), peer.aet):
            raise Refused(
                Said("there is a peer {aet} already: change it instead", aet=peer.aet), 400
            )
        set_peer(request, who, peer)
    except Refused as error:
        return _form(request, filled, new, error.words, error.status)
    return see(peer_path(peer.aet))


def _filled(form: Mapping[str, str]) -> dict[str, Any]:
    """Return a form as it was filled in, so that it can be shown again."""
    texts = {key: form.get(key, "").strip() for key in ("aet", "host", "port", "tls_fingerprint")}
    wishes = {key: form.get(key, "") for key in ("results", "role", "sr_class")}
    return texts | wishes | {box: form.get(box) == "yes" for box in BOXES}


def _read(filled: Mapping[str, Any]) -> Peer:
    if not filled["port"].isdecimal():
        raise Refused("port: a number from 1 to 65535", 400)
    known = filled["results"] in list(Wants) and filled["role"] in list(Role)
    if not known or filled["sr_class"] not in SR_CLASSES:
        raise Refused("choose one of the results, roles and classes that are offered", 400)
    return Peer(**{**filled, "port": int(filled["port"])})


@router.get("/peer")
def peer_page(request: Request, who: Viewer, aet: str) -> HTMLResponse:
    """Show one peer."""
    return _show(request, peer_of(request, aet))


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


@router.post("/peer/echo")
def echo(request: Request, who: Operator, form: SentForm) -> HTMLResponse:
    """Ask a peer whether it hears us, and say in words what is wrong."""
    peer = peer_of(request, form.get("aet", ""))
    heard, words = ask_peer(request, who, peer)
    return _show(request, peer, ("good" if heard else "bad", words))


@router.post("/peer/resend")
def resend(request: Request, who: Operator, form: SentForm) -> HTMLResponse:
    """Send what is parked for a peer after all."""
    peer = peer_of(request, form.get("aet", ""))
    count = send_parked(request, who, peer)
    return _show(
        request,
        peer,
        ("good", Said("{count} objects will be sent to {aet} again.", count=count, aet=peer.aet)),
    )


@router.post("/peer/remove")
def remove(request: Request, who: Administrator, form: SentForm) -> Response:
    """Remove a peer; what was sent to it stays in the ledger."""
    peer = peer_of(request, form.get("aet", ""))
    if form.get("sure") != "yes":
        return _show(request, peer, ("warn", "Tick the box beside the button to remove it."))
    remove_peer(request, who, peer)
    return see("/peers")
