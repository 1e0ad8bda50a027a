"""Does anything but bone give the label away? ``python -m bench.leakage FOLDER`` images and tells.

Persons come in pairs of the same sex and nearly the same age, height and weight, one with the label
and one without, so that age, sex and size alone say nothing within the cohort. Whatever a
classifier then reaches from headers and global statistics is a leak, or bone that global statistics
see. ``--one-skeleton`` tells which: everybody is imaged with the bones of one person, and what is
left is a leak. Rows are kept in FOLDER, so that a run may be cut short and gone on with.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import numpy as np
import typer
from bench.bones_seen import at_chest, at_hip
from bench.classifier import best_auc, predicted
from bench.seen import global_values, header_values, table
from bench.unexposed import nothing_imaged
from pydicom import Dataset
from pydicom.pixels import apply_rescale
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.ndimage import binary_closing, binary_dilation

from engines.exams import Exam
from engines.images import read_radiograph
from engines.phantoms import filming, scanning
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.planes import table_shift_mm
from engines.phantoms.exams import Setting, study
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import SCREENING, Population
from engines.phantoms.people.table import BONES, row
from engines.phantoms.xray.films import Film

#: Half of them sick, at one visit.
HIPS = Population(osteonecrosis=0.5)
#: How far two of a pair may differ: years, metres, kg.
_APART = np.array([2.0, 0.03, 4.0])
#: Whose bones all have who are imaged with one skeleton: a woman's at the border.
SKELETON = draw_person(19)
_FILM_PX = 384
_CT_PX, _MR_PX = 128, 96


@dataclass(frozen=True)
class Kind:
    """One exam: how it is measured, on whom, and what shall not leak.

    Attributes
    ----------
    exam : Exam
        Which.
    population : Population
        Whom the cohort is drawn from.
    sick : callable
        Person -> label.
    measure : callable
        Visit -> header values, global statistics, values at bones.
    """

    exam: Exam
    population: Population
    sick: Callable[[Person], bool]
    measure: Callable[[Visit], tuple[dict[str, Any], ...]]


def films(visit: Visit) -> tuple[dict[str, Any], ...]:
    """Take a PA chest film, or pelvis and hip."""
    made: list[Film] = []
    take = filming.films.take

    def kept(*of: Any) -> Film:
        made.append(take(*of))
        return made[-1]

    known: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    bones: dict[str, Any] = {}
    with mock.patch.object(filming.films, "take", kept):
        taken = filming.radiographs(visit, _FILM_PX, frozenset())
        # the lateral says nothing more that is worth its time
        for number, ds in enumerate(islice(taken, 1 if visit.exam is Exam.CHEST_XRAY else 2)):
            known |= header_values(ds, f"{number} ")
            stored = global_values(ds.pixel_array, (0.0, 2.0**ds.BitsStored))
            seen = global_values(read_radiograph(ds).pixels, (0.0, 1.0))
            shown |= {f"{number} stored {key}": value for key, value in stored.items()}
            shown |= {f"{number} shown {key}": value for key, value in seen.items()}
    if visit.exam is Exam.CHEST_XRAY:
        return known, shown, at_chest(made[0], visit.person)
    for side in ("L", "R"):
        at = at_hip(made[0], visit.person, side)
        bones |= {f"pelvis {side} {key}": value for key, value in at.items()}
    side = "L" if "L" in (ds.get("ImageLaterality"), ds.get("Laterality")) else "R"
    return known, shown, bones | at_hip(made[1], visit.person, side)


def ct(visit: Visit) -> tuple[dict[str, Any], ...]:
    """Scan every tenth millimetre in coarse pixels; take the mean in L1 as a reader does."""
    draw = scanning.draw_ct_protocol

    def coarse(seed: int) -> Any:
        return replace(draw(seed), spacing_mm=10.0)

    drawn = {"spacing": draw(visit.seed).spacing_mm}
    with (
        mock.patch.object(scanning, "draw_ct_protocol", coarse),
        mock.patch.object(scanning, "_SECOND_KERNEL", 0.0),
    ):
        volumes: list[Any] = []
        scan = scanning.ct_volume

        def kept(*of: Any) -> Any:
            volumes.append(scan(*of))
            return volumes[-1]

        with mock.patch.object(scanning, "ct_volume", kept):
            images = list(scanning.abdomen_ct(visit, _CT_PX))
    known = header_values(images[0], "0 ") | header_values(images[1], "1 ") | drawn
    known |= {"images": float(len(images)), "phase": str(draw(visit.seed).phase)}
    hu = np.stack([apply_rescale(ds.pixel_array, ds) for ds in images[1:]])
    whole, rest = (global_values(part, (-1024.0, 1024.0)) for part in (hu, without_bone(hu)))
    # how many voxels are left tells how much bone was taken out
    soft = {f"soft {k}": v for k, v in rest.items() if k not in ("size", "rows", "columns")}
    return known, whole | soft, {"L1": l1_hu(volumes[0])}


def without_bone(hu: np.ndarray) -> np.ndarray:
    """Return the voxels that are neither dense nor beside or between dense ones: shape (1, n)."""
    dense = binary_closing(hu > 130, np.ones((1, 9, 9)), iterations=1)
    return hu[~binary_dilation(dense, np.ones((1, 5, 5)))][None]


def l1_hu(volume: Any) -> float:
    """Return the mean in the front of L1's body, in all slices that pass through its middle."""
    _, rows, columns = volume.hu.shape
    to_body = volume.affine
    row, column = np.mgrid[:rows, :columns]
    found = []
    for k in range(len(volume.hu)):
        x, y, z = (
            to_body[i, 0] * column + to_body[i, 1] * row + to_body[i, 2] * k + to_body[i, 3]
            for i in range(3)
        )
        inside = (np.hypot(x / 9.0, (y + 3.0) / 7.0) < 1.0) & (np.abs(z) < 8.0)
        found.append(volume.hu[k][inside])
    return float(np.concatenate(found).mean())


