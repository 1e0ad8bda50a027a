"""What a paper's ``recipe`` module offers, so that the one bench can train and measure it.

The way of an example: a row of a cohort -> a case -> its sights (costly, kept on disk) -> arrays
for the networks (cheap) -> outputs -> scores, one for each target.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engines.cases import Case
from engines.operating_points import OperatingPoint
from engines.phantoms.people.person import Person
from engines.rules import Measuring

if TYPE_CHECKING:
    from engines.lab.loop import Lesson, Schedule

Array = NDArray[Any]
#: A row of a cohort: plain values by column; NaN, None or an absent column is unknown.
Row = Mapping[str, Any]
#: Arrays by name, the first axis being the example.
Outputs = Mapping[str, Array]
#: Under this name a model without networks has what was seen as its outputs.
AS_SEEN = "as seen"


@dataclass(frozen=True)
class Filming:
    """How virtual patients are imaged for a model.

    Attributes
    ----------
    longer_side_px : (low, high)
        Drawn for each patient, so that the pixel size says nothing.
    images : int, optional
        How many images of a study are made, e.g. the frontal film alone; all where not given.
    sights : callable, optional
        (person, seed) -> sights, where a whole study would take too long to make; the model says
        how they differ from those that service sees.
    wanted : callable, optional
        Person -> with what probability one is taken into a cohort, where few have what is to be
        learned; everybody is where not given.
    """

    longer_side_px: tuple[int, int] = (1024, 1025)
    images: int | None = None
    sights: "Callable[[Person, int], Sequence[Sight]] | None" = None
    wanted: "Callable[[Person], float] | None" = None


@dataclass(frozen=True)
class Sight:
    """What is looked at of one case: the film, one hip, the stack of slices.

    Attributes
    ----------
    site : str
        Empty where a case has one sight; else e.g. ``L`` and ``R``.
    pixels : ndarray
        As large as the largest input size needs it; float16 saves disk.
    """

    site: str
    pixels: Array


@dataclass(frozen=True)
class Target:
    """One thing that a score is about.

    Attributes
    ----------
    finding : str
        As in the manifest's operating points.
    label : int
        Which of the labels says it: 1, 0 or NaN for unknown. Of an event in time, its time in
        years, to the event or to the end of observation.
    wanted_sensitivity : float
        What the threshold is set for.
    event : int, optional
        Which of the labels says whether the event was seen, for an event in time.
    horizon_years : float
        Until when an event counts, where it is held against a threshold.
    unit : str
        Of what is measured, where low values are flagged and the score is the negative of the
        value; empty where the score is a probability.
    published : tuple of float
        Thresholds of what is measured that are told beside the one in service.
    at_most : float, optional
        The label is the same thing measured by other means, and true up to here.
    task : str
        Which of a configuration's ``tasks`` teaches it; empty where every configuration does.
    """

    finding: str
    label: int
    wanted_sensitivity: float = 0.9
    event: int | None = None
    horizon_years: float = 5.0
    unit: str = ""
    published: tuple[float, ...] = ()
    at_most: float | None = None
    task: str = ""

    def taught_by(self, parameters: Mapping[str, Any]) -> bool:
        """Tell whether a configuration answers it; else it has neither score nor threshold."""
        return not self.task or self.task in parameters["tasks"]

    def truth(self, labels: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return 1, 0 or NaN (unknown) for labels of shape (example, label).

        An event in time counts if it came by the horizon; who was observed for less without one is
        unknown.
        """
        told = labels[:, self.label].astype(np.float64)
        if self.at_most is not None:
            return np.where(np.isnan(told), np.nan, told <= self.at_most)
        if self.event is None:
            return told
        happened = (labels[:, self.event] > 0) & (told <= self.horizon_years)
        unknown = ~happened & ~(told >= self.horizon_years)
        return np.where(unknown, np.nan, happened.astype(np.float64))


def threshold_words(score: float, unit: str) -> str:
    """Write the threshold of a score, of something measured as its value."""
    return f"{-score:.1f} {unit} or less" if unit else f"{score:.4f}"


