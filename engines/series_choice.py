"""Which series of a CT or MR study is looked at: each gets a score, from its headers alone.

What a header cannot tell is left to reading: the choice says which series to try first, and what
to try next. All points are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydicom import Dataset
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage, MRImageStorage

from engines import mr_choice, mr_sequence
from engines.eligibility import require_not_derived, require_not_screenshot
from engines.errors import NotEligible, Reason, Verdict
from engines.header import items, terms, text, texts, words
from engines.kernels import Sharpness, sharpness
from engines.planes import planes_of
from engines.rules import Rules
from engines.stack import Stack, stacked

#: What of a header :func:`appraise` reads. Enhanced images keep geometry and kernel further behind,
#: in functional groups: where those were not read, it is left open.
READ: Final = (
    "SOPClassUID",
    "SOPInstanceUID",
    "ImageType",
    "ConversionType",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "SeriesDescription",
    "ProtocolName",
    "DerivationDescription",
    "DerivationCodeSequence",
    "ContrastBolusAgent",
    "ConvolutionKernel",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    *(name for name in mr_sequence.READ if name not in ("SeriesDescription", "ProtocolName")),
)

#: Why a look ended that no other series of the study would change: no next one is tried.
OF_THE_PATIENT: Final = frozenset(
    {
        Reason.AGE_MISSING,
        Reason.AGE_CONTRADICTORY,
        Reason.AGE_BELOW_MINIMUM,
        Reason.SEX_MISSING,
        Reason.SEX_CONTRADICTORY,
        Reason.ANIMAL,
        Reason.NO_MODEL,
        Reason.ENGINE_FAILED,
    }
)

# Nothing is won by more than the lumbar spine with T12 and a disc: about 240 mm in a tall man.
_ENOUGH_MM = 240.0
_THIN_MM, _THICK_MM, _THICKEST_MM = (1.0, 3.0, 5.0)
_AXIAL_COSINE = np.cos(np.deg2rad(30))

_REFORMATS: Final = ("MPR", "MIP", "MINIP", "PROJECTION IMAGE", "VOLREN", "CPR", "REFORMATTED")
# English, German, French, Spanish, as in engines.views; accents are gone by then.
_NATIVE: Final = (
    "NATIV NATIVE NAT NATIVO NATIVA UNENHANCED NON NONCONTRAST NONCON NCCT PLAIN WO WITHOUT"
    " OHNE SANS SIN"
)
_ARTERIAL: Final = "ART ARTERIAL ARTERIELL ARTERIELLE ARTERIEL ANGIO CTA ANGIOGRAPHY ANGIOGRAPHIE"
_VENOUS: Final = (
    "VEN VENOUS VENOS VENOES VENOSE VENOESE PV PVP PORTAL PORTALE PORTALVENOUS PORTALVENOS"
    " PORTALVENOES VEINEUX VEINEUSE VENOSA"
)
_LATE: Final = "DELAY DELAYED LATE SPAT SPAET TARDIF TARDIVE TARDIA EXCRETORY"
# What contrast medium has changed least comes first; an arterial scan is not classified at all.
_PHASES: Final = (
    (_ARTERIAL, 0.0, "arterial"),
    (_VENOUS, 14.0, "venous"),
    (_LATE, 14.0, "late"),
    (_NATIVE, 20.0, "native"),
)


@dataclass(frozen=True)
class Appraisal:
    """What the headers of one series promise.

    Attributes
    ----------
    score : float
        0 to 100; 0 where a verdict stands.
    points : tuple of str
        What gave how many points, and what is out of the ordinary, for people.
    verdict : Verdict or None
        NotEligible: never tried. BadSeries: its slices make no volume as far as headers tell; tried
        only where the study has nothing else, so that its failure is told.
    gapless : bool
        False where slices seem to be missing between those that are there.
    """

    score: float
    points: tuple[str, ...] = ()
    verdict: Verdict | None = None
    gapless: bool = True

    @property
    def refused(self) -> bool:
        """Whether the series is never tried."""
        return isinstance(self.verdict, NotEligible)

    def told(self) -> dict[str, Any] | None:
        """Return score and points as JSON has them, None for a series that is never tried."""
        return None if self.refused else {"score": self.score, "points": list(self.points)}


def appraise(headers: Sequence[Dataset], rules: Rules | None = None) -> Appraisal:
    """Give one CT or MR series its score.

    Parameters
    ----------
    headers : sequence of Dataset
        All images of the series, at least what :data:`READ` names.
    rules : Rules, optional
        The site's eligibility rules: whether DERIVED\\PRIMARY is accepted.
    """
    try:
        _require_scan(headers, rules or Rules())
        stack = _stack(headers, _is_mr(headers[0]))
    except Verdict as verdict:
        return Appraisal(0.0, (), verdict, verdict.reason is not Reason.SLICES_MISSING)
    if _is_mr(headers[0]):
        given = mr_choice.points(headers, stack)
    else:
        given = [_kernel(headers[0]), *_geometry(stack), _phase(headers[0])]
    given += [(-2.0, remark) for remark in (stack.remarks if stack else ())]
    score = round(max(1.0, sum(points for points, _ in given)), 1)
    told = tuple(f"{what}: {points:g}" for points, what in given)
    return Appraisal(score, told, gapless=stack is None or stack.even)


def is_enhanced(ds: Dataset) -> bool:
    """Tell whether a header is that of an image of many frames, which have their own geometry."""
    return text(ds, "SOPClassUID") in (EnhancedCTImageStorage, EnhancedMRImageStorage)


def _is_mr(ds: Dataset) -> bool:
    return text(ds, "SOPClassUID") in (MRImageStorage, EnhancedMRImageStorage)


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Return the SeriesInstanceUIDs of one study that are worth a try, best first.

    A series without sound slices (score 0) is among them only alone: its reading says what is wrong
    with it. Equal scores are put in order by their UIDs, so that a second choice is the same.
    """
    ordered = sorted(scores, key=lambda uid: (-scores[uid], uid))
    return [uid for uid in ordered if scores[uid] > 0] or ordered[:1]


