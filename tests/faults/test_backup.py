"""A site is backed up while images pour in, its host is lost, another goes on from the backup."""

import films
import pytest
from faults.site import prove
from faults.traffic import Traffic, by_dcmsend, by_hand
from line import Line, running_line
from ours import Osteoscreen
from peers import storescu, wait_for


@pytest.fixture
def film(tmp_path):
    made = films.film(seed=1)
    return made.StudyInstanceUID, films.write(tmp_path, made)


def test_another_host_goes_on_from_a_backup_made_under_load(tmp_path, orthanc, film):
    study, path = film
    with running_line(tmp_path / "ours", orthanc, radiograph_settle_s=0.3) as line:
        line.send(storescu, path)
        line.system.delivered(study)
        ours = by_hand(line.system.port, line.system.aet)
        senders = [ours, by_dcmsend(line.system.port, line.system.aet, tmp_path)]
        with Traffic(senders, 1) as traffic:
            with traffic.pouring():
                wait_for("some traffic", lambda: len(traffic.acknowledged) > 20)
                safe = set(traffic.acknowledged)
                told = line.system.run("backup", str(tmp_path / "copy"))
                assert told.returncode == 0, told.stderr
            traffic.end()
        assert prove(line, traffic).is_sound
    before = line.stored(study)
    again = Osteoscreen(tmp_path / "theirs", listener_processes=1, radiograph_settle_s=0.3)
    again.home.mkdir(parents=True)
    again.cli("restore", str(tmp_path / "copy"))
    with again as system:
        theirs = Line(system, orthanc)
        theirs.settle()
        assert safe <= {one.stem for one in system.received()}
        # what was done before the backup is not done again
        theirs.send(storescu, path)
        new = films.film(seed=2)
        theirs.send(storescu, films.write(tmp_path, new))
        assert len(system.delivered(new.StudyInstanceUID)["results"]) == 1
        assert theirs.stored(study) == before
        assert len(system.delivered(study)["results"]) == 1
        told = system.run("audit")
        assert told.returncode == 0, told.stdout
