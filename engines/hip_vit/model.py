"""Screen a hip film: gate, film, femora and their sides, network, operating point, worse side."""

from collections.abc import Mapping
from functools import partial
from itertools import compress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from engines import eligibility
from engines.anatomy.femur import Femur, cut_box
from engines.cards import OperatingPoint, Weights
from engines.cases import Case, Clinical
from engines.errors import BadSeries, NotEligible, Reason
from engines.findings import Finding, Measurement, Result, Saliency
from engines.header import texts, words
from engines.hip_vit.card import CARD as CARD
from engines.hip_vit.inputs import heat_on_film, prepare
from engines.hip_vit.sides import Hips, read_hips
from engines.images import Radiograph, read_radiograph
from engines.likeness import unlike
from engines.runtime import Run
from engines.views import view_of

#: The engine's name in the manifest, and its arrays.
ENGINE: Final = "hip_vit"
FEMUR, PROBABILITY, ATTENTION = "femur", "probability", "attention"

SITE: Final = "proximal femur"
#: From the lightest to the worst, as the network counts them.
CLASSES: Final = ("normal", "osteopenia", "osteoporosis")
SIDES: Final = {"L": "left", "R": "right"}

# Views from in front with the hip bent or the tube tilted, which ViewPosition calls AP.
_VIEWS: Final = "FROG FROGLEG LAUENSTEIN DUNN JUDET INLET OUTLET ALA OBTURATOR"
_BENT: Final = frozenset(_VIEWS.split())

_METHODS: Final = {
    "small-hybrid": "attention rollout",
    "vit_b_16": "attention rollout",
}

Scores = NDArray[np.float32]


def eligible(case: Case) -> None:
    """Raise NotEligible unless this is an AP film of hip or pelvis of an adult it is meant for."""
    eligibility.require_patient(case)
    for ds in eligibility.frontal_films(case):
        require_ap(ds)


def require_ap(ds: Dataset) -> None:
    """Refuse hips that are not seen from in front, the legs straight.

    Raises
    ------
    NotEligible
        VIEW_NOT_FRONTAL.
    """
    if words((*texts(ds, "SeriesDescription"), *texts(ds, "ProtocolName"))) & _BENT:
        raise NotEligible(Reason.VIEW_NOT_FRONTAL, "the header names a view with the hip bent")
    if view_of(ds) == "PA":
        raise NotEligible(Reason.VIEW_NOT_FRONTAL, "the header says PA; hips are read on AP films")


def screen(case: Case, run: Run, weights: Weights) -> Result:
    """Score the hips of a case.

    Parameters
    ----------
    case : Case
        An eligible case.
    run : Run
        Runs engine ``hip_vit``.
    weights : Weights
        Their ``parameters`` give ``input_size_px`` and ``backbone``.

    Returns
    -------
    Result
        A finding, ``osteoporosis`` of the ``proximal femur``, for each side that can be read, the
        worse side first; the other classes' probabilities; attention over the whole film; why a
        side was not read.

    Raises
    ------
    NotEligible
        If no hip can be read or is like those of the training, or its side cannot be told.
    BadSeries
        If the pixels of no eligible film can be read.
    """
    ds, film, found_hips = read_film(case)
    size = int(weights.parameters["input_size_px"])
    for femur in found_hips.femora.values():
        _require_pixels(femur, size)
    hips, shown = _like_training(found_hips, size, weights)
    femora = list(hips.femora.values())
    found = run(ENGINE, {FEMUR: shown})
    scored = dict(zip(hips.femora, found[PROBABILITY], strict=True))
    worst_first = sorted(scored, key=lambda side: -float(scored[side][-1]))
    judge = partial(_finding, weights.operating_points["osteoporosis"], case.clinical)
    shape = (film.pixels.shape[0], film.pixels.shape[1])
    method = _METHODS.get(str(weights.parameters["backbone"]), "Grad-CAM")
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=tuple(judge(side, scored[side]) for side in worst_first),
        measurements=tuple(m for side in worst_first for m in _of_classes(side, scored[side])),
        film=film,
        saliency=Saliency(heat_on_film(femora, found[ATTENTION], shape), method),
        quality={"view": view_of(ds) or "", "input_size_px": size, **_classes(scored)},
        set_aside=tuple((f"{SITE}, {SIDES[side]}", why) for side, why in hips.set_aside.items()),
    )


def read_film(case: Case) -> tuple[Dataset, Radiograph, Hips]:
    """Decode the first eligible film that can be, and find its hips.

    Raises
    ------
    NotEligible
        If no film is eligible, or no hip of this one can be read.
    BadSeries
        If none can be decoded: what the first one said.
    """
    faults = []
    for ds in eligibility.frontal_films(case):
        try:
            film = read_radiograph(ds)
        except BadSeries as fault:
            faults.append(fault)
            continue
        return ds, film, read_hips(ds, film)
    raise faults[0]


def _like_training(hips: Hips, size: int, weights: Weights) -> tuple[Hips, Scores]:
    """Return the hips that look like those of the training, and what the network is shown."""
    shown = np.stack([prepare(one.cut_out, size) for one in hips.femora.values()])
    others = unlike(shown, weights)
    if others.all():
        raise NotEligible(Reason.UNLIKE_TRAINING, "no hip is like those the model was made on")
    refused = dict.fromkeys(compress(hips.femora, others), "unlike the training data")
    kept = {side: femur for side, femur in hips.femora.items() if side not in refused}
    return Hips(kept, hips.set_aside | refused), shown[~others]


def _require_pixels(femur: Femur, size: int) -> None:
    left, _, right, _ = cut_box(femur)
    if right - left < size:
        # enlarged, it would show the network a blur that no film in its training had
        detail = f"the film has too few pixels: a hip has less than {size}"
        raise NotEligible(Reason.UNLIKE_EXAM, detail)


def _finding(point: OperatingPoint, patient: Clinical, side: str, scores: Scores) -> Finding:
    place = int(scores.argmax())
    value, threshold = point.judge(float(scores[-1]), patient.sex, patient.age_years)
    # a result below its threshold never reassures
    told = f"class {CLASSES[place]}" if place else ""
    return Finding("osteoporosis", SITE, value, threshold, laterality=side, words=told)


def _of_classes(side: str, scores: Scores) -> tuple[Measurement, ...]:
    """Return the probabilities of the classes that no finding is about."""
    return tuple(
        Measurement(f"probability of {name}", SITE, float(score), "1", laterality=side)
        for name, score in zip(CLASSES[:-1], scores[:-1], strict=True)
    )


def _classes(scored: Mapping[str, Scores]) -> dict[str, Any]:
    """Return the likeliest class of each side, and the study's: that of the worse side."""
    places = {side: int(scores.argmax()) for side, scores in scored.items()}
    names = (f"{CLASSES[0]}, which rules nothing out", *CLASSES[1:])
    told = {f"class {SIDES[side]}": names[place] for side, place in places.items()}
    return {"class": names[max(places.values())], **told}
