"""How far scores drift when the same patient is filmed, processed or stored in another way.

Each virtual patient is filmed once as drawn, then again with one thing changed and nothing else:
the same body, posture and seed of noise. All films go through the model as in service.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from rich.console import Console
from rich.table import Table
from scipy.ndimage import rotate

from engines.card_index import CARDS
from engines.cards import read_weights
from engines.cases import read_case
from engines.catalog import named
from engines.errors import BadSeries, NotEligible
from engines.exams import Exam
from engines.phantoms.cohort import seeds_of
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.views import View
from engines.phantoms.filming import one_radiograph
from engines.phantoms.parallel import for_each_patient
from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exposure
from engines.runtime import Arrays, Engine
from engines.runtime.loading import load

Stored = NDArray[Any]

#: What is filmed of each exam, and how large: smaller than real films, larger than the inputs.
_FILMS: Final = {
    Exam.CHEST_XRAY: (View.CHEST_PA, (440, 400)),
    Exam.HIP_XRAY: (View.PELVIS, (560, 680)),
}
#: The models that can be asked.
FILMED: Final = tuple(card.model for card in CARDS if card.exam in _FILMS)
_TURN_DEG, _CLIPPED_SHARE, _JPEG_QUALITY = 5.0, 0.08, 75


@dataclass(frozen=True)
class Drift:
    """What one change did to the scores of some patients.

    Attributes
    ----------
    name : str
        What was changed.
    cases : int
        Patients scored both ways.
    mean, spread, worst : float
        Of the change in score: mean, mean of its size, and the largest size.
    turned : int
        Of how many the flag is another one.
    refused : int
        Patients scored as drawn and refused so.
    """

    name: str
    cases: int
    mean: float
    spread: float
    worst: float
    turned: int
    refused: int


def _volts(change: float, exposure: Exposure) -> Exposure:
    quality = replace(exposure.shot.quality, kvp=exposure.shot.quality.kvp + change)
    return replace(exposure, shot=replace(exposure.shot, quality=quality))


def _dose(share: float, exposure: Exposure) -> Exposure:
    control = replace(exposure.shot.control, dose_ugy=exposure.shot.control.dose_ugy * share)
    return replace(exposure, shot=replace(exposure.shot, control=control))


def _look(changes: Mapping[str, Any], exposure: Exposure) -> Exposure:
    return replace(exposure, look=replace(exposure.look, **changes))


#: Another exposure or another vendor's processing: the film is taken again.
_TAKEN: Final[Mapping[str, Callable[[Exposure], Exposure]]] = {
    "10 kV less": partial(_volts, -10.0),
    "10 kV more": partial(_volts, 10.0),
    "a quarter of the dose": partial(_dose, 0.25),
    "soft processing": partial(_look, {"lift": 0.0, "edges": 0.1, "flatten": 0.1}),
    "hard processing": partial(_look, {"lift": 0.9, "edges": 1.3, "flatten": 0.6}),
}


def _turned(stored: Stored, bits: int) -> Stored:
    return np.asarray(rotate(stored, _TURN_DEG, reshape=False, order=1, mode="nearest"))


def _clipped(stored: Stored, bits: int) -> Stored:
    rows, columns = (round(_CLIPPED_SHARE * length) for length in stored.shape)
    return stored[rows:-rows, columns:-columns]


def _in_8_bits(stored: Stored, bits: int) -> Stored:
    return (stored >> max(bits - 8, 0)) << max(bits - 8, 0)


def _jpeg(stored: Stored, bits: int) -> Stored:
    down = max(bits - 8, 0)
    buffer = io.BytesIO()
    Image.fromarray((stored >> down).astype(np.uint8)).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return np.asarray(Image.open(buffer)).astype(stored.dtype) << down


#: What becomes of a film later; stored values and bits stored -> stored values.
_STORED: Final[Mapping[str, Callable[[Stored, int], Stored]]] = {
    "turned by 5 degrees": _turned,
    "8 % cut off each edge": _clipped,
    "8 bits": _in_8_bits,
    "JPEG of quality 75": _jpeg,
}

#: Score and flag; None where the film is refused.
Told = tuple[float, bool] | None


@dataclass(frozen=True)
class Shifter:
    """Films a virtual patient in all ways and scores each, in whatever process it is sent to."""

    model: str
    root: Path | None

    def __call__(self, seed: int) -> dict[str, Told]:
        """Return what was told of each film, by what was changed; as drawn by the empty name."""
        view, shape = _FILMS[named(self.model).CARD.exam]
        visit = Visit(draw_person(seed), named(self.model).CARD.exam, seed)
        plain = one_radiograph(visit, view, shape)
        told = {"": self._score(plain)}
        for name, altered in _TAKEN.items():
            told[name] = self._score(one_radiograph(visit, view, shape, altered=altered))
        for name, change in _STORED.items():
            told[name] = self._score(_changed(plain, change))
        return told

    def _score(self, ds: Dataset) -> Told:
        model, weights = named(self.model), read_weights(self.model, self.root)
        case = read_case(model.CARD.exam, [ds])

        def run(name: str, arrays: Arrays) -> Arrays:
            return _engine(weights.folder / weights.engines[name][0])(arrays)

        try:
            model.eligible(case)
            result = model.screen(case, run, weights)
        except (NotEligible, BadSeries):
            return None
        return result.findings[0].value, result.flagged


@cache
def _engine(file: Path) -> Engine:
    return load(file)


def _changed(ds: Dataset, change: Callable[[Stored, int], Stored]) -> Dataset:
    copy = deepcopy(ds)
    stored = ds.pixel_array
    other = np.ascontiguousarray(change(stored, int(ds.BitsStored)), dtype=stored.dtype)
    copy.Rows, copy.Columns = other.shape
    copy.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    copy.PixelData = other.tobytes()
    copy["PixelData"].VR = "OW"
    return copy


def drifts(shifter: Shifter, patients: int, seed: int, console: Console) -> list[Drift]:
    """Film and score virtual patients.

    Parameters
    ----------
    shifter : Shifter
        With which model.
    patients, seed : int
        How many, and which.
    console : Console
        Where the progress bar goes.

    Raises
    ------
    ValueError
        If none of them can be scored as drawn.
    """
    seeds = seeds_of(seed, patients)
    told = list(for_each_patient(shifter, seeds, "filming", console))
    plain = [one for one in told if one[""] is not None]
    if not plain:
        raise ValueError("no patient can be scored as drawn")
    return [_drift(name, plain) for name in told[0] if name]


def _drift(name: str, told: Sequence[Mapping[str, Told]]) -> Drift:
    pairs = [(one[""], one[name]) for one in told]
    both = [(before, after) for before, after in pairs if before and after]
    moved = np.array([after[0] - before[0] for before, after in both] or [np.nan])
    return Drift(
        name=name,
        cases=len(both),
        mean=float(moved.mean()),
        spread=float(np.abs(moved).mean()),
        worst=float(np.abs(moved).max()),
        turned=sum(before[1] != after[1] for before, after in both),
        refused=len(pairs) - len(both),
    )


def drift_table(title: str, found: Sequence[Drift]) -> Table:
    """Lay out how scores drift."""
    caption = "Simulated patients, each against the film as drawn."
    table = Table(title=title, caption=caption)
    for column in ("change", "scored", "mean", "mean size", "largest", "flag turns", "refused"):
        table.add_column(column)
    for one in found:
        numbers = (f"{one.mean:+.3f}", f"{one.spread:.3f}", f"{one.worst:.3f}")
        table.add_row(one.name, str(one.cases), *numbers, str(one.turned), str(one.refused))
    return table