def not_chosen(chosen: str, best: float, score: float) -> str:
    """Say why a series is not measured."""
    return f"series {chosen} was chosen: score {best:g}, this one {score:g}"


def _require_scan(headers: Sequence[Dataset], rules: Rules) -> None:
    """Refuse what is no scan as it was acquired, by what most images say."""
    if _is_mr(headers[0]):
        for gate in (require_not_screenshot, mr_choice.require_sequence, _require_acquired(rules)):
            _refuse_most(headers, gate)
        return
    _refuse_most(headers, _localizer)
    for gate in (require_not_screenshot, _require_acquired(rules), _require_no_reformat):
        _refuse_most(headers, gate)
    _refuse_most(headers, _sharp)


def _refuse_most(headers: Sequence[Dataset], gate: Callable[[Dataset], None]) -> None:
    verdicts = []
    for ds in headers:
        try:
            gate(ds)
        except NotEligible as verdict:
            verdicts.append(verdict)
    if 2 * len(verdicts) > len(headers):
        raise verdicts[0]


def _localizer(ds: Dataset) -> None:
    if "LOCALIZER" in terms(ds, "ImageType"):
        raise NotEligible(Reason.LOCALIZER, "ImageType says LOCALIZER")


def _require_acquired(rules: Rules) -> Callable[[Dataset], None]:
    return lambda ds: require_not_derived(ds, rules.accept_derived_primary)


def _require_no_reformat(ds: Dataset) -> None:
    """Refuse what is computed from slices, whatever else its device calls it."""
    said = " ".join(terms(ds, "ImageType")).replace("_", " ")
    if any(f" {kind} " in f" {said} " for kind in _REFORMATS):
        raise NotEligible(Reason.DERIVED_IMAGE, "ImageType names a reformat or a projection")


def _sharp(ds: Dataset) -> None:
    if sharpness(ds) is Sharpness.SHARP:
        detail = "ConvolutionKernel is one for bone or lung"
        raise NotEligible(Reason.KERNEL_TOO_SHARP, detail)


def _stack(headers: Sequence[Dataset], coronal: bool) -> Stack | None:
    """Return how the slices lie; None where only reading can tell."""
    groups = "PerFrameFunctionalGroupsSequence"
    if any(is_enhanced(ds) and not items(ds, groups) for ds in headers):
        return None
    stack = stacked([plane for ds in headers for plane in planes_of(ds)])
    if coronal:
        mr_choice.require_coronal(stack.planes[0])
        return stack
    if abs(stack.planes[0].normal[2]) < _AXIAL_COSINE:
        raise NotEligible(Reason.SCAN_OBLIQUE, "its slices are not axial")
    return stack


def _kernel(ds: Dataset) -> tuple[float, str]:
    kind = sharpness(ds)
    return (20.0 if kind is Sharpness.SOFT else 12.0), f"kernel {kind}"


def _geometry(stack: Stack | None) -> list[tuple[float, str]]:
    """Give up to 40 points for how much lies within the scan, 20 for how close its slices are."""
    if stack is None:
        return [(45.0, "how its slices lie is read with its pixels")]
    length_mm = float(stack.at_mm[-1] - stack.at_mm[0])
    covered = round(40 * min(1.0, length_mm / _ENOUGH_MM), 1)
    return [
        (covered, f"{length_mm:.0f} mm long"),
        (round(_closeness(stack.step_mm), 1), f"slices {stack.step_mm:.2f} mm apart"),
    ]


def _closeness(step_mm: float) -> float:
    """Between 1 and 3 mm is best; thinner slices are noisier, thicker ones blur endplates."""
    if step_mm < _THIN_MM:
        return 17.0
    steps, points = (_THIN_MM, _THICK_MM, _THICKEST_MM, 6.5), (20.0, 20.0, 10.0, 2.0)
    return float(np.interp(step_mm, steps, points))


def _phase(ds: Dataset) -> tuple[float, str]:
    spoken = words((*texts(ds, "SeriesDescription"), *texts(ds, "ProtocolName")))
    if {"W", "O"} <= spoken:
        spoken |= {"WO"}
    for known, points, name in _PHASES:
        if spoken & set(known.split()):
            return points, f"{name} by its words"
    if texts(ds, "ContrastBolusAgent"):
        return 12.0, "contrast medium, its phase not said"
    return 17.0, "nothing said of contrast medium"
