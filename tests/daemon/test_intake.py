"""From files in the spool to queued series, with a crash between any two steps."""

from io import BytesIO

import pytest
from pydicom import Dataset, dcmwrite
from pydicom.uid import ExplicitVRLittleEndian
from separate_homes import CHEST, Bell
from sqlalchemy import event

from daemon import config, intake, schema
from daemon.intake import Intake
from daemon.records import peers, summary
from daemon.records.tables import Stage
from daemon.spool import Spool
from engines.card_index import for_exam
from engines.exams import Exam


class Site:
    """An intake with its spool, ledger and bell."""

    def __init__(self, home):
        self.settings = config.load(home)
        schema.migrate(self.settings)
        self.ledger = schema.open_ledger(self.settings)
        self.spool = Spool(self.settings.spool)
        self.spool.prepare()
        self.bell = Bell()
        self.intake = Intake(self.settings, self.ledger, self.bell)
        self.intake._settle_s = dict.fromkeys(self.intake._settle_s, 0)

    def receive(self, **keywords):
        self.spool.put(b"", part10(**keywords))

    def status(self):
        return summary.status(self.ledger)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.ledger.close()


def part10(sop="1.2.3.1", series="1.2.3", **keywords):
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = sop, series, "1.2"
    for keyword, value in {**CHEST, **keywords}.items():
        setattr(ds, keyword, value)
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.SourceApplicationEntityTitle = "CR1"
    out = BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def test_a_quiet_chest_film_is_queued_and_rung_for(site):
    site.receive()
    site.intake.turn()
    assert site.bell.rung == [("1.2.3", "cxr")]
    [told] = summary.study(site.ledger, "1.2")["series"]
    assert (told["state"], told["received"][0]["calling_aet"]) == ("queued", "CR1")


def test_what_we_have_no_models_for_is_skipped_with_a_reason(site):
    site.receive(BodyPartExamined="FOOT")
    site.intake.turn()
    assert site.bell.rung == []
    assert site.status()["reasons"] == [
        {"state": "skipped", "reason": "exam-not-screened", "series": 1}
    ]


def test_our_own_result_that_comes_back_is_not_screened(site):
    site.receive(Manufacturer="osteoscreen")
    site.intake.turn()
    assert site.status()["reasons"][0]["reason"] == "own-result"


def test_an_exam_whose_models_are_off_is_skipped(site):
    for card in for_exam(Exam.CHEST_XRAY):
        peers.set_stage(site.ledger, card.model, Stage.OFF)
    site.receive()
    site.intake.turn()
    assert site.status()["reasons"][0]["reason"] == "no-model"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no DICOM at all" * 100,
        part10(StudyInstanceUID=""),
        part10(sop="../../escape"),
        part10()[:200],
    ],
)
def test_what_cannot_be_indexed_is_kept_aside_and_counted(site, content):
    site.spool.put(b"", content)
    site.receive()
    site.intake.turn()
    assert site.status()["set_aside"] == 1
    assert [file.read_bytes() for file in site.spool.aside.iterdir()] == [content]
    assert site.bell.rung == [("1.2.3", "cxr")]


def test_other_content_under_the_same_uid_is_kept_aside_and_never_overwrites(site):
    site.receive()
    site.intake.turn()
    first = site.spool.place("1.2.3", "1.2.3.1").read_bytes()
    site.receive(BodyPartExamined="FOOT")
    site.intake.turn()
    assert site.spool.place("1.2.3", "1.2.3.1").read_bytes() == first
    assert site.status()["set_aside"] == 1


