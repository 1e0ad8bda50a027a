"""On which host the bytes of an object lie."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, select

from daemon.records.ledger import Ledger
from daemon.records.tables import Instance, ResultObject, Screening, Series


@dataclass(frozen=True)
class Held:
    """One object, received or made by us, and who holds it.

    ``sha256`` is of the data set as received, or of the whole file as made.
    """

    holder: str
    StudyInstanceUID: str
    SeriesInstanceUID: str
    SOPInstanceUID: str
    sha256: str
    received: bool = True


def images_of(ledger: Ledger, series_uid: str) -> list[Held]:
    """Return the images of a series that are not purged."""
    with ledger.read() as session:
        rows = session.execute(_received(Instance.SeriesInstanceUID == series_uid))
        return [Held(*row) for row in rows]


def received(ledger: Ledger, uid: str) -> Held | None:
    """Return one received image, None where it is not known or purged."""
    with ledger.read() as session:
        row = session.execute(_received(Instance.SOPInstanceUID == uid)).first()
        return Held(*row) if row else None


def made(ledger: Ledger, uid: str) -> Held | None:
    """Return one object of ours, None where it is not known or purged."""
    with ledger.read() as session:
        row = session.execute(_made(ResultObject.SOPInstanceUID == uid)).first()
        return _ours(row) if row else None


def of_resource(ledger: Ledger, uids: Sequence[str]) -> list[Held]:
    """Return what there is of a study, of a series of it, or of an instance of that.

    Parameters
    ----------
    ledger : Ledger
        Where it is known.
    uids : sequence of str
        Study Instance UID, then Series Instance UID, then SOP Instance UID, as far as one is named.
    """
    below = (Instance.SeriesInstanceUID, Instance.SOPInstanceUID)
    ours = (ResultObject.SeriesInstanceUID, ResultObject.SOPInstanceUID)
    study = Series.StudyInstanceUID == uids[0]
    named = [one == uid for one, uid in zip(below, uids[1:], strict=False)]
    named_ours = [one == uid for one, uid in zip(ours, uids[1:], strict=False)]
    with ledger.read() as session:
        came = session.execute(_received(study, *named)).all()
        built = session.execute(_made(study, *named_ours)).all()
    return [*(Held(*row) for row in came), *map(_ours, built)]


def _ours(row: Any) -> Held:
    return replace(Held(*row), received=False)


def _received(*which: Any) -> Select[str, str, str, str, str]:
    mine = Series.SeriesInstanceUID == Instance.SeriesInstanceUID
    return _lying(Instance, *which).join(Series, mine)


def _made(*which: Any) -> Select[str, str, str, str, str]:
    screened = _lying(ResultObject, *which).join(
        Screening, Screening.id == ResultObject.screening_id
    )
    return screened.join(Series, Series.SeriesInstanceUID == Screening.SeriesInstanceUID)


def _lying(table: type[Instance | ResultObject], *which: Any) -> Select[str, str, str, str, str]:
    """Select what :class:`Held` holds of rows whose files are not purged, their study by a join."""
    return (
        select(
            table.holder,
            Series.StudyInstanceUID,
            table.SeriesInstanceUID,
            table.SOPInstanceUID,
            table.sha256,
        )
        .select_from(table)
        .where(table.purged_by.is_(None), *which)
        .order_by(table.SOPInstanceUID)
    )
