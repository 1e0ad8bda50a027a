"""The people of the site: added with a link, given a right, let back in, removed."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records import people
from daemon.records.ledger import now
from daemon.records.people_tables import Right
from daemon.web.deeds import give_link, remove_person, set_person
from daemon.web.guard import Administrator, Refused, SentForm, ledger_of
from daemon.web.pages import page, see

router = APIRouter()


@router.get("/people")
def people_page(request: Request, who: Administrator) -> HTMLResponse:
    """List who may sign in."""
    return _show(request)


def _show(request: Request, words: str = "", link: str = "", status: int = 200) -> HTMLResponse:
    everyone = people.everyone(ledger_of(request))
    facts = {"people": everyone, "rights": list(Right), "now": now()}
    return page(request, "people", status, words=words, link=link, **facts)


@router.post("/people/set")
def put(request: Request, who: Administrator, form: SentForm) -> Response:
    """Add a person, or change what one may do; who has no password yet gets a link."""
    try:
        link = set_person(request, who, form.get("name", "").strip(), form.get("right", ""))
    except Refused as error:
        return _show(request, error.words, status=error.status)
    return _show(request, link=link) if link else see("/people")


@router.post("/people/link")
def link(request: Request, who: Administrator, form: SentForm) -> HTMLResponse:
    """Give a link for a new password, and forget wrong ones."""
    try:
        return _show(request, link=give_link(request, who, form.get("name", "")))
    except Refused as error:
        return _show(request, error.words, status=error.status)


@router.post("/people/remove")
def remove(request: Request, who: Administrator, form: SentForm) -> Response:
    """Remove a person, whose visits end at once; what they did stays in the trail."""
    if form.get("sure") != "yes":
        return _show(request, "Tick the box beside the button to remove somebody.", status=400)
    try:
        remove_person(request, who, form.get("name", ""))
    except Refused as error:
        return _show(request, error.words, status=error.status)
    return see("/people")
