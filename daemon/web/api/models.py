"""The models: what each is for, what is claimed for it and by whom, and how far it may go."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from daemon import reveal
from daemon.models import rows
from daemon.web.api.bearer import Administrator, Viewer
from daemon.web.api.shapes import ModelTold, Problem, RevealWish, StageWish
from daemon.web.deeds import reveal_model, stage_model
from daemon.web.guard import Refused, ledger_of, settings_of
from engines.card_index import CARDS

router = APIRouter(tags=["models"])

Model = Annotated[str, Path(description="Name of the model", examples=["cxr_osporscreen"])]
REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such model"},
    409: {"model": Problem, "description": "Its weights do not allow that stage"},
}

NOT_REVEALED: dict[int | str, dict[str, Any]] = {
    404: REFUSED[404],
    409: {"model": Problem, "description": "Its weights or the report do not allow it"},
}


@router.get("/models", response_model=list[ModelTold])
def list_models(request: Request, who: Viewer) -> Any:
    """List the models, with their cards, weights and stages."""
    return list(_told(request).values())


def _told(request: Request) -> dict[str, dict[str, Any]]:
    cards = {card.model: card for card in CARDS}
    return {
        row["model"]: row
        | {
            "paper": cards[row["model"]].paper,
            "claims": [asdict(claim) for claim in cards[row["model"]].claims],
            "deviations": list(cards[row["model"]].deviations),
        }
        for row in rows(settings_of(request), ledger_of(request))
    }


@router.put("/models/{model}/stage", response_model=ModelTold, responses=REFUSED)
def put_stage(request: Request, who: Administrator, model: Model, wish: StageWish) -> Any:
    """Set how far a model's results go.

    *off*: it does not look. *shadow*: computed and kept, told to nobody. *research*: sent to
    peers of role research, marked RESEARCH. *live*: to clinical peers too; refused unless these
    weights were revealed, and always for weights trained on simulated patients.
    """
    if model not in _told(request):
        raise Refused("There is no such model.", 404)
    stage_model(request, who, model, wish.stage, wish.why)
    return _told(request)[model]


@router.post("/models/{model}/reveal", response_model=ModelTold, responses=NOT_REVEALED)
def reveal_one(request: Request, who: Administrator, model: Model, wish: RevealWish) -> Any:
    """Set a model live, on a validation report of its weights on this site's own patients.

    Refused for weights trained on simulated patients, for a report of other weights or thresholds
    than those in service, and for one on virtual patients. The file, its SHA-256 and the person
    are kept.
    """
    if model not in _told(request):
        raise Refused("There is no such model.", 404)
    reveal_model(request, who, reveal.Request(model, wish.report, wish.person, who.name, wish.why))
    return _told(request)[model]
