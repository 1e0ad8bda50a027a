"""A plain pynetdicom receiver that keeps our promise: file and folder on the disk, then 0x0000.

What its documentation shows, and two fsyncs: ``python stock.py PORT FOLDER``.
"""

import os
import sys
from pathlib import Path

from pynetdicom import AE, AllStoragePresentationContexts, _config, evt


def on_c_store(event: evt.Event, folder: Path) -> int:
    uid = event.request.AffectedSOPInstanceUID
    partial, final = folder / f"{uid}.part", folder / f"{uid}.dcm"
    with partial.open("wb") as file:
        file.write(event.encoded_dataset())
        file.flush()
        os.fsync(file.fileno())
    partial.rename(final)
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return 0x0000


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    _config.LOG_HANDLER_LEVEL = "none"
    ae = AE(ae_title="STOCK")
    ae.supported_contexts = AllStoragePresentationContexts
    ae.maximum_associations = 100
    handlers = [(evt.EVT_C_STORE, on_c_store, [folder])]
    ae.start_server(("127.0.0.1", port), evt_handlers=handlers)


if __name__ == "__main__":
    main()
