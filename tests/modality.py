"""A modality made with pynetdicom: stores, asks for commitment, hears reports on its own port."""

import contextlib
import ssl
from collections.abc import Iterator, Sequence

from peers import LOOPBACK
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.pdu import P_DATA_TF

from daemon.checkpoint import stand_still

DX = "1.2.840.10008.5.1.4.1.1.1.1"
PUSH_MODEL = "1.2.840.10008.1.20.1"
PUSH_MODEL_INSTANCE = "1.2.840.10008.1.20.1.1"


def shadow(series: str = "", sop_class: str = DX) -> Dataset:
    """Return an object without pixels, which nobody screens: all of it is its UIDs."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
    ds.StudyInstanceUID = generate_uid()
    ds.SeriesInstanceUID, ds.Modality = series or generate_uid(), "DX"
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def asked_for(objects: Sequence[Dataset]) -> list[tuple[str, str]]:
    return [(str(ds.SOPClassUID), str(ds.SOPInstanceUID)) for ds in objects]


def report_of(ds: Dataset) -> tuple[str, list[str], dict[str, int]]:
    """Return transaction, committed objects, and the refused ones with the reason."""
    committed = [str(item.ReferencedSOPInstanceUID) for item in ds.get("ReferencedSOPSequence", [])]
    failed = {
        str(item.ReferencedSOPInstanceUID): int(item.FailureReason)
        for item in ds.get("FailedSOPSequence", [])
    }
    return str(ds.TransactionUID), committed, failed


class Modality:
    """Calls our system; ``heard`` and ``elsewhere`` are the reports that came back.

    ``heard`` are those on the association that asked, ``elsewhere`` those on a new one; every
    report is answered with ``answer``.
    """

    def __init__(self, called_port: int, port: int, aet: str = "MODALITY") -> None:
        self.aet, self.port, self.called_port = aet, port, called_port
        self.heard: list[tuple[str, list[str], dict[str, int]]] = []
        self.elsewhere: list[tuple[str, list[str], dict[str, int]]] = []
        self.answer = 0x0000
        # the contexts in which it calls and hears by TLS
        self.calls_by: ssl.SSLContext | None = None
        self.hears_by: ssl.SSLContext | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear reports on a port of its own."""
        _config.LOG_HANDLER_LEVEL = "none"
        ae = AE(ae_title=self.aet)
        ae.add_supported_context(PUSH_MODEL, scu_role=False, scp_role=True)

        def hear(event: evt.Event) -> tuple[int, None]:
            self.elsewhere.append(report_of(event.event_information))
            return self.answer, None

        handlers = [(evt.EVT_N_EVENT_REPORT, hear)]
        server = ae.start_server(
            (LOOPBACK, self.port), block=False, evt_handlers=handlers, ssl_context=self.hears_by
        )
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()

    @contextlib.contextmanager
    def calling(self) -> Iterator[Association]:
        """Open an association to our system."""
        ae = AE(ae_title=self.aet)
        ae.add_requested_context(DX, ExplicitVRLittleEndian)
        ae.add_requested_context(PUSH_MODEL)

        answered: list[tuple[str, list[str], dict[str, int]]] = []

        def hear(event: evt.Event) -> tuple[int, None]:
            told, answer = report_of(event.event_information), self.answer
            answered.append(told)
            return answer, None

        def on_pdu_sent(event: evt.Event) -> None:
            # whoever waits for a report may release at once: not before the answer to it is out
            if answered and isinstance(event.pdu, P_DATA_TF):
                self.heard.append(answered.pop(0))

        assoc = ae.associate(
            LOOPBACK,
            self.called_port,
            ae_title="OSTEOSCREEN",
            evt_handlers=[(evt.EVT_N_EVENT_REPORT, hear), (evt.EVT_PDU_SENT, on_pdu_sent)],
            tls_args=(self.calls_by, LOOPBACK) if self.calls_by else None,
        )
        assert assoc.is_established
        stand_still(assoc)
        try:
            yield assoc
        finally:
            if assoc.is_established:
                assoc.release()

    def store(self, *objects: Dataset) -> None:
        with self.calling() as assoc:
            for ds in objects:
                assert assoc.send_c_store(ds).Status == 0

    @staticmethod
    def ask(
        assoc: Association,
        objects: Sequence[tuple[str, str]],
        transaction: str = "",
        action: int = 1,
    ) -> tuple[int, str]:
        """Ask for commitment; return the status and the Transaction UID."""
        ds = Dataset()
        ds.TransactionUID = transaction or generate_uid()
        ds.ReferencedSOPSequence = [Dataset() for _ in objects]
        for item, (sop_class, uid) in zip(ds.ReferencedSOPSequence, objects, strict=True):
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        status, _ = assoc.send_n_action(ds, action, PUSH_MODEL, PUSH_MODEL_INSTANCE)
        return int(status.Status), str(ds.TransactionUID)
