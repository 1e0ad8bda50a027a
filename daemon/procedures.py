"""Hear which images a modality has made (Modality Performed Procedure Step, PS3.4 F.7).

Of a step we keep its state and the number of images in each series, so that a series can be waited
for until it is whole. What else it tells is for others.
"""

import logging
from collections.abc import Callable

from pydicom import Dataset
from pydicom.uid import UID, generate_uid
from pynetdicom.dimse_primitives import N_CREATE, N_SET
from pynetdicom.events import Event

from daemon.logs import where
from daemon.records import procedures
from daemon.records.ledger import Ledger, LedgerError
from daemon.records.procedures import FINAL, IN_PROGRESS, Outcome
from daemon.spool import PLAIN_UID

log = logging.getLogger(__name__)

STEP = UID("1.2.840.10008.3.1.2.3.3")

# PS3.7 C, PS3.4 Table F.7.2-2
SUCCESS = 0x0000
INVALID_VALUE = 0x0106
PROCESSING_FAILURE = 0x0110
DUPLICATE_INSTANCE = 0x0111
NO_SUCH_INSTANCE = 0x0112
NO_LONGER_TO_BE_CHANGED = 0xA710
"""Error ID that goes with a processing failure once a step has ended."""
RESOURCE_LIMITATION = 0x0213

STATUSES = {
    Outcome.DONE: SUCCESS,
    Outcome.KNOWN: DUPLICATE_INSTANCE,
    Outcome.UNKNOWN: NO_SUCH_INSTANCE,
    Outcome.ENDED: PROCESSING_FAILURE,
}

Answer = tuple[int | Dataset, Dataset | None]


class Procedures:
    """What the listener does with procedure steps."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_n_create(self, event: Event) -> Answer:
        """Remember a step that begins."""
        return self._answer(event, self._begin)

    def on_n_set(self, event: Event) -> Answer:
        """Remember what a step has made, and that it has ended."""
        return self._answer(event, self._change)

    def _answer(self, event: Event, do: Callable[[Event, str], Answer]) -> Answer:
        calling = event.assoc.requestor.ae_title.strip()
        try:
            return do(event, calling)
        except LedgerError as error:
            log.error("event=ledger-unreachable error=%s", type(error).__name__)
            return RESOURCE_LIMITATION, None
        except Exception as error:  # noqa: BLE001 - the edge: a peer gets a status, never silence
            log.error("event=step-not-read aet=%s error=%s", calling, where(error))
            return INVALID_VALUE, None

    def _begin(self, event: Event, calling: str) -> Answer:
        assert isinstance(event.request, N_CREATE), "it is what the event is about"
        ds = event.attribute_list
        # PS3.7 10.1.5.1.4: who leaves the name to us is told it
        uid = _uid(event.request.AffectedSOPInstanceUID or generate_uid())
        if ds.PerformedProcedureStepStatus != IN_PROGRESS:
            return INVALID_VALUE, None
        status = Dataset()
        status.Status = STATUSES[procedures.begin(self._ledger, uid, calling, _images(ds) or {})]
        status.AffectedSOPInstanceUID = uid
        return status, None

    def _change(self, event: Event, _calling: str) -> Answer:
        assert isinstance(event.request, N_SET), "it is what the event is about"
        ds = event.modification_list
        said = ds.get("PerformedProcedureStepStatus")
        if said not in (None, IN_PROGRESS, *FINAL):
            return INVALID_VALUE, None
        uid = _uid(event.request.RequestedSOPInstanceUID)
        outcome = procedures.change(self._ledger, uid, said, _images(ds))
        status = Dataset()
        status.Status = STATUSES[outcome]
        if outcome is Outcome.ENDED:
            status.ErrorID = NO_LONGER_TO_BE_CHANGED
        return status, None


def _images(ds: Dataset) -> dict[str, int] | None:
    """Count the images that each series of the step refers to; None if it says nothing of them."""
    if "PerformedSeriesSequence" not in ds:
        return None
    return {
        _uid(series.SeriesInstanceUID): len(series.get("ReferencedImageSequence") or [])
        + len(series.get("ReferencedNonImageCompositeSOPInstanceSequence") or [])
        for series in ds.PerformedSeriesSequence or []
    }


def _uid(value: object) -> str:
    if not PLAIN_UID.fullmatch(str(value)):
        raise ValueError("no UID")
    return str(value)
