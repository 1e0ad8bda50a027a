"""Screen a chest film as Jang 2022 does: gate, film, region, network, operating point."""

from typing import Any

from pydicom import Dataset

from engines import eligibility
from engines.anatomy import thorax
from engines.cards import Weights
from engines.cases import Case
from engines.cxr_osporscreen.card import CARD as CARD
from engines.cxr_osporscreen.inputs import heat_on_film, prepare
from engines.errors import BadSeries, NotEligible, Reason
from engines.findings import Finding, Result, Saliency
from engines.images import Radiograph, read_radiograph
from engines.likeness import require_like_training
from engines.runtime import Run
from engines.views import view_of

#: The engine's name in the manifest, and its arrays.
ENGINE = "cxr_osporscreen"
FILM, PROBABILITY, CAM = "film", "probability", "cam"


def eligible(case: Case) -> None:
    """Raise NotEligible unless this is a frontal chest film of an adult the model is meant for."""
    eligibility.require_patient(case)
    eligibility.frontal_film(case)


def screen(case: Case, run: Run, weights: Weights) -> Result:
    """Score the frontal film of a case.

    Parameters
    ----------
    case : Case
        An eligible case.
    run : Run
        Runs engine ``cxr_osporscreen``.
    weights : Weights
        Their ``parameters`` give ``input_size_px`` and ``region``.

    Returns
    -------
    Result
        One finding, ``osteoporosis`` of the ``chest``, with Grad-CAM over the whole film.

    Raises
    ------
    NotEligible
        If the film does not look like a frontal chest or like those that the network was trained
        on, or is smaller than its input.
    BadSeries
        If the pixels of no eligible film can be read.
    """
    size, region = int(weights.parameters["input_size_px"]), str(weights.parameters["region"])
    ds, film = film_to_score(case, size)
    shown = prepare(film.pixels, size, region)[None]
    require_like_training(shown, weights)
    found = run(ENGINE, {FILM: shown})
    point = weights.operating_points["osteoporosis"]
    patient = case.clinical
    probability, threshold = point.judge(
        float(found[PROBABILITY][0, 0]), patient.sex, patient.age_years
    )
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=(Finding("osteoporosis", "chest", probability, threshold),),
        film=film,
        saliency=Saliency(heat_on_film(found[CAM][0], film.pixels.shape, region), "Grad-CAM"),
        quality=_quality(ds, size, region),
    )


def film_to_score(case: Case, size_px: int) -> tuple[Dataset, Radiograph]:
    """Read the film of a case that a network of an input size can score.

    Raises
    ------
    NotEligible
        If the film does not look like a frontal chest, or is smaller than the network's input.
    BadSeries
        If the pixels of no eligible film can be read.
    """
    ds, film = read_film(case)
    if min(film.source_shape) < size_px:
        # enlarged, it would show the network a blur that no film in its training had
        detail = f"the film has too few pixels: its shorter side has less than {size_px}"
        raise NotEligible(Reason.UNLIKE_EXAM, detail)
    thorax.require_frontal_chest(film)
    return ds, film


def read_film(case: Case) -> tuple[Dataset, Radiograph]:
    """Decode the first eligible film that can be.

    Raises
    ------
    NotEligible
        If no film is eligible.
    BadSeries
        If none can be decoded: what the first one said.
    """
    faults = []
    for ds in eligibility.frontal_films(case):
        try:
            return ds, read_radiograph(ds)
        except BadSeries as fault:
            faults.append(fault)
    raise faults[0]


def _quality(ds: Dataset, size: int, region: str) -> dict[str, Any]:
    # our own word for the view: header text may hold anything
    return {"view": view_of(ds) or "", "input_size_px": size, "region": region}
