"""A case that hangs its process costs that process, never the others; a slow one is let be."""

import films
import pytest
from line import running_line
from peers import dcmsend
from poison import Poison

STALL_S = 6


@pytest.fixture(scope="module")
def poison(tmp_path_factory):
    return Poison(tmp_path_factory.mktemp("poison"))


@pytest.fixture(scope="module")
def hanging(tmp_path_factory, orthanc, poison):
    folder = tmp_path_factory.mktemp("ours")
    limits = {"lease_s": 30, "sweep_s": 1, "stall_s": STALL_S, "max_attempts": 2}
    with running_line(folder, orthanc, poison.environment, **limits) as line:
        yield line


@pytest.mark.parametrize("what", ["hang", "hang_in_c"])
def test_a_case_that_hangs_is_parked_and_its_neighbours_are_screened(
    hanging, poison, tmp_path, what
):
    bad, *neighbours = [films.film(seed) for seed in (1, 2, 3)]
    poison.put(what, str(bad.SOPInstanceUID))
    for film in (bad, *neighbours):
        films.write(tmp_path, film)
    hanging.send(dcmsend, tmp_path)
    parked = hanging.system.ended(bad.StudyInstanceUID)
    why = f"made no progress for {STALL_S} s in stage read"
    assert (parked["state"], why in parked["detail"]) == ("parked", True), parked["detail"]
    assert "line 3 in hang" in hanging.system.logs() or "in hang" in hanging.system.logs()
    for film in neighbours:
        assert hanging.system.delivered(film.StudyInstanceUID)["state"] == "screened"
    assert hanging.system.audit() == []


def test_a_case_that_takes_longer_but_gets_on_is_let_be(hanging, poison, tmp_path):
    film = films.film(4)
    others = [films.film(4, SeriesInstanceUID=film.SeriesInstanceUID) for _ in range(2)]
    for one in (film, *others):
        one.StudyInstanceUID = film.StudyInstanceUID
        one.PatientID = film.PatientID
        films.write(tmp_path, one)
    # three images of three seconds each, in a process that may stand still for six
    poison.put("crawl", str(film.SeriesInstanceUID))
    hanging.send(dcmsend, tmp_path)
    series = hanging.system.ended(film.StudyInstanceUID)
    assert series["state"] == "screened"
    assert not [event for event in series["events"] if event["kind"] == "put back"]
