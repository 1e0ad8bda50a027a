"""What serves HTTP keeps nobody waiting for nothing."""

import socket

from peers import LOOPBACK

from daemon import turning


def test_an_answer_goes_out_at_once_in_however_many_pieces():
    with turning.bound(LOOPBACK, 0) as ours, socket.create_connection(ours.getsockname()) as theirs:
        accepted, _ = ours.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert theirs.recv(1) == b""
