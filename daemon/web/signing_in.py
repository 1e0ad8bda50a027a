"""Signing in and out, and the one-time link with which a password is set."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records import people, visits
from daemon.records.ledger import now
from daemon.records.people_tables import Person
from daemon.records.visits import Visitor
from daemon.web import passwords
from daemon.web.guard import (
    Current,
    Refused,
    SentForm,
    Viewer,
    cookie_of,
    ledger_of,
    limits_of,
    note,
    own_path,
    settings_of,
)
from daemon.web.pages import page, see, set_cookie

router = APIRouter()

WRONG = "Name or password is wrong, or the name is locked for a while after wrong passwords."
EXPIRED = "This link has been used, or is older than a day. Ask for another: osteoscreen web-link"


@router.get("/sign-in")
def sign_in_page(request: Request, who: Current, next: str = "/") -> Response:
    """Ask for name and password."""
    return see("/") if who else ask(request, own_path(next))


def ask(request: Request, onward: str, words: str = "", status: int = 200) -> HTMLResponse:
    """Ask for name and password, and offer the identity provider where there is one."""
    provider = bool(settings_of(request).oidc_issuer)
    return page(request, "sign_in", status, onward=onward, words=words, provider=provider)


@router.post("/sign-in")
def sign_in(request: Request, who: Current, form: SentForm) -> Response:
    """Begin a visit, under a new secret whatever the browser had before."""
    ledger = ledger_of(request)
    name, onward = form.get("name", "").strip()[:64], own_path(form.get("next", "/"))
    person = people.named(ledger, name)
    locked = _is_locked(person)
    # as long for who is not known, or locked: the time tells nothing
    right = passwords.is_right(form.get("password", ""), person.password_hash if person else None)
    if person is None or locked or not right:
        # a name that nobody has may be a password typed into the wrong field
        note(request, name if person else "unknown", "sign-in refused")
        if person and not locked:
            people.failed(ledger, name)
        return ask(request, onward, WRONG, 403)
    note(request, name, "sign-in")
    people.unlock(ledger, name)
    return begin_visit(request, who, name, onward)


def begin_visit(request: Request, who: Visitor | None, name: str, onward: str) -> Response:
    """Begin a visit in place of the one before, if any, and go on to a page."""
    ledger, settings = ledger_of(request), settings_of(request)
    if who:
        visits.end(ledger, who.key)
    answer = see(onward)
    set_cookie(request, answer, "visit", visits.begin(ledger, name, limits_of(settings)))
    for purpose in ("form", "provider"):
        answer.delete_cookie(cookie_of(settings, purpose), secure=settings.web_secured, path="/")
    return answer


def _is_locked(person: Person | None) -> bool:
    return bool(person and person.locked_until and person.locked_until > now())


@router.post("/sign-out")
def sign_out(request: Request, who: Viewer, form: SentForm) -> Response:
    """End the visit; its cookie opens nothing from now on."""
    note(request, who, "sign-out")
    visits.end(ledger_of(request), who.key)
    settings = settings_of(request)
    answer = see("/sign-in")
    answer.delete_cookie(cookie_of(settings), secure=settings.web_secured, path="/")
    return answer


@router.post("/names")
def show_names(request: Request, who: Viewer, form: SentForm) -> Response:
    """Show the names of patients in this visit, or hide them again."""
    shown = form.get("shown") == "yes"
    note(request, who, "names shown" if shown else "names hidden")
    visits.show_names(ledger_of(request), who, shown)
    return see(own_path(form.get("next", "/")))


@router.get("/welcome/{secret}")
def welcome_page(request: Request, secret: str, who: Current) -> Response:
    """Ask the holder of a link for a password."""
    return page(request, "welcome", name=_invited(request, secret), secret=secret, words="")


@router.post("/welcome/{secret}")
def welcome(request: Request, secret: str, form: SentForm) -> Response:
    """Set the password of a link's holder."""
    name, password = _invited(request, secret), form.get("password", "")
    words = passwords.objection(name, password)
    if not words and password != form.get("again"):
        words = "The two are not the same."
    if words:
        return page(request, "welcome", 400, name=name, secret=secret, words=words)
    note(request, name, "password set")
    if people.set_password(ledger_of(request), secret, passwords.hashed(password)) is None:
        raise Refused(EXPIRED, 404)
    return see("/sign-in")


def _invited(request: Request, secret: str) -> str:
    name = people.invited(ledger_of(request), secret)
    if name is None:
        raise Refused(EXPIRED, 404)
    return name
