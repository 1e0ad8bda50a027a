"""How well is a CT measured? ``python -m bench.measured FOLDER`` scans virtual patients and tells.

Every patient has a protocol of their own: 80 to 140 kV, 1 to 5 mm, three kernels, any phase. Rows
are kept in FOLDER, so that a run may be cut short and gone on with; a plot and the tables are made
of all that are there.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from engines.anatomy.spine import Vertebra, is_of_the_loins, readings
from engines.anatomy.vertebrae import find_spine
from engines.anatomy.vertebral_body import RIM_MM, boxed
from engines.ct_attenuation.levels import Level, look_at
from engines.ct_attenuation.region import oval_in
from engines.errors import BadSeries
from engines.phantoms.body import adult
from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.body.spine import spongy_mg_cm3, vertebral_body
from engines.phantoms.ct.attenuating import attenuation
from engines.phantoms.ct.protocol import CtProtocol, draw_ct_protocol
from engines.phantoms.ct.volume import CtVolume, ct_volume
from engines.phantoms.matter import hu
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import SCREENING
from engines.volume import Volume

Row = dict[str, Any]

FIRST_SEED = 52_000
#: Between lumps of a drawn body.
_LUMPS_MM = 0.5
#: No farther from a vertebra's middle is it that vertebra.
_NEAR_MM = 20.0
_AIMS = {
    "levels right, of those not refused": "at least 98 %",
    "of these level uncertain: one of two names is right": "",
    "refused": "under 10 %",
    "L1 error, mean": "under 5 HU",
    "L1 error, within 12 HU": "at least 95 %",
    "height ratios within 5 points": "all of 95 %",
}


def scanned(seed: int) -> tuple[Build, CtProtocol, Volume]:
    """Scan one patient; odd seeds are of a western population, which is larger."""
    person = draw_person(seed, replace(SCREENING, western=bool(seed % 2)))
    build = replace(draw_build(person, lying=True), arms_raised=True)
    protocol = draw_ct_protocol(seed)
    return build, protocol, as_read(ct_volume(build, protocol, seed, threads=1))


def as_read(made: CtVolume) -> Volume:
    """Return a volume as it is read from files: padding is nothing."""
    seen = made.hu.astype(np.float32)
    if made.protocol.padding_hu is not None:
        seen[made.hu == made.protocol.padding_hu] = np.nan
    z, y, x = (float(made.affine[i, i]) for i in (2, 1, 0))
    first = tuple(float(v) for v in made.affine[:3, 3])
    return Volume(seen, (z, y, x), (first[0], first[1], first[2]), ())


def row_of(seed: int) -> Row:
    """Measure one patient and hold it against the truth."""
    build, protocol, volume = scanned(seed)
    row: Row = {
        "seed": seed,
        "kvp": protocol.kvp,
        "slice_mm": protocol.slice_thickness_mm,
        "kernel": str(protocol.kernel),
        "phase": str(protocol.phase),
        "ribs": build.ribs,
        "sacralised": build.sacralised,
        "fractures": [f.level for f in build.person.vertebral_fractures],
        "scoliosis_mm": build.scoliosis_mm,
    }
    try:
        spine = find_spine(volume)
    except BadSeries as verdict:
        return row | {"why": str(verdict.reason), "wrong": [], "levels": []}
    named = [one for one in spine.vertebrae if is_of_the_loins(one)]
    row["why"] = "" if named else spine.why
    row["uncertain"] = spine.why if named else ""
    row["wrong"] = [one.level for one in named if not _right(build, one)]
    known = attenuation(protocol, seed)
    levels = look_at(volume, spine)
    return row | {"levels": [_against_truth(level, build, known, protocol) for level in levels]}


def _right(build: Build, vertebra: Any) -> bool:
    """Tell whether the nearest body is that of its name, or of one of its two."""
    level, off_mm = _nearest(build, vertebra.middle_mm)
    return level in readings(vertebra.level) and off_mm < _NEAR_MM


def _nearest(build: Build, place_mm: NDArray[np.float64]) -> tuple[str, float]:
    """Return which vertebra is nearest to a place, and how far its middle is."""
    off = {
        level: float(np.linalg.norm(build.vertebra_centre_mm(level) - place_mm))
        for level in adult.LEVELS
    }
    return min(off.items(), key=lambda one: one[1])


def drawn_heights_mm(build: Build, level: str) -> tuple[float, float, float]:
    """Return anterior, middle and posterior height of a body as it is drawn, hollows and all.

    Where ours are taken: in the middle 12 mm, and so far inside the walls.
    """
    axes, middle = build.vertebra_axes(level), build.vertebra_centre_mm(level)
    x, y, z = ((vertebral_body(build, level, _LUMPS_MM).points_mm - middle) @ axes).T
    depth = build.intact_mm(level)[1]
    notch = 0.05 * depth
    found = []
    for at in (-depth / 2 + RIM_MM, 0.0, depth / 2 - notch - RIM_MM):
        columns = (np.hypot(x - aside, y - at) < 0.7 for aside in np.arange(-6, 6.1, 1.0))
        found.append(np.mean([np.ptp(z[one]) for one in columns if one.any()]) + _LUMPS_MM / 2)
    return found[0], found[1], found[2]


def bone_there_hu(build: Build, level: str, protocol: CtProtocol) -> float:
    """Return what the bone would read that lies where the region belongs: its own grain and all.

    Of the person's density, which is given for an oval in the body's middle, that differs as much
    as bone differs from place to place.
    """
    axes, (width, depth, height) = build.vertebra_axes(level), build.intact_mm(level)
    middle = build.vertebra_centre_mm(level)
    box = boxed(Vertebra(level, middle, axes[:, 2], -axes[:, 1], height, depth, width))
    oval = oval_in(box, protocol.slice_thickness_mm)
    assert oval is not None, "every drawn body has room for one"
    bone = vertebral_body(build, level, _LUMPS_MM)
    there = oval.holds(box.axes.along_mm(bone.points_mm))
    mg_cm3 = 1000 * bone.mineral_mg[there].sum() / bone.volume_mm3[there].sum()
    return hu(float(mg_cm3), protocol.kvp)


def _against_truth(level: Level, build: Build, known: Any, protocol: CtProtocol) -> Row:
    body = level.body
    is_certain = len(readings(level.name)) == 1
    name = level.name if is_certain else _nearest(build, body.axes.middle_mm)[0]
    anterior, middle, posterior = drawn_heights_mm(build, name)
    true_hu = hu(spongy_mg_cm3(build, name), protocol.kvp) + known.bone_hu
    return {
        "level": name,
        "told": level.name,
        "why": level.why,
        "hu": level.region.mean_hu if level.region else None,
        "true_hu": true_hu,
        "bone_there_hu": bone_there_hu(build, name, protocol) + known.bone_hu,
        "anterior": level.ratios and level.ratios.anterior - anterior / posterior,
        "middle": level.ratios and level.ratios.middle - middle / posterior,
        "height_mm": body.posterior_mm - posterior,
        "broken": build.fracture(name) is not None,
    }


def judged(rows: Sequence[Row]) -> dict[str, str]:
    """Return each figure in words."""
    told = [row for row in rows if not row["why"]]
    right = [row for row in told if not row["wrong"]]
    either = [row for row in told if row.get("uncertain")]
    l1 = np.array([each["hu"] - each["true_hu"] for each in _each(rows, "L1")])
    there = np.array([each["hu"] - each["bone_there_hu"] for each in _each(rows, "L1")])
    seen = [each for row in right for each in row["levels"] if each["anterior"] is not None]
    whole = [each for each in seen if not each["broken"]]
    ratios = np.array([[each["anterior"], each["middle"]] for each in whole])
    broken = [each for row in right for each in row["levels"] if each["broken"]]
    return {
        "levels right, of those not refused": f"{len(right)} of {len(told)}",
        "of these level uncertain: one of two names is right": (
            f"{sum(not row['wrong'] for row in either)} of {len(either)}"
        ),
        "refused": f"{len(rows) - len(told)} of {len(rows)}",
        "L1 error, mean": f"{l1.mean():.1f} HU, SD {l1.std():.1f}",
        "L1 error, within 12 HU": f"{np.mean(np.abs(l1) <= 12):.1%} of {len(l1)}",
        "L1 against the bone there": f"{there.mean():.1f} HU, SD {there.std():.1f}",
        "L1 against the bone there, within 12 HU": f"{np.mean(np.abs(there) <= 12):.1%}",
        "height ratios within 5 points": f"{np.mean(np.abs(ratios) <= 0.05):.1%} of {ratios.size}",
        "fractured bodies set aside": f"{sum(bool(e['why']) for e in broken)} of {len(broken)}",
    }


def _each(rows: Sequence[Row], name: str) -> Iterator[Row]:
    for row in rows:
        for each in row["levels"]:
            counted = each["hu"] is not None and not each["why"] and not row["wrong"]
            if counted and each["level"] == name:
                yield each


def plotted(rows: Sequence[Row]) -> Figure:
    """Draw L1 against both its truths after Bland and Altman."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    seen = [*_each(rows, "L1")]
    truths = {"true_hu": "the person's density", "bone_there_hu": "the bone in the region's place"}
    for axes, (key, truth) in zip(figure.subplots(1, 2, sharey=True), truths.items(), strict=True):
        _bland_altman(axes, np.array([[each["hu"], each[key]] for each in seen]))
        axes.set_title(f"L1 against {truth}, {len(seen)} virtual CTs", fontsize=10)
    return figure


