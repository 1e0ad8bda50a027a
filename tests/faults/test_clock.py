"""The wall clock is set while films come in, are screened and wait for a PACS that is away."""

import films
import pytest
from clock import Clock, before
from line import running_line
from ours import deliveries
from peers import DcmtkStorescp, dcmsend, wait_for
from poison import Poison
from pynetdicom import timer

from daemon import timers

HOUR_S = 3600


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def poison(tmp_path_factory):
    return Poison(tmp_path_factory.mktemp("poison"))


@pytest.fixture(scope="module")
def line(tmp_path_factory, orthanc, clock, poison):
    environment = {**clock.environment, **poison.environment, "TZ": "Europe/Berlin"}
    settings = {"lease_s": 30, "sweep_s": 1, "delivery_backoff_s": 2, "radiograph_settle_s": 2}
    with running_line(tmp_path_factory.mktemp("ours"), orthanc, environment, **settings) as line:
        yield line


SETTINGS = {
    "an hour back": lambda clock: clock.step(-HOUR_S),
    "over the change to summer time": lambda clock: clock.set(before(2027, 3, 28, 1, 3)),
    "an hour ahead": lambda clock: clock.step(HOUR_S),
    "over the change to winter time": lambda clock: clock.set(before(2026, 10, 25, 1, 3)),
}
LONG = ("an hour ahead", "over the change to winter time")


@pytest.mark.parametrize(
    "setting",
    [pytest.param(name, marks=[pytest.mark.long] if name in LONG else []) for name in SETTINGS],
)
def test_a_clock_that_is_set_doubles_nothing_and_nothing_waits_for_it(
    line, clock, poison, tmp_path, setting
):
    clock.step(0)
    system = line.system
    late = DcmtkStorescp(tmp_path / "late", aet="LATE")
    system.cli("peers", "add", late.aet, "127.0.0.1", str(late.port), "--results", "all")
    waiting, screening, receiving = [films.film(seed) for seed in (1, 2, 3)]
    line.send(dcmsend, films.write(tmp_path, waiting))
    wait_for("a delivery that was tried", lambda: tried(system.show(waiting.StudyInstanceUID)))
    poison.put("crawl", str(screening.SOPInstanceUID))
    line.send(dcmsend, films.write(tmp_path, screening))
    wait_for("a series at work", lambda: at_work(system.show(screening.StudyInstanceUID)))
    line.send(dcmsend, films.write(tmp_path, receiving))
    SETTINGS[setting](clock)
    with late:
        for film in (waiting, screening, receiving):
            series = system.delivered(film.StudyInstanceUID)
            kinds = [event["kind"] for event in series["events"]]
            assert (kinds.count("screened"), kinds.count("put back")) == (1, 0)
            assert len(series["results"]) == 1
            assert len(line.stored(film.StudyInstanceUID)) == 2
        assert len(late.files()) == 6
    assert system.audit() == []


def at_work(story):
    return story and story["series"][0]["state"] == "screening"


def tried(story):
    return any(one["attempts"] for _, one in deliveries(story["series"][0])) if story else False


def test_no_association_ends_or_stays_for_a_clock_that_is_set(monkeypatch):
    timers.keep_steady()
    idle = timer.Timer(60)
    idle.start()
    monkeypatch.setattr("time.time", lambda: 9e9)
    assert not idle.expired
    assert idle.remaining > 50
