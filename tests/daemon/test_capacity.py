"""What so many studies a day need, from what this installation measured of itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from metered import film
from typer.testing import CliRunner

from daemon import capacity
from daemon.capacity import Wanted, needs, slots_for
from daemon.cli import app
from daemon.records import rates
from daemon.records.ledger import now
from daemon.records.rates import ExamRate, Rates
from daemon.records.tables import Instance, Series

MORNING = datetime(2026, 11, 2, 8, tzinfo=UTC)
SEEN = Rates(
    studies=1000,
    since=MORNING,
    until=MORNING + timedelta(days=10),
    series_a_study=1,
    images_a_study=100,
    bytes_a_study=50 * 2**20,
    results_a_study=1,
    rows_a_study=110,
    ledger_bytes_a_study=50_000,
    busiest_hour=0.125,
    images_a_s=100,
    bytes_a_s=40 * 2**20,
    exams={"ct": ExamRate(1.0, 10.0)},
)


def test_a_study_s_means_are_those_of_what_came(ledger, monkeypatch):
    with ledger.write() as session:
        for number in range(3):
            film(session, number, 2.0)
            ended = session.get(Series, f"1.2.{number}")
            ended.exam, ended.ended_at = "cxr", ended.queued_at + timedelta(seconds=4 + number)
    seen = rates.measured(ledger)
    assert (seen.studies, seen.images_a_study, seen.results_a_study) == (3, 1, 1)
    # series, instance, screening, object, delivery
    assert seen.rows_a_study == 5
    assert seen.exams == {"cxr": ExamRate(1.0, 5.0)}
    # an empty ledger's size is nobody's
    assert seen.ledger_bytes_a_study == 0
    monkeypatch.setattr(rates, "ENOUGH", 3)
    assert rates.measured(ledger).ledger_bytes_a_study > 1000


def test_a_listener_is_measured_by_series_of_many_images(ledger):
    at = now() - timedelta(hours=1)
    with ledger.write() as session:
        film(session, 1)
        for number in range(1, 21):
            like = {"SOPClassUID": "1", "TransferSyntaxUID": "1", "sha256": "", "calling_aet": "A"}
            when = at + timedelta(seconds=number / 10)
            place = {"SOPInstanceUID": f"1.2.1.{number}", "SeriesInstanceUID": "1.2.1"}
            session.add(Instance(**place, size_bytes=1 << 20, received_at=when, **like))
        session.delete(session.get(Instance, "1.2.1"))
    assert rates.measured(ledger).images_a_s == pytest.approx(20 / 1.9)


def test_twice_the_studies_need_twice_of_all_that_grows():
    one, two = (needs(SEEN, Wanted(studies), 2, False) for studies in (20_000, 40_000))
    for key in ("disk_gib", "rows_a_day", "ledger_gib_a_year"):
        assert two[key] == pytest.approx(2 * one[key], rel=1e-3)
    # 20,000 studies of 100 images, an eighth of them in an hour: 69 images and 35 MiB a second
    assert (one["listeners"], two["listeners"]) == (1, 2)
    # fewer than twice: many share what comes at random better than few
    assert one["workers"] < two["workers"] <= 2 * one["workers"]
    assert needs(SEEN, Wanted(20_000), 2, True)["gpus"] == one["workers"]


def test_slots_are_no_fewer_than_the_work_takes_and_no_more_than_a_short_wait_asks():
    exams = {"ct": ExamRate(1.0, 60.0)}
    # 600 cases of a minute in an hour are ten slots' work
    patient, hasty = slots_for(exams, 600, 600), slots_for(exams, 600, 1)
    assert 9 <= patient <= 11
    assert patient < hasty < 30
    arrivals = capacity._arrivals(exams, 600)
    assert capacity._wait_s(arrivals, hasty) <= 1 < capacity._wait_s(arrivals, hasty - 1)


def test_few_days_do_not_tell_the_busiest_hour():
    short = replace(SEEN, until=SEEN.since, busiest_hour=1.0)
    assert capacity.busiest_hour(short) == capacity.BUSIEST_AT_LEAST
    assert capacity.busiest_hour(SEEN) == 0.125


def test_the_command_says_what_it_measured_and_what_is_needed(tmp_path, ledger, settings):
    command = ["capacity", "--studies-per-day", "500", "--home", str(settings.home)]
    empty = CliRunner().invoke(app, command)
    assert "nothing has come here yet" in str(empty.exception)
    with ledger.write() as session:
        film(session, 1)
    told = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.exception
    assert "measured on 1 studies" in told.output and "ledger a year" in told.output
