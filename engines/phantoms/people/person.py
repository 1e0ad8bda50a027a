"""What is true about one virtual patient, before any image is made of them."""

from dataclasses import dataclass
from enum import StrEnum

#: WHO: osteoporosis at or below this T-score at the lowest of the DXA sites.
OSTEOPOROSIS_T = -2.5


class FractureShape(StrEnum):
    """How a vertebral body has given way (Genant 1993)."""

    WEDGE = "wedge"
    BICONCAVE = "biconcave"
    CRUSH = "crush"


@dataclass(frozen=True)
class VertebralFracture:
    """One fractured vertebra.

    Attributes
    ----------
    level : str
        T4 to L4.
    shape : FractureShape
        Which height is lost: anterior, middle, or both and the posterior.
    height_loss : float
        Of the most reduced height, 0.20 to 0.65 of the normal one.
    """

    level: str
    shape: FractureShape
    height_loss: float

    @property
    def grade(self) -> int:
        """Genant's grade: 1 from 20 %, 2 from 25 %, 3 from 40 % of height lost."""
        return 1 + (self.height_loss >= 0.25) + (self.height_loss >= 0.40)


@dataclass(frozen=True)
class Osteonecrosis:
    """One femoral head with a band lesion.

    Attributes
    ----------
    side : {'L', 'R'}
        As ImageLaterality.
    extent : tuple of float
        Part of the head that is enclosed, 0 to 0.6, one for each visit.
    collapse_mm : tuple of float
        How far the joint surface has sunk in, one for each visit.
    """

    side: str
    extent: tuple[float, ...]
    collapse_mm: tuple[float, ...]


@dataclass(frozen=True)
class Person:
    """A virtual patient.

    Attributes
    ----------
    seed : int
        What everything was drawn from.
    sex : {'F', 'M'}
        As PatientSex.
    age_years, height_m, weight_kg : int, float, float
        At the time of the study.
    bmd_spine_g_cm2, bmd_neck_g_cm2, bmd_hip_g_cm2 : float
        Areal density by DXA: L1-L4, femoral neck, total hip.
    t_spine, t_neck, t_hip : float
        Their T-scores.
    trabecular_mg_cm3 : float
        Hydroxyapatite in the spongy bone of L1, as calibrated QCT reports it.
    cortex : float
        Cortical thickness against a young adult's of this sex.
    muscle_area_cm2, muscle_fat : float
        Skeletal muscle in the slice through L3; part of it that is fat, 0 to 0.5.
    prior_fracture, smoking, glucocorticoids : bool
        Risk factors.
    vertebral_fractures : tuple of VertebralFracture
        Prevalent, from above down.
    followed_years, fractured : float, bool
        Time to the first new vertebral fracture, or to the end of observation; which of the two.
    osteonecroses : tuple of Osteonecrosis
        None, one side or both.
    visits_years : tuple of float
        When the hips are imaged, first at 0.
    """

    seed: int
    sex: str
    age_years: int
    height_m: float
    weight_kg: float
    bmd_spine_g_cm2: float
    bmd_neck_g_cm2: float
    bmd_hip_g_cm2: float
    t_spine: float
    t_neck: float
    t_hip: float
    trabecular_mg_cm3: float
    cortex: float
    muscle_area_cm2: float
    muscle_fat: float
    prior_fracture: bool
    smoking: bool
    glucocorticoids: bool
    vertebral_fractures: tuple[VertebralFracture, ...]
    followed_years: float
    fractured: bool
    osteonecroses: tuple[Osteonecrosis, ...]
    visits_years: tuple[float, ...]

    @property
    def bmi_kg_m2(self) -> float:
        """Body mass index."""
        return self.weight_kg / self.height_m**2

    @property
    def t_lowest(self) -> float:
        """The lowest T-score of the three sites."""
        return min(self.t_spine, self.t_neck, self.t_hip)

    @property
    def osteoporosis(self) -> bool:
        """The label: lowest of three DXA sites at or below -2.5 (WHO)."""
        return self.t_lowest <= OSTEOPOROSIS_T
