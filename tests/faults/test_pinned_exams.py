"""Exams pinned to hosts: what no host takes waits, and nothing else waits with it."""

import pytest
import radiographs
import waiting_film
from bench.scaling import Site
from ct_studies import ct_series
from peers import PostgresServer, RedisServer, wait_for

from daemon import upkeep
from daemon.jobs import Doorbell
from daemon.records import arrivals
from daemon.records.tables import Series, SeriesState

CT_HOST, FILM_HOST = "host-a", "host-b"
RINGS = 3


@pytest.fixture
def site(tmp_path):
    with PostgresServer() as ledgers, RedisServer(tmp_path / "broker") as broker:
        environment = waiting_film.environment(tmp_path / "model")
        site = Site(tmp_path / "1", ledgers.new_database(), broker, environment)
        yield site
        site.ledger.close()


def state(site, series):
    with site.ledger.read() as session:
        return session.get_one(Series, series.SeriesInstanceUID).state


def test_ct_waits_for_the_host_that_takes_ct_while_films_are_screened_at_the_other(site):
    bell, running = Doorbell(site.settings), []
    received = site.receive([*ct_series("1.2.826.0.5", 1, 1), radiographs.cr(), radiographs.cr()])
    [scan] = [one for one in received if one.modality == "CT"]
    films = [one for one in received if one is not scan]
    try:
        running.append(site.start(FILM_HOST, OSTEOSCREEN_WORKER_EXAMS="cxr,hip"))
        site.wait_for_workers(FILM_HOST)
        arrivals.queue(site.ledger, [scan], "ct")
        for one in films:
            arrivals.queue(site.ledger, [one], "cxr")
            for _ in range(RINGS):
                # as the sweep rings for all that waits, the longest first: the CT is before them
                upkeep.ring_queued(site.ledger, bell, 0)
            wait_for("the film", lambda one=one: state(site, one) == SeriesState.SCREENED)
        assert state(site, scan) == SeriesState.QUEUED
        running.append(site.start(CT_HOST, OSTEOSCREEN_WORKER_EXAMS="ct"))
        # this model reads no CT: that it was looked at is what counts here
        wait_for("the CT", lambda: state(site, scan) == SeriesState.SKIPPED)
    finally:
        for process in running:
            process.kill()
            process.wait()
    logs = {host: site.log(host).read_text() for host in (CT_HOST, FILM_HOST)}
    assert scan.SeriesInstanceUID not in logs[FILM_HOST]
    assert scan.SeriesInstanceUID in logs[CT_HOST]
    assert not any(one.SeriesInstanceUID in logs[CT_HOST] for one in films)
