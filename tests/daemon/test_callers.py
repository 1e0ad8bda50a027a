"""Who may call, while the ledger cannot be asked."""

import socket
import threading

import pytest
from peers import wait_for

from daemon.callers import COPY, Caller, Callers
from daemon.errors import PeersUnknown
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


@pytest.fixture
def silent():
    """Return a ledger on a host that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ledger = Ledger(f"postgresql://u@127.0.0.1:{server.getsockname()[1]}/x")
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


@pytest.mark.parametrize(
    "torn",
    [
        None,
        "",
        '{"peers": [{',
        '{"peers": [{"aet": "CR1", "colour": "red"}], "titles": {}}',
        '{"peers": []}',
        '[{"aet": "CR1"}]',
    ],
)
def test_who_knows_no_peers_at_all_lets_nobody_in_and_turns_nobody_away(settings, away, torn):
    if torn is not None:
        (settings.home / COPY).write_text(torn)
    with pytest.raises(PeersUnknown, match="the database is away"):
        Callers(settings, away).objection(MODALITY)


def test_a_ledger_that_says_nothing_is_waited_for_once_and_the_copy_is_believed(
    settings, ledger, silent, monkeypatch
):
    monkeypatch.setattr("daemon.callers.FIRST_ASK_S", 0.2)
    add(ledger, "CR1")
    assert Callers(settings, ledger).objection(MODALITY) == ""
    assert Callers(settings, silent).objection(MODALITY) == ""


def test_the_copy_is_kept_up_though_nobody_calls(settings, ledger, away, monkeypatch):
    add(ledger, "CR1")
    callers = Callers(settings, ledger)
    callers.keep_up()
    wait_for("the copy", (settings.home / COPY).exists)
    assert Callers(settings, away).objection(MODALITY) == ""
    add(ledger, "CR2")
    monkeypatch.setattr("daemon.callers.UNCALLED_S", 0.0)
    second = Caller("CR2", "10.0.0.5")

    def is_known():
        callers.keep_up()
        return not Callers(settings, away).objection(second)

    wait_for("the second", is_known)


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
