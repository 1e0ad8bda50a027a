"""The reactor that must stand still: cleared means that it does."""

import threading
import time

from listening import ListenerHere
from pynetdicom.presentation import build_context

from daemon import scu
from daemon.checkpoint import Checkpoint

VERIFICATION = "1.2.840.10008.1.1"


class SlowReactor(threading.Thread):
    """Goes round as pynetdicom's does, and gets the processor late, as on a busy machine."""

    def __init__(self, clears=False):
        super().__init__(daemon=True)
        self.checkpoint = Checkpoint(self)
        self.clears = clears
        self.is_reading = self.leaves = False
        self.start()

    def run(self):
        while not self.leaves:
            self.checkpoint.wait()
            self.is_reading = True
            time.sleep(0.01)
            self.is_reading = False
            if self.clears:
                self.checkpoint.clear()
                self.checkpoint.set()


def test_whoever_asks_waits_until_a_reactor_that_was_let_go_stands_again():
    reactor = SlowReactor()
    for _ in range(20):
        reactor.checkpoint.clear()
        time.sleep(0.002)
        assert not reactor.is_reading and not reactor.checkpoint.is_set()
        reactor.checkpoint.set()


def test_nobody_waits_for_a_reactor_that_is_gone():
    reactor = SlowReactor()
    reactor.leaves = True
    reactor.join(10)
    reactor.checkpoint.clear()


def test_the_reactor_does_not_wait_for_itself():
    reactor = SlowReactor(clears=True)
    time.sleep(0.05)
    reactor.leaves = True
    reactor.join(10)
    assert not reactor.is_alive()


def test_our_associations_stand_still_by_it(tmp_path, monkeypatch):
    ours = ListenerHere(tmp_path, monkeypatch)
    try:
        with scu.association(ours.address(), [build_context(VERIFICATION)]) as assoc:
            assert isinstance(assoc._reactor_checkpoint, Checkpoint)
            for _ in range(20):
                assert assoc.send_c_echo().Status == 0
            assoc._reactor_checkpoint.clear()
            # the last word of the thread in which pynetdicom serves a report
            assoc._is_paused = False
            assert assoc.send_c_echo().Status == 0
    finally:
        ours.stop()
