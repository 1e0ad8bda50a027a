"""What a stranger repeats is said once a minute, and the ledger does not grow with it."""

import pytest

from daemon import repeats
from daemon.records import refusals
from daemon.records.ledger import last_events
from daemon.records.tables import REFUSAL
from daemon.repeats import SAY_AGAIN_S, SENTENCES_MOST, Repeats


@pytest.fixture
def clock(monkeypatch):
    """Return a clock of one number, which the test moves."""
    moment = [1000.0]
    monkeypatch.setattr(repeats.time, "monotonic", lambda: moment[0])
    return moment


def test_a_sentence_is_said_once_and_then_counted(clock):
    said = Repeats()
    assert [said.told("no") for _ in range(3)] == ["no", None, None]
    assert said.told("never") == "never"
    clock[0] += SAY_AGAIN_S + 1
    assert said.told("no") == "no (2 times more since last said)"
    clock[0] += SAY_AGAIN_S + 1
    assert said.told("no") == "no"


def test_ever_new_sentences_are_kept_quiet_too(clock):
    said = Repeats()
    told = [said.told(f"peer {number}") for number in range(1000)]
    assert sum(words is not None for words in told) == SENTENCES_MOST
    clock[0] += 2 * SAY_AGAIN_S + 1
    assert said.told("peer 999") == "peer 999"


def test_the_ledger_keeps_the_newest_refusals_only(ledger, monkeypatch):
    monkeypatch.setattr(refusals, "KEPT", 3)
    for number in range(5):
        refusals.write_down(ledger, "STRANGER", f"refused {number}")
    kept = [event.detail for event in last_events(ledger, REFUSAL)]
    assert kept == ["refused 4", "refused 3", "refused 2"]
