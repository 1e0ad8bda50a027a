"""The people of the site: added with a link, given a right, let back in, removed."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.invitations import NAME, path_of
from daemon.records import people
from daemon.records.ledger import now
from daemon.records.people_tables import Right
from daemon.web.guard import Administrator, SentForm, ledger_of, note
from daemon.web.pages import page, see

router = APIRouter()

LAST = "Nobody could administer the site without this person."


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
    ledger, name, right = ledger_of(request), form.get("name", "").strip(), form.get("right", "")
    if not NAME.fullmatch(name) or right not in list(Right):
        return _show(
            request, "A name has letters, digits and . _ @ - only, 64 at most.", status=400
        )
    if right != Right.ADMINISTRATOR and people.is_last_administrator(ledger, name):
        return _show(request, LAST, status=400)
    note(request, who, "person set", name, detail=right)
    people.put(ledger, name, Right(right))
    person = people.named(ledger, name)
    if person is None or person.password_hash is None:
        return _show(request, link=path_of(people.invite(ledger, name)))
    return see("/people")


@router.post("/people/link")
def link(request: Request, who: Administrator, form: SentForm) -> HTMLResponse:
    """Give a link for a new password, and forget wrong ones."""
    ledger, name = ledger_of(request), form.get("name", "")
    if people.named(ledger, name) is None:
        return _show(request, "There is nobody of that name.", status=404)
    note(request, who, "link given", name)
    people.unlock(ledger, name)
    return _show(request, link=path_of(people.invite(ledger, name)))


@router.post("/people/remove")
def remove(request: Request, who: Administrator, form: SentForm) -> Response:
    """Remove a person, whose visits end at once; what they did stays in the trail."""
    ledger, name = ledger_of(request), form.get("name", "")
    if people.is_last_administrator(ledger, name):
        return _show(request, LAST, status=400)
    if form.get("sure") != "yes":
        return _show(request, "Tick the box beside the button to remove somebody.", status=400)
    note(request, who, "person removed", name)
    people.remove(ledger, name)
    return see("/people")
