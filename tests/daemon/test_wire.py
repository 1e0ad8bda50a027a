"""Who is idle: a peer that we wait for, never one that waits for us."""

import socket
import threading
import weakref

from peers import wait_for

from daemon.wire import Wire


def test_only_a_peer_that_we_wait_for_is_idle():
    ours, peer = socket.socketpair()
    with peer, Wire(ours, 20.0) as wire:
        reading = threading.Thread(target=wire.exactly, args=(1,))
        reading.start()
        wait_for("the wait to be counted", lambda: wire.idle_s > 0)
        peer.sendall(b"x")
        reading.join()
        assert wire.idle_s == 0


def test_a_wire_that_is_closed_keeps_no_buffer_though_something_holds_it():
    ours, peer = socket.socketpair()
    with peer, Wire(ours, 20.0) as wire:
        buffer = weakref.ref(wire._buffer)
    assert buffer() is None