def mri(visit: Visit) -> tuple[dict[str, Any], ...]:
    """Take the hips in coarse voxels; measure inside the femoral heads."""
    draw = scanning.draw_protocol

    def coarse(*of: Any) -> Any:
        protocol = draw(*of)
        return replace(protocol, matrix=_MR_PX, slices=10, gap_mm=8.0 - protocol.thickness_mm)

    with (
        mock.patch.object(scanning, "draw_protocol", coarse),
        mock.patch.object(scanning, "_LUMPS_MM", 1.2),
    ):
        images = list(scanning.hip_mri(visit))
    known: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    bones: dict[str, Any] = {}
    for number in sorted({int(ds.SeriesNumber) for ds in images}):
        series = [ds for ds in images if int(ds.SeriesNumber) == number]
        known |= header_values(series[0], f"{number} ")
        stack = np.stack([ds.pixel_array for ds in series])
        shown |= {f"{number} {k}": v for k, v in global_values(stack, (0.0, 2000.0)).items()}
        bones |= {f"{number} {k}": v for k, v in in_heads(series, stack, visit).items()}
    return known, shown, bones


def in_heads(series: list[Dataset], stack: np.ndarray, visit: Visit) -> dict[str, float]:
    """Return how dark and how bright the femoral heads are against the shafts below them."""
    build = scanning.draw_build(visit.person, lying=True)
    shift = table_shift_mm(visit)
    spacing = float(series[0].PixelSpacing[0])
    first = np.array(series[0].ImagePositionPatient, float) - shift
    step = np.array(series[1].ImagePositionPatient, float) - shift - first
    k, i, j = np.mgrid[tuple(slice(0, n) for n in stack.shape)]
    x, y, z = first[0] + spacing * j, first[1] + step[1] * k, first[2] - spacing * i
    values = {}
    for side in ("L", "R"):
        centre = build.femoral_head_mm(side)
        off = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2)
        inside = stack[off < 0.75 * build.femoral_head_radius_mm].astype(float)
        values |= {f"{side} low": np.quantile(inside, 0.05), f"{side} high": inside.max()}
        values[f"{side} mean"] = inside.mean()
    least, most = (f([values[f"{s} low"] for s in "LR"]) for f in (min, max))
    return {"lowest": least / most, "asymmetry": least - most} | {
        key: float(value / stack.mean()) for key, value in values.items()
    }


