"""One study's whole story: what came, why each model ran or not, what was said, what was sent."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records import claims, summary
from daemon.story import current_result
from daemon.web import made
from daemon.web.guard import Operator, Refused, SentForm, Viewer, ledger_of, note, settings_of
from daemon.web.pages import page, see
from daemon.web.patient import told_by_images
from daemon.web.studies import outcome
from engines.contract import number_of

router = APIRouter()

EVENTS_MOST = 60
FRUITLESS = ("skipped", "failed", "parked")
WHY_LEAST = 5


@router.get("/study")
def study_page(request: Request, who: Viewer, uid: str) -> HTMLResponse:
    """Tell a study's story; the look is written down, with or without the patient's name."""
    settings, story = settings_of(request), _story(request, uid)
    named = "with the patient's name" if who.shows_names else "without the patient's name"
    note(request, who, "study looked at", uid, detail=named)
    told = told_by_images(settings, story) if who.shows_names else {"patient": {}, "series": {}}
    kinds = made.objects_of(story)
    reports = {one: made.report(settings, one) for one, kind in kinds.items() if kind == "SR"}
    return page(
        request,
        "study",
        uid=uid,
        told=told,
        series=[_told(series) for series in story["series"]],
        reports=reports,
        number_of=number_of,
        events_most=EVENTS_MOST,
        fruitless=FRUITLESS,
    )


def _story(request: Request, uid: str) -> dict[str, Any]:
    story = summary.study(ledger_of(request), uid)
    if story is None:
        raise Refused("Nothing of this study has come to us.", 404)
    return story


def _told(series: dict[str, Any]) -> dict[str, Any]:
    """Return a series with what a person asks first: who sent it, and what became of it."""
    flagged = bool(current_result(series).get("flagged"))
    mark, words = outcome(series["state"], series["reason"], flagged)
    came = sorted(image["received_at"] for image in series["received"])
    return series | {
        "senders": sorted({image["calling_aet"] for image in series["received"]}),
        "purged": sum(bool(image["purged_by"]) for image in series["received"]),
        "came": (came[0], came[-1]) if came else (None, None),
        "mark": mark,
        "words": words,
    }


@router.get("/study/picture")
def picture(request: Request, who: Viewer, uid: str, made_uid: str) -> Response:
    """Show a picture that was made of a study."""
    kinds = made.objects_of(_story(request, uid))
    known = next((one for one, kind in kinds.items() if one == made_uid and kind == "SC"), None)
    png = made.picture(settings_of(request), known) if known else None
    if png is None:
        raise Refused("This picture is not kept, or there never was one.", 404)
    note(request, who, "picture looked at", uid)
    return Response(png, media_type="image/png")


@router.post("/study/again")
def again(request: Request, who: Operator, form: SentForm) -> Response:
    """Judge and screen a series once more, which ended without a result; say why."""
    uid, series_uid = form.get("uid", ""), form.get("series_uid", "")
    known = {series["SeriesInstanceUID"] for series in _story(request, uid)["series"]}
    why = form.get("why", "").strip()[:500]
    if series_uid not in known or len(why) < WHY_LEAST:
        raise Refused("Say why it should be judged again, in a few words. Go back to do so.", 400)
    note(request, who, "series judged again", series_uid, detail=why)
    claims.anew(ledger_of(request), series_uid)
    return see(f"/study?uid={uid}")
