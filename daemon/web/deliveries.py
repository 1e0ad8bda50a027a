"""What was given up: results that no peer took, by peer and reason, to be sent once more."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records import amends, peers
from daemon.web.amending import send_parked
from daemon.web.guard import Operator, Refused, SentForm, Viewer, ledger_of
from daemon.web.pages import page, see

router = APIRouter()


@router.get("/deliveries")
def deliveries_page(request: Request, who: Viewer) -> HTMLResponse:
    """Show what is parked: by peer and reason, then one by one."""
    ledger = ledger_of(request)
    heaps = amends.heaps(ledger)
    return page(
        request,
        "deliveries",
        heaps=heaps,
        stuck=amends.stuck(ledger) if heaps else [],
        known={one.aet for one in peers.everyone(ledger)},
    )


@router.post("/deliveries/again")
def again(request: Request, who: Operator, form: SentForm) -> Response:
    """Send again one object, those of one peer and reason, or all that are parked."""
    ledger, number = ledger_of(request), form.get("delivery", "")
    if form.get("all") == "yes":
        for aet in sorted({heap.aet for heap in amends.heaps(ledger)}):
            send_parked(request, who, aet, None, None)
        return see("/deliveries")
    if not form.get("aet") or (number and not number.isdecimal()):
        raise Refused("This form is incomplete. Go back and load the page again.", 400)
    one = int(number[:9]) if number else None
    send_parked(request, who, form["aet"], form.get("detail"), one)
    return see("/deliveries")
