"""The studies: found, told whole, judged again."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from daemon.records import search
from daemon.records.search import Found
from daemon.records.tables import SeriesState
from daemon.web.api.bearer import Operator, Viewer
from daemon.web.api.shapes import NO_NUL, Asked, AskedDay, AskedMoment, Problem
from daemon.web.api.story import Again, Anew, Story, StudiesFound, WhyAlone
from daemon.web.deeds import judge_again, judge_parked_again, look_at, picture_of
from daemon.web.guard import ledger_of
from daemon.web.studies import A_PAGE, sought, wanted
from engines.errors import Reason

router = APIRouter(tags=["studies"])

StudyUID = Annotated[str, Path(description="Study Instance UID", examples=["1.2.826.0.1.1"])]
ObjectUID = Annotated[str, Path(description="SOP Instance UID, as in the story's `objects`")]
NONE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "Nothing of it has come to us, or it is not kept"}
}
BAD: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The series is not one of this study"},
    409: {"model": Problem, "description": "Its result was retracted"},
}
PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "The picture"}
}


class Wish(Asked):
    """What is looked for; what is left out does not matter."""

    uid: str = Field("", max_length=64, pattern=NO_NUL, description="Study or series UID")
    state: SeriesState | Literal["flagged"] | None = Field(None, description="What became of it")
    reason: Reason | None = Field(None, description="Why it ended so")
    first_day: AskedDay = Field(None, alias="from", description="First day it came")
    last_day: AskedDay = Field(None, alias="to", description="Last day it came")
    before: AskedMoment = Field(None, description="As the page before this one said")

    def words(self) -> dict[str, str]:
        """Return it as the search form of the page would send it."""
        told = self.model_dump(by_alias=True, mode="json")
        return {key: value or "" for key, value in told.items()}


class Identity(Wish):
    """What is looked for, with whom; hashed as the ledger has it, and kept nowhere."""

    PatientID: str | None = Field(
        None, max_length=64, pattern=r"^[^\x00]*[!-~][^\x00]*$", examples=["4711"]
    )
    AccessionNumber: str | None = Field(None, max_length=64, pattern=r"^[^\x00]*[!-~][^\x00]*$")


@router.get("/studies", response_model=StudiesFound)
def find_studies(request: Request, who: Viewer, wish: Annotated[Wish, Query()]) -> Any:
    """Find studies, the newest first, fifty at a time; no patient is named."""
    return _found(request, wish, {})


@router.post("/studies/search", response_model=StudiesFound)
def find_studies_of(request: Request, who: Viewer, wish: Identity) -> Any:
    """Find studies by Patient ID or accession number, too; in no address, and written down."""
    asked = {"patient": wish.PatientID or "", "accession": wish.AccessionNumber or ""}
    return _found(request, wish, sought(request, who, asked))


def _found(request: Request, wish: Wish, keys: Mapping[str, str | None]) -> dict[str, Any]:
    found = search.studies(ledger_of(request), wanted(wish.words(), keys), A_PAGE)
    more = found[-1].first_at if len(found) == A_PAGE else None
    return {"studies": [_told(study) for study in found], "before": more}


def _told(study: Found) -> dict[str, Any]:
    series = [
        {
            "SeriesInstanceUID": one.SeriesInstanceUID,
            "modality": one.modality,
            "state": one.state,
            "reason": one.reason,
            "flagged": one.SeriesInstanceUID in study.flagged,
            "retracted": one.SeriesInstanceUID in study.retracted,
        }
        for one in study.series
    ]
    uid = study.StudyInstanceUID
    return {"StudyInstanceUID": uid, "first_at": study.first_at, "series": series}


@router.get("/studies/{study_uid}", response_model=Story, responses=NONE)
def one_study(
    request: Request,
    who: Viewer,
    study_uid: StudyUID,
    named: Annotated[
        bool, Query(description="With what a kept image says of the patient; written down")
    ] = False,
) -> Any:
    """Tell a study's whole story; the look is written down, with or without the patient's name."""
    seen = look_at(request, who, study_uid, named)
    reports = {
        uid: [{"depth": depth, "words": words} for depth, words in lines]
        for uid, lines in seen.reports.items()
    }
    return seen.story | {"reports": reports, "patient": seen.patient if named else None}


@router.get(
    "/studies/{study_uid}/pictures/{object_uid}",
    response_class=Response,
    responses=NONE | PNG,
)
def picture(request: Request, who: Viewer, study_uid: StudyUID, object_uid: ObjectUID) -> Response:
    """Give a Secondary Capture that was made of a study, as PNG."""
    return Response(picture_of(request, who, study_uid, object_uid), media_type="image/png")


@router.post("/studies/{study_uid}/again", response_model=Anew, responses=NONE | BAD)
def again(request: Request, who: Operator, study_uid: StudyUID, wish: Again) -> Any:
    """Judge and screen once more a series that was parked, failed or skipped."""
    return {"series": judge_again(request, who, study_uid, wish.SeriesInstanceUID, wish.why)}


@router.post("/parked/again", response_model=Anew)
def parked_again(request: Request, who: Operator, wish: WhyAlone) -> Any:
    """Judge and screen once more all series that are parked."""
    return {"series": judge_parked_again(request, who, wish.why)}
