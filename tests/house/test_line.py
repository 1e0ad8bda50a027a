"""A chest film comes in by C-STORE, an SR and a picture go back: the embedded default, whole.

Real films lie beside the checkout, not in it; skipped with a reason where they do not.
"""

import io
import json
from pathlib import Path

import films
import pydicom
import pytest
from line import MODEL, OTHER_MODEL
from ours import deliveries
from peers import LOOPBACK, dcmsend, echoscu, free_port, storescu, wait_for
from prometheus_client.parser import text_string_to_metric_families
from pydicom.uid import Comprehensive3DSRStorage, SecondaryCaptureImageStorage
from validators import complaints, dciodvfy, dsrdump, pixelmed

from engines.errors import Reason

NAME, PATIENT_ID = "Wachholder^Philomena", "PHI-4711"
# dcentvfy compares names byte by byte, and ours are in UTF-8
ASCII = {"PatientName": "Virtual^Patient"}
REAL = Path(__file__).parents[3] / "shared" / "data" / "cxr"
needs_real_films = pytest.mark.skipif(
    not REAL.is_dir(), reason="no ../shared/data/cxr beside this checkout"
)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return films.film(seed=1)


@pytest.fixture(scope="module")
def screened(line, film, tmp_path_factory):
    """Send one film of low density and wait for its results."""
    path = films.write(tmp_path_factory.mktemp("film"), film)
    line.send(storescu, path)
    return line.system.delivered(film.StudyInstanceUID)


def test_the_listener_answers_a_c_echo(line):
    rc, said = echoscu(line.system.port, called=line.system.aet)
    assert rc == 0, said


def test_a_film_of_low_density_is_flagged_and_ends_as_sr_and_picture_in_the_pacs(
    line, film, screened
):
    (result,) = screened["results"]
    assert result["flagged"] and result["state"] == "screened"
    stored = [pydicom.dcmread(io.BytesIO(f)) for f in line.stored(film.StudyInstanceUID).values()]
    kinds = sorted(ds.SOPClassUID for ds in stored)
    assert kinds == sorted([Comprehensive3DSRStorage, SecondaryCaptureImageStorage])
    assert {(ds.PatientID, ds.StudyInstanceUID) for ds in stored} == {
        (film.PatientID, film.StudyInstanceUID)
    }


def test_the_pacs_gives_back_exactly_what_lies_in_the_outbox(line, film, screened):
    stored = line.stored(film.StudyInstanceUID)
    assert {delivery["status"] for _, delivery in deliveries(screened)} == {"0x0000"}
    assert len(stored) == 2
    for uid, content in stored.items():
        ours = pydicom.dcmread(line.system.home / "outbox" / f"{uid}.dcm")
        assert pydicom.dcmread(io.BytesIO(content)) == ours


def test_show_tells_the_whole_story(line, film, screened):
    told = json.loads(line.system.cli("show", film.StudyInstanceUID, "--json"))
    (series,) = told["series"]
    assert series["received"][0]["calling_aet"] == "MODALITY"
    assert [event["kind"] for event in series["events"]].count("delivery sent") == 2


def test_the_metrics_count_it(line, screened):
    told = text_string_to_metric_families(line.system.cli("metrics"))
    found = {(s.name, *s.labels.values()): s.value for family in told for s in family.samples}
    assert found["osteoscreen_series", "screened"] >= 1
    assert found["osteoscreen_results_flagged",] >= 1
    assert found["osteoscreen_deliveries", "sent"] >= 2
    assert found["osteoscreen_objects_received_total",] >= 1
    assert found["osteoscreen_peer_last_image_seconds", "MODALITY"] < 600
    assert 0 < found["osteoscreen_turnaround_seconds", "0.5"] < 600
    assert found["osteoscreen_accepts_images",] == 1
    assert not any(PATIENT_ID in " ".join(map(str, one)) for one in found)


def test_the_film_lies_in_the_spool_byte_for_byte(line, film, screened, tmp_path):
    kept = [p for p in line.system.received() if p.stem == film.SOPInstanceUID]
    sent = films.write(tmp_path, film)
    assert len(kept) == 1
    assert kept[0].read_bytes()[-len(film.PixelData) :] == sent.read_bytes()[-len(film.PixelData) :]
    assert pydicom.dcmread(kept[0]) == pydicom.dcmread(sent)


