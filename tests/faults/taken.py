"""A site that takes in and judges, without workers: slices to send it, and what it made of them."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.payloads import Object
from bench.sender import Association, encode_pdus
from ours import Osteoscreen
from peers import LOOPBACK, wait_for
from pydicom import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom.dsutils import encode

from daemon.records import evidence, summary
from daemon.records.tables import Aside

SETTLE_S = 1.5


def new_uid() -> str:
    """Return a UID short enough to be that of a series whose study is named after it."""
    return str(generate_uid(prefix=None))


@contextmanager
def taking(folder: Path, **settings: object) -> Iterator[Osteoscreen]:
    """Start a listener and an intake that two modalities may send to."""
    modalities = [
        [aet, LOOPBACK, "11119", "--sends", "--results", "none"] for aet in ("CT1", "CT2")
    ]
    quick: dict[str, object] = {"volume_settle_s": SETTLE_S, "listener_processes": 1, **settings}
    with Osteoscreen(folder, modalities, only="listener,intake", **quick) as system:
        yield system


def ct_slice(series: str, study: str = "", **keywords: Any) -> Dataset:
    """Return a small slice of which no model of ours makes anything."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, new_uid()
    ds.SeriesInstanceUID, ds.StudyInstanceUID = series, study or f"{series}.1"
    ds.Modality, ds.BodyPartExamined = "CT", "HEAD"
    ds.Rows = ds.Columns = 16
    for keyword, value in keywords.items():
        setattr(ds, keyword, value)
    ds.add_new("PixelData", "OW", new_uid().encode().ljust(512, b"\0")[:512])
    return ds


def sendable(ds: Dataset) -> Object:
    """Encode a data set as it goes over the wire."""
    return Object(str(ds.SOPClassUID), str(ds.SOPInstanceUID), encode(ds, False, True))


def send(system: Osteoscreen, slices: Sequence[Dataset], calling: str = "CT1") -> None:
    """Send slices over one association; each must be answered with success."""
    association = Association(system.port, system.aet, calling, CTImageStorage)
    for one in map(sendable, slices):
        association.store(encode_pdus(one, association.maximum_length))
    association.release()


def at_rest(system: Osteoscreen) -> dict[str, Any]:
    """Wait until everything is indexed and judged; return the status."""

    def nothing_moves() -> dict[str, Any] | None:
        waiting = list((system.home / "spool" / "incoming").iterdir())
        told = summary.status(system.ledger)
        return None if waiting or told["series"]["by_state"]["receiving"] else told

    # what is being written is in no folder listing and no ledger yet
    time.sleep(0.1)
    return dict(wait_for("everything to be indexed and judged", nothing_moves))


def events(system: Osteoscreen, series: str, study: str = "") -> list[str]:
    """Return the kinds of events of one series, in order."""
    story = system.show(study or f"{series}.1")
    assert story is not None
    [one] = [one for one in story["series"] if one["SeriesInstanceUID"] == series]
    return [event["kind"] for event in one["events"]]


def asides(system: Osteoscreen) -> list[Aside]:
    return list(evidence.asides(system.ledger))
