"""How a page is made: a template, who looks, and nothing that could run as a script."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from daemon.records.people_tables import Right
from daemon.records.visits import Visitor
from daemon.web.catalogue import NAMES, Catalogue, catalogue, language_of
from daemon.web.guard import FORM_KEY, cookie_of, form_key, settings_of
from daemon.web.spoken import Spoken
from engines.product import PRODUCT, VERSION

TEMPLATES = Path(__file__).parent / "templates"

MENU = (
    ("/", "Overview", Right.VIEWER),
    ("/studies", "Studies", Right.VIEWER),
    ("/flow", "Eligibility", Right.VIEWER),
    ("/deliveries", "Deliveries", Right.VIEWER),
    ("/peers", "Peers", Right.VIEWER),
    ("/models", "Models", Right.VIEWER),
    ("/tokens", "Tokens", Right.VIEWER),
    ("/people", "People", Right.ADMINISTRATOR),
    ("/trail", "Audit", Right.ADMINISTRATOR),
)


def pages_in(words: Catalogue) -> Environment:
    """Return the templates as they are said in one language."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[Spoken],
    )
    made.extend(say=words.say)
    made.globals["_"] = words.say
    made.filters |= {"moment": lambda at: moment(at, words), "waited": lambda s: waited(s, words)}
    return made


@cache
def _pages(language: str) -> Environment:
    return pages_in(catalogue(language))


def page(request: Request, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request : Request
        Who asks is known from it.
    template : str
        File name without ending.
    status : int
        The HTTP status.
    **facts
        What the template shows; whatever it is, it is escaped.
    """
    who: Visitor | None = getattr(request.state, "visitor", None)
    key, language = form_key(request), language_of(request)
    shell = {
        "product": PRODUCT,
        "version": VERSION,
        "who": who,
        "menu": [(path, title) for path, title, right in MENU if who and who.right.includes(right)],
        "here": request.url.path,
        "key_field": FORM_KEY,
        "key": key,
        "language": language,
        "languages": NAMES,
    }
    pages = _pages(language)
    answer = HTMLResponse(pages.get_template(f"{template}.html").render(shell | facts), status)
    if getattr(request.state, "new_form_key", None):
        set_cookie(request, answer, "form", key)
    return answer


def set_cookie(request: Request, answer: Response, purpose: str, value: str) -> None:
    """Give the browser a secret that no script reads and no other site sends."""
    settings = settings_of(request)
    answer.set_cookie(
        cookie_of(settings, purpose),
        value,
        httponly=True,
        secure=settings.web_secured,
        samesite="lax",
        path="/",
    )


def see(path: str) -> RedirectResponse:
    """Send the browser on, after a form, to a page of ours."""
    return RedirectResponse(path, 303)


def moment(at: datetime | str | None, words: Catalogue) -> str:
    """Show a moment in the site's own time."""
    if at is None:
        return words.say("never")
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def waited(seconds: float | None, words: Catalogue) -> str:
    """Show a time span in the largest unit that says enough."""
    if seconds is None:
        return words.say("a while")
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
