"""Look at a patient's earlier studies that a peer has, for a model that reads several visits.

They are fetched into memory, looked at by the same weights, and forgotten: nothing of them is kept
or sent. A peer that does not answer costs the course and not the result.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from pydicom import Dataset

from daemon import find
from daemon.archive import IMAGES_MOST, Archive, archive_of
from daemon.errors import ConfigError, DeliveryError
from daemon.records import peers
from daemon.records.ledger import Ledger
from daemon.scu import Address
from daemon.settings import Settings
from engines.cases import Case, EarlierVisit, read_case
from engines.catalog import Model
from engines.errors import BadSeries, NotEligible
from engines.header import number, text
from workers.progress import hearer, moved_on
from workers.room import Seat

log = logging.getLogger(__name__)

#: How many visits are sought, in how many studies. Both ours.
VISITS_MOST: Final = 4
STUDIES_MOST: Final = 12


@dataclass(frozen=True)
class _Study:
    """An earlier study, as the peer tells of it."""

    StudyInstanceUID: str
    StudyDate: str


def archive(settings: Settings, ledger: Ledger) -> Archive | None:
    """Return where earlier studies are asked for; None where the site names nobody."""
    if not settings.earlier_from:
        return None
    peer = peers.named(ledger, settings.earlier_from)
    if peer is None:
        log.error("event=no-such-peer setting=earlier_from aet=%s", settings.earlier_from)
        return None
    try:
        return archive_of(settings, peer)
    except ConfigError as error:
        log.error("event=not-asked aet=%s why=%r", peer.aet, str(error))
        return None


def with_visits(case: Case, model: Model, seat: Seat, asked: Archive) -> Case:
    """Return an eligible case with the visits that a peer knows of beside those of the ledger.

    Parameters
    ----------
    case : Case
        Its ``visits`` are those that the ledger has.
    model, seat
        Whose features are wanted, of these very weights.
    asked : Archive
        The peer.
    """
    found: list[EarlierVisit] = []
    dated = {one.StudyDate for one in case.visits if one.weights_sha256 == seat.weights.sha256}
    try:
        for study in _studies(asked.address, case):
            if len(dated) >= VISITS_MOST:
                break
            if study.StudyDate not in dated:
                found += _visit(asked, study, case, model, seat)
                dated |= {one.StudyDate for one in found}
    except DeliveryError as error:
        log.warning("event=earlier-studies-unknown aet=%s why=%r", asked.address.aet, str(error))
    if found:
        log.info("event=earlier-studies aet=%s visits=%s", asked.address.aet, len(found))
    return replace(case, visits=(*case.visits, *found))


def _studies(address: Address, case: Case) -> Sequence[_Study]:
    """Ask for the studies of the case's patient before its day, and return the latest first."""
    image = case.images[0]
    patient, today = text(image, "PatientID"), text(image, "StudyDate")
    # a wildcard would ask for other patients
    if not patient or not today or set(patient) & {"*", "?", "\\"}:
        return ()
    keys = {
        "PatientID": patient,
        "StudyDate": f"-{today}",
        "ModalitiesInStudy": text(image, "Modality"),
        "PatientBirthDate": "",
        "IssuerOfPatientID": "",
        "StudyInstanceUID": "",
    }
    own = text(image, "StudyInstanceUID")
    told = {
        _Study(text(one, "StudyInstanceUID"), text(one, "StudyDate"))
        for one in find.ask(address, "STUDY", keys)
        if _is_of_the_patient(one, image)
    }
    before = [one for one in told if one.StudyInstanceUID != own and one.StudyDate < today]
    return sorted(before, key=lambda one: one.StudyDate, reverse=True)[:STUDIES_MOST]


def _is_of_the_patient(other: Dataset, image: Dataset) -> bool:
    """Tell whether two headers name one patient: by number, and by what else both of them say."""
    if text(other, "PatientID") != text(image, "PatientID"):
        return False
    both = (
        (text(other, name), text(image, name)) for name in ("PatientBirthDate", "IssuerOfPatientID")
    )
    return all(not theirs or not ours or theirs == ours for theirs, ours in both)


def _visit(
    asked: Archive, study: _Study, case: Case, model: Model, seat: Seat
) -> list[EarlierVisit]:
    """Return what the weights make of the first series of a study that they can read, if any."""
    for images in _series(asked, study, case):
        moved_on("earlier visit")
        with suppress(NotEligible, BadSeries):
            earlier = read_case(case.exam, images, rules=case.rules)
            model.eligible(earlier)
            features = model.screen(earlier, seat.run, seat.weights).features
            if features:
                name, sha256 = seat.weights.model, seat.weights.sha256
                return [EarlierVisit(study.StudyDate, name, sha256, features)]
    return []


def _series(asked: Archive, study: _Study, case: Case) -> Iterator[list[Dataset]]:
    """Fetch the series of a study one by one, in the order of their numbers."""
    image = case.images[0]
    keys = {
        "StudyInstanceUID": study.StudyInstanceUID,
        "Modality": text(image, "Modality"),
        "SeriesInstanceUID": "",
        "SeriesNumber": "",
        "NumberOfSeriesRelatedInstances": "",
    }
    for told in sorted(
        find.ask(asked.address, "SERIES", keys), key=lambda one: _count(one, "SeriesNumber")
    ):
        if _count(told, "NumberOfSeriesRelatedInstances") > IMAGES_MOST:
            continue
        uids = study.StudyInstanceUID, text(told, "SeriesInstanceUID")
        # by C-MOVE images come in a thread of the port's, which knows of no case
        images = asked.series(uids, text(image, "SOPClassUID"), partial(hearer(), "fetch"))
        if images and all(_is_of_the_patient(one, image) for one in images):
            yield images


def _count(ds: Dataset, keyword: str) -> float:
    return number(ds, keyword) or 0.0
