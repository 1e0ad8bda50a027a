"""Storage commitment: what we commit to lies on the disk, and who asked hears it, whatever dies."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import films
import pytest
from line import MODEL
from modality import Modality, asked_for, shadow
from ours import Osteoscreen, deliveries
from peers import LOOPBACK, dcmsend, echoscu, free_port, wait_for
from pydicom import Dataset
from pynetdicom import _config
from sqlalchemy import select

from daemon.records import peers
from daemon.records.tables import Commitment, Peer

QUICK = {"sweep_s": 0.3, "delivery_backoff_s": 0.3, "delivery_attempts": 4, "lease_s": 4}
QUICK |= {"listener_processes": 1}

PORT = str(free_port())
MODALITY = ("MODALITY", LOOPBACK, PORT, "--sends", "--results", "none")

NO_SUCH_INSTANCE, CONFLICT, PROCESSING_FAILURE = 0x0112, 0x0119, 0x0110


@pytest.fixture(autouse=True)
def _strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let peers in this process accept only what they are told to."""
    monkeypatch.setattr(_config, "UNRESTRICTED_STORAGE_SERVICE", False)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Osteoscreen]:
    with Osteoscreen(tmp_path_factory.mktemp("ours"), [MODALITY], **QUICK) as ours:
        yield ours


@pytest.fixture
def modality(system: Osteoscreen) -> Modality:
    return Modality(system.port, int(PORT))


def states(system: Osteoscreen) -> dict[str, tuple[str, str | None]]:
    with system.ledger.read() as session:
        rows = session.scalars(select(Commitment).where(~Commitment.by_us))
        return {row.TransactionUID: (row.state, row.detail) for row in rows}


def until(system: Osteoscreen, transaction: str, state: str) -> str | None:
    """Wait until a request is in that state; return what is said of it."""
    what = f"the commitment to be {state}"
    return (
        wait_for(what, lambda: states(system)[transaction][0] == state)
        and (states(system)[transaction][1])
    )


def kept(system: Osteoscreen, ds: Dataset) -> Path:
    place = system.home / "spool" / "kept" / ds.SeriesInstanceUID / f"{ds.SOPInstanceUID}.dcm"
    return Path(wait_for("the object to be indexed", lambda: place.exists() and place))


def test_a_modality_that_keeps_its_association_open_hears_the_report_there(system, modality):
    one, other = shadow(), shadow()
    with modality.calling() as assoc:
        for ds in (one, other):
            assert assoc.send_c_store(ds).Status == 0
        status, transaction = modality.ask(assoc, asked_for([one, other]))
        assert status == 0
        wait_for("the report", lambda: modality.heard)
        assert assoc.send_c_store(shadow()).Status == 0
    assert modality.heard == [(transaction, [one.SOPInstanceUID, other.SOPInstanceUID], {})]
    until(system, transaction, "reported")


def test_a_modality_that_hangs_up_hears_the_report_on_a_new_association(system, modality):
    ds = shadow()
    modality.store(ds)
    with modality.listening():
        with modality.calling() as assoc:
            status, transaction = modality.ask(assoc, asked_for([ds]))
        assert status == 0
        wait_for("the report", lambda: modality.elsewhere)
    assert modality.elsewhere == [(transaction, [ds.SOPInstanceUID], {})]
    until(system, transaction, "reported")
    [told] = system.show(ds.StudyInstanceUID)["series"][0]["commitments"]
    assert (told["aet"], told["state"], told["refused"]) == ("MODALITY", "reported", 0)


def test_each_object_we_cannot_vouch_for_is_refused_with_its_reason(system, modality):
    sound, lost, damaged, other_class = (shadow() for _ in range(4))
    never_sent = shadow()
    modality.store(sound, lost, damaged, other_class)
    kept(system, lost).unlink()
    content = kept(system, damaged).read_bytes()
    kept(system, damaged).write_bytes(content[:-1] + b"x")
    kept(system, other_class)
    asked = asked_for([sound, lost, damaged, never_sent])
    asked.append(("1.2.840.10008.5.1.4.1.1.2", str(other_class.SOPInstanceUID)))
    with modality.calling() as assoc:
        _, transaction = modality.ask(assoc, asked)
        wait_for("the report", lambda: modality.heard)
    [(_, committed, refused)] = modality.heard
    assert committed == [sound.SOPInstanceUID]
    assert refused == {
        lost.SOPInstanceUID: NO_SUCH_INSTANCE,
        damaged.SOPInstanceUID: PROCESSING_FAILURE,
        never_sent.SOPInstanceUID: NO_SUCH_INSTANCE,
        other_class.SOPInstanceUID: CONFLICT,
    }
    until(system, transaction, "reported")


def test_a_modality_that_is_away_is_called_again_until_it_hears(system, modality):
    ds = shadow()
    modality.store(ds)
    with modality.calling() as assoc:
        _, transaction = modality.ask(assoc, asked_for([ds]))

    def tried() -> bool:
        return "does not answer" in (states(system)[transaction][1] or "")

    wait_for("a first attempt", tried)
    with modality.listening():
        wait_for("the report", lambda: modality.elsewhere)
    until(system, transaction, "reported")


