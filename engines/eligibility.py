"""The gates every film passes before a model may look: who it is, what it shows, what it is.

No detail text quotes the header: free text there may name the patient.
"""

from collections.abc import Callable, Sequence
from typing import Final

from pydicom import Dataset
from pydicom.uid import (
    DigitalXRayImageStorageForProcessing,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from engines.cases import Case
from engines.errors import NotEligible, Reason
from engines.exams import REGION, Exam, own_result
from engines.header import codes, count, meanings, number, terms, text, texts, words
from engines.regions import contradicted
from engines.views import OTHER_VIEW, view_of

Gate = Callable[[Dataset], None]

_HUMAN_CODES: Final = {"337915000", "L-85B00"}
_HUMAN_WORDS: Final = {"HOMO", "HUMAN", "MENSCH", "HUMAIN", "HUMANO"}
_NEGATIONS: Final = {"NON", "NOT", "NO", "NICHT", "KEIN", "PAS"}
_VETERINARY_WORDS: Final = {"CANINE", "FELINE", "EQUINE", "BOVINE"}
_VETERINARY_STEMS: Final = ("VETERIN", "TIERARZT", "TIERKLINIK", "TIERSPITAL", "KLEINTIER")
# Only where a study is described: places and people are called Hund, and VET is short for veteran
# in the name of a clinic.
_ANIMALS: Final = (
    "VET ANIMAL DOG DOGS CAT CATS HORSE HORSES RABBIT FERRET SHEEP GOAT COW MOUSE MONKEY"
    " HUND HUNDE KATZE KATZEN KATER PFERD PFERDE KANINCHEN SCHAF ZIEGE KUH AFFE"
    " CHIEN CHIENS CHAT CHATS CHEVAL LAPIN MOUTON PERRO PERROS GATO GATOS CABALLO CONEJO"
)
_ANIMAL_WORDS: Final = frozenset(_ANIMALS.split())
# a CAT scan, a dog bite, a cat scratch: what people have
_OF_PEOPLE: Final = {"SCAN", "SCANS", "BITE", "BITES", "SCRATCH", "BISS"}
_SCREENSHOTS: Final = {
    SecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
}
# All but DI: a gateway of a CR reader may call its own digital interface a conversion.
_CONVERSIONS: Final = {"DV", "DF", "DRW", "WSD", "SD", "SI", "SYN"}
_LOSSY_COMPRESSION: Final = {"113040"}
_COMPRESSED: Final = ("COMPRESS", "KOMPR", "COMPRIM", "JPEG", "LOSSY", "LOSSLESS")
# what may stand beside them and still speak of compression alone; J2K and HTJ2K part at the figure
_COMPRESSION_WORDS: Final = (
    "IRREVERSIBLE REVERSIBLE LOSS WAVELET RLE LS J K HTJ BASELINE EXTENDED PROCESS"
    " RATIO QUALITY FACTOR IMAGE IMAGES DICOM THE A OF BY WITH WITHOUT TO AND WAS"
    " VERLUSTBEHAFTET VERLUSTBEHAFTETE VERLUSTFREI VERLUSTFREIE BILD MIT OHNE VERLUST"
    " AVEC SANS PERTE PERTES DE CON SIN PERDIDA PERDIDAS IMAGEN"
)
_BESIDE_COMPRESSED: Final = frozenset(_COMPRESSION_WORDS.split())
_PROCESSED: Final = ("SUPPRESS", "SUBTRA", "STITCH", "TOMOSYN", "DUALENERGY")


def require_patient(case: Case) -> None:
    """Refuse a case unless it is a human whose age and sex are known, and old enough.

    Raises
    ------
    NotEligible
        PATIENT_CONTRADICTORY, ANIMAL, AGE_MISSING, AGE_CONTRADICTORY, AGE_BELOW_MINIMUM,
        SEX_MISSING or SEX_CONTRADICTORY; a missing value is never a default.
    """
    require_one_patient(case)
    for ds in case.images:
        require_human(ds)
    require_age(case)
    require_sex(case)


def require_one_patient(case: Case) -> None:
    """Refuse a series of several patients: whose age and whose film they are cannot be told."""
    if len({text(ds, "PatientID") for ds in case.images} - {""}) > 1:
        detail = "the images of the series have different PatientIDs"
        raise NotEligible(Reason.PATIENT_CONTRADICTORY, detail)


def require_age(case: Case, least_years: int | None = None) -> None:
    """Refuse a case whose age is unknown, in doubt, or below the site's minimum, or another."""
    least_years = case.rules.min_age_years if least_years is None else least_years
    age, doubts = case.clinical.age_years, case.clinical.doubts
    if Reason.AGE_CONTRADICTORY in doubts:
        raise NotEligible(Reason.AGE_CONTRADICTORY, doubts[Reason.AGE_CONTRADICTORY])
    if age is None:
        raise NotEligible(Reason.AGE_MISSING, "neither PatientAge nor a birth date can be used")
    if age < least_years:
        detail = f"younger than {least_years} years"
        raise NotEligible(Reason.AGE_BELOW_MINIMUM, detail)


def require_sex(case: Case) -> None:
    """Refuse a case whose sex is unknown or in doubt."""
    doubts = case.clinical.doubts
    if Reason.SEX_CONTRADICTORY in doubts:
        raise NotEligible(Reason.SEX_CONTRADICTORY, doubts[Reason.SEX_CONTRADICTORY])
    if case.clinical.sex is None:
        raise NotEligible(Reason.SEX_MISSING, "PatientSex is neither F nor M")


def require_human(ds: Dataset) -> None:
    """Refuse what the Patient Module says of animals (PS3.3 C.7.1.1)."""
    said = _animal_sign(ds)
    if said:
        raise NotEligible(Reason.ANIMAL, f"{said} is that of an animal")


def _animal_sign(ds: Dataset) -> str:
    """Return the attribute that says animal; empty where none does."""
    if _species_is_not_human(ds):
        return "PatientSpecies"
    for keyword in ("PatientBreedDescription", "PatientSexNeutered"):
        if text(ds, keyword):
            return keyword
    if codes(ds, "PatientBreedCodeSequence"):
        return "PatientBreedCodeSequence"
    if terms(ds, "ResponsiblePersonRole")[:1] == ("OWNER",):
        return "ResponsiblePersonRole"
    for keyword in ("StudyDescription", "SeriesDescription", "InstitutionName"):
        spoken = words(texts(ds, keyword))
        if spoken & _VETERINARY_WORDS or any(word.startswith(_VETERINARY_STEMS) for word in spoken):
            return keyword
        if keyword != "InstitutionName" and spoken & _ANIMAL_WORDS and not spoken & _OF_PEOPLE:
            return keyword
    return ""


def _species_is_not_human(ds: Dataset) -> bool:
    """Tell whether a species is named and it is not ours; "non-human" names ours and denies it."""
    species = codes(ds, "PatientSpeciesCodeSequence")
    described = (text(ds, "PatientSpeciesDescription"), meanings(ds, "PatientSpeciesCodeSequence"))
    spoken = words(described)
    if spoken & _NEGATIONS:
        return True
    named = bool(species) or any(described)
    return named and not (species & _HUMAN_CODES or spoken & _HUMAN_WORDS)


def require_not_own(ds: Dataset) -> None:
    """Refuse our own results, sent back to us."""
    if own_result(ds):
        raise NotEligible(Reason.OWN_RESULT, "this object was made by us")


def require_not_screenshot(ds: Dataset) -> None:
    """Refuse secondary captures, digitised prints, colour, and what calls itself a screen."""
    image_type = terms(ds, "ImageType")
    signs = {
        "its SOP class is Secondary Capture": text(ds, "SOPClassUID") in _SCREENSHOTS,
        "it was converted from another form": bool(_CONVERSIONS & set(terms(ds, "ConversionType"))),
        "ImageType says SECONDARY": image_type[1:2] == ("SECONDARY",),
        "ImageType says SCREEN": any("SCREEN" in term for term in image_type),
        "it is in colour": count(ds, "SamplesPerPixel", 1) != 1
        or terms(ds, "PhotometricInterpretation")[:1] == ("PALETTE",),
    }
    for sign, seen in signs.items():
        if seen:
            raise NotEligible(Reason.SCREENSHOT, sign)


def require_for_presentation(ds: Dataset) -> None:
    """Refuse raw detector data; a CR image carries no such statement and is for presentation."""
    raw = text(ds, "SOPClassUID") == DigitalXRayImageStorageForProcessing
    if raw or " ".join(terms(ds, "PresentationIntentType")) == "FOR PROCESSING":
        raise NotEligible(Reason.NOT_FOR_PRESENTATION, "the image is FOR PROCESSING")


def require_not_derived(ds: Dataset, accept_primary: bool = False) -> None:
    """Refuse images made from other images.

    The rule, and it is ours: ImageType value 1 DERIVED is refused, except

    (a) where compression is all that was done: DerivationCodeSequence holds 113040 "Lossy
        Compression" and nothing else, or there is no code and DerivationDescription speaks of
        compression (lossy or lossless) and of nothing else;
    (b) DERIVED with PRIMARY, where the site has said that its devices mean their own processing by
        it (``Rules.accept_derived_primary``). Nothing in the header can tell that apart.

    Bone suppression, subtraction, stitching, tomosynthesis and CAD are refused whatever ImageType
    says, where series or derivation description name them.
    """
    spoken = words((*texts(ds, "SeriesDescription"), *texts(ds, "DerivationDescription")))
    spoken |= words(texts(ds, "ImageType"))
    if "CAD" in spoken or any(word.startswith(_PROCESSED) for word in spoken):
        raise NotEligible(Reason.DERIVED_IMAGE, "the header speaks of processing after acquisition")
    image_type = terms(ds, "ImageType")
    if image_type[:1] != ("DERIVED",) or _only_compressed(ds):
        return
    if accept_primary and image_type[1:2] == ("PRIMARY",):
        return
    raise NotEligible(Reason.DERIVED_IMAGE, "ImageType says DERIVED, and not by compression alone")


def _only_compressed(ds: Dataset) -> bool:
    how = codes(ds, "DerivationCodeSequence")
    if how:
        return how <= _LOSSY_COMPRESSION
    described = words(texts(ds, "DerivationDescription"))
    compressed = {word for word in described if word.startswith(_COMPRESSED)}
    return bool(compressed) and described - compressed <= _BESIDE_COMPRESSED


def require_region(ds: Dataset, exam: Exam) -> None:
    """Refuse an image of which one part of the header names another region of the body."""
    source = contradicted(ds, frozenset({REGION[exam]}))
    if source:
        detail = f"{source} names another region than the {REGION[exam]}"
        raise NotEligible(Reason.BODY_PART_MISMATCH, detail)


def require_frontal(ds: Dataset) -> None:
    """Refuse all but PA and AP; a view that is not stated is not guessed."""
    view = view_of(ds)
    if view is None:
        raise NotEligible(Reason.VIEW_UNKNOWN, "the header does not say PA or AP")
    if view == OTHER_VIEW:
        raise NotEligible(Reason.VIEW_NOT_FRONTAL, "the header says another view than PA or AP")


def frontal_film(case: Case) -> Dataset:
    """Pick the image of a chest film series that is to be screened: the first of all that may be.

    Raises
    ------
    NotEligible
        As :func:`frontal_films`.
    """
    return frontal_films(case)[0]


def frontal_films(case: Case) -> tuple[Dataset, ...]:
    """Return the images of a chest film series that may be screened, at least one.

    All images go through the gates. Of several that pass, the one acquired last comes first (our
    choice: a retake comes after the reject that it replaces).

    Raises
    ------
    NotEligible
        If none passes: the verdict of the image that got furthest.
    """
    stops = [(ds, _stop(ds, _gates(case))) for ds in case.images]
    passed = [ds for ds, stop in stops if stop is None]
    if passed:
        return tuple(sorted(passed, key=_acquired, reverse=True))
    verdicts = [stop for _, stop in stops if stop is not None]
    if not verdicts:
        raise NotEligible(Reason.EXAM_NOT_SCREENED, "the series has no image")
    raise max(verdicts, key=lambda stop: stop[0])[1]


def _stop(ds: Dataset, gates: Sequence[Gate]) -> tuple[int, NotEligible] | None:
    """Return the first gate that an image does not pass, and what was said there."""
    for gate, require in enumerate(gates):
        try:
            require(ds)
        except NotEligible as verdict:
            return gate, verdict
    return None


def _gates(case: Case) -> tuple[Gate, ...]:
    """Return the gates of one image, coarsest first."""
    return (
        require_not_own,
        require_human,
        require_not_screenshot,
        require_for_presentation,
        lambda ds: require_not_derived(ds, case.rules.accept_derived_primary),
        lambda ds: require_region(ds, case.exam),
        require_frontal,
    )


def _acquired(ds: Dataset) -> tuple[str, float, str]:
    """Sort by time of acquisition; then so that the order of the files never counts."""
    moments = [text(ds, "AcquisitionDateTime")]
    moments += [
        text(ds, f"{event}Date") + text(ds, f"{event}Time") for event in ("Acquisition", "Content")
    ]
    moment = next((found for found in moments if found), "")
    return moment, number(ds, "InstanceNumber") or 0.0, text(ds, "SOPInstanceUID")
