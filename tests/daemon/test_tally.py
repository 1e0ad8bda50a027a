"""What came, counted by day, and when each peer sent last."""

from datetime import timedelta

from sqlalchemy import update

from daemon.records import arrivals, tally
from daemon.records.ledger import now
from daemon.records.tables import Screening, Series, SeriesState


def test_each_day_counts_its_own_series_and_those_that_are_flagged(ledger, make_arrival):
    today = now().astimezone().replace(hour=12, minute=0)
    for number, back in enumerate((0, 0, 1, 3, 40)):
        uid = f"1.2.{number}"
        arrivals.index(ledger, [make_arrival(uid, f"{uid}.1")])
        came = {"first_at": today - timedelta(days=back), "state": SeriesState.SCREENED}
        with ledger.write() as session:
            session.execute(update(Series).where(Series.SeriesInstanceUID == uid).values(came))
            for model in ("one", "two"):
                session.add(_result(uid, model, flagged=number != 1))
    days = tally.days(ledger, 4)
    assert [(day.received, day.screened, day.flagged) for day in days] == [
        (1, 1, 1),
        (0, 0, 0),
        (1, 1, 1),
        (2, 2, 1),
    ]


def _result(uid, model, flagged):
    return Screening(
        SeriesInstanceUID=uid,
        model=model,
        version="1",
        weights_sha256="",
        key="a",
        stage="shadow",
        state="screened",
        flagged=flagged,
        result={},
        analysed_at=now(),
        current=True,
    )


def test_a_peer_that_never_sent_has_no_last_image(ledger, make_arrival):
    arrivals.index(ledger, [make_arrival()])
    last = tally.last_images(ledger, ["CR1", "CT1"])
    assert now() - last["CR1"] < timedelta(minutes=5) and last["CT1"] is None


def test_reasons_are_told_the_commonest_first(ledger, make_arrival):
    for number, reason in enumerate(("animal", "age-missing", "age-missing")):
        uid = f"1.2.{number}"
        arrivals.index(ledger, [make_arrival(uid, f"{uid}.1")])
        skipped = {"state": SeriesState.SKIPPED, "reason": reason}
        with ledger.write() as session:
            session.execute(update(Series).where(Series.SeriesInstanceUID == uid).values(skipped))
    since = now() - timedelta(hours=1)
    told = tally.reasons(ledger, since, SeriesState.SKIPPED)
    assert told == [("age-missing", 2), ("animal", 1)]
