"""A CT study in a ledger, and what is done to it: no files and no pixels."""

from daemon.records import arrivals, choice, claims, results, settling
from daemon.records.results import MadeObject, Outcome
from daemon.records.settling import Patience
from daemon.records.tables import Series, SeriesState
from engines.errors import BadSeries, NotEligible, Reason
from engines.exams import Exam
from engines.series_choice import Appraisal

BEATEN = ("skipped", Reason.ANOTHER_SERIES_CHOSEN)
SCORES = {"1.2.3": 90.0, "1.2.4": 60.0, "1.2.5": 75.0}
GAP = Appraisal(0.0, (), BadSeries(Reason.SLICES_MISSING, "a gap"))
LUNG = Appraisal(0.0, (), NotEligible(Reason.KERNEL_TOO_SHARP, "for lung"))


class Study:
    """One CT study in a ledger, and what is done to it."""

    def __init__(self, ledger, make_arrival):
        self.ledger, self._make = ledger, make_arrival
        self._images = 0

    def comes(self, *uids):
        for uid in uids:
            self._images += 1
            instance = f"{uid}.{self._images}"
            arrivals.index(self.ledger, [self._make(uid, instance, modality="CT")])

    def settles(self, scores=SCORES):
        judged = [
            (one, self._appraisal(scores[one.SeriesInstanceUID]))
            for one in settling.quiet(self.ledger, Patience({}, 0, ("CT",)))
        ]
        best = choice.choose(self.ledger, Exam.ABDOMEN_CT, judged)
        return best and best.SeriesInstanceUID

    @staticmethod
    def _appraisal(score):
        return score if isinstance(score, Appraisal) else Appraisal(score)

    def claims(self, uid):
        return claims.claim(self.ledger, uid)

    def ends(self, series, state=SeriesState.SCREENED, reason=None, key="k"):
        made = MadeObject(f"9.{series.SeriesInstanceUID}.{key}", "1.2.840", "9", "SR", "0", ("P",))
        outcome = Outcome(
            model="ct",
            version="1",
            weights_sha256="",
            key=f"{key}{series.SeriesInstanceUID}",
            stage="research",
            state=state,
            reason=reason,
            detail=reason,
            flagged=False,
            result={},
            analysed_at=series.queued_at,
            objects=(made,) if state == SeriesState.SCREENED else (),
        )
        return results.keep(self.ledger, series, [outcome])

    def screens(self, uid, *how, **more):
        return self.ends(self.claims(uid), *how, **more)

    def were_last_heard_of(self, ago, *uids):
        with self.ledger.write() as session:
            for uid in uids:
                session.get_one(Series, uid).last_at -= ago

    def states(self):
        with self.ledger.read() as session:
            return {row.SeriesInstanceUID: (row.state, row.reason) for row in session.query(Series)}
