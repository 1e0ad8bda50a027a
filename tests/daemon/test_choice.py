"""Of a study one series is screened, the best that has not failed, whatever comes when."""

import pytest
from ct_ledger import BEATEN, GAP, LUNG, SCORES

from daemon import config, schema
from daemon.records import arrivals, choice, claims, results, settling, summary
from daemon.records.settling import Patience
from daemon.records.tables import DeliveryState, Series, SeriesState
from engines.errors import Reason
from engines.exams import Exam
from engines.series_choice import Appraisal


@pytest.fixture
def settings(tmp_path):
    """Settings on the embedded database alone."""
    settings = config.load(tmp_path / "home")
    schema.migrate(settings)
    return settings


def test_the_best_is_queued_and_each_other_says_which_and_both_scores(study):
    assert study.settles() == "1.2.3"
    assert study.states() == {"1.2.3": ("queued", None), "1.2.4": BEATEN, "1.2.5": BEATEN}
    told = summary.study(study.ledger, "1.2")["series"]
    [beaten] = [one for one in told if one["SeriesInstanceUID"] == "1.2.4"]
    assert beaten["detail"] == "series 1.2.3 was chosen: score 90, this one 60"
    assert beaten["appraisal"]["score"] == 60


def test_what_is_never_tried_is_skipped_for_its_own_reason(study):
    assert study.settles(SCORES | {"1.2.3": LUNG}) == "1.2.5"
    assert study.states()["1.2.3"] == ("skipped", Reason.KERNEL_TOO_SHARP)


def test_a_study_of_nothing_but_what_is_never_tried_ends(study):
    assert study.settles(dict.fromkeys(SCORES, LUNG)) is None
    assert set(study.states().values()) == {("skipped", Reason.KERNEL_TOO_SHARP)}


def test_one_series_without_sound_slices_is_tried_where_there_is_nothing_else(study):
    assert study.settles(dict.fromkeys(SCORES, GAP)) == "1.2.3"
    study.screens("1.2.3", SeriesState.FAILED, Reason.SLICES_MISSING)
    skipped = ("skipped", Reason.SLICES_MISSING)
    failed = ("failed", Reason.SLICES_MISSING)
    assert study.states() == {"1.2.3": failed, "1.2.4": skipped, "1.2.5": skipped}


def test_a_next_one_is_rung_for_by_the_next_sweep(study):
    study.settles()
    study.screens("1.2.3", SeriesState.FAILED, Reason.SPINE_NOT_FOUND)
    [due] = claims.to_ring(study.ledger, silent_s=60, most=5)
    assert due.SeriesInstanceUID == "1.2.5"


def test_no_other_is_tried_for_what_is_wrong_with_the_patient(study):
    study.settles()
    series = study.claims("1.2.3")
    assert choice.is_last(study.ledger, series, Reason.AGE_BELOW_MINIMUM)
    assert not choice.is_last(study.ledger, series, Reason.SPINE_NOT_FOUND)
    study.ends(series, SeriesState.SKIPPED, Reason.AGE_BELOW_MINIMUM)
    assert "queued" not in dict(study.states().values())


def test_a_parked_series_lets_the_next_one_be_tried(study):
    study.settles()
    claims.release(study.ledger, study.claims("1.2.3"), "broke", max_attempts=1)
    assert study.states()["1.2.3"] == ("parked", Reason.INTERNAL_ERROR)
    assert study.states()["1.2.5"] == ("queued", None)


def test_one_whose_images_are_purged_is_not_tried(study):
    study.settles()
    with study.ledger.write() as session:
        session.get_one(Series, "1.2.5").purged_at = session.get_one(Series, "1.2.5").ended_at
    study.screens("1.2.3", SeriesState.FAILED, Reason.SPINE_NOT_FOUND)
    assert study.states()["1.2.4"] == ("queued", None)


def test_a_late_better_series_takes_the_place_of_one_that_waits_or_is_at_work(study):
    study.settles()
    study.comes("1.2.6")
    assert study.settles({"1.2.6": 95.0}) == "1.2.6"
    assert study.states()["1.2.3"] == BEATEN
    at_work = study.claims("1.2.6")
    study.comes("1.2.7")
    assert study.settles({"1.2.7": 99.0}) == "1.2.7"
    assert not study.ends(at_work)
    assert study.states()["1.2.6"] == BEATEN


def test_a_late_lesser_series_changes_nothing(study):
    study.settles()
    study.screens("1.2.3")
    study.comes("1.2.6")
    assert study.settles({"1.2.6": 50.0}) is None
    assert study.states()["1.2.3"] == ("screened", None)
    assert study.states()["1.2.6"] == BEATEN


def test_a_better_series_that_fails_leaves_the_result_that_stood(study):
    study.settles()
    study.screens("1.2.3")
    study.comes("1.2.6")
    study.settles({"1.2.6": 95.0})
    study.screens("1.2.6", SeriesState.FAILED, Reason.SPINE_NOT_FOUND)
    assert study.states()["1.2.3"] == ("screened", None)
    assert "queued" not in dict(study.states().values())


def test_a_late_slice_is_seen_by_a_new_choice(study):
    study.settles()
    study.screens("1.2.3")
    study.comes("1.2.3")
    assert study.settles() == "1.2.3"
    study.screens("1.2.3", key="m")
    assert study.states()["1.2.3"] == ("screened", None)


def test_a_late_slice_that_spoils_the_chosen_one_gives_the_place_to_the_next(study):
    study.settles()
    study.screens("1.2.3")
    study.comes("1.2.3")
    assert study.settles({"1.2.3": GAP}) == "1.2.5"
    study.screens("1.2.5")
    assert study.states()["1.2.3"] == ("skipped", Reason.SLICES_MISSING)


def test_the_same_images_again_choose_nothing_anew(study, make_arrival):
    study.settles()
    study.screens("1.2.3")
    before = study.states()
    again = [make_arrival(uid, f"{uid}.{n}", modality="CT") for n, uid in enumerate(SCORES, 1)]
    arrivals.index(study.ledger, again)
    assert settling.quiet(study.ledger, Patience({}, 0, ("CT",))) == []
    assert study.states() == before


def test_a_series_that_got_an_image_while_it_was_read_is_left_for_later(study):
    judged = [(one, Appraisal(50.0)) for one in settling.quiet(study.ledger, Patience({}, 0))]
    study.comes("1.2.3")
    assert choice.choose(study.ledger, Exam.ABDOMEN_CT, judged) is not None
    assert study.states()["1.2.3"][0] == "receiving"


def test_a_failure_that_was_told_is_replaced_by_a_later_result(study):
    study.settles(dict.fromkeys(SCORES, GAP))
    study.screens("1.2.3", SeriesState.FAILED, Reason.SLICES_MISSING)
    study.comes("1.2.6")
    assert study.settles({"1.2.6": 40.0}) == "1.2.6"
    series = study.claims("1.2.6")
    study.ends(series)
    looks = {one.SeriesInstanceUID: one for one in results.screenings(study.ledger, series, "ct")}
    assert (looks["1.2.3"].current, looks["1.2.6"].current) == (False, True)
    assert DeliveryState.PENDING in summary.status(study.ledger)["deliveries"]


def test_a_choice_that_did_not_get_to_its_end_is_made_again_as_a_whole(study, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(choice, "note", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            study.settles()
    assert set(study.states().values()) == {("receiving", None)}
    assert study.settles() == "1.2.3"
