"""Several hosts with homes of their own: one ledger, and each file where it is told."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from separate_homes import Host, part10, two_hosts
from sqlalchemy import update

from daemon import audit, processes
from daemon.errors import HolderAway
from daemon.holdings import Holdings, drop_leftovers
from daemon.records import retention, summary
from daemon.records.holding import images_of
from daemon.records.tables import Instance, Series, SeriesState
from daemon.retention import Retention


@pytest.fixture
def hosts(tmp_path, ledger, settings):
    a, b = two_hosts(tmp_path, settings.ledger_url)
    yield a, b
    a.ledger.close()
    b.ledger.close()


def split(a, b):
    """Send one image of a series to each host; index both."""
    a.receive(part10(sop="1.2.3.1"))
    b.receive(part10(sop="1.2.3.2"))
    a.intake.index_arrived()
    b.intake.index_arrived()


def states(ledger):
    return [one["state"] for one in summary.study(ledger, "1.2")["series"]]


def problems(host):
    return audit.audit(host.settings, host.ledger)["problems"]


def test_a_series_split_over_two_listeners_is_one_series_and_one_of_them_settles_it(hosts):
    a, b = hosts
    split(a, b)
    b.intake.queue_settled()
    assert states(b.ledger) == ["receiving"] and b.bell.rung == []
    with b.up():
        a.intake.queue_settled()
    assert a.bell.rung == [("1.2.3", "cxr")]
    assert [one.holder for one in images_of(a.ledger, "1.2.3")] == ["a", "b"]
    assert problems(a) == problems(b) == []
    told = audit.audit(a.settings, a.ledger)["totals"]
    assert told["objects that other hosts hold: audit them there"] == 1


def test_a_series_waits_for_a_host_that_is_away_and_is_taken_when_it_is_back(hosts, monkeypatch):
    monkeypatch.setattr("daemon.holdings.AWAY_S", 0.0)
    a, b = hosts
    split(a, b)
    a.intake.queue_settled()
    assert states(a.ledger) == ["receiving"] and a.bell.rung == []
    with b.up():
        a.intake.queue_settled()
    assert a.bell.rung == [("1.2.3", "cxr")]


def test_a_worker_reads_what_was_received_over_the_network_or_where_it_is_mounted(hosts, tmp_path):
    a, b = hosts
    split(a, b)
    sent = [part10(sop="1.2.3.1"), part10(sop="1.2.3.2")]
    mounted = {"a": str(a.settings.home), "b": b.address}
    worker = Host(tmp_path, "worker", a.settings.database_url, holders=mounted)
    with b.up(), Holdings(worker.settings, worker.ledger).series("1.2.3") as files:
        assert [file.read_bytes() for file in files] == sent
        assert files[0].is_relative_to(a.settings.home)
        assert files[1].is_relative_to(worker.settings.home / "fetched")
    assert list((worker.settings.home / "fetched").iterdir()) == []
    worker.ledger.close()


def test_who_is_away_or_refuses_is_named_with_the_reason(hosts):
    a, b = hosts
    split(a, b)

    def why(**changes):
        settings = a.settings.model_copy(update=changes)
        with pytest.raises(HolderAway) as caught, Holdings(settings, a.ledger).series("1.2.3"):
            pass
        return str(caught.value)

    assert why() == "b gives nothing: Connection refused"
    assert why(holders={"c": "/c"}) == "b holds it, and holders does not say where that is"
    with b.up():
        assert why(files_token="x" * 32) == "b refuses our files_token: is it the same there?"


def test_bytes_that_are_not_those_received_are_not_believed(hosts):
    a, b = hosts
    split(a, b)
    place = b.spool.place("1.2.3", "1.2.3.2")
    place.write_bytes(part10(sop="1.2.3.2", PatientSex="F"))
    with b.up(), Holdings(a.settings, a.ledger).series("1.2.3") as files:
        assert [file.name for file in files] == ["1.2.3.1.dcm"]
    assert problems(a) == []
    [problem] = problems(b)
    assert problem.startswith("1.2.3/1.2.3.2.dcm: acknowledged, but not on the disk")


def test_an_image_that_comes_to_both_hosts_is_kept_once(hosts):
    a, b = hosts
    for host in hosts:
        host.receive(part10())
        host.intake.index_arrived()
    assert [one.holder for one in images_of(a.ledger, "1.2.3")] == ["a"]
    assert b.spool.series("1.2.3") == [] and b.spool.arrived() == []
    assert problems(a) == problems(b) == []


def test_two_hosts_that_enter_the_same_series_at_once_make_no_second_of_it(hosts):
    a, b = hosts
    for number in range(20):
        a.receive(part10(sop=f"1.2.3.{number}", series=f"1.2.3.{number % 5}"))
        b.receive(part10(sop=f"1.2.4.{number}", series=f"1.2.3.{number % 5}"))
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda host: host.intake.index_arrived(), hosts)) == [True, True]
    assert len(states(a.ledger)) == 5
    assert problems(a) == problems(b) == []


def test_each_host_unlinks_what_it_holds_itself(hosts):
    a, b = hosts
    split(a, b)
    for host in hosts:
        with host.ledger.write() as session:
            session.execute(update(Series).values(state=SeriesState.SKIPPED, reason="x"))
            session.execute(update(Instance).values(purged_by=retention.Rule.SKIPPED))
    Retention(a.settings, a.ledger).turn()
    assert (a.spool.series("1.2.3"), len(b.spool.series("1.2.3"))) == ([], 1)
    Retention(b.settings, b.ledger).turn()
    assert b.spool.series("1.2.3") == []
    assert problems(a) == problems(b) == []
    # sent again to the other one: that is who holds it from now on
    b.receive(part10(sop="1.2.3.1"))
    b.intake.index_arrived()
    assert [one.holder for one in images_of(a.ledger, "1.2.3")] == ["b"]


def test_each_host_tells_of_its_own_disk(hosts):
    a, b = hosts
    retention.tell_of_disk(a.ledger, "a", "no-new-senders", "full")
    assert retention.told_of_disk(b.ledger, "b") is None
    assert retention.told_of_disk(a.ledger, "a") == "no-new-senders"


def test_what_a_dead_process_had_fetched_is_dropped_and_what_a_live_one_has_is_not(hosts):
    a, b = hosts
    split(a, b)
    # this process' number, of before it was given to this process
    place, _, _ = processes.name_of(os.getpid()).rpartition(":")
    dead = a.settings.home / "fetched" / f"{place}:1:abc"
    dead.mkdir(parents=True)
    with b.up(), Holdings(a.settings, a.ledger).series("1.2.3"):
        drop_leftovers(a.settings)
        [ours] = dead.parent.iterdir()
        assert ours != dead
