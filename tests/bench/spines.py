"""Levels of virtual CTs, right, wrong or refused: ``python -m bench.spines [COUNT [MATRIX]]``."""

import sys
import time
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console

from engines.anatomy.spine import readings
from engines.anatomy.vertebrae import find_spine
from engines.errors import BadSeries
from engines.phantoms.body import adult
from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.ct.protocol import CtProtocol, draw_ct_protocol
from engines.phantoms.ct.volume import CtVolume, ct_volume
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Population
from engines.volume import Volume


@dataclass(frozen=True)
class Row:
    """One virtual CT: what came of it, how far bodies' middles are off, CPU seconds."""

    seed: int
    outcome: str
    off_mm: float
    cpu_s: float
    said: str


def volume_of(scan: CtVolume) -> Volume:
    """Return a virtual CT as if it had been read; padding is not measured."""
    hu = scan.hu.astype(np.float32)
    if scan.protocol.padding_hu is not None:
        hu[hu == scan.protocol.padding_hu] = np.nan
    columns, rows, slices = (float(one) for one in np.diag(scan.affine)[:3])
    x, y, z = (float(one) for one in scan.affine[:3, 3])
    return Volume(hu, (slices, rows, columns), (x, y, z), ())


def measure(seed: int, matrix: int) -> Row:
    """Draw a person and a protocol, scan and look."""
    person = draw_person(seed, Population(western=bool(seed % 2)))
    build = replace(draw_build(person, lying=True), arms_raised=True)
    protocol = replace(draw_ct_protocol(seed), matrix=matrix)
    volume = volume_of(ct_volume(build, protocol, seed))
    start = time.process_time()
    try:
        spine = find_spine(volume)
    except BadSeries as refused:
        return Row(seed, "refused", 0.0, time.process_time() - start, str(refused))
    took = time.process_time() - start
    centres = np.array([build.vertebra_centre_mm(level) for level in adult.LEVELS])
    wrong, off = [], [0.0]
    for one in spine.vertebrae:
        away = np.linalg.norm(centres - one.middle_mm, axis=1)
        off.append(float(away.min()))
        if one.level and adult.LEVELS[int(away.argmin())] not in readings(one.level):
            wrong.append(f"{one.level} is {adult.LEVELS[int(away.argmin())]}")
    outcome = "wrong" if wrong else "right" if spine.confidence else "refused"
    said = "; ".join([*wrong[:1], *spine.anchors, spine.why, _odd(build, protocol)])
    return Row(seed, outcome, max(off), took, said)


def _odd(build: Build, protocol: CtProtocol) -> str:
    fused = ", L5 fused" if build.sacralised else ""
    return f"{build.ribs} ribs{fused}, {protocol.slice_thickness_mm} mm, {protocol.kvp} kV"


def main(count: int = 40, matrix: int = 256) -> None:
    """Print a row for each CT, and the sum."""
    console, rows = Console(width=160), []
    for seed in range(count):
        row = measure(seed, matrix)
        rows.append(row)
        console.print(
            f"{seed:4d} {row.outcome:8s} {row.off_mm:5.1f} mm {row.cpu_s:5.1f} s  {row.said}"
        )
    counts = Counter(row.outcome for row in rows)
    named = counts["right"] + counts["wrong"]
    console.print(
        f"refused {counts['refused']} of {count}; right {counts['right']} of {named} named"
    )


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:]))
