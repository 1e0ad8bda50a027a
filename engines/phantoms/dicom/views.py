"""The films that can be taken, and how headers name them."""

from dataclasses import dataclass
from enum import StrEnum

from engines.exams import Exam


class View(StrEnum):
    """A body part from one side."""

    CHEST_PA = "chest-pa"
    CHEST_AP = "chest-ap"
    CHEST_LATERAL = "chest-lateral"
    HIP_LEFT = "hip-left"
    HIP_RIGHT = "hip-right"
    PELVIS = "pelvis"


@dataclass(frozen=True)
class ViewWords:
    """What a header says of a view.

    Attributes
    ----------
    exam : Exam
        Which examination it belongs to.
    position : str
        ViewPosition.
    orientation : tuple of str
        PatientOrientation: along a row, along a column.
    view : tuple of str
        SNOMED CT code, SRT code and meaning (PS3.16 CID 4010).
    region : tuple of str
        The same of AnatomicRegionSequence (PS3.16 CID 4031).
    body_part : str
        BodyPartExamined.
    side : {'L', 'R', 'U', 'B'}
        ImageLaterality.
    series : dict
        SeriesDescription by language.
    """

    exam: Exam
    position: str
    orientation: tuple[str, str]
    view: tuple[str, str, str]
    region: tuple[str, str, str]
    body_part: str
    side: str
    series: dict[str, str]


_PA = ("272479007", "R-10214", "postero-anterior")
_AP = ("399348003", "R-10206", "antero-posterior")
_LATERAL = ("399173006", "R-10236", "left lateral")
_CHEST = ("51185008", "T-D3000", "Chest")
_HIP = ("24136001", "T-15710", "Hip joint")
_PELVIS = ("12921003", "T-D6000", "Pelvis")

#: StudyDescription by language, the same for all films of a study.
STUDIES = {
    Exam.CHEST_XRAY: {
        "en": "XR Chest",
        "de": "Röntgen Thorax",
        "fr": "Radio thorax",
        "es": "RX tórax",
    },
    Exam.HIP_XRAY: {
        "en": "XR Pelvis and hip",
        "de": "Röntgen Becken und Hüfte",
        "fr": "Radio bassin et hanche",
        "es": "RX pelvis y cadera",
    },
}


def _words(en: str, de: str, fr: str, es: str) -> dict[str, str]:
    return {"en": en, "de": de, "fr": fr, "es": es}


WORDS = {
    View.CHEST_PA: ViewWords(
        Exam.CHEST_XRAY,
        "PA",
        ("L", "F"),
        _PA,
        _CHEST,
        "CHEST",
        "U",
        _words("Chest PA", "Thorax p.a.", "Thorax PA", "Tórax PA"),
    ),
    View.CHEST_AP: ViewWords(
        Exam.CHEST_XRAY,
        "AP",
        ("L", "F"),
        _AP,
        _CHEST,
        "CHEST",
        "U",
        _words("Chest AP portable", "Thorax a.p. Bett", "Thorax AP au lit", "Tórax AP portátil"),
    ),
    View.CHEST_LATERAL: ViewWords(
        Exam.CHEST_XRAY,
        "LL",
        ("P", "F"),
        _LATERAL,
        _CHEST,
        "CHEST",
        "U",
        _words("Chest lateral", "Thorax seitlich", "Thorax profil", "Tórax lateral"),
    ),
    View.HIP_LEFT: ViewWords(
        Exam.HIP_XRAY,
        "AP",
        ("L", "F"),
        _AP,
        _HIP,
        "HIP",
        "L",
        _words("Hip AP left", "Hüfte a.p. links", "Hanche gauche AP", "Cadera izquierda AP"),
    ),
    View.HIP_RIGHT: ViewWords(
        Exam.HIP_XRAY,
        "AP",
        ("L", "F"),
        _AP,
        _HIP,
        "HIP",
        "R",
        _words("Hip AP right", "Hüfte a.p. rechts", "Hanche droite AP", "Cadera derecha AP"),
    ),
    View.PELVIS: ViewWords(
        Exam.HIP_XRAY,
        "AP",
        ("L", "F"),
        _AP,
        _PELVIS,
        "PELVIS",
        "B",
        _words("Pelvis AP", "Becken a.p.", "Bassin AP", "Pelvis AP"),
    ),
}
