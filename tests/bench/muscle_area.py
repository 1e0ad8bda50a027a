"""Muscle area of virtual CTs against the truth; ``python -m bench.muscle_area 36`` prints a table.

Persons, voltage, noise, thickness, kernel and phase as the phantom draws them. The truth is what a
scan of the same body without noise reads as muscle within the body's own solids: see
:mod:`bench.virtual_slabs`.
"""

import sys
from dataclasses import dataclass

import numpy as np
from bench.virtual_slabs import slab, true_regions
from rich.console import Console
from rich.table import Table

from engines.anatomy.composition import MUSCLE_HU, Refused, compose
from engines.anatomy.contrast import contrast_of
from engines.anatomy.section import body_mask, bone_mask, section
from engines.phantoms.parallel import for_each_patient

#: The matrix of the scans, and the error that is allowed.
MATRIX, AIM = 384, 0.05


@dataclass(frozen=True)
class Row:
    """One virtual CT: what it is, what was found, what is true; areas in cm2."""

    seed: int
    scan: str
    found: float
    true: float
    overlap: float
    psoas: tuple[float, float]
    phases: tuple[str, str]
    why: str = ""

    @property
    def error(self) -> float:
        """Of the area, as a part of the truth."""
        return self.found / self.true - 1


def measure(seed: int, **how: object) -> Row:
    """Scan one person, measure, compare."""
    one = slab(seed, matrix=MATRIX, **how)
    quiet = slab(seed, matrix=MATRIX, **how | {"noise_hu": 0.0})
    clear = section(quiet.volume, one.vertebra)
    assert clear is not None
    of_muscle = (clear.hu >= MUSCLE_HU[0]) & (clear.hu <= MUSCLE_HU[1])
    of_muscle &= ~bone_mask(clear, body_mask(clear))
    regions = true_regions(one)
    true = regions["muscle"] & of_muscle
    psoas = (regions["psoas left"] | regions["psoas right"]) & of_muscle
    person, protocol = one.build.person, one.protocol
    bmi = person.weight_kg / person.height_m**2
    scan = (
        f"{person.sex} BMI {bmi:.0f}, {protocol.kvp} kV, {protocol.kernel}, "
        f"{protocol.slice_thickness_mm:g} mm, {protocol.noise_hu:.0f} HU"
    )
    found = compose(one.volume, one.canal, one.vertebra)
    seen = contrast_of([], one.volume, [one.vertebra])
    phases = str(protocol.phase), str(seen.image)
    area = clear.pixel_cm2
    if isinstance(found, Refused):
        return Row(seed, scan, np.nan, true.sum() * area, 0, (np.nan, np.nan), phases, found.why)
    both = 2 * (found.muscle & true).sum() / (found.muscle.sum() + true.sum())
    mine = (found.psoas[0] | found.psoas[1]).sum() * area
    pair = float(mine), float(psoas.sum() * area)
    return Row(seed, scan, found.muscle_cm2, true.sum() * area, float(both), pair, phases)


def show(rows: list[Row]) -> Table:
    """Lay the rows out, and below them how far off they are together."""
    table = Table(title="Skeletal muscle area at L3, cm2")
    for name in ("seed", "scan", "true", "found", "error", "Dice", "psoas true, found", "phase"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            str(row.seed),
            row.scan,
            f"{row.true:.1f}",
            f"{row.found:.1f}" if not row.why else row.why,
            f"{row.error:+.1%}",
            f"{row.overlap:.3f}",
            f"{row.psoas[1]:.1f}, {row.psoas[0]:.1f}",
            " / ".join(row.phases),
        )
    errors = np.array([row.error for row in rows if not row.why])
    table.caption = (
        f"{len(rows)} CTs, {len(rows) - len(errors)} refused; error {errors.mean():+.1%} on "
        f"average, SD {errors.std():.1%}, at most {np.abs(errors).max():.1%}; "
        f"{(np.abs(errors) <= AIM).mean():.0%} within {AIM:.0%}"
    )
    return table


if __name__ == "__main__":
    console = Console(width=150)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 36
    console.print(show(list(for_each_patient(measure, range(count), "virtual CTs", console))))
