"""Screen a hip MRI: gate, stack, heads and their sides, network, threshold, earlier visits."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines import eligibility
from engines.cards import Weights
from engines.cases import Case
from engines.coronal import Coronal, read_coronal
from engines.errors import NotEligible, Reason
from engines.findings import Finding, Measurement, Result, Saliency
from engines.header import text
from engines.images import Radiograph
from engines.mr_choice import require_coronal, require_sequence
from engines.mr_sequence import Weighting, weighting
from engines.onfh_mri.card import CARD as CARD
from engines.onfh_mri.inputs import course_of, fit, heat_on_montage, montage
from engines.onfh_mri.sides import CUT, Hip, Hips, read_hips
from engines.onfh_mri.vessels import Vessels, in_hip, require_vessels
from engines.runtime import Run
from engines.sights import Contour, scan_of

#: The engines' names in the manifest, and their arrays.
ENGINE: Final = "onfh_mri"
HIP, PROBABILITY, SLICES = "hip", "probability", "slices"
FEATURES, HEAT = "features", "heat"
COURSE_ENGINE, COURSE, PROGRESSION = "progression", "course", "progression"

FINDING: Final = "femoral head osteonecrosis"
SITE: Final = "femoral head"
SIDES: Final = {"L": "left", "R": "right"}
#: Skeletally mature; this disease is one of the young, so no site's age for bone loss counts.
LEAST_YEARS: Final = 18

_ROUND: Final = np.linspace(0, 2 * np.pi, 48, endpoint=False)

Found = Mapping[str, NDArray[np.float32]]
#: For each side the probability, None where there is none, and what is to be said.
Courses = Mapping[str, tuple[float | None, str]]


def eligible(case: Case) -> None:
    """Raise NotEligible unless this is a coronal MRI of an adult's hips, T1 or fluid-sensitive."""
    eligibility.require_one_patient(case)
    eligibility.require_age(case, LEAST_YEARS)
    for ds in case.images:
        eligibility.require_not_own(ds)
        eligibility.require_human(ds)
        eligibility.require_not_screenshot(ds)
        eligibility.require_not_derived(ds, case.rules.accept_derived_primary)
        eligibility.require_region(ds, case.exam)
        require_sequence(ds)


def screen(case: Case, run: Run, weights: Weights) -> Result:
    """Score the hips of a case.

    Parameters
    ----------
    case : Case
        An eligible case; its ``visits`` are earlier studies that the same weights have seen.
    run : Run
        Runs engine ``onfh_mri`` and, where the weights have it, ``progression``.
    weights : Weights
        Their ``parameters`` give ``input_size_px`` and the ``weightings`` that they know.

    Returns
    -------
    Result
        A finding for each hip that can be read, the worse first, with the probability of
        progression where there were earlier visits and the words that there is none where not.

    Raises
    ------
    NotEligible
        SEQUENCE_UNSUITABLE, SCAN_OBLIQUE, and as :func:`engines.onfh_mri.sides.read_hips`.
    BadSeries
        As :func:`engines.coronal.read_coronal`.
    """
    seen = _require_trained_on(case, weights)
    stack, hips = read_case_hips(case)
    found = _scored(hips, run, weights)
    order = sorted(found, key=lambda side: -_probability(found[side]))
    highest = {side: int(found[side][SLICES].argmax()) for side in found}
    features = {side: tuple(map(float, found[side][FEATURES])) for side in found}
    courses = _progression(case, run, weights, features)
    vessels, said = _vessels(case, stack, hips, seen)
    threshold = weights.operating_points[FINDING].threshold
    return Result(
        model=CARD.model,
        version=weights.version,
        findings=tuple(
            _finding(side, _probability(found[side]), threshold, courses[side][1]) for side in order
        ),
        measurements=(*_measurements(order, courses), *_of_vessels(vessels)),
        film=_film(case, stack, hips, order[0], highest),
        saliency=_saliency(found, highest),
        quality=_quality(stack, hips, seen) | said,
        scan=scan_of([plane.SOPInstanceUID for plane in stack.planes], stack.signal),
        contours=tuple(_contour(stack, hips.found[one], one, highest[one]) for one in order),
        set_aside=tuple((f"{SITE}, {SIDES[side]}", why) for side, why in hips.set_aside.items()),
        configuration=_configuration(case),
        features=features,
        StudyDate=text(case.images[0], "StudyDate"),
    )


def _scored(hips: Hips, run: Run, weights: Weights) -> dict[str, Found]:
    """Run the network once for all sides that were found."""
    size = int(weights.parameters["input_size_px"])
    raw = run(ENGINE, {HIP: np.stack([fit(hip.cut_out, size) for hip in hips.found.values()])})
    return {side: {name: raw[name][n] for name in raw} for n, side in enumerate(hips.found)}


def _saliency(found: Mapping[str, Found], highest: Mapping[str, int]) -> Saliency:
    """Show the map of the very slice that is shown of each hip."""
    maps = {side: found[side][HEAT][highest[side]] for side in found}
    return Saliency(heat_on_montage(maps), "Grad-CAM")


def _probability(found: Found) -> float:
    return float(found[PROBABILITY][0])


def _finding(side: str, probability: float, threshold: float, words: str) -> Finding:
    return Finding(FINDING, SITE, probability, threshold, laterality=side, words=words)


def _measurements(order: Sequence[str], courses: Courses) -> tuple[Measurement, ...]:
    """Return the probability of progression of each side that has one."""
    return tuple(
        Measurement("probability of progression", SITE, told, "1", laterality=side)
        for side in order
        if (told := courses[side][0]) is not None
    )


