"""The cards of all models, for who runs none: their modules bring PIL and scipy along, 30 MB."""

from engines.cards import Card
from engines.ct_attenuation import card as ct_attenuation
from engines.ct_multitask import card as ct_multitask
from engines.cxr_multimodal import card as cxr_multimodal
from engines.cxr_osporscreen import card as cxr_osporscreen
from engines.exams import Exam
from engines.hip_vit import card as hip_vit
from engines.onfh_mri import card as onfh_mri

CARDS: tuple[Card, ...] = (
    cxr_osporscreen.CARD,
    cxr_multimodal.CARD,
    hip_vit.CARD,
    ct_attenuation.CARD,
    ct_multitask.CARD,
    onfh_mri.CARD,
)
"""In the order of :data:`engines.catalog.MODELS`."""


def for_exam(exam: Exam) -> tuple[Card, ...]:
    """Return the cards of the models that read this exam."""
    return tuple(card for card in CARDS if card.exam is exam)
