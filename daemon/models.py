"""What an admin sees of the models, and how far each may go."""

from typing import Any

from daemon.config import Settings
from daemon.errors import ConfigError
from daemon.records import peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Stage
from engines import catalog
from engines.cards import TrainedOn, read_weights
from engines.engine_records import faults, parked, read_records, runs_on
from engines.errors import EngineMismatch


def rows(settings: Settings, ledger: Ledger) -> list[dict[str, Any]]:
    """Return one row per model: card, weights, stage."""
    return [_row(settings, ledger, model) for model in catalog.MODELS]


def _row(settings: Settings, ledger: Ledger, model: catalog.Model) -> dict[str, Any]:
    card = model.CARD
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
        return {**row, "version": None, "trained_on": None, "weights": None, "problem": str(error)}
    return {
        **row,
        "version": weights.version,
        "trained_on": str(weights.trained_on),
        "weights": weights.sha256[:12],
        "problem": "; ".join(parked(records)) or None,
    }


def set_stage(settings: Settings, ledger: Ledger, model: str, stage: Stage) -> None:
    """Give a model a stage.

    Raises
    ------
    ConfigError
        If there is no such model, its weights are unusable, or they were trained on simulated
        patients and the stage is live.
    """
    try:
        catalog.named(model)
    except KeyError:
        known = ", ".join(known.CARD.model for known in catalog.MODELS)
        raise ConfigError(f"there is no model {model}; there are: {known}") from None
    if stage is Stage.LIVE:
        _require_clinical_weights(settings, model)
    peers.set_stage(ledger, model, stage)


def _require_clinical_weights(settings: Settings, model: str) -> None:
    try:
        weights = read_weights(model, settings.weights)
    except EngineMismatch as error:
        raise ConfigError(str(error)) from None
    if weights.trained_on is TrainedOn.SIMULATED:
        raise ConfigError(
            f"{model} {weights.version} was trained on simulated patients: research only, "
            "never live. Weights trained on patients go into the folder of the setting 'weights'."
        )
