"""Whose study it is, read from a kept image: the ledger knows no patient."""

from collections.abc import Mapping
from typing import Any

from daemon import header
from daemon.holdings import Holdings

PATIENT = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyDate",
    "StudyDescription",
)
SERIES = ("SeriesDescription",)


def told_by_images(holdings: Holdings, story: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the images say of the patient, and of each series.

    Returns
    -------
    dict
        ``patient``: text by DICOM keyword, empty where no image is kept any more; ``series``: its
        description by Series Instance UID.
    """
    patient: dict[str, str] = {}
    series = {}
    for one in story["series"]:
        texts = _first_image(holdings, one)
        series[one["SeriesInstanceUID"]] = texts.pop("SeriesDescription", "")
        patient = patient or texts
    return {"patient": patient, "series": series}


def _first_image(holdings: Holdings, series: Mapping[str, Any]) -> dict[str, str]:
    uid = series["SeriesInstanceUID"]
    kept = (image for image in series["received"] if not image["purged_by"])
    image = next(kept, None)
    if image is None:
        return {}
    try:
        with holdings.received(uid, image["SOPInstanceUID"]) as file:
            if file is None:
                return {}
            ds = header.excerpt(file, (*PATIENT, *SERIES))
        return {key: str(ds.get(key, "")) for key in (*PATIENT, *SERIES)}
    except Exception:  # noqa: BLE001 - the edge to bytes from outside: a page without a name
        return {}
