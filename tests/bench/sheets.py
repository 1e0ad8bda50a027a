"""Contact sheets: ``python -m bench.sheets ../shared/data docs`` writes one PNG for each exam.

Virtual patients above, real ones below; the first seeds of a cohort as they come, none chosen for
its looks, but for the hip with a necrosis.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from bench import real_images
from bench.real_images import Picture, windowed
from PIL import Image, ImageDraw
from pydicom import Dataset

from engines.exams import Exam
from engines.images import read_radiograph
from engines.phantoms.body.build import draw_build
from engines.phantoms.ct.protocol import CtProtocol, Phase
from engines.phantoms.ct.volume import CtVolume, ct_volume
from engines.phantoms.exams import Setting, images, study, visits
from engines.phantoms.nuisances import Nuisance
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.phantoms.people.population import HIP_CLINIC

#: The first of the persons.
SEED = 2026
TILE_PX, GAP_PX, WORDS_PX = 270, 6, 16
#: Grey levels, so that the files stay small.
LEVELS = 48


def told(person: Person) -> str:
    return (
        f"{'woman' if person.sex == 'F' else 'man'}, {person.age_years}, T {person.t_lowest:+.1f}"
    )


def filmed(exam: Exam, seed: int, *nuisances: Nuisance) -> tuple[list[np.ndarray], str]:
    """Return the films of one patient as they are shown, and who it is."""
    setting = Setting(film_px=900, nuisances=frozenset(nuisances))
    person = draw_person(seed)
    taken = images(person, exam, seed, setting)
    return [read_radiograph(ds).pixels for ds in taken], told(person)


def chests() -> Iterator[Picture]:
    """Three PA films, one in bed, one lateral."""
    lateral = np.zeros((1, 1))
    for seed in range(SEED, SEED + 3):
        (film, lateral), words = filmed(Exam.CHEST_XRAY, seed)
        yield Picture(film, f"PA, {words}")
    (film,), words = filmed(Exam.CHEST_XRAY, SEED + 3, Nuisance.PORTABLE)
    yield Picture(film, f"in bed, {words}")
    yield Picture(lateral, "lateral of the third")


def hips() -> Iterator[Picture]:
    """Pelvis and hip of two patients."""
    for seed in (SEED, SEED + 1):
        (pelvis, hip), words = filmed(Exam.HIP_XRAY, seed)
        yield Picture(pelvis, f"pelvis, {words}")
        yield Picture(hip, f"hip, {words}")


def scanned(seed: int, phase: Phase) -> tuple[CtVolume, str]:
    """Return a scan of 3 mm, and who it is."""
    person = draw_person(seed)
    build = replace(draw_build(person, lying=True), arms_raised=True)
    protocol = CtProtocol(slice_thickness_mm=3.0, spacing_mm=3.0, phase=phase, field_mm=350.0)
    return ct_volume(build, protocol, seed), told(person)


def ct() -> Iterator[Picture]:
    """A native scan at three heights and from the front, and a portal venous one."""
    volume, words = scanned(SEED + 1, Phase.NONE)
    build = draw_build(draw_person(SEED + 1), lying=True)
    levels = {level: build.vertebra_centre_mm(level) for level in ("L1", "L3")}
    for name, place in (levels | {"hips": build.femoral_head_mm("L")}).items():
        k = volume.voxel(place)[0]
        yield Picture(windowed(volume.hu[k], -160, 240), f"{name}, {words}")
    row = volume.voxel(levels["L3"])[1]
    pixel_mm = volume.protocol.field_mm / volume.protocol.matrix
    front = Image.fromarray(volume.hu[::-1, row].astype(np.float32))
    tall = round(front.height * volume.protocol.spacing_mm / pixel_mm)
    shown = np.asarray(front.resize((front.width, tall)))
    yield Picture(windowed(shown, -160, 340), "coronal, 3 mm")
    volume, words = scanned(SEED + 2, Phase.PORTAL_VENOUS)
    k = volume.voxel(np.zeros(3))[0]
    yield Picture(windowed(volume.hu[k], -160, 240), f"portal venous, {words}")


def mri() -> Iterator[Picture]:
    """T1 and STIR of a patient with a necrosis at the last visit, and of one without."""
    people = [draw_person(seed, HIP_CLINIC) for seed in range(SEED, SEED + 60)]
    ill = next(p for p in people if p.osteonecroses and p.osteonecroses[0].collapse_mm[-1] > 1)
    well = next(p for p in people if not p.osteonecroses)
    for person, words in ((well, "healthy"), (ill, "necrosis")):
        *_, visit = visits(person, Exam.HIP_MRI, person.seed)
        last = list(study(visit))
        for number, name in ((2, "T1"), (3, "STIR")):
            series = [ds for ds in last if ds.SeriesNumber == number]
            # slices are planned around the heads; lesions lie in front of their middle
            yield Picture(_mr(series[len(series) // 2 - 1]), f"{name}, {words}")


def _mr(ds: Dataset) -> np.ndarray:
    values = np.asarray(ds.pixel_array, np.float64)
    return windowed(values, 0.0, float(np.quantile(values, 0.995)))


def tile(picture: Picture) -> Image.Image:
    """Return a square with a picture in it and words under it."""
    square = Image.new("L", (TILE_PX, TILE_PX + WORDS_PX))
    shown = Image.fromarray(np.rint(255 * picture.grey).astype(np.uint8))
    scale = TILE_PX / max(shown.size)
    size = (max(1, round(shown.width * scale)), max(1, round(shown.height * scale)))
    shown = shown.resize(size, Image.Resampling.LANCZOS)
    square.paste(shown, ((TILE_PX - size[0]) // 2, (TILE_PX - size[1]) // 2))
    grey = np.asarray(square, np.float64)
    square = Image.fromarray(np.rint(np.rint(grey / 255 * LEVELS) * 255 / LEVELS).astype(np.uint8))
    ImageDraw.Draw(square).text((2, TILE_PX + 2), picture.words, fill=255)
    return square


def sheet(simulated: Sequence[Picture], real: Sequence[Picture]) -> Image.Image:
    """Lay simulated pictures over real ones."""
    columns = max(len(simulated), len(real))
    step, down = TILE_PX + GAP_PX, TILE_PX + WORDS_PX + GAP_PX
    whole = Image.new("L", (columns * step, 2 * (down + WORDS_PX)), 60)
    draw = ImageDraw.Draw(whole)
    for row, (title, pictures) in enumerate((("simulated", simulated), ("real", real))):
        top = row * (down + WORDS_PX)
        draw.text((2, top + 2), title, fill=255)
        for column, picture in enumerate(pictures):
            whole.paste(tile(picture), (column * step, top + WORDS_PX))
    return whole


SHEETS = {
    "chest": (chests, real_images.chests),
    "hip": (hips, real_images.hips),
    "ct": (ct, real_images.ct),
    "mri": (mri, real_images.mri),
}


def main() -> None:
    """Write the sheets named after the two folders, or all."""
    data, out, *names = sys.argv[1:]
    for name in names or SHEETS:
        simulated, real = SHEETS[name]
        whole = sheet(list(simulated()), list(real(Path(data))))
        whole.save(Path(out) / f"virtual-patients-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
