"""One study's whole story: what came, why each model ran or not, what was said, what was sent."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon.records.tables import ENDS
from daemon.rejection import Ground
from daemon.story import current_results, is_taken_back
from daemon.web.amending import retract, send_study
from daemon.web.deeds import judge_again, look_at, picture_of
from daemon.web.guard import Operator, Refused, SentForm, Viewer
from daemon.web.pages import page, see
from daemon.web.studies import SAID, outcome
from engines.contract import number_of

router = APIRouter()

EVENTS_MOST = 60


@router.get("/study")
def study_page(request: Request, who: Viewer, uid: str) -> HTMLResponse:
    """Tell a study's story; the look is written down, with or without the patient's name."""
    seen = look_at(request, who, uid, who.shows_names)
    return page(
        request,
        "study",
        uid=uid,
        told={"patient": seen.patient, "series": seen.descriptions},
        series=[_told(series) for series in seen.story["series"]],
        reports=seen.reports,
        number_of=number_of,
        events_most=EVENTS_MOST,
        grounds=list(Ground),
        stands=any(_stands(result) for one in seen.story["series"] for result in one["results"]),
    )


def _stands(result: dict[str, Any]) -> bool:
    """Tell whether a result has objects that could be sent again, or taken back."""
    return bool(result["current"] and result["objects"] and not result["retracted_at"])


def _told(series: dict[str, Any]) -> dict[str, Any]:
    """Return a series with what a person asks first: who sent it, and what became of it."""
    results = current_results(series)
    flagged = any(one["flagged"] and not one["retracted_at"] for one in results)
    retracted = any(one["retracted_at"] for one in results)
    mark, words = outcome(series["state"], series["reason"], SAID[flagged, retracted])
    came = sorted(image["received_at"] for image in series["received"])
    return series | {
        "senders": sorted({image["calling_aet"] for image in series["received"]}),
        "purged": sum(bool(image["purged_by"]) for image in series["received"]),
        "judged_again": series["state"] in ENDS and not is_taken_back(series),
        "came": (came[0], came[-1]) if came else (None, None),
        "mark": mark,
        "words": words,
    }


@router.get("/study/picture")
def picture(request: Request, who: Viewer, uid: str, made_uid: str) -> Response:
    """Show a picture that was made of a study."""
    return Response(picture_of(request, who, uid, made_uid), media_type="image/png")


@router.post("/study/again")
def again(request: Request, who: Operator, form: SentForm) -> Response:
    """Judge and screen a series once more that has ended; say why."""
    uid = form.get("uid", "")
    if not judge_again(request, who, uid, form.get("series_uid", ""), form.get("why", "")):
        raise Refused("It has not ended yet, or its images are kept no more.", 409)
    return see(f"/study?uid={uid}")


@router.post("/study/send")
def send(request: Request, who: Operator, form: SentForm) -> Response:
    """Send the results of a study once more to whoever had them, or should have; say why."""
    uid = form.get("uid", "")
    send_study(request, who, uid, form.get("why", ""))
    return see(f"/study?uid={uid}")


@router.post("/study/retract")
def take_back(request: Request, who: Operator, form: SentForm) -> Response:
    """Take the results of a study back, with a rejection note to whoever had them; say why."""
    uid, ground = form.get("uid", ""), form.get("ground", "")
    if ground not in list(Ground) or form.get("sure") != "yes":
        raise Refused("Choose a ground, and tick the box. Go back to do so.", 400)
    retract(request, who, uid, Ground(ground), form.get("why", ""))
    return see(f"/study?uid={uid}")
