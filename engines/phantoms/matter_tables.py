"""Make the stored tables of :mod:`~engines.phantoms.matter` again; run by hand, never at run time.

``python -m engines.phantoms.matter_tables attenuation`` needs xraydb (extra ``dev``);
``python -m engines.phantoms.matter_tables spectra`` needs SpekPy 2.5 (MIT; ``pip install spekpy``
in an environment of its own: it is large, and only its results are kept here).
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

TABLES = Path(__file__).parent / "tables"

#: Middles of the bins in which spectra and attenuation are stored.
ENERGIES_KEV = tuple(10.5 + step for step in range(140))

#: Tube voltages that are stored; what lies between is interpolated.
VOLTAGES_KV = tuple(range(40, 151, 5))

#: Usual for general radiography and CT.
ANODE_DEG = 12

# Part of the mass that each element has. Tissues: ICRU report 44 (1989), appendix A; titanium is
# Ti-6Al-4V (ISO 5832-3), steel is ISO 5832-1; cement is PMMA with a fifth of barium sulphate (ours,
# between hip cement with a tenth and that for vertebrae with a third).
_PARTS: dict[str, dict[str, float]] = {
    "water": {"H": 0.111898, "O": 0.888102},
    "air": {"C": 0.000124, "N": 0.755268, "O": 0.231781, "Ar": 0.012827},
    "lung": {"H": 0.103, "C": 0.105, "N": 0.031, "O": 0.749, "Na": 0.002, "P": 0.002}
    | {"S": 0.003, "Cl": 0.003, "K": 0.002},
    "fat": {"H": 0.114, "C": 0.598, "N": 0.007, "O": 0.278, "Na": 0.001, "S": 0.001, "Cl": 0.001},
    "muscle": {"H": 0.102, "C": 0.143, "N": 0.034, "O": 0.710, "Na": 0.001, "P": 0.002}
    | {"S": 0.003, "Cl": 0.001, "K": 0.004},
    "organ": {"H": 0.102, "C": 0.139, "N": 0.030, "O": 0.716, "Na": 0.002, "P": 0.003}
    | {"S": 0.003, "Cl": 0.002, "K": 0.003},
    "blood": {"H": 0.102, "C": 0.110, "N": 0.033, "O": 0.745, "Na": 0.001, "P": 0.001}
    | {"S": 0.002, "Cl": 0.003, "K": 0.002, "Fe": 0.001},
    # blood plasma, which an effusion resembles
    "fluid": {"H": 0.108, "C": 0.041, "N": 0.011, "O": 0.832, "Na": 0.003, "S": 0.001, "Cl": 0.004},
    "cartilage": {"H": 0.096, "C": 0.099, "N": 0.022, "O": 0.744, "Na": 0.005, "P": 0.022}
    | {"S": 0.009, "Cl": 0.003},
    "red_marrow": {"H": 0.105, "C": 0.414, "N": 0.034, "O": 0.439, "P": 0.001, "S": 0.002}
    | {"Cl": 0.002, "K": 0.002, "Fe": 0.001},
    "yellow_marrow": {"H": 0.115, "C": 0.644, "N": 0.007, "O": 0.231, "Na": 0.001}
    | {"S": 0.001, "Cl": 0.001},
    # Ca10(PO4)6(OH)2
    "hydroxyapatite": {"H": 0.002007, "O": 0.414070, "P": 0.184987, "Ca": 0.398936},
    "iodine": {"I": 1.0},
    "titanium": {"Ti": 0.90, "Al": 0.06, "V": 0.04},
    "steel": {"Fe": 0.645, "Cr": 0.18, "Ni": 0.14, "Mo": 0.03, "Mn": 0.005},
    "cement": {"H": 0.064437, "C": 0.479878, "O": 0.310527, "S": 0.027474, "Ba": 0.117684},
    "aluminium": {"Al": 1.0},
    "copper": {"Cu": 1.0},
    "lead": {"Pb": 1.0},
    # the usual scintillator of flat detectors
    "caesium_iodide": {"Cs": 0.511549, "I": 0.488451},
}


def attenuation() -> dict[str, list[float]]:
    """Return total mass attenuation, cm2/g, for :data:`ENERGIES_KEV` (xraydb: Elam et al. 2002)."""
    import xraydb

    energies_ev = [1000 * energy for energy in ENERGIES_KEV]
    of = {
        element: xraydb.mu_elam(element, energies_ev)
        for element in sorted({e for parts in _PARTS.values() for e in parts})
    }
    found = {
        name: [float(sum(p * of[e][i] for e, p in parts.items())) for i in range(len(energies_ev))]
        for name, parts in _PARTS.items()
    }
    return found | {"air_kerma": _air_kerma()}


def _air_kerma() -> list[float]:
    """Return what air absorbs: photoelectric, and Compton's part that goes to the electron."""
    import xraydb

    total = [0.0] * len(ENERGIES_KEV)
    for element, part in _PARTS["air"].items():
        for i, energy in enumerate(ENERGIES_KEV):
            photo = xraydb.mu_elam(element, 1000 * energy, kind="photo")
            compton = xraydb.mu_elam(element, 1000 * energy, kind="incoh")
            total[i] += part * float(photo + compton * _kept_by_electron(energy))
    return total


def _kept_by_electron(energy_kev: float) -> float:
    """Average the energy that a Compton electron takes (Klein and Nishina 1929)."""
    ratio, steps = energy_kev / 510.999, 400
    taken = summed = 0.0
    for step in range(steps):
        cosine = 2 * (step + 0.5) / steps - 1
        left = 1 / (1 + ratio * (1 - cosine))
        chance = left**2 * (left + 1 / left - 1 + cosine**2)
        taken, summed = taken + chance * (1 - left), summed + chance
    return taken / summed


def spectra() -> dict[str, list[float]]:
    """Return photons per mm2, mAs and keV at 1 m, without filter (SpekPy, model casim)."""
    import spekpy

    found = {}
    for kv in VOLTAGES_KV:
        bins, fluence = spekpy.Spek(kvp=kv, th=ANODE_DEG, dk=1.0).get_spectrum(diff=True)
        per_cm2 = dict(zip(bins.round(1).tolist(), fluence.tolist(), strict=True))
        found[str(kv)] = [per_cm2.get(energy, 0.0) / 100 for energy in ENERGIES_KEV]
    return found


def write(path: Path, columns: dict[str, list[float]]) -> None:
    """Write columns beside the energies, five significant digits each."""
    with path.open("w", newline="", encoding="ascii") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["energy_kev", *columns])
        for i, energy in enumerate(ENERGIES_KEV):
            lines.writerow([energy, *(f"{column[i]:.5g}" for column in columns.values())])


def main(wanted: Sequence[str]) -> None:
    """Write the tables that are named."""
    makers = {"attenuation": attenuation, "spectra": spectra}
    for name in wanted:
        write(TABLES / f"{name}.csv", makers[name]())


if __name__ == "__main__":
    main(sys.argv[1:])
