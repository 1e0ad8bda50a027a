"""What the PACS was sent satisfies every validator, beside the film it is about."""

import films
import pytest
from peers import dcmsend
from validators import complaints, dciodvfy

# dcentvfy compares names byte by byte, and ours are in UTF-8
ASCII = {"PatientName": "Virtual^Patient"}

STUDIES = {
    "flagged": lambda: films.film(1, **ASCII),
    "not flagged": lambda: films.film(2, low_density=False, **ASCII),
    "failed": lambda: _constant(films.film(8, **ASCII)),
}


def _constant(ds):
    ds.PixelData = bytes(len(ds.PixelData))
    return ds


@pytest.mark.parametrize("study", STUDIES)
def test_what_the_pacs_received_satisfies_every_validator(study, line, tmp_path):
    film = STUDIES[study]()
    source = films.write(tmp_path, film)
    line.send(dcmsend, source)
    line.system.delivered(film.StudyInstanceUID)
    received = []
    for uid, content in line.stored(film.StudyInstanceUID).items():
        received.append(tmp_path / f"{uid}.dcm")
        received[-1].write_bytes(content)
    assert len(received) == (1 if study == "failed" else 2)
    # a maker of virtual devices writes a private block, which the validator warns of
    assert [said for said in dciodvfy(source) if not said.startswith("Warning")] == []
    assert complaints(received, source) == []