@dataclass(frozen=True)
class Network:
    """One ONNX file and how it comes about.

    Attributes
    ----------
    name : str
        The engine's name in the manifest.
    inputs, outputs : tuple of str
        Names of the arrays, in the order of the net's arguments and results.
    lesson : Lesson
        Net, augmentation and loss.
    schedule : Schedule or None
        How long and how hard; None where the net is released as it is built, trained elsewhere.
    origin : str
        On whom it was trained, where that was elsewhere; goes into the manifest.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    lesson: "Lesson"
    schedule: "Schedule | None"
    origin: str = ""


class Recipe(Protocol):
    """What every ``engines.<paper>.recipe`` module offers.

    ``sights`` and ``prepare`` run in other processes; imported from a module without torch they
    start at once.

    Attributes
    ----------
    VERSION : str
        Of the weights that the reference configuration makes; goes up with any change to them.
    CONFIGS : mapping of str to mapping
        Parameters by the name of the configuration, ``reference`` first. JSON values; they go
        into the manifest, where the model reads them.
    FILMING : Filming
        How virtual patients are imaged.
    TARGETS : tuple of Target
        In the order of the scores. Where there are several, the first is the main one.
    HEAT : (network, output) or None
        Which output is a map (example, row, column) of where was looked, or one of each of several
        slices (example, slice, row, column).
    points : mapping of str to OperatingPoint
        By finding, where nothing is learned and weights have none; elsewhere never asked for.
    """

    VERSION: str
    CONFIGS: Mapping[str, Mapping[str, Any]]
    FILMING: Filming
    TARGETS: tuple[Target, ...]
    HEAT: tuple[str, str] | None
    points: Mapping[str, OperatingPoint]

    @property
    def sights(self) -> Callable[[Case], Sequence[Sight]]:
        """Return a function case -> sights, read as in service.

        It raises NotEligible or BadSeries where there is none.
        """

    @property
    def prepare(self) -> Callable[[Array | None, Row, Mapping[str, Any]], Mapping[str, Array]]:
        """Return a function (a sight's pixels, row, parameters) -> arrays by input's name.

        No batch axis. Pixels are None for a row without images; an input that cannot be made of
        what is there is left out, and the networks that need it pass over that example.
        """

    def labels(self, row: Row, site: str) -> Sequence[float]:
        """Return what is true of a sight; NaN for what is unknown."""

    def networks(self, parameters: Mapping[str, Any]) -> Sequence[Network]:
        """Return the networks to train, for the parameters of a configuration."""

    def tune(
        self, outputs: Mapping[str, Outputs], labels: NDArray[np.float32]
    ) -> Mapping[str, Any]:
        """Fit what is fitted on patients whom training did not see, e.g. a weight of fusion.

        Parameters
        ----------
        outputs : mapping of str to mapping of str to ndarray
            By network and output; NaN in examples that a network passed over.
        labels : ndarray
            float32, shape (example, label).

        Returns
        -------
        mapping
            Further parameters for the manifest; empty where nothing is fitted.
        """

    def scores(
        self, outputs: Mapping[str, Outputs], parameters: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """Return scores, float64, shape (example, target); NaN where there is none."""


def answered(
    targets: Sequence[Target], parameters: Mapping[str, Any]
) -> Sequence[tuple[int, Target]]:
    """Return the targets that a configuration answers, each after its column of the scores."""
    return [(i, target) for i, target in enumerate(targets) if target.taught_by(parameters)]


def fit_nothing(_outputs: Mapping[str, Outputs], _labels: NDArray[np.float32]) -> Mapping[str, Any]:
    """Tune a model in which nothing is fitted after training."""
    return {}


def recipe_of(model: str, measuring: Measuring | None = None) -> Recipe:
    """Return a model's recipe; loads torch, where the model is learned.

    Parameters
    ----------
    model : str
        The card's name.
    measuring : Measuring, optional
        The site's settings, on which hangs how something measured is judged.

    Raises
    ------
    ModuleNotFoundError
        If torch is missing.
    """
    module: Any = importlib.import_module(f"engines.{model}.recipe")
    of = getattr(module, "of", None)
    recipe: Recipe = of(measuring or Measuring()) if of else module
    return recipe
