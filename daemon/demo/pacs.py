"""The demo's PACS: a real Orthanc where one is installed, else a storage SCP of ours."""

import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Protocol

from daemon.demo.standin import StandInPacs

START_S = 60.0


class Pacs(Protocol):
    """What the demo needs of a PACS."""

    name: str
    where: str
    port: int

    def objects(self) -> dict[str, bytes]:
        """Return every stored object as a Part 10 file, by SOP Instance UID."""

    def stop(self) -> None:
        """End it."""


class _StandIn(StandInPacs):
    name = "a stand-in of ours (no Orthanc is installed)"

    def __init__(self, aet: str, port: int, folder: Path) -> None:
        super().__init__(aet, port, folder)
        self.port = port
        self.where = str(folder)


class _Orthanc:
    """An Orthanc on loopback ports, its storage in the demo's folder."""

    name = "Orthanc"

    def __init__(self, program: str, aet: str, ports: tuple[int, int], folder: Path) -> None:
        self.port, http = ports
        self.where = f"http://127.0.0.1:{http}/"
        folder.mkdir(parents=True)
        settings = folder / "orthanc.json"
        settings.write_text(json.dumps(_configuration(aet, ports, folder)))
        with (folder / "orthanc.log").open("wb") as log:
            self._process = subprocess.Popen([program, str(settings)], stdout=log, stderr=log)
        self._wait(folder / "orthanc.log")

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                self._get("system")
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Orthanc did not start:\n{log.read_text()}") from None
                time.sleep(0.1)

    def objects(self) -> dict[str, bytes]:
        """Return every stored object, by SOP Instance UID."""
        found = json.loads(self._get("instances?expand"))
        return {
            one["MainDicomTags"]["SOPInstanceUID"]: self._get(f"instances/{one['ID']}/file")
            for one in found
        }

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.where + path, timeout=10) as answer:
            content: bytes = answer.read()
        return content

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def _configuration(aet: str, ports: tuple[int, int], folder: Path) -> dict[str, Any]:
    return {
        "Name": "osteoscreen demo",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "TemporaryDirectory": str(folder),
        "DicomAet": aet,
        "DicomPort": ports[0],
        "HttpPort": ports[1],
        "DicomCheckCalledAet": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "OverwriteInstances": False,
        "Plugins": [],
    }


def open_pacs(aet: str, folder: Path, ports: tuple[int, int]) -> Pacs:
    """Start a PACS with DICOM and web ports; it stores below the folder."""
    # Debian puts it where an ordinary user's path does not look
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program:
        return _Orthanc(program, aet, ports, folder)
    return _StandIn(aet, ports[0], folder)
