"""Retention: only what is finished goes, the ledger first, and what is gone is said to be gone."""

import pytest
from kept_site import Site
from sqlalchemy import update

from daemon import audit as audits
from daemon import disk, schema
from daemon.disk import Free
from daemon.records import deliveries, evidence, summary
from daemon.records import retention as records
from daemon.records.ledger import now
from daemon.records.tables import Delivery, Series
from daemon.retention import Retention, disk_now
from daemon.spool import Spool, write_durably

AT_ONCE = 1e-9
"""Days: whatever has ended is old enough."""


@pytest.fixture(autouse=True)
def _time_enough():
    """Let a turn get to its end on a busy machine too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("daemon.retention.LONGEST_S", 60.0)
        yield


@pytest.fixture
def site(settings, monkeypatch):
    ledger = schema.open_ledger(settings)
    yield Site(settings, ledger)
    ledger.close()


@pytest.fixture
def delivered(site):
    """Return a site with one screened series, its result at the PACS."""
    site.receive()
    site.screen()
    site.deliver()
    return site


def test_without_a_rule_everything_is_kept(delivered):
    delivered.purge()
    assert delivered.file().exists()


def test_an_old_screened_series_loses_its_images_and_keeps_its_rows(delivered):
    delivered.purge(keep_days_screened=AT_ONCE)
    assert not delivered.file().parent.exists()
    told = delivered.told()
    assert (told["state"], len(told["received"]), len(told["results"])) == ("screened", 1, 1)
    [event] = [event for event in told["events"] if event["kind"] == "purged"]
    assert (event["reason"], event["detail"]) == ("keep_days_screened", "1 images")
    objects = []
    found = audits.audit(delivered.settings, delivered.ledger, objects.append)
    [image] = objects
    assert (image["purged_by"], image["lies"]) == ("keep_days_screened", None)
    assert (found["totals"]["objects purged"], found["problems"]) == (1, [])


def test_what_is_not_old_enough_stays(delivered):
    delivered.purge(keep_days_screened=1, keep_days_skipped=AT_ONCE, keep_days_failed=AT_ONCE)
    assert delivered.file().exists()


def test_skipped_and_failed_series_go_by_their_own_rules(site):
    site.receive("1.2.4.1", "1.2.4", BodyPartExamined="FOOT")
    site.receive("1.2.5.1", "1.2.5")
    with site.ledger.write() as session:
        mine = update(Series).where(Series.SeriesInstanceUID == "1.2.5")
        session.execute(mine.values(state="failed", reason="internal-error", ended_at=now()))
    site.purge(keep_days_screened=AT_ONCE)
    site.purge(keep_days_skipped=AT_ONCE)
    assert not site.file("1.2.4.1", "1.2.4").exists() and site.file("1.2.5.1", "1.2.5").exists()
    site.purge(keep_days_failed=AT_ONCE)
    assert not site.file("1.2.5.1", "1.2.5").exists()
    assert site.problems() == []


def test_a_series_that_has_not_ended_or_is_parked_keeps_its_images(site):
    everything = {f"keep_days_{state}": AT_ONCE for state in ("screened", "skipped", "failed")}
    site.receive()
    for state in ("receiving", "queued", "screening", "parked"):
        with site.ledger.write() as session:
            session.execute(update(Series).values(state=state, ended_at=now()))
        site.purge(**everything, purge_when_full=True, min_free_mib=1 << 40)
        assert site.file().exists()


def test_nothing_goes_before_every_result_of_it_is_delivered(site):
    site.receive()
    site.screen(receivers=("PACS", "ARCHIVE"))
    site.deliver()
    site.purge(keep_days_screened=AT_ONCE)
    assert site.file().exists()
    assert disk_now(site.settings, site.ledger)["series_kept_for_their_deliveries"] == 1
    site.deliver()
    site.purge(keep_days_screened=AT_ONCE)
    assert not site.file().exists()


@pytest.mark.parametrize("confirmation", ["due", "asked", "unanswered"])
def test_nothing_goes_before_a_peer_that_confirms_has_confirmed(delivered, confirmation):
    with delivered.ledger.write() as session:
        session.execute(update(Delivery).values(confirmation=confirmation))
    delivered.purge(keep_days_screened=AT_ONCE, keep_days_results=AT_ONCE)
    assert delivered.file().exists() and list(delivered.settings.outbox.iterdir())
    with delivered.ledger.write() as session:
        session.execute(update(Delivery).values(confirmation="confirmed"))
    delivered.purge(keep_days_screened=AT_ONCE, keep_days_results=AT_ONCE)
    assert not delivered.file().exists() and not list(delivered.settings.outbox.iterdir())
    assert delivered.problems() == []


def test_a_parked_delivery_keeps_its_object_and_not_the_images(site):
    site.receive()
    site.screen()
    deliveries.park(site.ledger, site.sending()[0], None, "the PACS said no")
    site.purge(keep_days_screened=AT_ONCE, keep_days_results=AT_ONCE)
    assert not site.file().exists()
    assert len(list(site.settings.outbox.iterdir())) == 1


def test_files_set_aside_and_events_go_by_their_age(site):
    site.spool.put(b"", b"no DICOM at all" * 100)
    site.intake.turn()
    site.purge(keep_days_aside=1, keep_days_events=1)
    assert list(site.spool.aside.iterdir())
    site.purge(keep_days_aside=AT_ONCE)
    assert list(site.spool.aside.iterdir()) == []
    assert [row.purged_by for row in evidence.asides(site.ledger)] == ["keep_days_aside"]
    assert site.problems() == []
    site.purge(keep_days_events=AT_ONCE)
    assert summary.status(site.ledger)["set_aside"] == 1


STEPS = {
    "before anything is unlinked": (Spool, "forget"),
    "before it is written down": (records, "images_gone"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_point_is_finished_by_the_next_turn(delivered, monkeypatch, step):
    monkeypatch.setattr(*STEPS[step], lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        delivered.purge(keep_days_screened=AT_ONCE)
    monkeypatch.undo()
    assert delivered.problems() == []
    delivered.purge()
    assert not delivered.file().exists()
    assert delivered.problems() == []


def test_a_resend_between_decision_and_unlinking_is_kept(delivered, monkeypatch):
    monkeypatch.setattr(Spool, "forget", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        delivered.purge(keep_days_screened=AT_ONCE)
    monkeypatch.undo()
    delivered.receive()
    delivered.purge()
    assert delivered.file().exists() and delivered.problems() == []


def test_a_purged_image_that_comes_again_is_restored_and_changes_no_result(delivered):
    delivered.purge(keep_days_screened=AT_ONCE)
    delivered.receive()
    delivered.purge(keep_days_screened=1)
    assert delivered.file().exists()
    told = delivered.told()
    assert (told["state"], len(told["results"])) == ("screened", 1)
    assert "restored" in {event["kind"] for event in told["events"]}
    assert delivered.problems() == []


def test_a_late_image_of_a_purged_series_fails_it_and_a_whole_resend_heals_it(delivered):
    delivered.purge(keep_days_screened=AT_ONCE)
    delivered.receive("1.2.3.2")
    told = delivered.told()
    assert (told["state"], told["reason"]) == ("failed", "images-purged")
    assert "keep_days_screened" in told["detail"] and delivered.problems() == []
    delivered.receive("1.2.3.1")
    assert delivered.told()["state"] == "queued"
    assert len(delivered.spool.series("1.2.3")) == 2 and delivered.problems() == []


def test_an_audit_finds_a_purged_file_that_is_still_there(delivered):
    content = delivered.file().read_bytes()
    delivered.purge(keep_days_screened=AT_ONCE)
    write_durably(delivered.file(), content)
    [problem] = delivered.problems()
    assert "purged, but still on the disk" in problem


def test_an_audit_still_finds_a_lost_file(delivered):
    delivered.file().unlink()
    [problem] = delivered.problems()
    assert "not on the disk" in problem


def purged(site):
    return audits.audit(site.settings, site.ledger)["totals"]["objects purged"]


# 450: we see enough, and a listener that saw less for a moment refuses until there is more
@pytest.mark.parametrize("wary_free_mib", [510, 450])
def test_a_full_disk_purges_the_longest_finished_first_and_no_more_than_it_must(
    site, monkeypatch, wary_free_mib
):
    order = [f"1.2.{number}" for number in range(3, 6)]
    for series in order:
        site.receive(f"{series}.1", series)
        site.screen(series)
        site.deliver(series)
    monkeypatch.setattr("daemon.retention.SERIES_AT_ONCE", 1)

    def free_on(_folder):
        return Free(500 + 100 * purged(site) << 20, 90_000)

    monkeypatch.setattr(disk, "free_on", free_on)
    levels = {"min_free_mib": 100, "wary_free_mib": wary_free_mib, "resume_free_mib": 700}
    site.purge(**levels)
    assert purged(site) == 0
    site.purge(**levels, purge_when_full=True)
    assert [site.file(f"{series}.1", series).exists() for series in order] == [False, False, True]
    assert site.told("1.2.3")["events"][-1]["reason"] == "purge_when_full"


def test_what_the_disk_lets_in_is_written_down_once_each_time_it_changes(site, monkeypatch):
    monkeypatch.setattr(disk, "FRESH_S", 0)
    watch = Retention(site.settings, site.ledger)

    def told(free_mib):
        monkeypatch.setattr(disk, "free_on", lambda _: Free(free_mib << 20, 90_000))
        watch.turn()
        return records.told_of_disk(site.ledger)

    assert [told(mib) for mib in (9000, 700, 700, 12, 12, 600, 2000)] == [
        None,
        "nearly-full",
        "nearly-full",
        "full",
        "full",
        "full",
        "room",
    ]
    events = records.last_events(site.ledger, "disk")
    assert [event.detail for event in events][1] == (
        "the disk of the spool is full: 12 MiB free, we take images again from 1536 MiB"
    )


def test_the_hand_command_counts_and_changes_nothing(delivered):
    policy = {"keep_days_screened": AT_ONCE, "keep_days_results": AT_ONCE, "keep_days_aside": 1}
    settings = delivered.settings.model_copy(update=policy)
    rows = Retention(settings, delivered.ledger).due()
    assert {row["rule"]: row["would be purged now"] for row in rows} == {
        "keep_days_screened": 1,
        "keep_days_results": 1,
        "keep_days_aside": 0,
    }
    assert delivered.file().exists()


def test_a_dropped_object_stays_for_its_result_may_stand_again(site):
    site.receive()
    site.screen()
    with site.ledger.write() as session:
        session.execute(update(Delivery).values(state="dropped"))
    site.purge(keep_days_results=AT_ONCE)
    assert len(list(site.settings.outbox.iterdir())) == 1
