"""The same patient filmed and stored in other ways: what changes, and what must not."""

import films
import numpy as np
import pytest

pytest.importorskip("pandas", reason="the bench needs the extra `lab`")

from engines.lab import shift
from engines.phantoms.people.draw import draw_person
from engines.phantoms.xray.exposure import Exam
from engines.phantoms.xray.films import Order, take

SHIFTER = shift.Shifter("cxr_osporscreen", None)


def test_a_film_is_taken_again_with_one_setting_changed() -> None:
    louder = shift._TAKEN["10 kV more"]
    before, after = (
        take(draw_person(2), 2, Order(Exam.CHEST_PA, (48, 48), altered=altered)).exposure
        for altered in (None, louder)
    )
    assert after.shot.quality.kvp == before.shot.quality.kvp + 10
    assert (after.look, after.posture) == (before.look, before.posture)


def test_every_change_is_scored_as_in_service(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = films.taken(films.LOW)
    monkeypatch.setattr(shift, "one_radiograph", lambda *which, altered=None: taken)
    told = SHIFTER(7)
    assert set(told) == {"", *shift._TAKEN, *shift._STORED}
    plain = told[""]
    assert plain and plain[1]
    # here the film that is taken again is the very same
    assert all(told[name] == plain for name in shift._TAKEN)
    assert told["8 bits"] and abs(told["8 bits"][0] - plain[0]) < 0.05
    assert told["turned by 5 degrees"] != plain


def test_drift_counts_flags_that_turn_and_films_that_are_refused() -> None:
    told = [
        {"": (0.2, False), "x": (0.4, True)},
        {"": (0.8, True), "x": (0.7, True)},
        {"": (0.5, True), "x": None},
    ]
    found = shift._drift("x", told)
    assert (found.cases, found.turned, found.refused) == (2, 1, 1)
    assert (found.mean, found.spread) == pytest.approx((0.05, 0.15))
    assert found.worst == pytest.approx(0.2)


def test_fewer_bits_and_jpeg_keep_the_range_of_the_film() -> None:
    stored = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    for change in (shift._in_8_bits, shift._jpeg):
        other = change(stored, 12)
        assert other.dtype == stored.dtype and other.max() <= 4095
        assert np.abs(other.astype(int) - stored).max() < 300
    assert shift._clipped(stored, 12).shape == (54, 54)
