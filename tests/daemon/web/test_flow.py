"""Who was screened and who was not, and what other thresholds would have flagged."""

import re

import pytest
from bench.pages import fill, probability
from browsing import running_site, signed_in

from daemon import config
from daemon.dry_run import dry_run, thresholds
from daemon.records import amends, flow, looks, summary
from daemon.records.flow import Period
from daemon.records.ledger import now
from daemon.records.looks import Look
from daemon.records.people_tables import Right
from daemon.web.flow import A_DAY
from daemon.web.flow_chart import of_flow

STUDIES = 200
EVEN = range(0, STUDIES, 2)
MODEL = "cxr_osporscreen"


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A ledger of two hundred studies: half screened, ten flagged, one failed."""
    settings = config.load(tmp_path_factory.mktemp("flow") / "home")
    ledger = fill(settings, STUDIES)
    yield settings, ledger
    ledger.close()


@pytest.fixture(scope="module")
def viewer(full):
    with running_site(*full) as origin:
        yield signed_in(origin, full[1], Right.VIEWER)


def lately(source=""):
    return Period(now() - 2 * A_DAY, now() + A_DAY, source)


def test_every_series_is_somewhere_in_the_flow_and_in_one_place(full):
    told = flow.flow(full[1], lately())
    by_state = summary.status(full[1])["series"]["by_state"]
    assert told.received == told.studies == STUDIES == sum(by_state.values())
    assert (told.looked_at, told.flagged, told.not_flagged) == (100, 10, 90)
    assert told.screened == {"cxr": 100} and sum(told.faults.values()) == 1
    assert sum(told.skipped.values()) == by_state["skipped"] == 99


def test_another_source_and_another_time_sent_nothing(full):
    assert flow.flow(full[1], lately("CR1")).received == STUDIES
    assert flow.flow(full[1], lately("CT9")).received == 0
    assert flow.flow(full[1], Period(now(), now() + A_DAY)).received == 0


def test_what_needs_somebody_is_counted_alike_with_and_without_all_that_does_not(full):
    whole, pressing = summary.status(full[1]), summary.pressing(full[1])
    for key in ("oldest", "parked_deliveries", "parked_commitments", "set_aside"):
        assert pressing[key] == whole[key]
    for key, states in (
        ("series", whole["series"]["by_state"]),
        ("deliveries", whole["deliveries"]),
    ):
        told = pressing[key].get("by_state", pressing[key])
        assert told and {state: states[state] for state in told} == told


def test_the_chart_says_what_the_table_says(viewer, full):
    text = viewer.get("/flow").text
    svg = text[text.index("<svg class") : text.index("</svg>")]
    for words in ("Received (n = 200)", "Screened (n = 100)", "n = 10", "age-missing: 49"):
        assert words in svg
    assert re.search(r'<td><a href="/studies\?state=skipped&amp;reason=age-missing[^>]*>', text)
    assert "Received (n = 0)" in viewer.get("/flow?source=CT9").text
    assert "Received (n = 0)" in viewer.get("/flow?from=2001-01-01&to=2001-01-02").text
    assert viewer.get("/flow?from=x&to=9999-12-31").status_code == 200
    assert "&lt;b&gt;" in viewer.get("/flow?source=<b>").text


def test_a_chart_of_nothing_is_a_chart(full):
    assert "Received (n = 0)" in of_flow(flow.flow(full[1], lately("CT9")), str)


def test_a_dry_run_counts_what_another_threshold_flags_and_changes_nothing(full, viewer):
    seen = looks.newest(full[1], MODEL, STUDIES)
    [one] = thresholds(seen)
    assert (one.name, one.value, one.flagged_when) == ("osteoporosis", 0.9, "at least")
    run = dry_run(seen, {"osteoporosis": 0.5})
    assert (run.looks, run.now) == (100, 10)
    assert run.then == sum(probability(number) >= 0.5 for number in EVEN)
    assert run.then == run.now + len(run.newly) and run.no_longer == []
    assert len(dry_run(seen, {"osteoporosis": 0.96}).no_longer) == 10
    assert dry_run(seen, {}).then == run.now and dry_run(seen, {}).newly == []
    before = summary.status(full[1])
    text = viewer.get(f"/dry-run?model={MODEL}&most=200&t.osteoporosis=0.5").text
    assert f"<dd>{run.then}</dd>" in text and run.newly[0] in text
    assert summary.status(full[1]) == before


@pytest.mark.parametrize(
    "asked", ["most=-1", "most=x&t.osteoporosis=nan", "model=none", "most=9999999"]
)
def test_a_dry_run_of_nonsense_is_a_dry_run_of_what_stands(viewer, asked):
    answer = viewer.get(f"/dry-run?{asked}")
    assert answer.status_code == 200 and "nan" not in answer.text


def test_a_finding_that_is_flagged_when_low_is_held_against_the_other_side():
    finding = {"name": "attenuation", "value": 120.0, "threshold": 110.0, "flagged": False}
    look = Look("1.2", {"findings": [finding | {"flagged_when": "at most"}]})
    assert dry_run([look], {"attenuation": 130.0}).newly == ["1.2"]
    assert dry_run([look], {"attenuation": 100.0}).then == 0


def test_what_was_retracted_is_told_apart(full):
    ledger = full[1]
    flagged = f"1.2.{STUDIES - 20}"
    [one] = amends.standing(ledger, flagged)
    assert amends.retract(ledger, one, None, "wrong patient")
    told = flow.flow(ledger, lately())
    assert (told.flagged, told.retracted, told.not_flagged) == (9, 1, 90)
