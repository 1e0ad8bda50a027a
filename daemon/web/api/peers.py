"""The peers: the AEs that send to us or receive results, and who was refused."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from daemon.callers import obstacle
from daemon.records import deliveries, peers, tally
from daemon.records.tables import Peer
from daemon.web.api.bearer import Administrator, Operator, Viewer
from daemon.web.api.shapes import (
    Echo,
    PeerStanding,
    PeerTold,
    PeerWish,
    Problem,
    Refusal,
    Resent,
)
from daemon.web.deeds import ask_peer, peer_of, remove_peer, send_parked, set_peer
from daemon.web.guard import ledger_of, settings_of
from daemon.web.peers import refused_lately

router = APIRouter(tags=["peers"])

Aet = Annotated[str, Path(description="AE title", examples=["CT1"], min_length=1, max_length=16)]
NewAet = Annotated[
    str,
    Path(
        description="AE title, as it calls itself (PS3.5 6.2)",
        examples=["CT1"],
        max_length=16,
        pattern=r"^[!-\[\]-~]([ -\[\]-~]*[!-\[\]-~])?$",
    ),
]
REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "It can be no peer; the sentence says why"},
    409: {"model": Problem, "description": "It is a title of ours"},
}
NONE: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such peer"}}


@router.get("/peers", response_model=list[PeerTold])
def list_peers(request: Request, who: Viewer) -> Any:
    """List the peers, each with when its newest image came."""
    everyone = peers.everyone(ledger_of(request))
    last = tally.last_images(ledger_of(request), [peer.aet for peer in everyone])
    return [PeerTold.of(peer, last[peer.aet]) for peer in everyone]


@router.get("/refusals", response_model=list[Refusal])
def list_refusals(request: Request, who: Viewer) -> Any:
    """List the newest associations that were refused; a stranger's can be allowed as a peer."""
    return [
        {"at": one.event.at, "why": one.words, "aet": one.aet, "host": one.host}
        for one in refused_lately(ledger_of(request))
    ]


@router.get("/peers/{aet:path}", response_model=PeerStanding, responses=NONE)
def one_peer(request: Request, who: Viewer, aet: Aet) -> Any:
    """Tell one peer, what waits for it, and what stands in its way."""
    return _standing(request, peer_of(request, aet))


def _standing(request: Request, peer: Peer) -> dict[str, Any]:
    last = tally.last_images(ledger_of(request), [peer.aet])[peer.aet]
    return PeerTold.of(peer, last).model_dump() | {
        "objects": deliveries.counts_of(ledger_of(request), peer.aet),
        "obstacle": obstacle(settings_of(request), peer),
    }


@router.put("/peers/{aet:path}", response_model=PeerStanding, responses=REFUSED | NONE)
def put_peer(request: Request, who: Administrator, aet: NewAet, wish: PeerWish) -> Any:
    """Add a peer, or change the one of that AE title; effective within a second."""
    set_peer(request, who, wish.as_peer(aet))
    return _standing(request, peer_of(request, aet))


@router.delete("/peers/{aet:path}", status_code=204, responses=NONE)
def delete_peer(request: Request, who: Administrator, aet: Aet) -> None:
    """Remove a peer; what was sent to it stays in the ledger."""
    remove_peer(request, who, peer_of(request, aet))


@router.post("/peers/{aet:path}/echo", response_model=Echo, responses=NONE)
def echo(request: Request, who: Operator, aet: Aet) -> Any:
    """Ask a peer whether it hears us (C-ECHO), and say in words what is wrong."""
    heard, words = ask_peer(request, who, peer_of(request, aet))
    return {"heard": heard, "words": words}


@router.post("/peers/{aet:path}/resend", response_model=Resent, responses=NONE)
def resend(request: Request, who: Operator, aet: Aet) -> Any:
    """Send what is parked for a peer after all, once it has been put right."""
    return {"objects": send_parked(request, who, peer_of(request, aet))}
