"""The models we can run: a new paper adds one line here, and one in card_index."""

from typing import Protocol

from engines.cards import Card, Weights
from engines.cases import Case
from engines.ct_attenuation import model as ct_attenuation
from engines.ct_multitask import model as ct_multitask
from engines.cxr_multimodal import model as cxr_multimodal
from engines.cxr_osporscreen import model as cxr_osporscreen
from engines.exams import Exam
from engines.findings import Result
from engines.hip_vit import model as hip_vit
from engines.onfh_mri import model as onfh_mri
from engines.runtime import Run


class Model(Protocol):
    """What every ``engines.<paper>.model`` module offers."""

    CARD: Card

    def eligible(self, case: Case) -> None:
        """Raise NotEligible unless this model was made for such a case."""

    def screen(self, case: Case, run: Run, weights: Weights) -> Result:
        """Screen an eligible case; NotEligible and BadSeries end it with a reason."""


MODELS: tuple[Model, ...] = (
    cxr_osporscreen,
    cxr_multimodal,
    hip_vit,
    ct_attenuation,
    ct_multitask,
    onfh_mri,
)


def for_exam(exam: Exam) -> tuple[Model, ...]:
    """Return the models that read this exam, in catalogue order."""
    return tuple(model for model in MODELS if model.CARD.exam is exam)


def named(name: str) -> Model:
    """Return the model of that name, or raise KeyError."""
    return {model.CARD.model: model for model in MODELS}[name]
