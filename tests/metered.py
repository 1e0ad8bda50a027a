"""What a monitoring system has something to say about: screened films, processes at work."""

import os
from datetime import timedelta

from daemon import processes
from daemon.records import roll
from daemon.records.ledger import now
from daemon.records.process_tables import Process
from daemon.records.tables import (
    Delivery,
    DeliveryState,
    Instance,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)

ODD = 'CT "1" {}'


def at_work(ledger, part, facts):
    """Enter a process of this host that says such facts of itself."""
    version = {"version": "1", "knows": "0006", "needs": "0006"}
    seen = {"started_at": now(), "beat_at": now(), "beat": 0}
    name = f"{processes.name_of(os.getpid())}:{part}"
    roll.enter(ledger, Process(name=name, part=part, facts=facts, **version, **seen))


def film(session, number, took_s=None, *, resends=0):
    """Put a screened film there, whose result took so long to its peer."""
    name, at = f"1.2.{number}", now() - timedelta(seconds=600)
    times = {"first_at": at, "opened_at": at, "last_at": at, "queued_at": at}
    states = {"state": SeriesState.SCREENED, "modality": "DX", "images": 1}
    session.add(Series(SeriesInstanceUID=name, StudyInstanceUID=name, **states, **times))
    session.flush()
    image = {"SOPClassUID": "1", "TransferSyntaxUID": "1", "sha256": "", "size_bytes": 1}
    who = {"calling_aet": ODD, "received_at": at}
    session.add(Instance(SOPInstanceUID=name, SeriesInstanceUID=name, **image, **who))
    model = {"model": "m", "version": "1", "weights_sha256": "", "key": name, "stage": "research"}
    ended = {"state": SeriesState.SCREENED, "flagged": True, "result": {}, "analysed_at": at}
    screening = Screening(SeriesInstanceUID=name, current=True, **model, **ended)
    session.add(screening)
    session.flush()
    if took_s is None:
        return
    known = {"SOPInstanceUID": f"{name}.9", "screening_id": screening.id}
    session.add(
        ResultObject(**known, SOPClassUID="1", SeriesInstanceUID=name, kind="SR", sha256="")
    )
    session.flush()
    sent = {"state": DeliveryState.SENT, "sent_at": at + timedelta(seconds=took_s), "rung_at": at}
    session.add(Delivery(**known, aet="PACS", resends=resends, **sent))
