"""What an admin sees of the models, and how far each may go."""

from typing import Any

from daemon.errors import ConfigError
from daemon.records import peers, reveals
from daemon.records.ledger import Ledger
from daemon.records.tables import Stage
from daemon.reveal import holds, require_revealed
from daemon.said import Said
from daemon.settings import Settings
from engines.card_index import CARDS
from engines.cards import Card, Weights, read_weights
from engines.engine_records import faults, parked, read_records, runs_on
from engines.errors import EngineMismatch


def rows(settings: Settings, ledger: Ledger) -> list[dict[str, Any]]:
    """Return one row per model: card, weights, stage."""
    return [_row(settings, ledger, card) for card in CARDS]


def _row(settings: Settings, ledger: Ledger, card: Card) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": card.model,
        "exam": str(card.exam),
        "stage": str(peers.stage_of(ledger, card.model)),
        "title": card.title,
    }
    records = read_records(settings.engines, card.model)
    row |= {"runs_on": runs_on(records) or None, "refused": "; ".join(faults(records)) or None}
    try:
        weights = read_weights(card.model, settings.weights)
    except EngineMismatch as error:
        unknown = dict.fromkeys(("version", "trained_on", "weights", "revealed"))
        return {**row, **unknown, "problem": str(error)}
    return {
        **row,
        "version": weights.version,
        "trained_on": str(weights.trained_on),
        "weights": weights.sha256[:12],
        "revealed": _revealed(settings, ledger, weights, row["stage"]),
        "problem": "; ".join(parked(records)) or None,
    }


def _revealed(settings: Settings, ledger: Ledger, weights: Weights, stage: str) -> str | None:
    """Say who let these weights go live, or that the model's stage reaches further."""
    found = reveals.last(ledger, weights.model)
    if found and holds(settings, ledger, weights):
        return f"by {found.person} on {found.at:%Y-%m-%d}, report {found.report_sha256[:12]}"
    if stage == Stage.LIVE:
        return "not these weights with these settings: their results go to research readers alone"
    return None


def require_known(model: str) -> None:
    """Refuse a name that no model has.

    Raises
    ------
    ConfigError
        With the names that there are.
    """
    known = [card.model for card in CARDS]
    if model not in known:
        words = "there is no model {model}; there are: {known}"
        raise ConfigError(Said(words, model=model, known=", ".join(known)))


def set_stage(settings: Settings, ledger: Ledger, model: str, stage: Stage) -> None:
    """Give a model a stage.

    Raises
    ------
    ConfigError
        If there is no such model; or the stage is live, and its weights are unusable, were trained
        on simulated patients, or were not revealed.
    """
    require_known(model)
    if stage is Stage.LIVE:
        require_revealed(settings, ledger, model)
    peers.set_stage(ledger, model, stage)