def test_a_crash_between_index_and_move_is_healed(site, monkeypatch):
    monkeypatch.setattr(Spool, "keep", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    site.receive()
    with pytest.raises(KeyboardInterrupt):
        site.intake.turn()
    monkeypatch.undo()
    site.intake._settle_s = dict.fromkeys(site.intake._settle_s, 0)
    site.intake.turn()
    assert site.spool.arrived() == []
    assert len(site.spool.series("1.2.3")) == 1
    assert site.status()["instances"] == 1


def test_a_lateral_film_that_comes_later_reopens_the_series(site):
    site.receive()
    site.intake.turn()
    site.receive(sop="1.2.3.2", ViewPosition="LL")
    site.intake.index_arrived()
    [series] = summary.study(site.ledger, "1.2")["series"]
    assert len(series["received"]) == 2


def test_a_series_that_breaks_the_classifier_fails_alone(site, monkeypatch):
    real = intake.exams.classify

    def classify(headers):
        if headers[0].get("StudyDescription") == "breaks":
            raise KeyError("Geheim^Anna")
        return real(headers)

    monkeypatch.setattr(intake.exams, "classify", classify)
    site.receive(StudyDescription="breaks")
    site.receive(sop="1.2.4.1", series="1.2.4")
    site.intake.turn()
    assert site.bell.rung == [("1.2.4", "cxr")]
    [told] = site.status()["reasons"]
    assert told == {"state": "failed", "reason": "internal-error", "series": 1}
    assert "Geheim" not in str(summary.study(site.ledger, "1.2"))


def test_what_stands_where_the_modality_should_is_not_repeated(site):
    site.receive(Modality="Geheim^Anna\0")
    site.intake._volume_settle_s = 0
    site.intake.turn()
    [series] = summary.study(site.ledger, "1.2")["series"]
    assert series["modality"] == "GA"
    assert "Geheim" not in str(series)


def test_a_crash_between_note_and_move_counts_a_file_aside_once(site, monkeypatch):
    monkeypatch.setattr(Spool, "set_aside", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    site.spool.put(b"", b"no DICOM at all" * 100)
    with pytest.raises(KeyboardInterrupt):
        site.intake.turn()
    monkeypatch.undo()
    site.intake.turn()
    assert site.status()["set_aside"] == 1
    assert len(list(site.spool.aside.iterdir())) == 1


def test_an_idle_intake_leaves_the_ledger_alone_and_takes_a_new_film_up_at_once(site):
    asked = []
    event.listen(site.ledger.engine, "before_cursor_execute", lambda *_: asked.append(_[2]))
    site.intake.turn()
    at_once = len(asked)
    for _ in range(20):
        site.intake.turn()
    assert len(asked) < 4 * at_once
    site.receive()
    site.intake.turn()
    assert site.bell.rung == [("1.2.3", "cxr")]


def test_a_file_the_disk_does_not_give_back_stays_and_is_told_once(site, caplog):
    broken = site.spool.incoming / "0.dcm"
    broken.mkdir()
    site.receive()
    for _ in range(5):
        site.intake.turn()
    assert site.bell.rung == [("1.2.3", "cxr")]
    assert caplog.text.count("event=unread") == 1
    broken.rmdir()
    assert site.spool.arrived() == []


def test_a_series_the_disk_does_not_give_back_fails_and_holds_up_no_other(site):
    site.intake._settle_s = dict.fromkeys(site.intake._settle_s, 60)
    site.receive()
    site.receive(sop="1.2.4.1", series="1.2.4")
    site.intake.turn()
    file = site.spool.place("1.2.3", "1.2.3.1")
    file.unlink()
    file.mkdir()
    site.intake._settle_s = dict.fromkeys(site.intake._settle_s, 0)
    site.intake.turn()
    assert site.bell.rung == [("1.2.4", "cxr")]
    [told] = site.status()["reasons"]
    assert told == {"state": "failed", "reason": "header-unreadable", "series": 1}


def test_a_series_whose_files_are_gone_is_not_taken_for_one_we_have_no_model_for(site):
    site.intake._settle_s = dict.fromkeys(site.intake._settle_s, 60)
    site.receive()
    site.intake.turn()
    site.spool.place("1.2.3", "1.2.3.1").unlink()
    site.intake._settle_s = dict.fromkeys(site.intake._settle_s, 0)
    site.intake.turn()
    [series] = summary.study(site.ledger, "1.2")["series"]
    assert (series["state"], series["detail"]) == ("failed", "0 of its 1 images are on the disk")