def _vessels(
    case: Case, stack: Coronal, hips: Hips, seen: Weighting
) -> tuple[dict[str, Vessels], dict[str, Any]]:
    """Measure vessels by side where the site has named such series, and say what that is worth."""
    named = case.rules.vessel_sequences
    if not named:
        return {}, {}
    try:
        require_vessels(seen, named)
    except NotEligible as verdict:
        return {}, {"vessels": f"not measured: {verdict.detail}"}
    found = {side: in_hip(stack, hip.ball) for side, hip in hips.found.items()}
    return found, {"vessels": "bright thin lines about the head, slice by slice; not validated"}


def _of_vessels(vessels: Mapping[str, Vessels]) -> Iterator[Measurement]:
    for side, found in vessels.items():
        yield Measurement("vessel length", SITE, round(found.length_mm, 1), "mm", side)
        yield Measurement("vessel branches", SITE, float(found.branches), "1", side)


def _configuration(case: Case) -> Mapping[str, str]:
    """Return the site's settings beyond its weights, where there are such."""
    named = case.rules.vessel_sequences
    return {"mri_vessel_sequences": ", ".join(named)} if named else {}


def read_case_hips(case: Case) -> tuple[Coronal, Hips]:
    """Read the stack of a case and find its hips.

    Raises
    ------
    NotEligible
        SCAN_OBLIQUE, and as :func:`engines.onfh_mri.sides.read_hips`.
    BadSeries
        If the stack cannot be read.
    """
    stack = read_coronal(case.images)
    require_coronal(stack.planes[0])
    fat_is_dark = weighting(case.images[0]) is Weighting.FLUID
    return stack, read_hips(case.images, stack, bright=not fat_is_dark)


def _require_trained_on(case: Case, weights: Weights) -> Weighting:
    found = weighting(case.images[0])
    trained = [str(one) for one in weights.parameters["weightings"]]
    if found is None or found not in trained:
        detail = f"the series is {found}; these weights were trained on {' and '.join(trained)}"
        raise NotEligible(Reason.SEQUENCE_UNSUITABLE, detail)
    return found


def _progression(
    case: Case, run: Run, weights: Weights, features: Mapping[str, tuple[float, ...]]
) -> Courses:
    now = _day(text(case.images[0], "StudyDate"))
    told: dict[str, tuple[float | None, str]] = {}
    for side, own in features.items():
        visits = _earlier(case, weights, side, now) if now else []
        if COURSE_ENGINE not in weights.engines or now is None:
            told[side] = None, "no progression output"
        elif not visits:
            told[side] = None, "one visit: no progression output"
        else:
            count, numbers = weights.parameters["course"]
            laid = course_of([*visits, (now, own)], (int(count), int(numbers)))
            value = float(run(COURSE_ENGINE, {COURSE: laid[None]})[PROGRESSION][0, 0])
            words = f"{len(visits) + 1} visits: probability of progression {value:.2f}"
            told[side] = value, words
    return told


def _earlier(
    case: Case, weights: Weights, side: str, now: date
) -> list[tuple[date, tuple[float, ...]]]:
    """Return the earlier visits of a side that these very weights have seen, in order of time."""
    dated = [
        (day, visit.features[side])
        for visit in case.visits
        if visit.model == CARD.model
        and visit.weights_sha256 == weights.sha256
        and side in visit.features
        and (day := _day(visit.StudyDate)) is not None
        and day < now
    ]
    # two studies of one day are one visit
    return sorted(dict(dated).items())


def _day(DA: str) -> date | None:
    try:
        return date.fromisoformat(DA)
    except ValueError:
        return None


def _film(
    case: Case, stack: Coronal, hips: Hips, worst: str, highest: Mapping[str, int]
) -> Radiograph:
    """Return the highest slice of each hip as one image, in the name of the worse one's slice."""
    plane = stack.planes[hips.found[worst].slices[highest[worst]]]
    pixels = montage(hips.found, highest)
    return Radiograph(
        pixels=pixels,
        spacing_mm=None,
        SOPInstanceUID=plane.SOPInstanceUID,
        SOPClassUID=text(case.images[0], "SOPClassUID"),
        source_shape=plane.shape,
        sha256=hashlib.sha256(np.ascontiguousarray(pixels, "<f4").tobytes()).hexdigest(),
    )


def _contour(stack: Coronal, hip: Hip, side: str, highest: int) -> Contour:
    """Draw what was cut out about a head: the circle that holds the square's sides."""
    number = hip.slices[highest]
    plane = stack.planes[number]
    radius_mm = CUT / 2 * hip.ball.radius_mm
    own = np.stack(
        [
            np.full(len(_ROUND), stack.at_mm[number]),
            hip.ball.own_mm[1] + radius_mm * np.sin(_ROUND),
            hip.ball.own_mm[2] + radius_mm * np.cos(_ROUND),
        ],
        axis=-1,
    )
    pixels = np.array([plane.pixel(place) for place in stack.place_mm(own)]) + 0.5
    rows, columns = plane.shape
    points = np.clip(pixels, 0, (columns, rows))
    return Contour(SITE, FINDING, plane.SOPInstanceUID, plane.frame, points, laterality=side)


def _quality(stack: Coronal, hips: Hips, seen: Weighting) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "sequence": str(seen),
        "slice_step_mm": round(stack.step_mm, 2),
        "slices": len(stack.planes),
    }
    for side, hip in hips.found.items():
        facts[f"head {SIDES[side]}"] = (
            f"radius {hip.ball.radius_mm:.0f} mm, edge {hip.ball.edge:.2f}"
        )
    if stack.remarks:
        facts["remarks"] = "; ".join(stack.remarks)
    return facts
