"""One result for a CT study, whatever series it has and in whatever order they come."""

from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import ct_studies
import pytest
from ct_studies import ct_series, ct_study, mixed, write_manifest
from main_path import Site
from pydicom import dcmread, dcmwrite

from daemon.records import peers, summary
from daemon.records.tables import Delivery, DeliveryState, Stage
from engines import catalog
from engines.errors import BadSeries, Reason
from workers import screen
from workers.room import EngineRoom


class CtSite(Site):
    """A site that has a model for CTs, and one peer that wants all of its results."""

    def __init__(self, home, weights):
        super().__init__(home, EngineRoom(weights, engine_threads=1))
        self.intake._volume_settle_s = 0
        peers.set_stage(self.ledger, ct_studies.NAME, Stage.RESEARCH)
        self.add("PACS")

    def take(self, *series):
        """Receive series as if all had come at once, and screen until nothing is queued."""
        for ds in mixed(series):
            out = BytesIO()
            dcmwrite(out, ds, enforce_file_format=True)
            self.spool.put(b"", out.getvalue())
        self.intake.turn()
        while queued := [uid for uid, one in self.told().items() if one["state"] == "queued"]:
            screen.screen(self.bench, queued[0])
        return self.told()

    def told(self):
        story = summary.study(self.ledger, self.study)
        return {one["SeriesInstanceUID"]: one for one in (story or {"series": []})["series"]}

    def sends(self):
        """Deliver to a peer that takes everything."""
        with self.ledger.write() as session:
            for delivery in session.query(Delivery):
                if delivery.state == DeliveryState.PENDING:
                    delivery.state, delivery.sent_at = DeliveryState.SENT, delivery.rung_at

    def reports(self):
        """Return the SRs that were not dropped, by the series that they were made of."""
        return {
            uid: dcmread(self.settings.outbox / f"{made['SOPInstanceUID']}.dcm")
            for uid, one in self.told().items()
            for result in one["results"]
            for made in result["objects"]
            if made["kind"] == "SR" and made["deliveries"][0]["state"] != "dropped"
        }


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "MODELS", (ct_studies,))
    site = CtSite(tmp_path / "home", write_manifest(tmp_path / "weights"))
    yield site
    site.ledger.close()


def outcome(told):
    return {uid.rpartition(".")[2]: (one["state"], one["reason"]) for uid, one in told.items()}


BEATEN = ("skipped", Reason.ANOTHER_SERIES_CHOSEN)
SCREENED = ("screened", None)


def predecessor(report):
    return (
        report.PredecessorDocumentsSequence[0]
        .ReferencedSeriesSequence[0]
        .ReferencedSOPSequence[0]
        .ReferencedSOPInstanceUID
    )


def test_a_study_gets_one_sr_and_every_other_series_says_why_not(site):
    site.study, series = ct_study()
    assert outcome(site.take(*series.values())) == {
        "1": ("skipped", Reason.LOCALIZER),
        "2": BEATEN,
        "3": SCREENED,
        "4": ("skipped", Reason.KERNEL_TOO_SHARP),
        "5": ("skipped", Reason.SCREENSHOT),
    }
    assert len(site.reports()) == 1


def test_a_series_in_which_nothing_is_found_makes_no_sr_while_another_is_left(site):
    site.study, series = ct_study()
    empty = ct_series(site.study, 6, count=40, empty=True)
    told = outcome(site.take(empty, series["native"], series["venous"]))
    assert told == {"6": ("failed", Reason.SPINE_NOT_FOUND), "3": SCREENED, "2": BEATEN}
    assert list(site.reports()) == [f"{site.study}.3"]


def test_the_last_series_that_fails_says_so_in_an_sr(site):
    site.study, _ = ct_study()
    series = [ct_series(site.study, n, empty=True) for n in (1, 2)]
    assert set(outcome(site.take(*series)).values()) == {("failed", Reason.SPINE_NOT_FOUND)}
    assert list(site.reports()) == [f"{site.study}.2"]


def test_one_too_young_is_skipped_once_for_the_whole_study(site):
    site.study, series = ct_study()
    young = ct_series(site.study, 7, count=20, PatientAge="031Y")
    told = outcome(site.take(young, series["native"]))
    assert told == {"7": ("skipped", Reason.AGE_BELOW_MINIMUM), "3": BEATEN}
    assert site.reports() == {}


