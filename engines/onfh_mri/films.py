"""Virtual hips for training: coronal T1 of the femoral heads alone, every visit, as DICOM files.

``python -m engines.onfh_mri.films OUT --patients 200 --seed 1``

A whole virtual MRI takes 10 to 25 seconds of CPU, most of it for what lies far from the hips. Here
the field ends about the heads and the bone is made of coarser lumps; pixels, slices, noise, marrow,
lesions and headers are those of :mod:`engines.phantoms.mri`. Both choices are ours.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, cast

import numpy as np
import typer
from numpy.typing import NDArray
from pydicom import Dataset
from rich.console import Console

from engines.exams import Exam
from engines.phantoms.body.build import Build, draw_build
from engines.phantoms.body.cloud import Cloud
from engines.phantoms.body.conduit import parts_of
from engines.phantoms.body.density import hip_factors
from engines.phantoms.body.extra import Extra
from engines.phantoms.body.femur import femur
from engines.phantoms.body.hip_implants import made_room
from engines.phantoms.body.hip_joint import hip_joints
from engines.phantoms.body.hip_muscles import with_muscles_apart
from engines.phantoms.body.metal import foreign_bodies
from engines.phantoms.body.necrosis import diseased, necrosis
from engines.phantoms.body.pelvis import hip_bone
from engines.phantoms.body.soft import soft_parts
from engines.phantoms.body.solids import Shape, Solid
from engines.phantoms.cohort import seeds_of
from engines.phantoms.dicom.files import file_bytes
from engines.phantoms.dicom.identity import Visit, patient_id
from engines.phantoms.dicom.mr import Contrast, mr_series
from engines.phantoms.exams import visits
from engines.phantoms.mri.grid import Grid
from engines.phantoms.mri.protocol import MriProtocol, draw_protocol
from engines.phantoms.mri.series import Filled, Hips, grid_of, mri_series
from engines.phantoms.mri.texture import Texture
from engines.phantoms.parallel import for_each_patient
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import Clinic
from engines.phantoms.people.table import row

Values = NDArray[np.float64]

#: How far the field reaches: to both sides of the middle between the heads, above and below it,
#: before and behind it.
FIELD_MM: Final = (140.0, 54.0, 29.0)
#: Between lumps of bone.
LUMPS_MM: Final = 1.0
#: Into which a slice is cut.
LAYERS: Final = 1

_SIDES: Final = {"left": "L", "right": "R"}


def write_films(out: Path, patients: int, seed: int, split: str, console: Console) -> Path:
    """Write the patients of a hip clinic; what is there already is left as it is.

    Returns
    -------
    Path
        ``out/cohort-SEED.csv``: one row a visit, with what is true of the patient.
    """
    out.mkdir(parents=True, exist_ok=True)
    seeds = seeds_of(seed, patients)
    made = for_each_patient(partial(_write_patient, out, split), seeds, "imaging", console)
    rows = [one for of_patient in made for one in of_patient]
    table = out / f"cohort-{seed}.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return table


def _write_patient(out: Path, split: str, seed: int) -> list[dict[str, Any]]:
    person = draw_person(seed, Clinic.HIP.population)
    hips: _Body | None = None
    rows = []
    for visit in visits(person, Exam.HIP_MRI, seed):
        folder = out / patient_id(person) / f"visit-{visit.number}"
        if not folder.exists():
            hips = hips or _Body(draw_build(person, lying=True))
            unfinished = folder.with_name(f"{folder.name}.partial")
            unfinished.mkdir(parents=True, exist_ok=True)
            for ds in hips.series(visit):
                (unfinished / f"{ds.InstanceNumber}.dcm").write_bytes(file_bytes(ds))
            unfinished.rename(folder)
        told = {"PatientID": patient_id(person), "split": split, "exam": str(Exam.HIP_MRI)}
        told |= {"path": f"{folder.relative_to(out)}", "visit": str(visit.number)}
        told["StudyDate"] = f"{visit.dates[1]:%Y%m%d}"
        grown = person.age_years + person.visits_years[visit.number]
        rows.append({**told, **row(person), "age_years": round(grown, 2)})
    return rows


def taken(visit: Visit, extras: tuple[Extra, ...] = ()) -> Iterator[Dataset]:
    """Take the coronal T1 of one visit, with what metal is in the hips."""
    build = replace(draw_build(visit.person, lying=True), extras=extras)
    yield from _Body(build).series(visit)


class _Body:
    """What of one body is the same at every visit."""

    def __init__(self, build: Build) -> None:
        self._build = build
        healthy = replace(build, person=replace(build.person, osteonecroses=()))
        middle = (build.femoral_head_mm("L") + build.femoral_head_mm("R")) / 2
        # what a planner may be off, and what a collapse moves
        self._near = np.array(FIELD_MM)[[0, 2, 1]] + 30.0
        self._middle, factors = middle, hip_factors(build)
        self._bones: dict[str, Cloud] = {}
        for side, letter in _SIDES.items():
            self._bones[f"hip bone {side}"] = self._cut(hip_bone(build, letter, LUMPS_MM))
            self._bones[f"femur {side}"] = self._cut(femur(healthy, letter, LUMPS_MM, 0, factors))
        foreign = foreign_bodies(build)
        self._bones = made_room(build, self._bones, foreign)
        self._soft = self._in_field(with_muscles_apart(build, soft_parts(build)))
        self._foreign = self._in_field(foreign)

    def _cut(self, cloud: Cloud) -> Cloud:
        return cloud.part(np.all(np.abs(cloud.points_mm - self._middle) < self._near, axis=1))

    def _in_field(self, solids: Iterable[Solid]) -> list[Solid]:
        """Return the parts of solids that the field can show, in painter's order."""
        kept = []
        for solid in solids:
            for part in parts_of(solid.shape):
                low, high = part.box()
                before, behind = self._middle - self._near, self._middle + self._near
                if np.all(low < behind) and np.all(high > before):
                    # to be painted only, and painting asks for no more than a depth
                    kept.append(replace(solid, shape=cast(Shape, part)))
        return kept

    def series(self, visit: Visit) -> Iterator[Dataset]:
        """Take the coronal T1 of one visit."""
        bones = dict(self._bones)
        for side, letter in _SIDES.items():
            lesion = necrosis(self._build, letter, visit.number)
            if lesion is not None:
                bones[f"femur {side}"] = diseased(bones[f"femur {side}"], lesion)
        solids = (*self._soft, *hip_joints(self._build, visit.number), *self._foreign)
        hips = Hips(self._build, bones, solids, visit.number)
        field_t = visit.device.mr.field_t
        protocol = draw_protocol(visit.seed, Contrast.T1, field_t, visit.number)
        slices = mri_series(hips, protocol, visit.seed, _filled(hips, protocol))
        yield from mr_series(visit, slices, Contrast.T1, protocol.timing)