def test_a_resend_produces_no_second_result(line, film, screened, tmp_path):
    before = line.stored(film.StudyInstanceUID)
    line.send(dcmsend, films.write(tmp_path, film))
    line.settle()
    again = line.system.show(film.StudyInstanceUID)["series"][0]
    assert [r["objects"] for r in again["results"]] == [r["objects"] for r in screened["results"]]
    assert line.stored(film.StudyInstanceUID) == before


def test_a_film_of_normal_density_goes_to_a_peer_that_wants_all(line, tmp_path):
    film = films.film(seed=2, low_density=False)
    line.send(dcmsend, films.write(tmp_path, film))
    (result,) = line.system.delivered(film.StudyInstanceUID)["results"]
    assert result["state"] == "screened" and not result["flagged"]


def test_a_result_that_comes_back_is_recognised_as_ours(line, film, screened, tmp_path):
    for uid, content in line.stored(film.StudyInstanceUID).items():
        (tmp_path / f"{uid}.dcm").write_bytes(content)
    line.send(dcmsend, tmp_path)
    line.settle()
    story = line.system.show(film.StudyInstanceUID)["series"]
    ours = [series for series in story if series["modality"] in ("SR", "OT")]
    assert len(ours) == 2
    assert {series["reason"] for series in ours} == {Reason.OWN_RESULT}


def refusal(line, name):
    """Wait until a refusal is told in which a name stands: who is refused hears it first."""

    def told():
        rows = line.system.status()["refused_associations"]
        return [row["why"] for row in rows if name in row["why"]]

    return wait_for("the refusal to be told", told)[0]


def test_an_unknown_sender_is_refused_and_status_says_why(line):
    assert echoscu(line.system.port, called=line.system.aet, calling="STRANGER")[0] != 0
    assert "not allowed to send" in refusal(line, "STRANGER")


def test_a_wrong_called_title_is_refused_and_status_says_why(line):
    assert echoscu(line.system.port, called="WRONGNAME")[0] != 0
    assert line.system.aet in refusal(line, "WRONGNAME")


def test_a_sender_is_let_in_and_out_without_a_restart(line):
    line.system.cli("peers", "add", "NEWROOM", LOOPBACK, "11120", "--sends", "--results", "none")
    known = lambda: echoscu(line.system.port, line.system.aet, calling="NEWROOM")[0] == 0  # noqa: E731
    wait_for("the new peer to be let in", known)
    line.system.cli("peers", "remove", "NEWROOM")
    wait_for("the removed peer to be refused", lambda: not known())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PatientAge": "031Y", "PatientBirthDate": ""}, Reason.AGE_BELOW_MINIMUM),
        ({"PatientAge": "", "PatientBirthDate": ""}, Reason.AGE_MISSING),
        ({"PatientSex": ""}, Reason.SEX_MISSING),
        ({"PresentationIntentType": "FOR PROCESSING"}, Reason.NOT_FOR_PRESENTATION),
        ({"ImageType": ["DERIVED", "PRIMARY", ""]}, Reason.DERIVED_IMAGE),
    ],
)
def test_a_film_that_may_not_be_screened_is_skipped_with_its_reason(
    line, tmp_path, changes, reason
):
    film = films.film(seed=3, **changes)
    line.send(dcmsend, films.write(tmp_path, film))
    ended = line.system.ended(film.StudyInstanceUID)
    assert (ended["state"], ended["reason"]) == ("skipped", reason)


def test_status_counts_every_series_and_every_reason(line, tmp_path):
    film = films.film(seed=9, PatientAge="", PatientBirthDate="")
    line.send(dcmsend, films.write(tmp_path, film))
    line.system.ended(film.StudyInstanceUID)
    line.settle()
    status = line.system.status()
    by_state = status["series"]["by_state"]
    skipped = {
        row["reason"]: row["series"] for row in status["reasons"] if row["state"] == "skipped"
    }
    assert status["series"]["total"] == sum(by_state.values())
    assert by_state["skipped"] == sum(skipped.values())
    assert skipped[Reason.AGE_MISSING] >= 1


