"""The audit finds whatever does not add up, and nothing where all does."""

import films
import pytest
from main_path import Site
from sqlalchemy import update

from daemon.audit import audit
from daemon.records import evidence
from daemon.records.tables import Screening, Series, Stage
from daemon.spool import Spool


@pytest.fixture
def site(tmp_path, room, monkeypatch):
    """Return a site where one film was screened, one skipped, and one file set aside.

    Of two images each lies on a page of its own.
    """
    monkeypatch.setattr(evidence, "A_PAGE", 1)
    site = Site(tmp_path, room)
    site.stage(Stage.RESEARCH)
    site.add("PACS")
    site.film = films.film(1)
    site.screen(site.film)
    site.screen(films.film(2, PatientAge="", PatientBirthDate=""))
    site.spool.put(b"", b"no DICOM at all" * 100)
    site.intake.turn()
    yield site
    site.ledger.close()


def problems(site):
    return audit(site.settings, site.ledger)["problems"]


def kept(site):
    return site.spool.place(site.film.SeriesInstanceUID, site.film.SOPInstanceUID)


def test_a_sound_site_adds_up_and_every_object_tells_its_story(site):
    objects = []
    found = audit(site.settings, site.ledger, objects.append)
    assert found["problems"] == []
    totals = found["totals"]
    assert (totals["objects indexed"], totals["objects set aside"], totals["series"]) == (2, 1, 2)
    assert (totals["series screened"], totals["series skipped"]) == (1, 1)
    stories = {one["SOPInstanceUID"]: one for one in objects}
    screened = stories[site.film.SOPInstanceUID]
    assert (site.settings.home / screened["lies"]).is_file()
    [result] = screened["results"]
    assert len(result["deliveries"]) == 2


def test_a_lost_object_is_found_missing(site):
    kept(site).unlink()
    [problem] = problems(site)
    assert site.film.SOPInstanceUID in problem and "not on the disk" in problem


def test_a_changed_object_is_found_out(site):
    kept(site).write_bytes(kept(site).read_bytes()[:-2] + b"xx")
    [problem] = problems(site)
    assert "as it was received" in problem


def test_a_file_the_ledger_does_not_know_is_found(site):
    kept(site).with_name("1.2.3.dcm").write_bytes(b"")
    [problem] = problems(site)
    assert "no such object" in problem


def test_a_file_missing_from_or_added_to_what_lies_aside_is_found(site):
    [file] = site.spool.aside.iterdir()
    file.rename(file.with_name("other.dcm"))
    assert len(problems(site)) == 2


def test_a_damaged_result_is_found(site):
    next(site.settings.outbox.glob("*.dcm")).write_bytes(b"")
    [problem] = problems(site)
    assert "as it was built" in problem


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (update(Series).values(images=7), "counts 7 images"),
        (update(Series).where(Series.state == "skipped").values(reason=None), "without a reason"),
        (update(Screening).values(current=False), "no result stands for it"),
    ],
)
def test_a_ledger_that_contradicts_itself_is_found_out(site, change, sentence):
    with site.ledger.write() as session:
        session.execute(change)
    assert any(sentence in problem for problem in problems(site))


def test_what_comes_while_the_audit_looks_is_no_problem(site, monkeypatch):
    read = evidence.acknowledged

    def read_before_more_comes(ledger):
        pages = list(read(ledger))
        site.receive(films.film(3))
        site.spool.put(b"", b"no DICOM either" * 100)
        site.intake.turn()
        return pages

    monkeypatch.setattr(evidence, "acknowledged", read_before_more_comes)
    assert problems(site) == []


def test_what_is_indexed_and_not_in_its_place_yet_is_not_lost(site, monkeypatch):
    def power_cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Spool, "keep", power_cut)
    with pytest.raises(KeyboardInterrupt):
        site.receive(films.film(3))
    assert problems(site) == []