def _filled(hips: Hips, protocol: MriProtocol) -> Filled:
    """Cut the body into the voxels about the heads."""
    grid = _about_the_heads(grid_of(hips.build, protocol))
    layers = ((np.arange(LAYERS) + 0.5) / LAYERS - 0.5) * grid.thickness_mm
    kinds = np.stack(
        [
            np.stack([grid.paint(hips.solids, index, float(back)) for back in layers])
            for index in range(grid.shape[0])
        ]
    )
    bones = {name: grid.fill(cloud) for name, cloud in hips.bones.items()}
    return Filled(grid, kinds, bones, Texture(grid, hips.build.person.seed))


def _about_the_heads(grid: Grid) -> Grid:
    """Return the middle of a grid, in its own voxels."""
    between, down, across = grid.step_mm
    reach = [FIELD_MM[2] / between, FIELD_MM[1] / down, FIELD_MM[0] / across]
    half = [min(int(one), (whole - 1) // 2) for one, whole in zip(reach, grid.shape, strict=True)]
    left_out = [(whole - 1) // 2 - one for one, whole in zip(half, grid.shape, strict=True)]
    moved = np.array([left_out[2] * across, left_out[0] * between, -left_out[1] * down])
    slices, rows, columns = (2 * one + 1 for one in half)
    return replace(grid, first_mm=grid.first_mm + moved, shape=(slices, rows, columns))


def main(
    out: Annotated[Path, typer.Argument(file_okay=False)],
    patients: Annotated[int, typer.Option(min=1)] = 200,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    split: Annotated[str, typer.Option(help="train, tune or test.")] = "train",
) -> None:
    """Make virtual hips for training, and the table of their cohort."""
    typer.echo(write_films(out, patients, seed, split, Console(stderr=True)))


if __name__ == "__main__":
    typer.run(main)
