"""A case that ends the process that works on it is parked with the reason; the rest flows."""

import contextlib
from pathlib import Path

import films
import pytest
from bench.receivers import tree
from line import running_line
from ours import deliveries
from peers import DcmtkStorescp, dcmsend, wait_for
from poison import Poison

GROUP_BYTES = 3 << 30
QUICK = {"lease_s": 30, "sweep_s": 1, "stall_s": 120, "max_attempts": 2}


@pytest.fixture(scope="module")
def poison(tmp_path_factory):
    return Poison(tmp_path_factory.mktemp("poison"))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory, orthanc, poison):
    folder = tmp_path_factory.mktemp("ours")
    limits = {**QUICK, "worker_memory_mib": 2048, "delivery_backoff_s": 0.5}
    with running_line(folder, orthanc, poison.environment, **limits) as line:
        yield line


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("segfault", "killed by signal 11 (segmentation fault) in stage read"),
        ("hog", "ran out of memory in stage read"),
    ],
)
def test_a_case_that_ends_its_process_is_parked_and_its_neighbours_are_screened(
    poisoned, poison, tmp_path, what, why
):
    bad, *neighbours = [films.film(seed) for seed in (1, 2, 3)]
    poison.put(what, str(bad.SOPInstanceUID))
    for film in (bad, *neighbours):
        films.write(tmp_path, film)
    poisoned.send(dcmsend, tmp_path)
    parked = poisoned.system.ended(bad.StudyInstanceUID)
    assert (parked["state"], why in parked["detail"]) == ("parked", True), parked["detail"]
    for film in neighbours:
        assert poisoned.system.delivered(film.StudyInstanceUID)["state"] == "screened"
        assert len(poisoned.stored(film.StudyInstanceUID)) == 2
    assert poisoned.system.audit() == []


@pytest.mark.long
def test_a_case_for_which_the_kernel_runs_out_of_memory_is_parked(orthanc, poison, tmp_path):
    """No limit of ours stands in the way here: the kernel picks its victim, and says nothing."""
    bad, neighbour = [films.film(seed) for seed in (5, 6)]
    with (
        memory_group("osteoscreen-test", GROUP_BYTES) as group,
        running_line(tmp_path, orthanc, poison.environment, **QUICK, worker_memory_mib=0) as line,
    ):
        for pid in tree(line.system.process.pid):
            (group / "cgroup.procs").write_text(str(pid))
        poison.put("hog", str(bad.SOPInstanceUID))
        (tmp_path / "films").mkdir()
        for film in (bad, neighbour):
            films.write(tmp_path / "films", film)
        line.send(dcmsend, tmp_path / "films")
        parked = line.system.ended(bad.StudyInstanceUID)
        assert parked["state"] == "parked"
        assert "ran out of memory: the system ended it" in parked["detail"]
        assert line.system.delivered(neighbour.StudyInstanceUID)["state"] == "screened"
        assert "oom_kill 0" not in (group / "memory.oom_control").read_text()


@contextlib.contextmanager
def memory_group(name, most_bytes):
    """Make a control group (version 1) whose processes may have so much memory together."""
    group = Path("/sys/fs/cgroup/memory") / name
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    try:
        (group / "memory.limit_in_bytes").write_text(str(most_bytes))
        yield group
    finally:
        wait_for("the group to be empty", lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


def test_an_object_that_ends_its_sender_is_parked_and_the_rest_is_sent(poisoned, poison, tmp_path):
    film = films.film(4)
    pacs = DcmtkStorescp(tmp_path / "late")
    poisoned.system.cli("peers", "add", pacs.aet, "127.0.0.1", str(pacs.port), "--results", "all")
    poisoned.send(dcmsend, films.write(tmp_path, film))

    def tried():
        made = deliveries(poisoned.system.ended(film.StudyInstanceUID))
        mine = [(one, delivery) for one, delivery in made if delivery["aet"] == pacs.aet]
        return mine if all(delivery["attempts"] for _, delivery in mine) else None

    made = wait_for("a try while the PACS is away", tried)
    poison.put("segfault", next(one["SOPInstanceUID"] for one, _ in made if one["kind"] == "SR"))
    with pacs:

        def ended():
            found = {one["kind"]: delivery for one, delivery in tried()}
            return found if {one["state"] for one in found.values()} == {"sent", "parked"} else None

        found = wait_for("one to be sent and one to be parked", ended)
    assert (found["SR"]["state"], found["SC"]["state"]) == ("parked", "sent")
    assert "killed by signal 11 (segmentation fault)" in found["SR"]["detail"]
