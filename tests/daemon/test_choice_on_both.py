"""What a choice among a study's series asks of a database, on each of them."""

import threading
from datetime import timedelta

from ct_ledger import BEATEN, SCORES

from daemon.records import choice, deliveries, procedures, results, settling, summary
from daemon.records.settling import Patience
from daemon.records.tables import SeriesState
from engines.errors import Reason
from engines.exams import Exam
from engines.series_choice import Appraisal


def test_none_settles_while_one_of_the_study_is_received_and_status_says_which(study):
    patience = Patience({}, 3600, ("CT",))
    study.were_last_heard_of(timedelta(hours=2), "1.2.3", "1.2.5")
    assert settling.quiet(study.ledger, patience) == []
    assert len(settling.quiet(study.ledger, Patience({}, 3600))) == 2
    why = summary.status(study.ledger)["oldest"]["receiving"]["why"]
    assert "1.2.4: more images may come" in why


def test_a_result_stands_until_a_better_series_has_its_own(study):
    study.settles()
    study.screens("1.2.3")
    study.comes("1.2.6")
    study.settles({"1.2.6": 95.0})
    assert study.states()["1.2.3"] == ("screened", None)
    better = study.claims("1.2.6")
    [known] = results.screenings(study.ledger, better, "ct")
    assert (known.SeriesInstanceUID, known.current) == ("1.2.3", True)
    study.ends(better)
    assert study.states()["1.2.3"] == BEATEN
    current = [one.current for one in results.screenings(study.ledger, better, "ct")]
    assert sorted(current) == [False, True]
    [dropped, waiting] = [deliveries.pending_of(study.ledger, uid) for uid in ("1.2.3", "1.2.6")]
    assert (len(dropped), len(waiting)) == (0, 1)


def test_two_that_choose_at_once_queue_one(study):
    seen = [settling.quiet(study.ledger, Patience({}, 0)) for _ in range(2)]
    gate, failed = threading.Barrier(2), []

    def run(series, order):
        gate.wait()
        try:
            for one in sorted(series, key=lambda s: s.SeriesInstanceUID, reverse=order):
                score = Appraisal(SCORES[one.SeriesInstanceUID])
                choice.choose(study.ledger, Exam.ABDOMEN_CT, [(one, score)])
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    both = [threading.Thread(target=run, args=(seen[n], bool(n))) for n in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert failed == []
    assert study.states() == {"1.2.3": ("queued", None), "1.2.4": BEATEN, "1.2.5": BEATEN}


def test_a_series_that_was_announced_waits_for_those_announced_with_it(study, ledger):
    procedures.begin(ledger, "7.7", "CT1", {"1.2.3": 1, "1.2.4": 1, "1.2.5": 1, "1.2.6": 1})
    procedures.change(ledger, "7.7", "COMPLETED", None)
    patience = Patience({}, 3600, ("CT",))
    assert settling.quiet(ledger, patience) == []
    study.comes("1.2.6")
    assert len(settling.quiet(ledger, patience)) == 4
    study.comes("1.2.8")
    assert settling.quiet(ledger, patience) == []
    overdue = settling.overdue(ledger, longest_s=0)
    assert len(overdue) == 5


def test_when_a_look_ends_without_a_result_the_next_best_is_tried_and_both_reasons_stay(study):
    study.settles()
    study.screens("1.2.3", SeriesState.FAILED, Reason.SPINE_NOT_FOUND)
    assert study.states()["1.2.5"] == ("queued", None)
    study.screens("1.2.5")
    failed = ("failed", Reason.SPINE_NOT_FOUND)
    assert study.states() == {"1.2.3": failed, "1.2.4": BEATEN, "1.2.5": ("screened", None)}
