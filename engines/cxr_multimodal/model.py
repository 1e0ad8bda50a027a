"""Screen a chest film as Tang 2025 does: gate, film, clinical values, two scores, their fusion."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines import eligibility
from engines.cards import Weights
from engines.cases import Case, Clinical
from engines.cxr_multimodal.card import CARD as CARD
from engines.cxr_multimodal.clinical import attributions, encoded, fuse, missing, probability
from engines.cxr_osporscreen.inputs import heat_on_film, prepare
from engines.cxr_osporscreen.model import film_to_score
from engines.findings import Finding, Measurement, Result, Saliency
from engines.likeness import require_like_training
from engines.runtime import Run
from engines.views import view_of

#: The engines' names in the manifest, and their arrays.
FILM_BRANCH, CLINICAL_BRANCH = "film_branch", "clinical_branch"
FILM, PROBABILITY, CAM = "film", "probability", "cam"
VALUES, LOG_ODDS = "values", "log_odds"

FINDING = "osteoporosis"
#: The operating point of who is scored by the film alone.
FILM_ALONE = f"{FINDING}, film alone"

_SITE = "chest"
_TRAINED_VIEW = "PA"


def eligible(case: Case) -> None:
    """Raise NotEligible unless this is a frontal chest film of an adult the model is meant for.

    Age and sex must be known; height and weight need not be.
    """
    eligibility.require_patient(case)
    eligibility.frontal_film(case)


def screen(case: Case, run: Run, weights: Weights) -> Result:
    """Score the frontal film and the clinical values of a case, and fuse the two.

    Parameters
    ----------
    case : Case
        An eligible case.
    run : Run
        Runs engines ``film_branch`` and ``clinical_branch``.
    weights : Weights
        Their ``parameters`` give ``input_size_px`` and ``film_weight``.

    Returns
    -------
    Result
        One finding, ``osteoporosis`` of the ``chest``: the fused score, or the film's where neither
        height nor weight is known, which its words say. Both scores are measurements beside it,
        and so is what each clinical value adds; Grad-CAM over the whole film.

    Raises
    ------
    NotEligible
        If the film does not look like a frontal chest or like those that the network was trained
        on, or is smaller than its input.
    BadSeries
        If the pixels of no eligible film can be read.
    """
    size = int(weights.parameters["input_size_px"])
    ds, film = film_to_score(case, size)
    shown = prepare(film.pixels, size)[None]
    require_like_training(shown, weights)
    found = run(FILM_BRANCH, {FILM: shown})
    finding, beside = _fused(float(found[PROBABILITY][0, 0]), case.clinical, run, weights)
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=(finding,),
        measurements=beside,
        film=film,
        saliency=Saliency(heat_on_film(found[CAM][0], film.pixels.shape), "Grad-CAM"),
        quality=_quality(view_of(ds), size),
    )


def _fused(
    image: float, clinical: Clinical, run: Run, weights: Weights
) -> tuple[Finding, tuple[Measurement, ...]]:
    """Return the finding, and the numbers that it is made of."""
    alone = Measurement("film probability", _SITE, image, "1")
    if missing(clinical):
        words = "from the film alone: neither height nor weight is known"
        return _judged(FILM_ALONE, image, words, clinical, weights), (alone,)
    row = encoded(clinical)
    log_odds = partial(_log_odds, run)
    beside = float(probability(log_odds(row[None]))[0])
    weight = float(weights.parameters["film_weight"])
    words = (
        f"film {image:.2f}, clinical values {beside:.2f}, fused {weight:.2f} to {1 - weight:.2f}"
    )
    value = float(fuse(np.array([image]), np.array([beside]), weight)[0])
    finding = _judged(FINDING, value, words, clinical, weights)
    shares = attributions(row, log_odds)
    told = [Measurement(f"{name} attribution", _SITE, share, "1") for name, share in shares.items()]
    return finding, (alone, Measurement("clinical probability", _SITE, beside, "1"), *told)


def _judged(name: str, score: float, words: str, clinical: Clinical, weights: Weights) -> Finding:
    """Hold a score against one of the operating points, as the site has calibrated it."""
    point = weights.operating_points[name]
    value, threshold = point.judge(score, clinical.sex, clinical.age_years)
    if point.calibration:
        words += "; then calibrated at this site"
    own = "" if name == FINDING else name
    return Finding(FINDING, _SITE, value, threshold, words=words, operating_point=own)


def _log_odds(run: Run, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    found = run(CLINICAL_BRANCH, {VALUES: rows})[LOG_ODDS][:, 0]
    return np.asarray(found, np.float64)


def _quality(view: str | None, size: int) -> dict[str, Any]:
    # our own word for the view: header text may hold anything
    unlike = "" if view == _TRAINED_VIEW else f", the network has seen {_TRAINED_VIEW} alone"
    return {"view": f"{view or ''}{unlike}", "input_size_px": size}
