"""Our own AE titles: the form that adds one, or changes the rules for what is sent to it."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon import titles
from daemon.records.decision_tables import OwnTitle
from daemon.records.tables import Stage
from daemon.said import Said
from daemon.web.deeds import remove_title, set_title, title_of
from daemon.web.guard import Administrator, Refused, SentForm, ledger_of, settings_of
from daemon.web.pages import page, see
from engines.card_index import CARDS

router = APIRouter()

MOST = (Stage.LIVE, Stage.RESEARCH, Stage.SHADOW)
DERIVED = {"": None, "yes": True, "no": False}


@router.get("/title/new")
def new_page(request: Request, who: Administrator) -> HTMLResponse:
    """Ask what a new title of ours is for."""
    return _form(request, titles.blank(""), new=True)


@router.get("/title/change")
def change_page(request: Request, who: Administrator, aet: str) -> HTMLResponse:
    """Show the rules of a title, to be changed."""
    return _form(request, title_of(request, aet), new=False)


def _form(
    request: Request, title: OwnTitle, new: bool, words: str = "", status: int = 200
) -> HTMLResponse:
    facts = {
        "title": title,
        "new": new,
        "words": words,
        "models": CARDS,
        "most": MOST,
        "stays": title.aet == settings_of(request).aet,
        "settings": settings_of(request),
    }
    return page(request, "title_form", status, **facts)


@router.post("/title/set")
def put(request: Request, who: Administrator, form: SentForm) -> Response:
    """Add a title or change its rules; effective within a second."""
    new = form.get("new") == "yes"
    title = _filled(form)
    try:
        if new and title.aet in {one.aet for one in _answered(request)}:
            raise Refused(
                Said("we answer to {aet} already: change its rules instead", aet=title.aet), 400
            )
        if title.stage not in MOST or form.get("derived", "") not in DERIVED:
            raise Refused("choose one of those that are offered", 400)
        if form.get("min_age_years", "").strip() and title.min_age_years is None:
            raise Refused("least age: a number of years from 0 to 120", 400)
        set_title(request, who, title)
    except Refused as error:
        return _form(request, title, new, error.words, error.status)
    return see("/peers")


def _answered(request: Request) -> list[OwnTitle]:
    return titles.all_of(settings_of(request), ledger_of(request))


def _filled(form: Mapping[str, str]) -> OwnTitle:
    """Return a form as it was filled in, so that it can be shown again."""
    age = form.get("min_age_years", "").strip()
    return OwnTitle(
        aet=form.get("aet", "").strip(),
        purpose=form.get("purpose", ""),
        models=[card.model for card in CARDS if form.get(f"model.{card.model}") == "yes"],
        stage=form.get("stage", ""),
        min_age_years=int(age) if age.isdecimal() and len(age) < 4 else None,
        accept_derived_primary=DERIVED.get(form.get("derived", "")),
        host=form.get("host", "")[:64],
    )


@router.post("/title/remove")
def remove(request: Request, who: Administrator, form: SentForm) -> Response:
    """Answer to a title no more; what came by it keeps its rules."""
    title = title_of(request, form.get("aet", ""))
    try:
        if form.get("sure") != "yes":
            raise Refused("Tick the box beside the button to remove it.", 400)
        remove_title(request, who, title)
    except Refused as error:
        return _form(request, title, False, error.words, error.status)
    return see("/peers")
