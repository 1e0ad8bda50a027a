"""Which hip is which: what the header says, held against the form and place of what is seen."""

from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from engines.anatomy.femur import Femur, find_femora, metal_opposite
from engines.errors import NotEligible, Reason
from engines.header import terms, texts, words
from engines.images import Radiograph

_WORDS: Final = {
    "L": {"LEFT", "LINKS", "GAUCHE", "IZQUIERDA", "IZQUIERDO", "LT"},
    "R": {"RIGHT", "RECHTS", "DROITE", "DROIT", "DERECHA", "DERECHO", "RT"},
}
_OTHER: Final = {"L": "R", "R": "L"}
# On a film of the pelvis a hip lies so far from the film's middle at least, in head radii.
_ASIDE = 2.0

_WHY: Final = {
    Reason.HIP_METAL: "metal",
    Reason.HIP_CUT_OFF: "cut off by the film",
    Reason.HIP_NOT_FOUND: "not found",
}
_SAID: Final = {
    Reason.HIP_METAL: "metal lies in the upper thigh bone",
    Reason.HIP_CUT_OFF: "the film does not show the whole upper thigh bone",
    Reason.HIP_NOT_FOUND: "the upper thigh bone cannot be made out",
}


@dataclass(frozen=True, eq=False)
class Hips:
    """The hips of a film that can be read, and why others cannot.

    Attributes
    ----------
    femora : dict of str to Femur
        By ``L`` and ``R``, at least one.
    set_aside : dict of str to str
        Why a side is not read, in a few words, likewise.
    """

    femora: dict[str, Femur]
    set_aside: dict[str, str]


def read_hips(ds: Dataset, film: Radiograph) -> Hips:
    """Find the hips of a film and name their sides.

    A row of a frontal film runs to the patient's left unless PatientOrientation says otherwise, so
    the form of a femur and its place on a pelvis name its side. The side that the header names must
    agree; a film of one hip whose header names none is refused. A lead letter is not read.

    Parameters
    ----------
    ds : Dataset
        The film's header.
    film : Radiograph
        Its pixels.

    Raises
    ------
    NotEligible
        LATERALITY_MISSING, LATERALITY_CONTRADICTORY, or HIP_NOT_FOUND, HIP_CUT_OFF or HIP_METAL
        where no side is left.
    """
    stated = _stated(ds)
    found = {_side(ds, femur): femur for femur in find_femora(film)}
    refused: dict[str, Reason] = {}
    if len(found) == 1:
        refused = _of_one(stated, found, film, _is_pelvis(ds))
    asked = set("LR") if stated in ("", "B") else {stated}
    refused |= {side: femur.refused for side, femur in found.items() if femur.refused}
    readable = {
        side: femur for side, femur in found.items() if side in asked and side not in refused
    }
    if not readable:
        reason = next((refused[side] for side in refused if side in asked), Reason.HIP_NOT_FOUND)
        raise NotEligible(reason, _SAID[reason])
    return Hips(readable, {side: _WHY[why] for side, why in refused.items() if side in asked})


def _of_one(
    stated: str, found: dict[str, Femur], film: Radiograph, pelvis: bool
) -> dict[str, Reason]:
    """Hold the only femur that was found against the header; say why there is no other."""
    ((side, femur),) = found.items()
    if stated in _OTHER:
        if stated != side:
            detail = "the only hip that is seen has the form of the side that is not named"
            raise NotEligible(Reason.LATERALITY_CONTRADICTORY, detail)
        return {}
    if not pelvis:
        raise NotEligible(Reason.LATERALITY_MISSING, "a film of one hip does not say which one")
    aside = (femur.column - film.pixels.shape[1] / 2) * femur.outwards
    if aside < _ASIDE * femur.radius_px:
        detail = "one hip is seen, in the middle of the film, and the header names no side"
        raise NotEligible(Reason.LATERALITY_MISSING, detail)
    metal = metal_opposite(film, femur)
    return {_OTHER[side]: Reason.HIP_METAL if metal else Reason.HIP_NOT_FOUND}


def _stated(ds: Dataset) -> str:
    """Return ``L``, ``R``, ``B`` or nothing, as (0020,0062), (0020,0060) and the texts say."""
    coded = [*terms(ds, "ImageLaterality")[:1], *terms(ds, "Laterality")[:1]]
    named = {side for side in coded if side in _OTHER}
    spoken = words((*texts(ds, "SeriesDescription"), *texts(ds, "ProtocolName")))
    said = {side for side, known in _WORDS.items() if spoken & known}
    if len(named) == 2 or (named and len(said) == 1 and said != named):
        raise NotEligible(Reason.LATERALITY_CONTRADICTORY, "the header names both sides")
    if named:
        return named.pop()
    return "B" if "B" in coded else ""


def _side(ds: Dataset, femur: Femur) -> str:
    mirrored = terms(ds, "PatientOrientation")[:1] == ("R",)
    return "L" if (femur.outwards > 0) != mirrored else "R"


def _is_pelvis(ds: Dataset) -> bool:
    coded = [*terms(ds, "ImageLaterality")[:1], *terms(ds, "Laterality")[:1]]
    spoken = words((*texts(ds, "BodyPartExamined"), *texts(ds, "SeriesDescription")))
    return "B" in coded or any(word.startswith(("PELV", "BECKEN", "BASSIN")) for word in spoken)
