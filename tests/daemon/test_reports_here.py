"""Reports of commitment on the association that asked, while its peer goes on asking."""

import threading

import pytest
from listening import ListenerHere
from modality import Modality, asked_for, shadow
from peers import wait_for

from daemon.records import summary

NETWORK_TIMEOUT_S = 4


class SlowModality(Modality):
    """Takes its time over the answer to a report, or waits until it is told to give it."""

    def __init__(self, port, hold_s):
        super().__init__(port, 0)
        self.hold_s, self.asked_to_hear, self.may_answer = hold_s, 0, threading.Event()

    @property
    def answer(self):
        self.asked_to_hear += 1
        self.may_answer.wait(self.hold_s)
        return 0x0000

    @answer.setter
    def answer(self, _status):
        """Every report is taken."""


@pytest.fixture(params=["straight", "public"])
def ours(request, tmp_path, monkeypatch):
    straight = request.param == "straight"
    ours = ListenerHere(
        tmp_path,
        monkeypatch,
        straight_path=straight,
        network_timeout_s=NETWORK_TIMEOUT_S,
        # nothing indexes here: a report must not wait for an image that came with its request
        commitment_wait_s=0.5,
    )
    ours.straight = straight
    ours.allow("MODALITY")
    wait_for("it to be known", lambda: ours.hears(ours.address(calling="MODALITY")))
    ours.reported = lambda: summary.status(ours.ledger)["commitments"]["reported"]
    yield ours
    ours.stop()


def test_two_requests_on_one_association_are_each_reported_once(ours):
    modality = SlowModality(ours.port, hold_s=0.3)
    with modality.calling() as assoc:
        transactions = [modality.ask(assoc, asked_for([shadow()]))[1] for _ in range(2)]
        wait_for("both to be reported", lambda: ours.reported() == 2)
        assert modality.ask(assoc, asked_for([shadow()]))[0] == 0
        wait_for("a third to be reported", lambda: ours.reported() == 3)
    assert sorted(heard[0] for heard in modality.heard[:2]) == sorted(transactions)


def test_a_request_that_crosses_our_report_is_answered_as_one(ours):
    if not ours.straight:
        pytest.skip("pynetdicom takes it for the answer, and aborts: the peer asks again")
    modality = SlowModality(ours.port, hold_s=NETWORK_TIMEOUT_S / 2)
    with modality.calling() as assoc:
        assert modality.ask(assoc, asked_for([shadow()]))[0] == 0
        wait_for("the first report", lambda: modality.asked_to_hear)
        assert modality.ask(assoc, asked_for([shadow()]))[0] == 0
        assert assoc.send_c_store(shadow()).Status == 0
        modality.may_answer.set()
        wait_for("both reports", lambda: len(modality.heard) == 2)
        assert assoc.send_c_store(shadow()).Status == 0