def test_a_better_series_that_comes_late_gives_one_revised_sr_that_names_the_first(site):
    site.study, series = ct_study()
    site.take(series["venous"])
    [first] = site.reports().values()
    site.sends()
    assert outcome(site.take(series["native"])) == {"2": BEATEN, "3": SCREENED}
    revised = site.reports()[f"{site.study}.3"]
    assert predecessor(revised) == first.SOPInstanceUID


def test_a_late_slice_gives_one_revised_sr_that_names_the_first(site):
    site.study, series = ct_study()
    site.take(series["native"][:-1], series["venous"])
    [first] = site.reports().values()
    site.sends()
    told = site.take(series["native"][-1:])
    assert outcome(told) == {"2": BEATEN, "3": SCREENED}
    results = told[f"{site.study}.3"]["results"]
    assert sorted(result["current"] for result in results) == [False, True]
    assert predecessor(site.reports()[f"{site.study}.3"]) == first.SOPInstanceUID


def test_a_result_that_nobody_had_yet_is_dropped_for_the_better_one(site):
    site.study, series = ct_study()
    site.take(series["venous"])
    site.take(series["native"])
    [report] = site.reports().values()
    assert "PredecessorDocumentsSequence" not in report


def test_what_stood_before_a_better_series_and_stands_again_is_said_again(site):
    """The better one loses a slice's place: what it replaced replaces it in its turn."""
    site.study, series = ct_study()
    site.take(series["venous"])
    site.sends()
    site.take(series["native"])
    site.sends()
    better = site.reports()[f"{site.study}.3"]
    astray = ct_series(site.study, 3, count=1, SOPInstanceUID=f"{site.study}.3.99")
    astray[0].ImagePositionPatient = [-15.0, -20.0, 500.0]
    told = outcome(site.take(astray))
    assert told == {"2": SCREENED, "3": ("skipped", Reason.SLICES_MISSING)}
    assert predecessor(site.reports()[f"{site.study}.2"]) == better.SOPInstanceUID


def test_the_whole_study_again_changes_nothing(site):
    site.study, series = ct_study()
    before = site.take(*series.values())
    assert site.take(*series.values()) == before


@pytest.fixture
def with_another_model(site, monkeypatch):
    """Give the site a second model for CTs, which breaks as it is told."""

    def add(error):
        def screen_ct(*_):
            raise error

        card = replace(ct_studies.CARD, model="other_ct")
        model = SimpleNamespace(CARD=card, eligible=ct_studies.eligible, screen=screen_ct)
        monkeypatch.setattr(catalog, "MODELS", (ct_studies, model))
        peers.set_stage(site.ledger, "other_ct", Stage.RESEARCH)
        mine = site.bench.room.seat(ct_studies)
        other = replace(mine, weights=replace(mine.weights, model="other_ct"))
        site.bench.room.seat = lambda one: other if one is model else mine

    return add


def test_a_model_that_fails_beside_one_that_measures_is_told_of_with_its_reason(
    site, with_another_model
):
    with_another_model(BadSeries(Reason.SPINE_NOT_FOUND, "none"))
    site.study = "1.2.5"
    told = site.take(ct_series(site.study, 1))
    assert outcome(told) == {"1": SCREENED}
    assert summary.status(site.ledger)["failed_beside_others"] == [
        {"model": "other_ct", "reason": Reason.SPINE_NOT_FOUND, "series": 1}
    ]


def test_a_model_that_breaks_takes_the_result_of_another_along_only_until_the_last_try(
    site, with_another_model
):
    with_another_model(RuntimeError("a bug"))
    site.study, uid = "1.2.5", "1.2.5.1"
    for ds in ct_series(site.study, 1):
        out = BytesIO()
        dcmwrite(out, ds, enforce_file_format=True)
        site.spool.put(b"", out.getvalue())
    site.intake.turn()
    states = []
    for alone in (False, True, True):
        screen.screen(replace(site.bench, alone=alone), uid)
        states.append(outcome(site.told())["1"][0])
    assert states == ["queued", "queued", "screened"]
    results = {one["model"]: (one["state"], one["reason"]) for one in site.told()[uid]["results"]}
    assert results == {"mean_ct": SCREENED, "other_ct": ("failed", Reason.INTERNAL_ERROR)}
    assert list(site.reports()) == [uid]
