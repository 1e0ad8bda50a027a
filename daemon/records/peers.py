"""What an admin changes while the system runs: peers and the stages of models."""

from typing import Any

from sqlalchemy import delete, select

from daemon.records import commitments, confirmations
from daemon.records.decision_tables import ModelStage
from daemon.records.ledger import Ledger, changed, note
from daemon.records.tables import Peer, Role, Stage, Wants


def add(ledger: Ledger, peer: Peer) -> None:
    """Add a peer, or change the one of that AE title."""
    with ledger.write() as session:
        session.merge(peer)
        commitments.report_anew(session, peer.aet)
        confirmations.ask_anew(session, peer.aet)
        note(session, "peer set", aet=peer.aet, detail=f"{peer.host}:{peer.port}")


def remove(ledger: Ledger, aet: str) -> bool:
    """Remove a peer; return False if there was none of that title."""
    with ledger.write() as session:
        gone = changed(session.execute(delete(Peer).where(Peer.aet == aet)))
        if gone:
            note(session, "peer removed", aet=aet)
    return gone


def named(ledger: Ledger, aet: str) -> Peer | None:
    """Return the peer of that AE title."""
    with ledger.read() as session:
        return session.get(Peer, aet)


def everyone(ledger: Ledger) -> list[Peer]:
    """Return all peers by AE title."""
    with ledger.read() as session:
        return list(session.scalars(select(Peer).order_by(Peer.aet)))


def as_row(peer: Peer) -> dict[str, Any]:
    """Return a peer as a row that JSON can hold."""
    return {column.name: getattr(peer, column.name) for column in Peer.__table__.columns}


def told(peer: Peer) -> dict[str, Any]:
    """Return what an admin is told of a peer."""
    return {
        "aet": peer.aet,
        "host": peer.host,
        "port": peer.port,
        "sends": peer.sends,
        "results": peer.results,
        "role": peer.role,
        "sr": peer.sr_class,
        "commits": peer.commits,
        "answers_find": peer.answers_find,
        "tls": peer.tls,
        "tls_fingerprint": peer.tls_fingerprint,
        "tls_name": peer.tls_named,
        "only_from_host": peer.bound,
    }


def receivers(ledger: Ledger, stage: Stage, flagged: bool) -> list[Peer]:
    """Return the peers that should have a result of a model in that stage.

    A negative goes only to those who asked for all; in stage research only research peers are
    told anything; off and shadow tell nobody.
    """
    if stage not in (Stage.RESEARCH, Stage.LIVE):
        return []
    wanted = {Wants.ALL, Wants.FLAGGED} if flagged else {Wants.ALL}
    return [
        peer
        for peer in everyone(ledger)
        if peer.results in wanted and (stage is Stage.LIVE or peer.role == Role.RESEARCH)
    ]


def stage_of(ledger: Ledger, model: str) -> Stage:
    """Return a model's stage."""
    return stages(ledger).get(model, Stage.SHADOW)


def stages(ledger: Ledger) -> dict[str, Stage]:
    """Return every model's stage: shadow, or off by its card, until an admin decides otherwise."""
    # here: supervisor and listeners ask for no model's stage, and stay without pydicom's weight
    from engines.card_index import CARDS

    first = {one.model: Stage.OFF if one.off_by_default else Stage.SHADOW for one in CARDS}
    with ledger.read() as session:
        decided = {row.model: Stage(row.stage) for row in session.scalars(select(ModelStage))}
    return first | decided


def set_stage(ledger: Ledger, model: str, stage: Stage) -> None:
    """Give a model a stage."""
    with ledger.write() as session:
        session.merge(ModelStage(model=model, stage=stage))
        note(session, "model staged", detail=f"{model} {stage}")
