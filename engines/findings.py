"""What one model says about one case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engines.images import Radiograph
from engines.sights import Contour, Grey, Mask, Prognosis, Scan, Views

PROBABILITY: Final = "probability"
HOUNSFIELD: Final = "[hnsf'U]"
AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True)
class Finding:
    """A number held against a threshold.

    Attributes
    ----------
    name : str
        In plain terms, e.g. ``osteoporosis``, ``low trabecular attenuation``.
    site : str
        Anatomy in plain terms, e.g. ``chest``, ``L1``.
    value, threshold : float
        Both in ``unit``; a probability is in [0, 1].
    laterality : {'L', 'R', None}
        Side, where the site is paired.
    quantity : str
        What the value is: ``probability``, or the name of a :class:`Measurement`.
    unit : str
        UCUM.
    flagged_when : {'at least', 'at most'}
        On which side of the threshold the finding is flagged; the threshold itself flags.
    table : str
        The published or site's own table that the threshold is from, by name; empty where the
        threshold is a model's operating point.
    words : str
        What a reader should know beside the number, e.g. a band or a grade to be confirmed.
    operating_point : str
        By which of its model's operating points it is judged; empty for the one of its name.
    """

    name: str
    site: str
    value: float
    threshold: float
    laterality: str | None = None
    quantity: str = PROBABILITY
    unit: str = "1"
    flagged_when: str = AT_LEAST
    table: str = ""
    words: str = ""
    operating_point: str = ""

    @property
    def point(self) -> str:
        """The name of its operating point in the weights."""
        return self.operating_point or self.name

    @property
    def probability(self) -> float | None:
        """The value where it is a probability; None where it was measured, not learned."""
        return self.value if self.quantity == PROBABILITY else None

    @property
    def flagged(self) -> bool:
        """Whether the value reaches the threshold."""
        if self.flagged_when == AT_MOST:
            return self.value <= self.threshold
        return self.value >= self.threshold


@dataclass(frozen=True)
class Measurement:
    """A number with a unit (UCUM, ``[hnsf'U]`` for Hounsfield).

    What is measured in CT, by name: ``trabecular attenuation`` (a mean, uncorrected), ``trabecular
    attenuation SD``, ``trabecular area``, ``trabecular volume``; ``vertebral height ratio``, the
    lowest of the next three: ``anterior/posterior height ratio``, ``middle/posterior height
    ratio``, ``posterior height ratio to neighbours``; ``anterior height``, ``middle height``,
    ``posterior height``; ``skeletal muscle area``, ``skeletal muscle attenuation``, ``skeletal
    muscle index``, ``intermuscular fat area``, ``visceral fat area``, ``subcutaneous fat area``.

    What a fused score is made of: ``film probability``, ``clinical probability``, and what each
    clinical value adds to the log odds of the latter, e.g. ``age attribution``.

    Of years to come ``vertebral fracture risk at N years``; of one vertebra ``vertebral fracture
    score``.

    Of a model of several classes ``probability of CLASS``, for those that no finding is about.
    Of a model that looks at several visits ``probability of progression``, and of vessels ``vessel
    length`` and ``vessel branches``. ``laterality`` is the side, where the site is paired.
    """

    name: str
    site: str
    value: float
    unit: str
    laterality: str | None = None


@dataclass(frozen=True)
class Saliency:
    """Where the model looked.

    Attributes
    ----------
    heat : ndarray
        float32, shape (row, column), range [0, 1], over the whole film as displayed
        (coarse; scale it to the film).
    method : str
        E.g. ``Grad-CAM``.
    """

    heat: Grey
    method: str


@dataclass(frozen=True)
class Result:
    """All that one model found in one case.

    Attributes
    ----------
    model, version : str
        As in the model's weights.
    findings, measurements : tuple
        In the order a reader should meet them.
    film : Radiograph or None
        The film that was scored; ``film.SOPInstanceUID`` names its source image.
    saliency : Saliency or None
        Where the model looked on that film.
    quality : mapping
        Facts a reader needs beside the number, e.g. ``{"view": "PA"}``; JSON values only.
    scan : Scan or None
        The slices that were measured.
    contours : tuple of Contour
        Where it was measured, the most important first: its image stands for the series.
    masks : tuple of Mask
        The same as pixels.
    set_aside : tuple of (site, why)
        What was seen and not counted, e.g. ``("L2", "metal")``; of the header only our own words.
    views : Views or None
        What a picture shows.
    prognosis : Prognosis or None
        What is expected of the years to come.
    configuration : mapping
        The site's settings that shaped it beyond the weights; another setting makes another result.
    features : mapping of str to tuple of float
        By side, what a later study of this patient is held against; in no report.
    StudyDate : str
        DA, where there are features; empty where the header has none.
    """

    model: str
    version: str
    findings: tuple[Finding, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    film: Radiograph | None = None
    saliency: Saliency | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)
    scan: Scan | None = None
    contours: tuple[Contour, ...] = ()
    masks: tuple[Mask, ...] = ()
    set_aside: tuple[tuple[str, str], ...] = ()
    views: Views | None = None
    prognosis: Prognosis | None = None
    configuration: Mapping[str, str] = field(default_factory=dict)
    features: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    StudyDate: str = ""

    @property
    def flagged(self) -> bool:
        """Whether any finding reaches its threshold."""
        return any(finding.flagged for finding in self.findings)

    @property
    def image(self) -> str:
        """The SOPInstanceUID of the image that stands for the series; empty where none does."""
        if self.film is not None:
            return self.film.SOPInstanceUID
        if self.contours:
            return self.contours[0].SOPInstanceUID
        return self.scan.SOPInstanceUIDs[0] if self.scan else ""

    @property
    def shown(self) -> bool:
        """Whether there is something to make a picture of."""
        return self.film is not None or self.views is not None
