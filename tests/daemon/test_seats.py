"""Who leaves when all seats are taken, and that nobody else waits for it."""

import socket
import threading

import pytest
from peers import wait_for

from daemon import seats
from daemon.seats import Seats
from daemon.wire import Wire

NEVER_S = 60.0


@pytest.fixture
def connected(monkeypatch):
    """Return a maker of wires; their peers say nothing, and take nothing."""
    monkeypatch.setattr(seats, "IDLE_ENOUGH_S", 0.0)
    ends = []

    def connect():
        ours, peer = socket.socketpair()
        ends.extend((ours, peer))
        return Wire(ours, NEVER_S)

    yield connect
    for end in ends:
        end.close()


def fill(sock):
    """Send until nothing more fits."""
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            sock.send(bytes(65536))
    sock.settimeout(NEVER_S)


def test_a_connection_that_takes_nothing_holds_up_its_successor_alone(connected):
    house, stuck = Seats(1), connected()
    fill(stuck._sock)
    seat = house.taken(stuck)
    seat.__enter__()

    def come():
        with house.taken(connected()):
            pass

    successor = threading.Thread(target=come)
    successor.start()
    wait_for("the first to be asked to leave", lambda: stuck not in house._seated)
    leaving = threading.Thread(target=seat.__exit__, args=(None, None, None))
    leaving.start()
    leaving.join(5.0)
    held_up = leaving.is_alive()
    stuck._sock.shutdown(socket.SHUT_RDWR)
    successor.join()
    assert not held_up
