"""Before the port opens: hold a whole conversation through the door, as a peer would."""

import socket
import tempfile
import threading
from pathlib import Path

from pydicom import Dataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from daemon import scu
from daemon.accept import Entrance, SharedSocketServer
from daemon.door import Door
from daemon.logs import where
from daemon.scu import Address
from daemon.seats import Seats
from daemon.spool import Spool

AET = "REHEARSAL"
LOOPBACK = "127.0.0.1"
WITHIN_S = 5.0
LAST_ELEMENT = b"\x10\x00\x10\x00PN\x04\x00Test"
"""(0010,0010) of the object that is sent, Explicit VR Little Endian (PS3.5 7.1.2)."""


def problem() -> str | None:
    """Return why the door cannot be used with the installed pynetdicom, None if it can."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _rehearse(Spool(Path(folder)))
    except Exception as error:  # noqa: BLE001 - whatever it is, there is the public path
        return where(error)


def _rehearse(spool: Spool) -> str | None:
    spool.prepare()
    ae = AE(ae_title=AET)
    ae.add_supported_context(Verification)
    ae.add_supported_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    listening = socket.create_server((LOOPBACK, 0))
    server = ae.make_server(
        listening.getsockname()[:2],
        evt_handlers=[(evt.EVT_C_ECHO, lambda _event: 0)],
        server_class=SharedSocketServer,
        request_handler=Door,
        listening=listening,
        entrance=Entrance(spool, Seats(1)),
    )
    assert isinstance(server, SharedSocketServer)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        address = Address(AET, LOOPBACK, listening.getsockname()[1], AET, WITHIN_S)
        scu.echo(address)
        [answer] = scu.store(address, [_object()])
    finally:
        server.stop()
    if not answer.stored:
        return answer.detail
    stored = [file.read_bytes() for file in spool.arrived()]
    if len(stored) != 1 or not stored[0].endswith(LAST_ELEMENT):
        return "what was sent is not what lies in the spool"
    return None


def _object() -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, "1.2.3"
    ds.PatientName = "Test"
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds
