"""Who was screened and who was not, and why; and what other thresholds would have flagged."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from daemon.dry_bands import MODEL, try_bands
from daemon.dry_rules import Other, try_rules
from daemon.dry_run import dry_run, thresholds
from daemon.records import flow, looks
from daemon.web.api.bearer import Viewer
from daemon.web.api.shapes import NO_NUL, UID, Asked, AskedDay, Count, Problem
from daemon.web.api.titles import ModelName
from daemon.web.flow import LOOKS, LOOKS_MOST, SERIES, SERIES_MOST, period_of
from daemon.web.guard import Refused, ledger_of, settings_of
from engines.card_index import CARDS

router = APIRouter(tags=["eligibility"])

Model = Annotated[str, Path(description="Name of the model", examples=["cxr_osporscreen"])]
Phase = Literal["native", "arterial", "portal venous", "delayed", "unknown"]
NONE: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such model"}}


class Span(Asked):
    """A period and a source; four weeks until today, and all sources, unless asked otherwise."""

    first_day: AskedDay = Field(None, alias="from", description="First day it came")
    last_day: AskedDay = Field(None, alias="to", description="Last day it came")
    source: str = Field("", max_length=16, pattern=NO_NUL, description="AE title that sent it")


class Flow(BaseModel):
    """Counts of series, as CONSORT draws them; reasons with the commonest first."""

    studies: Count
    received: Count
    waiting: Count = Field(description="Still on the way")
    judged: Count
    skipped: dict[str, Count] = Field(description="Not eligible, by reason")
    eligible: Count
    faults: dict[str, Count] = Field(description="Eligible and without a result, by reason")
    screened: dict[str, Count] = Field(description="By examination")
    retracted: Count
    flagged: Count
    not_flagged: Count = Field(description="It says nothing of health")


class Try(Asked):
    """Other thresholds, by finding; a finding that is left out keeps its own."""

    thresholds: dict[str, float] = Field({}, examples=[{"osteoporosis": 0.6}])
    most: int = Field(LOOKS, ge=1, le=LOOKS_MOST, description="How many of the newest results")


class ThresholdTold(BaseModel):
    """A threshold as it stands."""

    name: str = Field(description="Of the finding")
    value: float
    flagged_when: str = Field(examples=["at least"])
    quantity: str
    unit: str = Field(description="UCUM")


class Tried(BaseModel):
    """What other thresholds would have flagged; nothing is changed by asking."""

    looks: Count = Field(description="Results that were held against them")
    now: Count = Field(description="Flagged as it is")
    then: Count = Field(description="Flagged with the others")
    newly: list[UID] = Field(description="Studies that would be flagged")
    no_longer: list[UID] = Field(description="Studies that would not be flagged any more")
    thresholds: list[ThresholdTold] = Field(description="As they stand")


class TryRules(Asked):
    """Other rules; one that is left out stays as it is."""

    min_age_years: int | None = Field(None, ge=0, le=120)
    accept_derived_primary: bool | None = None
    model: ModelName | None = Field(None, description="A model to switch on or off")
    on: bool = Field(False, description="Whether it is switched on")
    title: str = Field(
        "", max_length=16, pattern=NO_NUL, description="For what came by this title of ours alone"
    )
    most: int = Field(SERIES, ge=1, le=SERIES_MOST, description="How many of the newest series")


class RulesTried(BaseModel):
    """Whom other rules would have let in; nothing is changed by asking."""

    read: Count = Field(description="Series whose headers were read")
    unread: Count = Field(description="Series that are not kept here any more")
    now: Count = Field(description="Looked at as it is")
    then: Count = Field(description="Looked at with the others")
    flagged_lost: Count = Field(description="Flagged series that would not be looked at")
    let_in: list[UID] = Field(description="Studies that would be looked at")
    kept_out: list[UID] = Field(description="Studies that would not be looked at any more")
    by_model: dict[str, list[Count]] = Field(
        description="Series that each model looks at now, and would look at"
    )


class TryBands(Asked):
    """Another table and other corrections of measured CT; what is left out stays as it is."""

    ct_bands: Literal["100-160", "110-160", "135-160"] | None = None
    ct_phase_correction_hu: dict[Phase, float] | None = Field(None, examples=[{"delayed": -8.0}])
    ct_kvp_correction: dict[str, float] | None = Field(None, examples=[{"100": 0.9}])
    most: int = Field(LOOKS, ge=1, le=LOOKS_MOST, description="How many of the newest results")


class BandsTried(BaseModel):
    """What they would have said; nothing is changed by asking. Counts: low, between, above."""

    looks: Count = Field(description="Results that were judged anew")
    unjudged: Count = Field(description="Results that nothing is held against")
    now: list[Count] = Field(min_length=3, max_length=3)
    then: list[Count] = Field(min_length=3, max_length=3)
    newly: list[UID] = Field(description="Studies that would be flagged")
    no_longer: list[UID] = Field(description="Studies that would not be flagged any more")


@router.get("/flow", response_model=Flow)
def flow_of(request: Request, who: Viewer, span: Annotated[Span, Query()]) -> Any:
    """Count how many series of a period went which way, from received to flagged."""
    asked = {key: value or "" for key, value in span.model_dump(by_alias=True, mode="json").items()}
    told = flow.flow(ledger_of(request), period_of(asked))
    return {key: getattr(told, key) for key in Flow.model_fields}


@router.post("/models/{model}/dry-run", response_model=Tried, responses=NONE)
def try_thresholds(request: Request, who: Viewer, model: Model, wish: Try) -> Any:
    """Hold the newest results of a model against other thresholds, without effect."""
    if model not in {card.model for card in CARDS}:
        raise Refused("There is no such model.", 404)
    seen = looks.newest(ledger_of(request), model, wish.most)
    stand = [vars(one) for one in thresholds(seen)]
    return vars(dry_run(seen, wish.thresholds)) | {"thresholds": stand}


@router.post("/dry-run/rules", response_model=RulesTried)
def try_other_rules(request: Request, who: Viewer, wish: TryRules) -> Any:
    """Hold the headers of the newest series against other rules, without effect."""
    other = Other(**wish.model_dump(mode="json", exclude={"most", "model"}), model=wish.model or "")
    return vars(try_rules(settings_of(request), ledger_of(request), other, wish.most))


@router.post("/dry-run/bands", response_model=BandsTried)
def try_other_bands(request: Request, who: Viewer, wish: TryBands) -> Any:
    """Judge the newest results of measured CT by another table or correction, without effect."""
    changed = {
        name.removeprefix("ct_"): value
        for name, value in wish.model_dump(mode="json", exclude={"most"}, exclude_none=True).items()
    }
    measuring = replace(settings_of(request).rules.measuring, **changed)
    return vars(try_bands(looks.newest(ledger_of(request), MODEL, wish.most), measuring))
