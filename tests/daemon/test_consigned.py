"""A CT series that came whole over one association is not waited for as long as others."""

from io import BytesIO

import ct_studies
import pytest
from ct_studies import ct_series, mixed, write_manifest
from main_path import Site
from pydicom import dcmwrite

from daemon.records import peers, summary
from daemon.records.tables import Peer, Stage
from engines import catalog
from workers.room import EngineRoom

STUDY = "1.2.826.0.1.5"


class CtSite(Site):
    """A site where released series end at once and all others never."""

    def __init__(self, home, weights):
        super().__init__(home, EngineRoom(weights, engine_threads=1))
        self.intake._released_settle_s = 0.0
        peers.set_stage(self.ledger, ct_studies.NAME, Stage.RESEARCH)
        self.add("PACS")

    def take(self, association, images, released=True):
        """Receive images over an association, and let the intake look twice at what is quiet."""
        for ds in images:
            out = BytesIO()
            dcmwrite(out, ds, enforce_file_format=True)
            incoming = self.spool.receive(association)
            incoming.write([out.getvalue()])
            incoming.keep()
        if released:
            self.spool.note_release(association, len(images))
        for _ in range(2):
            self.intake._ask_at = 0.0
            self.intake.turn()

    @property
    def states(self):
        story = summary.study(self.ledger, STUDY)
        return {one["SeriesInstanceUID"][-1]: one["state"] for one in story["series"]}


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "MODELS", (ct_studies,))
    site = CtSite(tmp_path / "home", write_manifest(tmp_path / "weights"))
    yield site
    site.ledger.close()


def test_a_series_whose_sender_has_released_its_association_is_not_waited_for(site):
    site.take("a1", ct_series(STUDY, 1))
    assert site.states == {"1": "queued"}
    assert site.spool.releases() == []


def test_a_series_whose_association_is_open_or_was_aborted_is_waited_for(site):
    site.take("a1", ct_series(STUDY, 1), released=False)
    assert site.states == {"1": "receiving"}


def test_a_series_with_a_hole_is_waited_for_and_its_study_with_it(site):
    holed = [ds for n, ds in enumerate(ct_series(STUDY, 1, 14)) if n not in (5, 6)]
    site.take("a1", mixed([holed, ct_series(STUDY, 2)]))
    assert site.states == {"1": "receiving", "2": "receiving"}


def test_a_series_that_came_over_several_associations_is_waited_for(site):
    images = ct_series(STUDY, 1, 20)
    site.take("a1", images[:10], released=False)
    site.spool.note_release("a1", 10)
    site.take("a2", images[10:])
    assert site.states == {"1": "receiving"}


def test_a_few_images_over_an_association_of_their_own_are_waited_for(site):
    site.take("a1", ct_series(STUDY, 1, 3))
    assert site.states == {"1": "receiving"}


def test_many_images_of_which_most_were_here_before_are_waited_for(site):
    site.take("a1", ct_series(STUDY, 1, 3), released=False)
    site.spool.note_release("a1", 10)
    site.take("a2", [])
    assert site.states == {"1": "receiving"}


def test_a_few_images_beside_a_whole_series_hold_nothing_up(site):
    site.take("a1", mixed([ct_series(STUDY, 1), ct_series(STUDY, 2, 2)]))
    assert site.states == {"1": "queued", "2": "skipped"}


def test_a_series_beside_one_that_still_arrives_waits_with_it(site):
    site.take("a1", ct_series(STUDY, 1)[:9], released=False)
    site.take("a2", ct_series(STUDY, 2))
    assert site.states == {"1": "receiving", "2": "receiving"}


def test_where_a_peer_can_be_asked_for_the_number_of_images_its_answer_is_waited_for(site):
    with site.ledger.write() as session:
        session.query(Peer).update({"answers_find": True})
    site.take("a1", ct_series(STUDY, 1))
    assert site.states == {"1": "receiving"}


def test_images_that_were_indexed_before_a_restart_are_not_taken_for_the_whole(site):
    images = ct_series(STUDY, 1, 20)
    site.take("a1", images[:8], released=False)
    site.intake._consigned.forget([images[0].SeriesInstanceUID])
    site.take("a2", images[8:])
    assert site.states == {"1": "receiving"}
