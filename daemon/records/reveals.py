"""Which weights of which model a person has let go live, and on which validation report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from daemon.records.decision_tables import ModelStage, Reveal
from daemon.records.ledger import Ledger, note, now
from daemon.records.tables import Stage
from engines.cards import Weights

_FACTS = [one for one in Reveal.__table__.columns if one.name != "report"]


@dataclass(frozen=True)
class Standing:
    """The last reveal of a model, without the file."""

    id: int
    at: Any
    model: str
    version: str
    weights_sha256: str
    report_sha256: str
    told: dict[str, Any]
    person: str
    given_by: str
    why: str


def write_down(ledger: Ledger, facts: dict[str, Any]) -> None:
    """Keep a reveal, and let the model go live, in one transaction."""
    with ledger.write() as session:
        session.add(Reveal(at=now(), **facts))
        session.merge(ModelStage(model=facts["model"], stage=Stage.LIVE))
        detail = f"{facts['model']} {facts['version']}, report {facts['report_sha256']}"
        note(session, "model revealed", detail=detail)


def last(ledger: Ledger, model: str) -> Standing | None:
    """Return the last reveal of a model."""
    newest = select(*_FACTS).where(Reveal.model == model).order_by(Reveal.id.desc()).limit(1)
    with ledger.read() as session:
        row = session.execute(newest).one_or_none()
    return Standing(**row._mapping) if row else None


def holds(ledger: Ledger, weights: Weights, configuration: Mapping[str, str]) -> bool:
    """Tell whether a model was revealed with these very weights and settings, and no others since.

    Parameters
    ----------
    weights : Weights
        Of the model.
    configuration : mapping of str to str
        What :func:`engines.validation.configuration_of` tells of them.
    """
    found = last(ledger, weights.model)
    return (
        found is not None
        and (found.version, found.weights_sha256) == (weights.version, weights.sha256)
        and found.told.get("configuration", {}) == dict(configuration)
    )


def report(ledger: Ledger, model: str, report_sha256: str) -> str | None:
    """Return a report as it was attached."""
    mine = Reveal.model == model, Reveal.report_sha256 == report_sha256
    with ledger.read() as session:
        return session.scalars(select(Reveal.report).where(*mine).limit(1)).first()
