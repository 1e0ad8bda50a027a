"""A CT study comes in by C-STORE, series by series over several associations; one SR goes back."""

import contextlib
import io
import time
from datetime import datetime

import ct_studies
import pydicom
import pytest
from ct_studies import ct_series, ct_study, mixed
from line import running_line
from ours import deliveries
from peers import dcmsend, storescu, wait_for
from radiographs import write

from daemon.records import peers as known_peers
from daemon.records.tables import ENDS, Stage
from engines.errors import Reason

SETTLE_S = 4


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc):
    """Start the embedded default with a model for CTs beside an Orthanc."""
    # every series waits for its whole quiet time here
    with started(tmp_path_factory, orthanc, SETTLE_S, SETTLE_S) as running:
        yield running


@contextlib.contextmanager
def started(tmp_path_factory, orthanc, settle_s, released_s):
    folder = tmp_path_factory.mktemp("ours")
    environment = ct_studies.environment(tmp_path_factory.mktemp("model"))
    quiet = {"volume_settle_s": settle_s, "released_settle_s": released_s}
    with running_line(folder, orthanc, environment, **quiet) as running:
        known_peers.set_stage(running.system.ledger, ct_studies.NAME, Stage.RESEARCH)
        yield running


def sends(line, folder, *series, sender=storescu):
    """Send the slices of several series in one association, in turns."""
    folder.mkdir(exist_ok=True)
    line.send(sender, *(write(folder, ds) for ds in mixed(series)))


def ended(line, study):
    """Wait until every series of a study has ended and all it made was sent."""

    def over():
        story = line.system.show(study)
        series = story["series"] if story else []
        sent = [delivery["state"] for one in series for _, delivery in deliveries(one)]
        waiting = [one for one in series if one["state"] not in ENDS]
        return not waiting and series and "pending" not in sent and "sending" not in sent

    wait_for(f"{study} to end", over)
    story = line.system.show(study)["series"]
    return {one["SeriesInstanceUID"].rpartition(".")[2]: one for one in story}


def states(told):
    return {number: (one["state"], one["reason"]) for number, one in told.items()}


def reports(line, study):
    stored = [pydicom.dcmread(io.BytesIO(file)) for file in line.stored(study).values()]
    return [ds for ds in stored if ds.Modality == "SR"]


BEATEN = ("skipped", Reason.ANOTHER_SERIES_CHOSEN)


def test_a_study_in_three_associations_becomes_one_sr_and_a_better_series_one_revision(
    line, tmp_path
):
    study, series = ct_study()
    sends(line, tmp_path / "1", series["scout"], series["venous"][::-1])
    sends(line, tmp_path / "2", series["lung"], series["reformat"], sender=dcmsend)
    told = ended(line, study)
    assert states(told) == {
        "1": ("skipped", Reason.LOCALIZER),
        "2": ("screened", None),
        "4": ("skipped", Reason.KERNEL_TOO_SHARP),
        "5": ("skipped", Reason.SCREENSHOT),
    }
    [first] = reports(line, study)
    # the whole study once more, then a series that is better
    sends(line, tmp_path / "1", series["venous"], series["lung"])
    line.settle()
    assert len(reports(line, study)) == 1
    sends(line, tmp_path / "3", series["native"])
    wait_for("the revision", lambda: len(reports(line, study)) == 2)
    told = ended(line, study)
    assert (states(told)["2"], states(told)["3"]) == (BEATEN, ("screened", None))
    [revised] = [ds for ds in reports(line, study) if ds.SOPInstanceUID != first.SOPInstanceUID]
    [named] = revised.PredecessorDocumentsSequence[0].ReferencedSeriesSequence
    assert named.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID


def test_a_series_that_is_quiet_waits_for_one_of_its_study_that_still_comes(line, tmp_path):
    study, series = ct_study()
    sends(line, tmp_path / "5", series["venous"])
    # together longer than the quiet time, and each so much shorter that a sender may be slow
    for part in range(3):
        time.sleep(0.4 * SETTLE_S)
        sends(line, tmp_path / f"6-{part}", series["native"][4 * part : 4 * part + 4])
    told = ended(line, study)
    assert states(told) == {"2": BEATEN, "3": ("screened", None)}
    assert [event["kind"] for event in told["2"]["events"]] == ["skipped"]
    assert len(reports(line, study)) == 1


def test_the_next_best_is_measured_where_the_best_is_empty_and_the_audit_adds_up(line, tmp_path):
    study, series = ct_study()
    empty = ct_series(study, 6, count=12, empty=True)
    sends(line, tmp_path / "4", empty, series["venous"])
    assert states(ended(line, study)) == {
        "6": ("failed", Reason.SPINE_NOT_FOUND),
        "2": ("screened", None),
    }
    assert len(reports(line, study)) == 1
    line.settle()
    assert line.system.audit() == []


def test_a_series_that_came_whole_is_not_waited_for_and_a_late_slice_gives_one_revision(
    tmp_path_factory, orthanc, tmp_path
):
    study, series = ct_study()
    long_s = 12.0
    with started(tmp_path_factory, orthanc, long_s, 0.5) as line:
        sends(line, tmp_path / "1", series["venous"][:9])
        told = ended(line, study)["2"]
        last = max(datetime.fromisoformat(one["received_at"]) for one in told["received"])
        [queued] = [event["at"] for event in told["events"] if event["kind"] == "queued"]
        assert (datetime.fromisoformat(queued) - last).total_seconds() < long_s
        [first] = reports(line, study)
        sends(line, tmp_path / "2", series["venous"][9:])
        wait_for("the revision", lambda: len(reports(line, study)) == 2)
        assert states(ended(line, study)) == {"2": ("screened", None)}
        [revised] = [ds for ds in reports(line, study) if ds.SOPInstanceUID != first.SOPInstanceUID]
        [named] = revised.PredecessorDocumentsSequence[0].ReferencedSeriesSequence
        assert named.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
        assert len(reports(line, study)) == 2
