"""The whole line: modality -> our system -> Orthanc as the PACS."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ours import Osteoscreen
from peers import LOOPBACK, Orthanc, wait_for

from daemon.records import summary

MODEL, OTHER_MODEL = "cxr_osporscreen", "cxr_multimodal"


@dataclass(frozen=True)
class Line:
    """Our system and the PACS that it delivers to."""

    system: Osteoscreen
    pacs: Orthanc

    def send(self, sender: Callable[..., tuple[int, str]], *paths: Path) -> None:
        """Send files or folders with one of DCMTK's senders, which must succeed."""
        rc, said = sender(self.system.port, paths, called=self.system.aet)
        assert rc == 0, said

    def stored(self, study_uid: str) -> dict[str, bytes]:
        """Return what the PACS has of a study, by SOP Instance UID."""
        found = {name: self.pacs.tags(name) for name in self.pacs.instances()}
        return {
            tags["SOPInstanceUID"]: self.pacs.file(name)
            for name, tags in found.items()
            if tags["StudyInstanceUID"] == study_uid
        }

    def settle(self) -> None:
        """Wait until all that came is indexed and every series has ended."""

        def nothing_waits() -> bool:
            # the spool first: what is in neither of the two is indexed in between
            if list((self.system.home / "spool" / "incoming").iterdir()):
                return False
            states = summary.status(self.system.ledger)["series"]["by_state"]
            return not any(states[name] for name in ("receiving", "queued", "screening"))

        wait_for("every series to end", nothing_waits)


@contextlib.contextmanager
def running_line(
    folder: Path, pacs: Orthanc, environment: Mapping[str, str] | None = None, **settings: object
) -> Iterator[Line]:
    """Start our system with one modality and the PACS; results go there, for research.

    ``environment`` is what its processes find in theirs besides our settings.
    """
    modality = ["MODALITY", LOOPBACK, "11119", "--sends", "--results", "none"]
    place = [pacs.aet, LOOPBACK, str(pacs.port)]
    archive = [*place, "--no-sends", "--results", "all", "--role", "research"]
    # results that come back are no film: their quiet time need not be that of a CT here
    settings = {"volume_settle_s": 2, "listener_processes": 1, **settings}
    ours = Osteoscreen(folder, [modality, archive], **settings)
    ours.environment |= environment or {}
    with ours as system:
        system.cli("models", "stage", MODEL, "research")
        # one result a film; tests of several models switch it on
        system.cli("models", "stage", OTHER_MODEL, "off")
        yield Line(system, pacs)