def osteoporosis(person: Person) -> bool:
    return person.osteoporosis


def necrosis(person: Person) -> bool:
    return bool(person.osteonecroses)


KINDS = {
    "cxr": Kind(Exam.CHEST_XRAY, SCREENING, osteoporosis, films),
    "hip": Kind(Exam.HIP_XRAY, SCREENING, osteoporosis, films),
    "ct": Kind(Exam.ABDOMEN_CT, SCREENING, osteoporosis, ct),
    "mri": Kind(Exam.HIP_MRI, HIPS, necrosis, mri),
}


def with_bones_of(person: Person, other: Person) -> Person:
    """Return the same body with other bones: all that a label is made of."""
    theirs = (*BONES, "prior_fracture", "followed_years", "fractured", "osteonecroses")
    return replace(person, **{name: getattr(other, name) for name in theirs})


def pairs(kind: Kind) -> Iterator[tuple[Person, Person]]:
    """Draw persons in the order of their seeds; yield one with the label and one without."""
    waiting: list[Person] = []
    for seed in count(8_000_000):
        person = draw_person(seed, kind.population)
        fits = partial(_fits, kind, person)
        other = next(filter(fits, waiting), None)
        if other is None:
            waiting.append(person)
            continue
        waiting.remove(other)
        yield (person, other) if kind.sick(person) else (other, person)


def _fits(kind: Kind, one: Person, other: Person) -> bool:
    if one.sex != other.sex or kind.sick(one) == kind.sick(other):
        return False
    return bool(np.all(np.abs(_size(one) - _size(other)) <= _APART))


def _size(person: Person) -> np.ndarray:
    return np.array([person.age_years, person.height_m, person.weight_kg])


