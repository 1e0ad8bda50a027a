"""A visitor chooses the language of the pages; else the browser does."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from daemon.web.catalogue import NAMES
from daemon.web.guard import Refused, SentForm, own_path
from daemon.web.pages import see, set_cookie

router = APIRouter()


@router.post("/language")
def choose(request: Request, form: SentForm) -> Response:
    """Keep a language in the browser, and go back to where it was chosen."""
    language = form.get("language", "")
    if language not in NAMES:
        raise Refused("There is no such language.", 400)
    answer = see(own_path(form.get("next", "/")))
    set_cookie(request, answer, "language", language)
    return answer
