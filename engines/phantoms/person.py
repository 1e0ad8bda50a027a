"""Who is imaged: age, sex, size, and a bone density that nothing but the bones shows."""

from dataclasses import dataclass

import numpy as np

#: WHO: osteoporosis at or below this T-score at the lowest of the DXA sites.
OSTEOPOROSIS_T = -2.5

#: Spread of one DXA site around the patient's skeleton, in T-scores; ours, below the real one.
_SITE_SD = 0.3

_LOW_T, _NORMAL_T = -3.9, 0.3


@dataclass(frozen=True)
class ChestPatient:
    """A virtual patient of known bone density.

    Attributes
    ----------
    age_years : int
        At the time of the study.
    sex : {'F', 'M'}
        As PatientSex.
    height_m, girth : float
        Stature, and the trunk's width and depth relative to a slim adult (1.0); both independent
        of density, which real body size is not (ours).
    skeleton_t : float
        Density of the thoracic skeleton on the T-score scale; this is what the film shows.
    t_spine, t_neck, t_hip : float
        What DXA would have found at lumbar spine, femoral neck and total hip.
    """

    age_years: int
    sex: str
    height_m: float
    girth: float
    skeleton_t: float
    t_spine: float
    t_neck: float
    t_hip: float

    @property
    def t_lowest(self) -> float:
        """The lowest T-score of the three sites."""
        return min(self.t_spine, self.t_neck, self.t_hip)

    @property
    def osteoporosis(self) -> bool:
        """The label: lowest of three DXA sites at or below -2.5 (Jang 2022)."""
        return self.t_lowest <= OSTEOPOROSIS_T

    @property
    def weight_kg(self) -> float:
        """A weight that goes with the stature and girth."""
        return round(19.5 * self.height_m**2 * float(self.girth**1.8), 1)


def draw_patient(seed: int) -> ChestPatient:
    """Draw one patient of a screening population: 50 to 90 years, about a third osteoporotic.

    Parameters
    ----------
    seed : int
        The same seed gives the same patient.
    """
    rng = np.random.default_rng([seed, 1])
    sex = "F" if rng.random() < 0.7 else "M"
    age = int(rng.integers(50, 91))
    mean_t = -1.35 - 0.03 * (age - 68) - (0.35 if sex == "F" else 0.0)
    return _patient(rng, age, sex, float(np.clip(rng.normal(mean_t, 1.15), -5.0, 2.5)))


def low_density_patient(seed: int) -> ChestPatient:
    """Draw a woman whose density is far below the threshold, for demos and known answers."""
    return _chosen_patient(seed, _LOW_T)


def normal_density_patient(seed: int) -> ChestPatient:
    """Draw a woman of normal density, for demos and known answers."""
    return _chosen_patient(seed, _NORMAL_T)


def _chosen_patient(seed: int, skeleton_t: float) -> ChestPatient:
    rng = np.random.default_rng([seed, 2])
    return _patient(rng, int(rng.integers(60, 81)), "F", skeleton_t)


def _patient(rng: np.random.Generator, age: int, sex: str, skeleton_t: float) -> ChestPatient:
    sites = skeleton_t + rng.normal(0.0, _SITE_SD, 3)
    stature = rng.normal(1.59 if sex == "F" else 1.72, 0.06)
    return ChestPatient(
        age_years=age,
        sex=sex,
        height_m=round(float(np.clip(stature, 1.42, 1.95)), 2),
        girth=round(float(np.clip(rng.normal(1.1, 0.09), 0.92, 1.4)), 3),
        skeleton_t=round(skeleton_t, 2),
        t_spine=round(float(sites[0]), 2),
        t_neck=round(float(sites[1]), 2),
        t_hip=round(float(sites[2]), 2),
    )