def test_a_modality_that_never_takes_the_report_is_parked_with_its_own_words(system, modality):
    ds = shadow()
    modality.store(ds)
    modality.answer = 0x0213
    with modality.listening():
        with modality.calling() as assoc:
            _, transaction = modality.ask(assoc, asked_for([ds]))
        assert "0x0213" in str(until(system, transaction, "parked"))
    told = system.status()
    assert told["commitments"]["parked"] == 1
    assert "0x0213" in told["parked_commitments"][0]["detail"]


def test_the_same_request_again_is_reported_again_and_another_under_its_name_is_refused(
    system, modality
):
    ds, other = shadow(), shadow()
    modality.store(ds, other)
    with modality.calling() as assoc:
        _, transaction = modality.ask(assoc, asked_for([ds]))
        wait_for("the first report", lambda: modality.heard)
        assert modality.ask(assoc, asked_for([ds]), transaction)[0] == 0
        wait_for("the second report", lambda: len(modality.heard) == 2)
        assert modality.ask(assoc, asked_for([other]), transaction)[0] == 0x0131
    assert modality.heard[0] == modality.heard[1]


@pytest.mark.parametrize(
    ("asked", "action", "status"),
    [
        ([], 1, 0x0115),
        ([("1.2.3", "no uid")], 1, 0x0115),
        ([("1.2.3", "1.2.3")], 7, 0x0123),
    ],
)
def test_a_request_that_makes_no_sense_is_answered_with_a_failure(modality, asked, action, status):
    with modality.calling() as assoc:
        assert modality.ask(assoc, asked, action=action)[0] == status


PARTS = ("daemon.part listener", "daemon.part intake", "workers deliver")


@pytest.mark.parametrize(
    "parts", [PARTS, *(pytest.param((part,), marks=pytest.mark.long) for part in PARTS)]
)
def test_a_request_answered_survives_the_death_of_every_process(tmp_path, parts):
    with Osteoscreen(tmp_path, [MODALITY], **QUICK) as system:
        modality = Modality(system.port, int(PORT))
        ds = shadow()
        modality.store(ds)
        with modality.calling() as assoc:
            status, transaction = modality.ask(assoc, asked_for([ds]))
            assert status == 0
            assert all(kill(system, part) for part in parts)
        with modality.listening():
            until(system, transaction, "reported")
        assert {report[0] for report in modality.heard + modality.elsewhere} == {transaction}
        audited = json.loads(system.cli("audit", "--json"))
        assert audited["totals"]["commitments reported"] == 1


def test_orthanc_hears_our_report_as_a_modality_does(system, orthanc):
    """Orthanc calls as ORTHANC, hangs up, and takes the report where it listens."""
    orthanc.know(system.aet, system.port)
    peer = Peer(aet=orthanc.aet, host=LOOPBACK, port=orthanc.port, sends=True, results="none")
    peer.role, peer.sr_class = "research", "1.2"
    peers.add(system.ledger, peer)
    ds, never_sent = shadow(), shadow()
    wait_for("Orthanc to be let in", lambda: echoscu(system.port, system.aet, orthanc.aet)[0] == 0)
    Modality(system.port, int(PORT)).store(ds)
    for objects, said in (([ds], "Success"), ([ds, never_sent], "Failure")):
        asked = {"DicomInstances": asked_for(objects)}
        path = f"/modalities/{system.aet}/storage-commitment"
        report = json.loads(orthanc.ask("POST", path, asked))["Path"]

        def told(report: str = report) -> str:
            status = str(orthanc.get(report)["Status"])
            return "" if status == "Pending" else status

        assert wait_for("Orthanc to be told", told) == said


def test_orthanc_commits_to_our_results(system, orthanc, tmp_path):
    """The whole line: a film in, results to Orthanc, its report to our listener."""
    orthanc.know(system.aet, system.port)
    archive = [orthanc.aet, LOOPBACK, str(orthanc.port), "--results", "all", "--role", "research"]
    system.cli("peers", "add", *archive, "--commits")
    system.cli("models", "stage", MODEL, "research")
    film = films.film(1)
    assert dcmsend(system.port, [films.write(tmp_path, film)], system.aet)[0] == 0
    system.delivered(film.StudyInstanceUID)

    def confirmed() -> bool:
        [story] = system.show(film.StudyInstanceUID)["series"]
        told = {(one["confirmation"], one["detail"]) for _, one in deliveries(story)}
        return told == {("confirmed", "committed")}

    wait_for("Orthanc to commit", confirmed)


def kill(system: Osteoscreen, part: str, number: int = signal.SIGKILL) -> int:
    """Kill the processes of one part of this system, as the kernel would; return how many."""
    wanted, killed = f"{part} --home {system.home}".encode(), 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (folder / "cmdline").read_bytes().replace(b"\0", b" "):
                os.kill(int(folder.name), number)
                killed += 1
    return killed
