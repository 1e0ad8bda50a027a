"""From which side a film was taken, as far as its header says."""

import re
from typing import Final

from pydicom import Dataset

from engines.header import codes, meanings, terms, texts, words

#: What :func:`view_of` returns for a view that is known and not frontal.
OTHER_VIEW: Final = "other"
_FRONTAL: Final = ("PA", "AP", "frontal")

# PS3.16 CID 4010, in SNOMED CT and in the SRT codes of older devices.
_VIEW_CODES: Final = {
    "272479007": "PA",
    "R-10214": "PA",
    "399348003": "AP",
    "R-10206": "AP",
    "399067008": OTHER_VIEW,
    "R-10202": OTHER_VIEW,
    "399173006": OTHER_VIEW,
    "R-10236": OTHER_VIEW,
    "399198007": OTHER_VIEW,
    "R-10232": OTHER_VIEW,
}
_PA = re.compile(r"\bP[.\s]?A\b|POSTERO?[-\s]?ANTERIOR")
_AP = re.compile(r"\bA[.\s]?P\b|ANTERO?[-\s]?POSTERIOR")
# English, German, French and Spanish; decubitus and lordotic films are AP and yet no routine film
_OTHER_VIEWS: Final = (
    "LL RL LLD RLD LLO RLO RAO LAO RPO LPO LAT LATERAL SEITLICH SEITL PROFIL PERFIL OBLIQUE OBL"
    " SCHRAG SCHRAEG OBLICUA AXIAL DECUBITUS DECUB LORDOTIC"
)
_OTHER_WORDS: Final = frozenset(_OTHER_VIEWS.split())
_FRONTAL_WORDS: Final = {"FRONTAL", "FACE"}
_SERIES_TEXTS: Final = (
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionDeviceProcessingDescription",
)


def view_of(ds: Dataset) -> str | None:
    """Return the view that a header states.

    ViewPosition, ViewCodeSequence and the texts of the series are asked in this order; any of them
    that names a view other than PA or AP, and no frontal one, overrules the others: a device's
    default ViewPosition does not make a lateral film frontal. A series text that names both ("PA
    and lateral") says nothing of one image. StudyDescription is not asked, for the same reason.

    Returns
    -------
    {'PA', 'AP', 'frontal', 'other', None}
        ``other`` is a view that is not frontal; None is not stated.
    """
    coded = [_VIEW_CODES[code] for code in codes(ds, "ViewCodeSequence") if code in _VIEW_CODES]
    said = [
        _spoken(texts(ds, "ViewPosition"), both=OTHER_VIEW),
        *coded,
        _spoken((meanings(ds, "ViewCodeSequence"),), both=OTHER_VIEW),
        *(_spoken(texts(ds, keyword), both=None) for keyword in _SERIES_TEXTS),
    ]
    if OTHER_VIEW in said or _row_runs_through_the_body(ds):
        return OTHER_VIEW
    return next((view for view in said if view in _FRONTAL), None)


def _spoken(phrases: tuple[str, ...], both: str | None) -> str | None:
    """Return the view that some words name.

    ``both`` is what frontal and other words together mean: "AP oblique" of an image is a view,
    "PA and lateral" of a series is a list of views.
    """
    phrase = " ".join(phrases).upper()
    spoken = words(phrases)
    views = {"PA": bool(_PA.search(phrase)), "AP": bool(_AP.search(phrase))}
    frontal = any(views.values()) or bool(spoken & _FRONTAL_WORDS)
    other = bool(spoken & _OTHER_WORDS)
    if frontal and other:
        return both
    if other:
        return OTHER_VIEW
    return next((view for view, named in views.items() if named), "frontal" if frontal else None)


def _row_runs_through_the_body(ds: Dataset) -> bool:
    """Tell whether PatientOrientation runs a row from front to back, as only a lateral does."""
    return terms(ds, "PatientOrientation")[:1] in (("A",), ("P",))
