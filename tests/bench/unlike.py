"""Which images are refused as unlike a frontal chest, or unlike the training data, and which not?

``python -m bench.unlike FOLDER`` asks the reference weights of `cxr_osporscreen`. FOLDER has films
of virtual patients as `osteoscreen-lab evaluate --keep` leaves them: name one of a seed that no
weights were made with. Real images are those of ``shared/data``. Headers are not asked: what is
measured is what pixels alone can tell.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydicom import dcmread
from radiographs import picture, shared, shown
from rich.console import Console
from rich.table import Table

from engines.anatomy.thorax import THRESHOLD, look_like_frontal_chest
from engines.cards import read_weights
from engines.cxr_osporscreen.inputs import prepare
from engines.images import Radiograph, read_radiograph
from engines.likeness import unlike

WEIGHTS = read_weights("cxr_osporscreen")
SIZE_PX = int(WEIGHTS.parameters["input_size_px"])


def grey(file: Path) -> Radiograph:
    """Return any DICOM image as a film, whatever it shows."""
    values = dcmread(file).pixel_array.astype(np.float32)
    values = values.mean(axis=-1) if values.ndim == 3 else values
    low, high = np.percentile(values, (0.5, 99.5))
    return shown(np.clip((values - low) / max(float(high - low), 1e-6), 0, 1))


def real() -> Iterator[tuple[str, Radiograph]]:
    """Yield real images with what they show; the chest films first."""
    for source in ("nih", "hannover"):
        for file in sorted(shared(f"cxr/{source}").glob("*.png")):
            yield f"real chest films ({source})", picture(file)
    for name in ("CR-MONO1-10-chest.part10", "RG1_J2KI"):
        film = read_radiograph(dcmread(shared(f"cxr/dicom/{name}.dcm")))
        yield "real chest films (DICOM)", film
    yield "real tibia", read_radiograph(dcmread(shared("cxr/not-chest/RG3_J2KI.dcm")))
    for kind, where in (
        ("real pelves of infants", "hip/paediatric"),
        ("real MR localizer", "mri/PROSTATEx-0001-localizer"),
        ("real MR of hips", "mri/PROSTATEx-0000-t2-cor"),
        ("real CT slices", "ct/CRLM-CT-1004"),
    ):
        for file in sorted(shared(where).rglob("*.dcm")):
            yield kind, grey(file)


def virtual(folder: Path) -> Iterator[tuple[str, Radiograph]]:
    """Yield virtual chest films, and what becomes of them when they are turned."""
    for file in sorted(folder.glob("*.npy")):
        pixels = np.load(file).astype(np.float32)
        yield "virtual chest films", shown(pixels)
        yield "the same upside down", shown(pixels[::-1])
        yield "the same lying on a side", shown(pixels.T)
        yield "the same as negatives", shown(1 - pixels)
        yield "the same, upper half alone", shown(pixels[: len(pixels) // 2])


def main(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
) -> None:
    """Print the table."""
    seen: dict[str, list[tuple[bool, bool]]] = {}
    for kind, film in (*virtual(folder), *real()):
        by_look = look_like_frontal_chest(film) < THRESHOLD
        by_likeness = bool(unlike(prepare(film.pixels, SIZE_PX)[None], WEIGHTS)[0])
        seen.setdefault(kind, []).append((by_look, by_likeness))
    table = Table("images", "how many", "unlike a chest", "unlike the training", "by either")
    for kind, found in seen.items():
        told = np.array(found)
        refused = (told[:, 0].sum(), told[:, 1].sum(), told.any(axis=1).sum())
        table.add_row(kind, str(len(told)), *map(str, refused))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
