"""The DICOM conformance statement of one installation (PS3.2), written from what runs.

What we answer and what we ask stands here once, as data: the statement prints it, and the tests
negotiate each line of it with the listener. Titles, ports and limits are the installation's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from daemon.arriving import SYNTAXES
from daemon.commitment import PUSH_MODEL
from daemon.find import STUDY_ROOT_FIND
from daemon.get import STUDY_ROOT_GET
from daemon.move import STUDY_ROOT_MOVE
from daemon.peering import SR_CLASS_UIDS
from daemon.procedures import STEP
from daemon.scp import MAXIMUM_PDU_LENGTH
from daemon.scu import PLAIN
from daemon.settings import Settings
from engines.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, PRODUCT, VERSION

VERIFICATION = "1.2.840.10008.1.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
NOTE = "1.2.840.10008.5.1.4.1.1.88.59"

# what pynetdicom proposes and accepts where nothing else is said
UNCOMPRESSED = (
    str(ImplicitVRLittleEndian),
    str(ExplicitVRLittleEndian),
    str(DeflatedExplicitVRLittleEndian),
    str(ExplicitVRBigEndian),
)


@dataclass(frozen=True)
class Service:
    """One SOP class of ours.

    Attributes
    ----------
    sop_class : str
        UID.
    scu, scp : bool
        Whether we use it, whether we provide it.
    when : str
        For what, in words.
    proposed : tuple of str
        Transfer syntaxes in which we ask; asked ourselves, we accept all of ``UNCOMPRESSED``.
    """

    sop_class: str
    scu: bool
    scp: bool
    when: str
    proposed: tuple[str, ...] = UNCOMPRESSED

    @property
    def name(self) -> str:
        """As in PS3.6."""
        return UID(self.sop_class).name

    @property
    def by_role(self) -> bool:
        """Whether a peer that calls us may take the part that is ours otherwise (PS3.7 D.3.3.4)."""
        return self.sop_class == PUSH_MODEL


SERVICES = (
    Service(VERIFICATION, True, True, "whether somebody is there", PLAIN[1:]),
    Service(PUSH_MODEL, True, True, "for who sends to us; for our results at a peer that commits"),
    Service(STEP, False, True, "how many images a series will have"),
    Service(STUDY_ROOT_FIND, True, False, "whether a peer still has a result or has more images"),
)

FETCHES = Service(STUDY_ROOT_GET, True, False, "earlier studies of a patient")
MOVES = Service(STUDY_ROOT_MOVE, True, False, "earlier studies of a patient")


def _fetching(settings: Settings) -> Sequence[Service]:
    if not settings.earlier_from:
        return ()
    return (MOVES,) if settings.earlier_move_aet else (FETCHES,)


def results(segmentation: bool) -> Sequence[Service]:
    """Return what we send to peers."""
    which = "report, in the one of the three classes that the peer is set to"
    reports = [Service(uid, True, False, which, PLAIN) for uid in SR_CLASS_UIDS.values()]
    picture = Service(SECONDARY_CAPTURE, True, False, "picture of a report", PLAIN)
    regions = Service(SEGMENTATION, True, False, "regions that were measured", PLAIN)
    note = Service(NOTE, True, False, "that a person took results back (IHE IOCM)", PLAIN)
    return [*reports, picture, *([regions] if segmentation else []), note]


def statement(settings: Settings) -> str:
    """Write the statement of this installation, in Markdown.

    Parameters
    ----------
    settings : Settings
        Its own.
    """
    return written("statement.md", _facts(settings))


def written(template: str, facts: Mapping[str, Any]) -> str:
    """Fill in a template that lies beside this file; what it lacks is an error.

    Parameters
    ----------
    template : str
        Its name.
    facts : mapping
        By the names that it uses.
    """
    environment = Environment(
        loader=PackageLoader("daemon.conformance", ""),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["named"] = lambda uids: ", ".join(UID(one).name for one in uids)
    return environment.get_template(template).render(facts)


def _facts(settings: Settings) -> dict[str, Any]:
    return {
        "product": PRODUCT,
        "version": VERSION,
        "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
        "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
        "maximum_pdu_length": MAXIMUM_PDU_LENGTH,
        "accepted": UNCOMPRESSED,
        "fetched": [uid for some in SYNTAXES for uid in some],
        "services": (*SERVICES, *_fetching(settings)),
        "results": results(settings.segmentation),
        "at_once": settings.max_associations * settings.listener_processes,
        "fetched_by": "C-MOVE" if settings.earlier_move_aet else "C-GET",
        "ours": settings,
    }
