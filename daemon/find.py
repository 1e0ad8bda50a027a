"""Ask a peer what it has: C-FIND, Study Root (PS3.4 C.4.1)."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydicom import Dataset
from pynetdicom.association import Association
from pynetdicom.presentation import build_context

from daemon import scu
from daemon.errors import DeliveryError

STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"

SUCCESS = 0x0000
PENDING = (0xFF00, 0xFF01)


def has(address: scu.Address, objects: Sequence[Mapping[str, str]]) -> list[bool]:
    """Ask for each object, named by its three UIDs, whether the peer has it.

    Raises
    ------
    DeliveryError
        If the peer cannot be asked, or does not answer the query.
    """
    with scu.association(address, [build_context(STUDY_ROOT_FIND)]) as assoc:
        return [_has(assoc, address, one) for one in objects]


def images_in(address: scu.Address, study_uid: str, series_uid: str) -> int | None:
    """Ask how many images a series has at the peer; None if it does not say.

    Raises
    ------
    DeliveryError
        If the peer cannot be asked, or does not answer the query.
    """
    query = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
    for ds in ask(address, "SERIES", {**query, "NumberOfSeriesRelatedInstances": ""}):
        count = ds.get("NumberOfSeriesRelatedInstances")
        if str(ds.get("SeriesInstanceUID")) == series_uid and count not in (None, ""):
            return int(count)
    return None


def ask(
    address: scu.Address, level: Literal["STUDY", "SERIES"], keys: Mapping[str, str]
) -> list[Dataset]:
    """Return what a peer has that matches, with the values of all keys that it knows.

    Raises
    ------
    DeliveryError
        If the peer cannot be asked, or does not answer the query.
    """
    with scu.association(address, [build_context(STUDY_ROOT_FIND)]) as assoc:
        return _matches(assoc, address, _query(level, keys))


def _has(assoc: Association, address: scu.Address, one: Mapping[str, str]) -> bool:
    matches = _matches(assoc, address, _query("IMAGE", one))
    return any(str(ds.get("SOPInstanceUID")) == one["SOPInstanceUID"] for ds in matches)


def _query(level: str, keys: Mapping[str, str]) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    return ds


def _matches(assoc: Association, address: scu.Address, query: Dataset) -> list[Dataset]:
    """Read all matches: an answer left lying would be taken for that to the next question."""
    if not assoc.is_established:
        raise DeliveryError(f"{address.aet} ended the association before the query")
    matches = []
    for status, ds in assoc.send_c_find(query, STUDY_ROOT_FIND):
        if "Status" not in status:
            raise DeliveryError(f"{address.aet} broke the association or did not answer the query")
        if status.Status in PENDING and ds is not None:
            matches.append(ds)
        elif status.Status != SUCCESS:
            raise DeliveryError(f"{address.aet} answered the query with 0x{status.Status:04X}")
    return matches
