"""Which part of the body a header speaks of, in the words that devices and people use."""

from enum import StrEnum
from functools import lru_cache
from typing import Final

from pydicom import Dataset

from engines.header import codes, meanings, texts, words


class Region(StrEnum):
    """As coarse as telling our examinations apart needs."""

    CHEST = "chest"
    ABDOMEN = "abdomen"
    PELVIS = "pelvis"
    SPINE = "spine"
    HEAD = "head"
    LIMB = "limb"
    #: Parts of the thorax and others that have films of their own, which are no chest film.
    OTHER = "other"


# Whole words, mostly abbreviations. English, German, French, Spanish; accents are gone by now.
_WORDS: Final = {
    Region.CHEST: "CHEST CXR LUNG LUNGS CH BRUST CAP TAP",
    Region.ABDOMEN: "AB ABD BAUCH CAP TAP VIENTRE KUB",
    Region.PELVIS: "HIP HIPS PEL CAP TAP BASSIN HANCHE HANCHES CADERA CADERAS",
    Region.SPINE: "SPINE BWS LWS HWS RACHIS COLUMNA TSPINE LSPINE CSPINE SSPINE",
    Region.HEAD: "HEAD NECK SKULL BRAIN JAW SINUS HALS KOPF CRANE CRANEO",
    Region.LIMB: "ARM HAND HANDS LEG FOOT FEET TOE FINGER EXTREMITY EXTREMITIES MANO PIE PIED"
    " FUSS BEIN WRIST ELBOW GENOU RODILLA ANKLE HEEL THUMB CALF THIGH TIBIA FIBULA"
    " RADIUS ULNA HUMERUS FEMUR KNEE SHOULDER",
    Region.OTHER: "RIB RIBS RIPPE RIPPEN COTES COSTILLA COSTILLAS BREAST BREASTS MAMMA SEIN"
    " SEINS MAMA MAMAS MANDIBLE MAXILLA ORBIT EYE LARYNX ESOPHAGUS OESOPHAGUS SACRUM COCCYX",
}
# Beginnings of words, for compounds and inflections.
_STEMS: Final = {
    Region.CHEST: "CHEST THORA TORAC TORAX LUNGE POUMON PULMO BRUSTKORB",
    Region.ABDOMEN: "ABDOM CHESTABD OBERBAUCH UNTERBAUCH",
    Region.PELVIS: "PELVI BECKEN HUFT HUEFT ABDOMENPELVI CHESTABDPEL",
    Region.SPINE: "BRUSTWIRBEL LENDENWIRBEL HALSWIRBEL WIRBEL VERTEBR LUMBAR",
    Region.HEAD: "SCHADEL SCHAEDEL CRANI CERVIC",
    Region.LIMB: "KNEE KNIE SCHULTER ELLENBOG HANDGEL SPRUNGGEL OBERSCHENKEL UNTERSCHENKEL OBERARM"
    " UNTERARM HOMBRO EPAULE",
    Region.OTHER: "STERN ESTERNON BRUSTBEIN MAMMO SCAPUL SKAPULA SCHULTERBL OMOPLAT ESCAPUL"
    " CLAVIC KLAVIK SCHLUSSELB SCHLUESSELB",
}
# SNOMED CT, and the SRT codes that older devices still write (PS3.16 CID 4031).
_CODES: Final = {
    "51185008": Region.CHEST,
    "816094009": Region.CHEST,
    "T-D3000": Region.CHEST,
    "39607008": Region.CHEST,
    "T-28000": Region.CHEST,
    "12921003": Region.PELVIS,
    "T-D6000": Region.PELVIS,
    "29836001": Region.PELVIS,
    "T-D2500": Region.PELVIS,
    "24136001": Region.PELVIS,
    "T-15710": Region.PELVIS,
}
_SERIES_TEXTS: Final = (
    "SeriesDescription",
    "ProtocolName",
    "PerformedProcedureStepDescription",
    "AcquisitionDeviceProcessingDescription",
)
#: Where a header may name a region, strongest first.
SOURCES: Final = ("BodyPartExamined", "AnatomicRegionSequence", *_SERIES_TEXTS, "StudyDescription")


@lru_cache(maxsize=1024)
def named_in(phrases: tuple[str, ...]) -> frozenset[Region]:
    """Return the regions that some words name.

    The thoracic spine is no chest: where a spine is named, "thoracic" is its adjective.
    """
    spoken = words(phrases)
    found = {region for region, known in _WORDS.items() if spoken & set(known.split())}
    found |= {
        region
        for region, stems in _STEMS.items()
        if any(word.startswith(tuple(stems.split())) for word in spoken)
    }
    if Region.SPINE in found:
        found.discard(Region.CHEST)
    return frozenset(found)


def by_source(ds: Dataset) -> dict[str, frozenset[Region]]:
    """Return the regions named by each part of a header that names any, strongest part first.

    What stands at the series comes before what stands at the study: a study "chest and knee" says
    nothing about one of its series.
    """
    coded = codes(ds, "AnatomicRegionSequence")
    region_codes = frozenset(_CODES[code] for code in coded if code in _CODES)
    region_words = named_in((meanings(ds, "AnatomicRegionSequence"),))
    found = {
        "BodyPartExamined": named_in(texts(ds, "BodyPartExamined")),
        "AnatomicRegionSequence": region_codes or region_words,
    }
    found |= {keyword: named_in(texts(ds, keyword)) for keyword in _SERIES_TEXTS}
    found["StudyDescription"] = named_in(texts(ds, "StudyDescription"))
    return {source: regions for source, regions in found.items() if regions}


def contradicted(ds: Dataset, wanted: frozenset[Region]) -> str:
    """Return the part of the header that names other regions only; empty where none does."""
    for source, regions in by_source(ds).items():
        if source != "StudyDescription" and not regions & wanted:
            return source
    return ""
