"""What an MR series weighs, from its header: T1, T2, or fluid bright and fat dark.

The limits on times are ours, wide enough for 1.5 and 3 tesla. What a header leaves open is None and
never guessed.
"""

from enum import StrEnum
from typing import Final

from pydicom import Dataset

from engines.header import number, terms, texts, words


class Weighting(StrEnum):
    """What is bright; the value is what a reader is told."""

    T1 = "T1"
    T2 = "T2"
    PROTON_DENSITY = "proton density"
    FLUID = "fluid-sensitive, fat suppressed"
    VESSELS = "angiography"
    OTHER = "other"


#: What of a header :func:`weighting` reads.
READ: Final = (
    "SeriesDescription",
    "ProtocolName",
    "SequenceName",
    "ScanningSequence",
    "SequenceVariant",
    "ScanOptions",
    "MRAcquisitionType",
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "AngioFlag",
)

#: Repetition and echo time of a spin echo, ms: T1 below both, T2 above both.
_T1_MS: Final = (1100.0, 32.0)
_T2_MS: Final = (1500.0, 62.0)
#: Inversion times that null fat at 1.5 and 3 tesla.
_STIR_MS: Final = (110.0, 280.0)

_STIR: Final = frozenset({"STIR", "TIRM", "TURBOSTIR", "IRTSE", "FSEIR"})
_SUPPRESSED: Final = frozenset(
    ["FS", "FAT", "FATSAT", "FATSUP", "SPAIR", "SPIR", "CHESS", "FSAT", "DIXON", "IDEAL"]
)
_ANGIO: Final = ("ANGIO", "MRA", "TOF", "TWIST", "TRICKS")
_GRADIENT: Final = frozenset({"GR", "EP"})


def weighting(ds: Dataset) -> Weighting | None:
    """Say what a series weighs.

    Parameters
    ----------
    ds : Dataset
        The header of one image.

    Returns
    -------
    Weighting or None
        None where sequence and times do not tell.
    """
    spoken = words((*texts(ds, "SeriesDescription"), *texts(ds, "ProtocolName")))
    spoken |= words(texts(ds, "SequenceName"))
    if terms(ds, "AngioFlag")[:1] == ("Y",) or any(one.startswith(_ANGIO) for one in spoken):
        return Weighting.VESSELS
    kinds = set(terms(ds, "ScanningSequence"))
    repetition_ms, echo_ms = number(ds, "RepetitionTime"), number(ds, "EchoTime")
    if not kinds or repetition_ms is None or echo_ms is None:
        return None
    if kinds & _GRADIENT:
        return Weighting.OTHER
    if "IR" in kinds:
        return _inverted(ds, spoken)
    suppressed = _suppressed(ds, spoken)
    if repetition_ms < _T1_MS[0] and echo_ms < _T1_MS[1]:
        # fat is dark in it: marrow looks unlike the T1 that is meant
        return Weighting.OTHER if suppressed else Weighting.T1
    if repetition_ms < _T2_MS[0]:
        return Weighting.OTHER
    if suppressed:
        return Weighting.FLUID
    return Weighting.T2 if echo_ms > _T2_MS[1] else Weighting.PROTON_DENSITY


def _inverted(ds: Dataset, spoken: frozenset[str]) -> Weighting:
    inversion_ms = number(ds, "InversionTime")
    nulls_fat = inversion_ms is not None and _STIR_MS[0] <= inversion_ms <= _STIR_MS[1]
    return Weighting.FLUID if nulls_fat or spoken & _STIR else Weighting.OTHER


def _suppressed(ds: Dataset, spoken: frozenset[str]) -> bool:
    return bool(spoken & _SUPPRESSED) or "FS" in terms(ds, "ScanOptions")
