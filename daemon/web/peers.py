"""The peers: who sends, who receives, and who was refused."""

import re
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daemon import titles
from daemon.binding import place_of
from daemon.records import peers, tally
from daemon.records.ledger import Ledger, last_events
from daemon.records.tables import REFUSAL, Event
from daemon.web.guard import Viewer, ledger_of, settings_of
from daemon.web.pages import page

router = APIRouter()

REFUSALS = 20
STRANGER = re.compile(r"peer (?P<aet>.+) at (?P<host>\S+) is not allowed to send")


@dataclass(frozen=True)
class Refused:
    """One refused association; a stranger, who could be allowed, has a title and a host."""

    event: Event
    aet: str = ""
    host: str = ""

    @property
    def words(self) -> str:
        """Why, without the command that the site spares."""
        return (self.event.detail or "").partition(": osteoscreen ")[0]


def refused_lately(ledger: Ledger) -> list[Refused]:
    """Return who was refused; whoever has become a peer since needs no button."""
    known = {one.aet for one in peers.everyone(ledger)}
    found = []
    for event in last_events(ledger, REFUSAL, REFUSALS):
        stranger = STRANGER.match(event.detail or "")
        if stranger and stranger["aet"] not in known:
            found.append(Refused(event, stranger["aet"], stranger["host"]))
        else:
            found.append(Refused(event))
    return found


@router.get("/peers")
def peers_page(request: Request, who: Viewer) -> HTMLResponse:
    """List the peers with their last image, and the newest refusals."""
    ledger, settings = ledger_of(request), settings_of(request)
    everyone = peers.everyone(ledger)
    ports = [port for port in (settings.port, settings.tls_port) if port]
    ports = ports[1:] if settings.tls_only else ports
    return page(
        request,
        "peers",
        peers=everyone,
        last=tally.last_images(ledger, [one.aet for one in everyone]),
        refused=refused_lately(ledger),
        titles=titles.all_of(settings, ledger),
        places=[place_of(host, port) for host in settings.hosts for port in ports],
    )