@pytest.fixture
def dead_pacs(line):
    nobody = ["DEADPACS", LOOPBACK, str(free_port()), "--results", "all", "--role", "research"]
    line.system.cli("peers", "add", *nobody)
    yield
    line.system.cli("peers", "remove", "DEADPACS")


def test_a_dead_pacs_holds_up_nobody(line, dead_pacs, tmp_path):
    film = films.film(seed=4)
    line.send(dcmsend, films.write(tmp_path, film))
    wait_for("the PACS to have it", lambda: len(line.stored(film.StudyInstanceUID)) == 2)

    def states():
        (story,) = line.system.show(film.StudyInstanceUID)["series"]
        return {(delivery["aet"], delivery["state"]) for _, delivery in deliveries(story)}

    # the PACS has it a moment before the ledger says so
    wait_for("it to be told", lambda: (line.pacs.aet, "sent") in states())
    assert ("DEADPACS", "sent") not in states()
    wait_for("the dead PACS to be named", lambda: "DEADPACS" in line.system.cli("status", "--json"))


def test_shadow_computes_and_sends_nothing(line, tmp_path):
    line.system.cli("models", "stage", "cxr_osporscreen", "shadow")
    film = films.film(seed=5)
    line.send(dcmsend, films.write(tmp_path, film))
    ended = line.system.ended(film.StudyInstanceUID)
    line.system.cli("models", "stage", "cxr_osporscreen", "research")
    assert ended["state"] == "screened"
    assert [result["stage"] for result in ended["results"]] == ["shadow"]
    assert deliveries(ended) == []
    assert line.stored(film.StudyInstanceUID) == {}


def test_a_clinical_peer_gets_nothing_in_stage_research(line, tmp_path):
    clinical = ["CLINICAL", LOOPBACK, str(line.pacs.port), "--results", "all", "--role", "clinical"]
    line.system.cli("peers", "add", *clinical)
    film = films.film(seed=6)
    line.send(dcmsend, films.write(tmp_path, film))
    story = line.system.delivered(film.StudyInstanceUID)
    line.system.cli("peers", "remove", "CLINICAL")
    assert {delivery["aet"] for _, delivery in deliveries(story)} == {line.pacs.aet}


@pytest.fixture
def two_models(line):
    line.system.cli("models", "stage", OTHER_MODEL, "research")
    yield
    line.system.cli("models", "stage", OTHER_MODEL, "off")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ({"PatientSize": "1.55", "PatientWeight": "52"}, "clinical values"),
        ({"PatientSize": "", "PatientWeight": ""}, "from the film alone: neither height nor"),
    ],
)
def test_two_models_each_have_a_report_and_a_picture_of_their_own_in_the_pacs(
    line, two_models, tmp_path, size, words
):
    film = films.film(seed=21, **size, **ASCII)
    source = films.write(tmp_path, film)
    line.send(dcmsend, source)
    screened = line.system.delivered(film.StudyInstanceUID)
    assert [result["flagged"] for result in screened["results"]] == [True, True]
    received = []
    for uid, content in line.stored(film.StudyInstanceUID).items():
        received.append(tmp_path / f"{uid}.dcm")
        received[-1].write_bytes(content)
    stored = [pydicom.dcmread(file) for file in received]
    assert sorted(ds.Modality for ds in stored) == ["OT", "OT", "SR", "SR"]
    assert len({ds.SeriesInstanceUID for ds in stored}) == 4
    assert len({ds.SeriesDescription for ds in stored}) == 4
    [said] = [ds.ImageComments for ds in stored if OTHER_MODEL in ds.get("ImageComments", "")]
    assert words in said and "trained on simulated patients" in said
    assert complaints(received, source) == []


def test_live_is_refused_for_weights_trained_on_simulated_patients(line):
    for model in (MODEL, OTHER_MODEL):
        ran = line.system.run("models", "stage", model, "live")
        assert ran.returncode != 0
        assert "simulated" in ran.stdout + ran.stderr
    assert '"live"' not in line.system.cli("models", "list", "--json")


