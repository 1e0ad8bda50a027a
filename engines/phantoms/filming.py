"""Radiographs of a visit: the films that are taken, and what their headers are told."""

from collections.abc import Callable, Iterator

import numpy as np
from pydicom import Dataset

from engines.exams import Exam
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.radiograph import Exposed, radiograph
from engines.phantoms.dicom.views import View
from engines.phantoms.nuisances import NO_NUISANCES, Nuisance, extras_of
from engines.phantoms.xray import films
from engines.phantoms.xray.detector import Grid
from engines.phantoms.xray.exposure import Exam as Taken
from engines.phantoms.xray.exposure import Exposure, Flaws

#: Which hip is taken beside the pelvis, and how long the shorter side of a film is.
_STREAM = 71
_TAKEN = {
    View.CHEST_PA: Taken.CHEST_PA,
    View.CHEST_AP: Taken.CHEST_AP,
    View.CHEST_LATERAL: Taken.CHEST_LATERAL,
    View.HIP_LEFT: Taken.HIP,
    View.HIP_RIGHT: Taken.HIP,
    View.PELVIS: Taken.PELVIS,
}
#: Shorter side of a film against the longer: square detectors, and 35 cm x 43 cm.
_SHAPES = (1.0, 0.82)


def radiographs(visit: Visit, film_px: int, nuisances: frozenset[Nuisance]) -> Iterator[Dataset]:
    """Take the films of one visit.

    Parameters
    ----------
    visit : Visit
        Of a chest or hip.
    film_px : int
        Longer side.
    nuisances : frozenset of Nuisance
        What is in the pictures.

    Yields
    ------
    Dataset
        Chest PA and left lateral, or AP alone in bed; pelvis AP and one hip AP.
    """
    rng = np.random.default_rng([visit.seed, _STREAM])
    hip = View.HIP_LEFT if rng.random() < 0.5 else View.HIP_RIGHT
    short = max(64, round(film_px * float(rng.choice(_SHAPES))))
    lying = bool(rng.random() < 0.3)
    if visit.exam is Exam.HIP_XRAY:
        yield one_radiograph(visit, View.PELVIS, (short, film_px), nuisances)
        yield one_radiograph(visit, hip, (film_px, short), nuisances)
        return
    # thoraces are taller than wide, but not all technologists turn the detector
    shape = (short, film_px) if lying else (film_px, short)
    if Nuisance.PORTABLE in nuisances:
        yield one_radiograph(visit, View.CHEST_AP, shape, nuisances)
        return
    yield one_radiograph(visit, View.CHEST_PA, shape, nuisances)
    yield one_radiograph(visit, View.CHEST_LATERAL, (film_px, short), nuisances)


def one_radiograph(
    visit: Visit,
    view: View,
    shape: tuple[int, int],
    nuisances: frozenset[Nuisance] = NO_NUISANCES,
    altered: Callable[[Exposure], Exposure] | None = None,
) -> Dataset:
    """Take one film of a visit.

    Parameters
    ----------
    visit : Visit
        Of a chest or hip.
    view : View
        From where.
    shape : (rows, columns)
        Of the film.
    nuisances : frozenset of Nuisance
        What is in the picture.
    altered : callable, optional
        As in :class:`engines.phantoms.xray.films.Order`.
    """
    flaws = Flaws(
        wrong_marker=Nuisance.WRONG_MARKER in nuisances, clipped=Nuisance.CLIPPED in nuisances
    )
    side = "R" if view is View.HIP_RIGHT else "L"
    extras = extras_of(nuisances, visit.person.seed)
    order = films.Order(_TAKEN[view], shape, side, visit.number, flaws, extras, altered)
    film = films.take(visit.person, visit.seed, order)
    shot = film.exposure.shot
    return radiograph(
        visit,
        Exposed(
            pixels=film.pixels,
            spacing_mm=film.geometry.pitch_mm,
            view=view,
            kv=shot.quality.kvp,
            mas=film.raw.mas,
            source_detector_mm=film.geometry.distance_mm,
            source_patient_mm=film.source_patient_mm,
            grid=shot.grid != Grid(),
        ),
    )
