"""Screen a chest film as Jang 2022 does: gate, film, region, network, operating point."""

from typing import Any

from engines import eligibility
from engines.anatomy import thorax
from engines.cards import Card, Claim, Weights
from engines.cases import Case
from engines.cxr_osporscreen.inputs import heat_on_film, prepare
from engines.exams import Exam
from engines.findings import Finding, Result, Saliency
from engines.images import read_radiograph
from engines.runtime import Run

_PAPER = "Jang M et al. J Bone Miner Res 2022;37(2):369-377"

CARD = Card(
    model="cxr_osporscreen",
    title="Chest film osteoporosis score",
    exam=Exam.CHEST_XRAY,
    paper=_PAPER,
    claims=(
        Claim("AUC 0.91 (0.90 to 0.92), internal test on health-screening films", _PAPER),
        Claim("AUC 0.88 (0.85 to 0.90) on 1,089 films of another cohort, external test", _PAPER),
    ),
    deviations=(
        "Backbone: a small residual network of our own; not stated by the paper.",
        "Input size and film region: parameters; the values that the paper preferred are not "
        "known to us.",
        "Loss, optimiser, schedule and augmentation: ours, not stated by the paper.",
        "Operating point: chosen on virtual patients; not stated by the paper.",
        "Heat map: class activation map of a linear head, which equals Grad-CAM.",
    ),
)

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
        If the film does not look like a frontal chest.
    BadSeries
        If its pixels cannot be read.
    """
    film = read_radiograph(eligibility.frontal_film(case))
    thorax.require_frontal_chest(film)
    size, region = int(weights.parameters["input_size_px"]), str(weights.parameters["region"])
    found = run(ENGINE, {FILM: prepare(film.pixels, size, region)[None]})
    point = weights.operating_points["osteoporosis"]
    probability = float(found[PROBABILITY][0, 0])
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=(Finding("osteoporosis", "chest", probability, point.threshold),),
        film=film,
        saliency=Saliency(heat_on_film(found[CAM][0], film.pixels.shape, region), "Grad-CAM"),
        quality=_quality(case, size, region),
    )


def _quality(case: Case, size: int, region: str) -> dict[str, Any]:
    view = str(eligibility.frontal_film(case).get("ViewPosition", ""))
    return {"view": view, "input_size_px": size, "region": region}
