"""The models: what each is for, what is claimed for it and by whom, and how far it may go."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from daemon import reveal
from daemon.models import rows
from daemon.records import reveals
from daemon.records.tables import Stage
from daemon.web.deeds import report_of, reveal_model, stage_model
from daemon.web.guard import Administrator, Refused, SentForm, Viewer, ledger_of, settings_of
from daemon.web.pages import page, see
from engines.card_index import CARDS
from engines.cards import TrainedOn

router = APIRouter()

RULES = {
    Stage.OFF: "It does not look.",
    Stage.SHADOW: "It looks at every case; results are kept here and told to nobody.",
    Stage.RESEARCH: "Results go to research peers only, marked RESEARCH.",
    Stage.LIVE: "Results go to clinical peers too; only when revealed, "
    "never of weights trained on simulated patients.",
}


@router.get("/models")
def models_page(request: Request, who: Viewer) -> HTMLResponse:
    """Show each model's card, weights and stage."""
    return _show(request)


def _show(request: Request, words: str = "", status: int = 200) -> HTMLResponse:
    told = rows(settings_of(request), ledger_of(request))
    cards = {card.model: card for card in CARDS}
    ledger = ledger_of(request)
    models = [(row, cards[row["model"]], reveals.last(ledger, row["model"])) for row in told]
    facts = {"models": models, "rules": RULES, "words": words, "measured": TrainedOn.NOTHING}
    return page(request, "models", status, **facts)


@router.post("/models/stage")
def stage(request: Request, who: Administrator, form: SentForm) -> Response:
    """Give a model a stage, where its weights allow it; say why."""
    model, wanted, why = (form.get(key, "").strip() for key in ("model", "stage", "why"))
    if wanted not in list(Stage) or not why:
        return _show(request, "Choose a stage, and say why.", 400)
    try:
        stage_model(request, who, model, Stage(wanted), why)
    except Refused as error:
        return _show(request, error.words, error.status)
    return see("/models")


@router.post("/models/reveal")
def put_live(request: Request, who: Administrator, form: SentForm) -> Response:
    """Set a model live, on a validation report of this site's own data; by whom and why."""
    asked = reveal.Request(
        model=form.get("model", ""),
        report=form.get("report", ""),
        person=form.get("person", ""),
        given_by=who.name,
        why=form.get("why", ""),
    )
    try:
        reveal_model(request, who, asked)
    except Refused as error:
        return _show(request, error.words, error.status)
    return see("/models")


@router.get("/models/report")
def report(request: Request, who: Viewer, model: str, sha256: str) -> Response:
    """Give a validation report to be kept: it is somebody's file, and no page of ours."""
    name = f'attachment; filename="{sha256[:12]}.html"'
    text = report_of(request, who, model, sha256)
    headers = {"Content-Disposition": name}
    return Response(text, media_type="application/octet-stream", headers=headers)
