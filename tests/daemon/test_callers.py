"""Who may call, while the ledger cannot be asked."""

import threading

import pytest

from daemon.callers import COPY, Caller, Callers
from daemon.records import peers
from daemon.records.ledger import Ledger
from daemon.records.tables import Peer

MODALITY = Caller("CR1", "10.0.0.5")


@pytest.fixture
def away(tmp_path):
    """Return a ledger that nobody answers for."""
    ledger = Ledger(f"sqlite:///{tmp_path}/nowhere/ledger.db")
    yield ledger
    ledger.close()


def add(ledger, aet, bound=False):
    peer = Peer(aet=aet, host="10.0.0.5", port=104, sends=True, results="none", role="research")
    peer.sr_class, peer.bound = "1.2.840.10008.5.1.4.1.1.88.34", bound
    peers.add(ledger, peer)


def test_who_begins_without_the_ledger_knows_the_peers_of_before(settings, ledger, away):
    add(ledger, "CR1", bound=True)
    assert Callers(settings, ledger).objection(MODALITY) == ""
    later = Callers(settings, away)
    assert later.objection(MODALITY) == ""
    assert "bound to 10.0.0.5" in later.objection(Caller("CR1", "10.0.0.6"))
    assert "not allowed to send" in later.objection(Caller("CR2", "10.0.0.5"))


def test_a_removed_peer_is_forgotten_in_the_copy_too(settings, ledger, away):
    for aet in ("CR1", "CR2"):
        add(ledger, aet)
    assert Callers(settings, ledger).objection(MODALITY) == ""
    peers.remove(ledger, "CR1")
    assert "not allowed" in Callers(settings, ledger).objection(MODALITY)
    assert "not allowed" in Callers(settings, away).objection(MODALITY)


@pytest.mark.parametrize("torn", ["", "[{", '[{"aet": "CR1", "colour": "red"}]', '{"CR1": 1}'])
def test_a_copy_that_cannot_be_read_lets_nobody_in_and_ends_nothing(settings, away, torn):
    (settings.home / COPY).write_text(torn)
    assert "not allowed to send" in Callers(settings, away).objection(MODALITY)


def test_peers_are_asked_for_though_no_thread_is_to_be_had(settings, ledger, monkeypatch):
    add(ledger, "CR1")
    callers = Callers(settings, ledger)

    def none_left(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as scarce:
        scarce.setattr(threading.Thread, "start", none_left)
        assert callers.objection(MODALITY) == ""
    callers._fresh_until = 0.0
    peers.remove(ledger, "CR1")
    assert "not allowed to send" in callers.objection(MODALITY)
