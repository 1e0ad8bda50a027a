"""A stand-in PACS for the demo and the tests: stores what it is sent, one file an object."""

from pathlib import Path
from socketserver import TCPServer
from threading import Thread

from pynetdicom import AE, _config, evt
from pynetdicom.events import Event
from pynetdicom.presentation import StoragePresentationContexts
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer


class StandInPacs:
    """A storage SCP on a loopback port.

    Parameters
    ----------
    aet : str
        Its AE title.
    port : int
        Where it listens.
    folder : Path
        Where it stores, one ``SOPInstanceUID.dcm`` an object.
    """

    def __init__(self, aet: str, port: int, folder: Path) -> None:
        _config.LOG_HANDLER_LEVEL = "none"
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        ae = AE(ae_title=aet)
        ae.supported_contexts = [*StoragePresentationContexts]
        ae.add_supported_context(Verification)
        ae.require_called_aet = True
        self._server = ae.make_server(
            ("127.0.0.1", port),
            evt_handlers=[(evt.EVT_C_STORE, self._on_c_store)],
            server_class=ThreadedAssociationServer,
        )
        Thread(target=self._server.serve_forever, name="stand-in", daemon=True).start()

    def _on_c_store(self, event: Event) -> int:
        name = f"{event.file_meta.MediaStorageSOPInstanceUID}.dcm"
        (self._folder / name).write_bytes(event.encoded_dataset())
        return 0x0000

    def objects(self) -> dict[str, bytes]:
        """Return every stored object as a Part 10 file, by SOP Instance UID."""
        return {file.stem: file.read_bytes() for file in self._folder.glob("*.dcm")}

    def stop(self) -> None:
        """Stop listening."""
        # pynetdicom's own shutdown() knows only the servers that its AE has started
        TCPServer.shutdown(self._server)
        self._server.server_close()
