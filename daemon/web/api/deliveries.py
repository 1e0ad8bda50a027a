"""What went out, or did not: what was given up, sent again, taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from daemon.records import amends
from daemon.rejection import Ground
from daemon.web.amending import retract, send_parked, send_study
from daemon.web.api.bearer import Operator, Viewer
from daemon.web.api.shapes import NO_NUL, UID, Asked, Count, Problem, Resent, Why
from daemon.web.api.story import WhyAlone
from daemon.web.guard import ledger_of

router = APIRouter(tags=["deliveries"])

StudyUID = Annotated[str, Path(description="Study Instance UID", examples=["1.2.826.0.1.1"])]
NONE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "Nothing of that study has come to us"}
}
NOTHING: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "No result of it stands"},
    409: {"model": Problem, "description": "None of its objects is kept: retract in the PACS"},
}


class Parked(BaseModel):
    """An object that was given up for a peer."""

    delivery_id: Count
    aet: str
    detail: str = Field(description="The peer's own words, or what went wrong")
    kind: str = Field(examples=["SR"])
    StudyInstanceUID: UID
    attempts: Count


class Which(Asked):
    """Which parked objects of a peer: one, those given up for one reason, or all."""

    aet: str = Field(
        min_length=1, max_length=16, pattern=NO_NUL, description="AE title", examples=["PACS"]
    )
    detail: str | None = Field(
        None, max_length=2000, pattern=NO_NUL, description="Those of this reason alone"
    )
    delivery_id: int | None = Field(None, ge=0, le=2**31 - 1, description="This one alone")


class TakeBack(Asked):
    """On what ground results are taken back, and why."""

    ground: Ground = Field(description="Goes into the rejection note (IHE IOCM)")
    why: Why


class TakenBack(BaseModel):
    """How many results were taken back."""

    results: Count


@router.get("/deliveries/parked", response_model=list[Parked])
def list_parked(request: Request, who: Viewer) -> Any:
    """List what was given up, the newest first, 200 at most; `status` counts them all."""
    return [vars(one) for one in amends.stuck(ledger_of(request))]


@router.post("/deliveries/again", response_model=Resent)
def deliver_again(request: Request, who: Operator, which: Which) -> Any:
    """Send again what was given up for a peer, once its cause is gone."""
    objects = send_parked(request, who, which.aet, which.detail, which.delivery_id)
    return {"objects": objects}


@router.post("/studies/{study_uid}/send", response_model=Resent, responses=NONE)
def send_results(request: Request, who: Operator, study_uid: StudyUID, wish: WhyAlone) -> Any:
    """Send the results of a study that stand once more to whoever had them, or should have."""
    return {"objects": send_study(request, who, study_uid, wish.why)}


@router.post("/studies/{study_uid}/retract", response_model=TakenBack, responses=NONE | NOTHING)
def retract_results(request: Request, who: Operator, study_uid: StudyUID, wish: TakeBack) -> Any:
    """Take back all results of a study; whoever had them is sent a rejection note (IHE IOCM)."""
    return {"results": retract(request, who, study_uid, wish.ground, wish.why)}
