"""What X-rays meet: tube spectra, attenuation of tissues, mineral and metal, Hounsfield units.

The tables are made by :mod:`~engines.phantoms.matter_tables`: mass attenuation of ICRU-44 tissues
from xraydb (Elam, Ravel and Sieber 2002), spectra of a tungsten anode at 12 degrees from SpekPy
(Poludniowski et al. 2021). Densities: ICRU 44 where it has the tissue.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.body.solids import Tissue

Values = NDArray[np.float64]

_TABLES = Path(__file__).parent / "tables"

#: g/cm3. Lung at full breath, without the vessels that are drawn apart; cement as in matter_tables
#: (both ours).
DENSITY_G_CM3 = {
    "water": 1.0,
    "air": 0.001205,
    "lung": 0.18,
    "fat": 0.95,
    "muscle": 1.05,
    "organ": 1.06,
    "blood": 1.06,
    "fluid": 1.026,
    "cartilage": 1.10,
    "red_marrow": 1.03,
    "yellow_marrow": 0.98,
    "hydroxyapatite": 3.16,
    "iodine": 4.93,
    "titanium": 4.43,
    "steel": 8.0,
    "cement": 1.36,
    "aluminium": 2.699,
    "copper": 8.96,
    "lead": 11.35,
    "caesium_iodide": 4.51,
}

#: What one milligram of mineral takes up, mm3.
MINERAL_MM3_PER_MG = 1 / DENSITY_G_CM3["hydroxyapatite"]

#: A CT tube's fixed filter and the middle of its bow-tie, and an abdomen (ours): what hardens the
#: beam that the detector measures.
_CT_FILTER_MM_AL = 7.0
_CT_BODY_MM_WATER = 250.0


@cache
def _table(name: str) -> tuple[Values, dict[str, Values]]:
    """Read the energies and the columns of a stored table."""
    with (_TABLES / f"{name}.csv").open(newline="", encoding="ascii") as file:
        head, *lines = csv.reader(file)
    numbers = np.array(lines, dtype=np.float64)
    numbers.setflags(write=False)
    return numbers[:, 0], {name: numbers[:, i] for i, name in enumerate(head) if i}


def _mass_attenuation_mm2_per_mg(matter: str, energies_kev: Values) -> Values:
    """Interpolate in the logarithms; 1 cm2/g is 0.1 mm2/mg."""
    stored_kev, columns = _table("attenuation")
    wanted = np.asarray(energies_kev, dtype=np.float64)
    if wanted.size and not (wanted.min() >= 10 and wanted.max() <= 150):
        raise ValueError("attenuation is known from 10 to 150 keV")
    log = np.interp(np.log(wanted), np.log(stored_kev), np.log(columns[matter]))
    return np.asarray(0.1 * np.exp(log), dtype=np.float64)


def attenuation_per_mm(tissue: Tissue | str, energies_kev: Values) -> Values:
    """Return the linear attenuation of a tissue, metal or filter.

    Parameters
    ----------
    tissue : Tissue or str
        One of :data:`DENSITY_G_CM3`.
    energies_kev : ndarray
        float64, any shape, 10 to 150 keV. Edges of iodine, caesium and barium are as sharp as the
        table's steps of 1 keV.

    Returns
    -------
    ndarray
        float64, same shape, per mm, coherent scatter included.

    Raises
    ------
    ValueError
        For energies outside the table.
    KeyError
        For a name that is not in it.
    """
    name = str(tissue)
    # 1 g/cm3 is 1 mg/mm3
    return _mass_attenuation_mm2_per_mg(name, energies_kev) * DENSITY_G_CM3[name]


def mineral_attenuation_mm2_per_mg(energies_kev: Values) -> Values:
    """Return the mass attenuation of hydroxyapatite: float64, same shape, mm2/mg.

    What the mineral displaces is not taken off; :data:`MINERAL_MM3_PER_MG` says how much that is.
    """
    return _mass_attenuation_mm2_per_mg("hydroxyapatite", energies_kev)


def iodine_attenuation_mm2_per_mg(energies_kev: Values) -> Values:
    """Return the mass attenuation of iodine, for contrast medium: float64, same shape, mm2/mg."""
    return _mass_attenuation_mm2_per_mg("iodine", energies_kev)


def spectrum(kvp: float, filter_mm_al: float, filter_mm_cu: float = 0.0) -> tuple[Values, Values]:
    """Return what leaves a tungsten tube.

    Parameters
    ----------
    kvp : float
        Tube voltage, 40 to 150 kV; between stored voltages, 5 kV apart, fluences are mixed.
    filter_mm_al, filter_mm_cu : float
        All filtration together, the tube's own included.

    Returns
    -------
    energies_kev : ndarray
        float64, shape (140,): 10.5 to 149.5.
    fluence : ndarray
        float64, same shape: photons per mm2, mAs and keV at 1 m.

    Raises
    ------
    ValueError
        For a voltage outside the table.
    """
    if not 40 <= kvp <= 150:
        raise ValueError("spectra are known from 40 to 150 kV")
    energies, columns = _table("spectra")
    below = min(int(kvp // 5) * 5, 145)
    part = (kvp - below) / 5
    bare = (1 - part) * columns[str(below)] + part * columns[str(below + 5)]
    depth = filter_mm_al * attenuation_per_mm("aluminium", energies)
    depth = depth + filter_mm_cu * attenuation_per_mm("copper", energies)
    return energies, np.where(energies < kvp, bare * np.exp(-depth), 0.0)


def air_kerma_ugy(energies_kev: Values, fluence: Values) -> Values:
    """Return what each bin of a beam brings: photons per mm2 in, microgray out, same shape."""
    # 1 keV per mg is 1.602e-10 Gy
    absorbed = _mass_attenuation_mm2_per_mg("air_kerma", energies_kev)
    return np.asarray(1.602177e-4 * fluence * energies_kev * absorbed, dtype=np.float64)


def half_value_layer_mm_al(energies_kev: Values, fluence: Values) -> float:
    """Return how much aluminium halves the air kerma of a beam, mm."""
    weight = air_kerma_ugy(energies_kev, fluence)
    aluminium = attenuation_per_mm("aluminium", energies_kev)
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        passed = float((weight * np.exp(-aluminium * middle)).sum() / weight.sum())
        low, high = (middle, high) if passed > 0.5 else (low, middle)
    return (low + high) / 2


@cache
def ct_weights(kvp: int) -> tuple[Values, Values]:
    """Return energies (140,) and their part of what a CT detector measures deep in a body.

    The detector adds up energy; before it lie 7 mm aluminium and 250 mm water (ours), which
    makes the mean energy 60, 69, 79 and 88 keV at 80, 100, 120 and 140 kV.
    """
    energies, fluence = spectrum(kvp, _CT_FILTER_MM_AL)
    hardened = fluence * np.exp(-_CT_BODY_MM_WATER * attenuation_per_mm("water", energies))
    weight = hardened * energies
    return energies, weight / weight.sum()


def ct_attenuation_per_mm(matter: Tissue | str | float, kvp: int) -> float:
    """Return attenuation as a CT sees it.

    Parameters
    ----------
    matter : Tissue, str or float
        A tissue by name, or a number: mg of hydroxyapatite per cm3, in the room of as much water.
    kvp : int
        Tube voltage, 40 to 150 kV.

    Returns
    -------
    float
        Per mm, averaged over the hardened beam.
    """
    energies, weight = ct_weights(kvp)
    if isinstance(matter, str):
        return float(weight @ attenuation_per_mm(matter, energies))
    mg_mm3 = matter / 1000
    water = attenuation_per_mm("water", energies) * (1 - mg_mm3 * MINERAL_MM3_PER_MG)
    return float(weight @ (water + mg_mm3 * mineral_attenuation_mm2_per_mg(energies)))


def hu(matter: Tissue | str | float, kvp: int) -> float:
    """Return the Hounsfield units of a tissue, or of mg/cm3 hydroxyapatite in water.

    Air is -1000 and water 0 at every voltage, as scanners are calibrated.

    Parameters
    ----------
    matter : Tissue, str or float
        As for :func:`ct_attenuation_per_mm`.
    kvp : int
        Tube voltage, 40 to 150 kV.
    """
    water, air = ct_attenuation_per_mm("water", kvp), ct_attenuation_per_mm("air", kvp)
    return 1000 * (ct_attenuation_per_mm(matter, kvp) - water) / (water - air)