def _bland_altman(axes: Axes, seen: NDArray[np.float64]) -> None:
    """Draw pairs of a measured and a true value with their limits of agreement."""
    mean, off = seen.mean(axis=1), seen[:, 0] - seen[:, 1]
    axes.scatter(mean, off, s=14, alpha=0.7)
    for at, style in (
        (off.mean(), "-"),
        *((off.mean() + k * 1.96 * off.std(), "--") for k in (-1, 1)),
    ):
        axes.axhline(at, color="black", linestyle=style, linewidth=0.8)
        axes.annotate(f"{at:+.1f}", (1.0, at), xycoords=("axes fraction", "data"), fontsize=8)
    axes.set_xlabel("mean of measured and true L1 trabecular attenuation, HU")
    axes.set_ylabel("measured - true, HU")


def main(
    folder: Path,
    patients: Annotated[int, typer.Option(help="How many in all.")] = 200,
    first: Annotated[int, typer.Option(help="Seed of the first.")] = FIRST_SEED,
    processes: Annotated[int, typer.Option(help="At a time.")] = 2,
) -> None:
    """Scan, measure and tell."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "rows.jsonl"
    rows = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    done = {row["seed"] for row in rows}
    left = [s for s in range(first, first + patients) if s not in done]
    with get_context("spawn").Pool(processes) as pool, kept.open("a") as file:
        for row in track(pool.imap_unordered(row_of, left), "measuring", len(left)):
            file.write(json.dumps(row) + "\n")
            file.flush()
            rows.append(row)
    table = Table("what", "measured", "aim", title=f"{len(rows)} virtual CTs")
    for what, figure in judged(rows).items():
        table.add_row(what, figure, _AIMS.get(what, ""))
    Console().print(table)
    plotted(rows).savefig(folder / "l1_bland_altman.png", dpi=110)


if __name__ == "__main__":
    typer.run(main)