def image(
    kind: Kind, folder: Path, wanted: int, skeleton: Person | None = None
) -> list[dict[str, Any]]:
    """Measure so many pairs, all with one skeleton or each with their own, but those measured."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{kind.exam}{'-one-skeleton' if skeleton else ''}.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    have = {one["truth"]["seed"] for one in rows}
    people = [person for pair in islice(pairs(kind), wanted) for person in pair]
    todo = [person for person in people if person.seed not in have]
    with file.open("a") as stream:
        for person in track(todo, str(kind.exam), console=Console(stderr=True), transient=True):
            body = with_bones_of(person, skeleton) if skeleton else person
            known, shown, bones = kind.measure(Visit(body, kind.exam, person.seed))
            one = {"sick": kind.sick(person), "truth": row(person)}
            one |= {"header": known, "image": shown, "bone": bones}
            rows.append(json.loads(json.dumps(one)))
            stream.write(json.dumps(one) + "\n")
            stream.flush()
    by_seed = {one["truth"]["seed"]: one for one in rows}
    return [by_seed[person.seed] for person in people]


def headers_alone(kind: Kind, wanted: int) -> str:
    """Say what a classifier reaches from headers of films and scans that show nothing."""
    people = [person for pair in islice(pairs(kind), wanted) for person in pair]
    setting = Setting(film_px=64, ct_px=8)
    known = []
    with nothing_imaged():
        for person in track(people, "headers", console=Console(stderr=True), transient=True):
            first = islice(study(Visit(person, kind.exam, person.seed), setting), 2)
            row_of = [header_values(ds, f"{number} ") for number, ds in enumerate(first)]
            known.append({key: value for one in row_of for key, value in one.items()})
    sick = np.array([kind.sick(person) for person in people])
    return f"{len(people)} headers without pictures: AUC {best_auc(table(known)[0], sick)}"


_BODY = ("age_years", "height_m", "weight_kg")


def body(rows: list[dict[str, Any]]) -> np.ndarray:
    """Return age, height, weight and sex: shape (row, 4)."""
    truth = [one["truth"] for one in rows]
    return np.array([[*(t[key] for key in _BODY), t["sex"] == "F"] for t in truth], float)


def judge(rows: list[dict[str, Any]]) -> Table:
    """Say what is reached from the body alone, from header and image, and with the bones."""
    sick = np.array([one["sick"] for one in rows])
    header, said = table([one["header"] for one in rows])
    # it is the seed, and the sick, who are fewer, are drawn later than those who wait for them
    unnumbered = header[:, [k for k, name in enumerate(said) if "PatientID" not in name]]
    shown, names = table([one["image"] for one in rows])
    soft = [number for number, name in enumerate(names) if name.startswith("soft ")]
    bone, _ = table([one["bone"] for one in rows])
    told = Table("from", "AUC (95 %)")
    beside = [("global statistics of what is no bone", shown[:, soft])] if soft else []
    for name, x in (
        *beside,
        ("age, sex, size", body(rows)),
        ("header", header),
        ("header without PatientID", unnumbered),
        ("global statistics", shown),
        ("header and global statistics", np.hstack([header, shown])),
        ("bones in the image", bone),
        ("bones in the image; age, sex, size", np.hstack([bone, body(rows)])),
    ):
        told.add_row(name, str(best_auc(x, sick)))
    return told


def strongest(rows: list[dict[str, Any]], part: str, truth: str, most: int = 8) -> list[str]:
    """Name the columns that go most with a truth beyond age, sex and size."""
    x, names = table([one[part] for one in rows])
    known = body(rows)
    known = np.hstack([known, known[:, :3] ** 2, np.ones((len(rows), 1))])
    y = np.array([float(one["truth"][truth]) for one in rows])

    def beyond(v: np.ndarray) -> np.ndarray:
        return v - known @ np.linalg.lstsq(known, v, rcond=None)[0]

    left, y = beyond(x), beyond(y)
    scale = np.sqrt((left**2).sum(axis=0) * (y**2).sum())
    r = np.where(left.std(axis=0) > 1e-9, left.T @ y / np.maximum(scale, 1e-12), 0.0)
    order = np.argsort(-np.abs(r))[:most]
    return [f"{names[i]} {r[i]:+.2f}" for i in order]


def recovered(rows: list[dict[str, Any]], truth: str) -> str:
    """Say how predictions from bones, and from the body alone, go with a truth: r."""
    y = np.array([float(one["truth"][truth]) for one in rows])
    bone, _ = table([one["bone"] for one in rows])
    told = [
        f"{name} {max(np.corrcoef(predicted(x, y, bent), y)[0, 1] for bent in (False, True)):.2f}"
        for name, x in (("bones", bone), ("age, sex, size", body(rows)))
    ]
    return f"{truth}: r from " + ", from ".join(told)


_TRUTHS = {
    "cxr": ("t_spine", "t_lowest", "trabecular_mg_cm3"),
    "hip": ("t_neck", "t_hip", "t_lowest"),
    "ct": ("trabecular_mg_cm3", "t_spine"),
    "mri": ("osteonecrosis_left", "osteonecrosis_right"),
}


def main(
    folder: Path,
    exams: Annotated[str, typer.Option(help="Which, with commas.")] = "cxr,hip,ct,mri",
    wanted: Annotated[int, typer.Option("--pairs", help="Of each exam.")] = 100,
    headers: Annotated[int, typer.Option(help="Pairs without pictures.")] = 200,
    one_skeleton: Annotated[bool, typer.Option(help="Everybody with the same bones.")] = False,
) -> None:
    """Image pairs of virtual patients and say what their headers and statistics give away."""
    console = Console(width=100)
    for name in exams.split(","):
        rows = image(KINDS[name], folder, wanted, SKELETON if one_skeleton else None)
        console.print(f"\n{name}, {len(rows)} persons", judge(rows), sep="\n")
        if one_skeleton:
            continue
        console.print(headers_alone(KINDS[name], headers))
        for truth in _TRUTHS[name]:
            console.print(recovered(rows, truth))
            for part in ("header", "image"):
                console.print(f"  {part}:", "; ".join(strongest(rows, part, truth)))


if __name__ == "__main__":
    typer.run(main)
