"""Our own AE titles, and the rules for what is sent to each."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from daemon import titles
from daemon.records.decision_tables import OwnTitle
from daemon.web.api.bearer import Administrator, Viewer
from daemon.web.api.peers import Aet, NewAet
from daemon.web.api.shapes import NO_NUL, Asked, Problem
from daemon.web.deeds import remove_title, set_title, title_of
from daemon.web.guard import ledger_of, settings_of
from engines.card_index import CARDS

router = APIRouter(tags=["titles"])

ModelName = StrEnum("ModelName", {card.model: card.model for card in CARDS})  # type: ignore[misc]
REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "It can be no title of ours; the sentence says why"},
    409: {"model": Problem, "description": "It is a peer's, or we do not listen there"},
}
NONE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "We answer to no such title"}
}


class TitleWish(Asked):
    """What holds for images that are sent to one of our titles."""

    purpose: str = Field("", max_length=200, pattern=NO_NUL, description="What it is for")
    models: list[ModelName] = Field(
        [], max_length=50, description="Those that look; empty: every one that is on"
    )
    stage: Literal["shadow", "research", "live"] = Field(
        "live", description="How far results go at most, whatever the stage of their model"
    )
    min_age_years: int | None = Field(None, ge=0, le=120, description="null: the setting's")
    accept_derived_primary: bool | None = Field(None, description="null: the setting's")
    host: IPv4Address | IPv6Address | None = Field(
        None, description="Address of ours at which alone it is answered; null: every one"
    )


class TitleTold(TitleWish):
    """A title, as ``osteoscreen titles list --json`` tells it."""

    aet: str = Field(description="The AE title", examples=["OSTEO_TRIAL"])


@router.get("/titles", response_model=list[TitleTold])
def list_titles(request: Request, who: Viewer) -> Any:
    """List the AE titles that we answer to, the setting's first."""
    return [titles.told(one) for one in titles.all_of(settings_of(request), ledger_of(request))]


@router.put("/titles/{aet:path}", response_model=TitleTold, responses=REFUSED | NONE)
def put_title(request: Request, who: Administrator, aet: NewAet, wish: TitleWish) -> Any:
    """Answer to a title with these rules, or change them; effective within a second."""
    set_title(request, who, OwnTitle(aet=aet, **wish.model_dump(mode="json")))
    return titles.told(title_of(request, aet))


@router.delete("/titles/{aet:path}", status_code=204, responses=REFUSED | NONE)
def delete_title(request: Request, who: Administrator, aet: Aet) -> None:
    """Answer to a title no more; what came by it keeps its rules."""
    remove_title(request, who, title_of(request, aet))