def test_no_log_names_the_patient(line, tmp_path):
    film = films.film(seed=7, PatientName=NAME, PatientID=PATIENT_ID)
    line.send(dcmsend, films.write(tmp_path, film))
    line.system.delivered(film.StudyInstanceUID)
    said = line.system.logs() + line.system.cli("status")
    said += json.dumps(line.system.status()) + line.system.cli("show", film.StudyInstanceUID)
    assert film.SeriesInstanceUID in said
    found = [word for word in (*NAME.split("^"), PATIENT_ID) if word.lower() in said.lower()]
    assert found == []


def test_an_unreadable_film_leaves_no_patient_in_the_logs(line, tmp_path):
    film = films.film(seed=8, PatientName=NAME, PatientID=PATIENT_ID, PixelData=b"\0\0")
    line.send(dcmsend, films.write(tmp_path, film))
    ended = line.system.ended(film.StudyInstanceUID)
    assert ended["state"] == "failed"
    assert [word for word in (*NAME.split("^"), PATIENT_ID) if word in line.system.logs()] == []


def test_a_film_that_comes_after_the_result_gives_one_revised_result(line, tmp_path):
    first = films.film(1, AcquisitionTime="100000")
    late = films.film(1, size=448, AcquisitionTime="100500")
    late.StudyInstanceUID, late.SeriesInstanceUID = first.StudyInstanceUID, first.SeriesInstanceUID
    reports = []
    for number, sent in ((1, first), (2, late)):
        line.send(dcmsend, films.write(tmp_path, sent))
        wait_for("the result to be made", lambda n=number: len(results(line, first)) == n)
        line.system.delivered(first.StudyInstanceUID)
        [current] = [one for one in results(line, first) if one["current"]]
        reports += [one["SOPInstanceUID"] for one in current["objects"] if one["kind"] == "SR"]
    line.settle()
    assert len(results(line, first)) == 2
    revised = pydicom.dcmread(line.system.home / "outbox" / f"{reports[1]}.dcm")
    [study] = revised.PredecessorDocumentsSequence
    [old] = study.ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert old.ReferencedSOPInstanceUID == reports[0]


def results(line, film):
    story = line.system.show(film.StudyInstanceUID)
    return story["series"][0]["results"] if story else []


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


def sent(line, name):
    """Send one real film and return the story of its series when it has ended."""
    line.send(dcmsend, REAL / name)
    header = pydicom.dcmread(REAL / name, stop_before_pixels=True)
    return line.system.ended(header.StudyInstanceUID)


@needs_real_films
def test_a_chest_film_of_a_woman_of_64_years_is_screened(line):
    # her age stands only in birth date and study date; MONOCHROME1, lossy JPEG 2000, no pixel size
    ended = sent(line, "dicom/RG1_J2KI.dcm")
    assert (ended["state"], ended["reason"]) == ("screened", None)


@needs_real_films
def test_no_validator_finds_an_error_in_the_results_on_it(line):
    ended = sent(line, "dicom/RG1_J2KI.dcm")
    outbox = line.system.home / "outbox"
    objects = ended["results"][0]["objects"]
    made = {one["kind"]: outbox / f"{one['SOPInstanceUID']}.dcm" for one in objects}
    said = dciodvfy(made["SC"]) + dciodvfy(made["SR"]) + dsrdump(made["SR"]) + pixelmed(made["SR"])
    # this film's own header says that its physician is called "ward"
    assert [text for text in said if "ReferringPhysicianName" not in text] == []


@needs_real_films
def test_a_chest_film_without_age_and_sex_is_skipped(line):
    ended = sent(line, "dicom/CR-MONO1-10-chest.part10.dcm")
    assert (ended["state"], ended["reason"]) == ("skipped", Reason.AGE_MISSING)


@needs_real_films
def test_a_film_of_a_tibia_is_skipped(line):
    ended = sent(line, "not-chest/RG3_J2KI.dcm")
    assert (ended["state"], ended["reason"]) == ("skipped", Reason.EXAM_NOT_SCREENED)


def test_after_all_of_this_the_audit_adds_up(line, screened):
    line.settle()
    audited = line.system.run("audit", "--json")
    found = json.loads(audited.stdout)
    assert (audited.returncode, found["problems"]) == (0, [])
    status = line.system.status()
    assert len(found["objects"]) == status["instances"]
    assert found["totals"]["series"] == sum(status["series"]["by_state"].values())
