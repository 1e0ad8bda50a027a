"""Peers behind a load balancer: the PROXY protocol, by hand and by a real HAProxy."""

import socket
import struct
import subprocess

import pytest
from balancer import DEPLOYED, HAProxy
from listening import ListenerHere
from peers import LOOPBACK, echoscu, wait_for
from programs import find_program

from daemon.handshake import Porch
from daemon.networks import read_networks
from daemon.proxied import SIGNATURE, Balancers
from daemon.records import peers as ledger_peers

BALANCER = "127.0.0.9"
ASSOCIATE = b"\x01\x00\x00\x00"


def v2(family, addresses, command=0x21, more=b""):
    told = addresses + more
    return SIGNATURE + struct.pack(">BBH", command, family, len(told)) + told


def caller_of(said, believed="10.0.0.5", address="10.0.0.5"):
    """Return who is believed to call, what is left to read, and what was told of it."""
    told = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        caller = Balancers(believed, told.append).caller(ours, address)
        return caller, ours.recv(64), told


FOUR = bytes([10, 1, 2, 3, 10, 0, 0, 1]) + struct.pack(">HH", 4711, 11112)
SIX = bytes(15) + b"\x07" + bytes(15) + b"\x01" + struct.pack(">HH", 4711, 11112)


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        (b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 11112\r\n", "10.1.2.3"),
        (b"PROXY TCP6 ::7 ::1 4711 11112\r\n", "::7"),
        (b"PROXY UNKNOWN\r\n", "10.0.0.5"),
        (v2(0x11, FOUR), "10.1.2.3"),
        (v2(0x11, FOUR, more=b"\x03\x00\x04abcd"), "10.1.2.3"),
        (v2(0x21, SIX), "::7"),
        (v2(0x00, b"", command=0x20), "10.0.0.5"),
    ],
)
def test_the_caller_is_whom_a_believed_balancer_names_and_not_a_byte_more_is_read(header, caller):
    assert caller_of(header + ASSOCIATE) == (caller, ASSOCIATE, [])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (ASSOCIATE, "did not say for whom it speaks: send-proxy-v2 is missing"),
        (b"PROXY UDP4 10.1.2.3 10.0.0.1 1 2\r\n", "names no caller over TCP"),
        (b"PROXY TCP4 nobody 10.0.0.1 1 2\r\n", "no address in it"),
        (b"PROXY TCP4 " + b"1" * 200, "a PROXY line without an end"),
        (v2(0x12, FOUR), "names no caller over TCP"),
        (v2(0x11, FOUR[:6]), "names no caller over TCP"),
        (v2(0x11, FOUR, command=0x11), "of a version or length"),
        (b"\r\n\r\nGET / HTTP/1.0", "something like a PROXY header"),
    ],
)
def test_a_believed_balancer_that_names_nobody_is_let_go_with_the_reason(said, why):
    caller, _, told = caller_of(said)
    assert caller is None
    assert len(told) == 1 and told[0].startswith("the load balancer at 10.0.0.5 ")
    assert why in told[0]


def test_a_balancer_that_only_looks_whether_we_are_there_is_no_event():
    assert caller_of(b"")[::2] == (None, [])


def test_nobody_else_has_a_header_read():
    header = b"PROXY TCP4 10.1.2.3 10.0.0.1 4711 11112\r\n"
    assert caller_of(header, address="10.0.0.6")[0] == "10.0.0.6"
    assert caller_of(header, believed="")[0] == "10.0.0.5"
    assert caller_of(header, believed="10.0.0.0/28")[0] == "10.1.2.3"
    assert caller_of(header, address="::ffff:10.0.0.5")[0] == "10.1.2.3"


@pytest.mark.parametrize("header", [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", v2(0x11, FOUR)])
def test_a_header_from_elsewhere_is_refused_in_words(header):
    told = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(header)
        assert Porch(104, None, 4, told.append).admit(ours, "10.0.0.6") is None
    assert told == [
        "a peer at 10.0.0.6 says for whom it speaks (PROXY protocol), "
        "and is not believed: proxy_from"
    ]


def test_what_is_no_address_is_no_balancer():
    assert [str(one) for one in read_networks("10.0.0.5, fd00::/8,")] == ["10.0.0.5/32", "fd00::/8"]
    with pytest.raises(ValueError, match="does not appear"):
        read_networks("haproxy.hospital.example")


@pytest.fixture(params=["send-proxy", "send-proxy-v2"])
def behind(request, tmp_path, monkeypatch):
    """A listener behind a real HAProxy."""
    listener = ListenerHere(tmp_path / "home", monkeypatch, proxy_from=BALANCER)
    place = f"{LOOPBACK}:{listener.port}"
    with HAProxy(tmp_path / "haproxy", [place], BALANCER, request.param) as balancer:
        yield listener, balancer
    listener.stop()


def test_a_peer_behind_haproxy_keeps_its_own_address(behind):
    listener, balancer = behind
    listener.allow("BOUND")
    peer = ledger_peers.named(listener.ledger, "BOUND")
    peer.bound, peer.host = True, LOOPBACK
    ledger_peers.add(listener.ledger, peer)
    wait_for("the peer", lambda: echoscu(balancer.port, "OSTEOSCREEN", "BOUND")[0] == 0)
    peer.host = "10.9.9.9"
    ledger_peers.add(listener.ledger, peer)

    elsewhere = f"peer BOUND called from {LOOPBACK}, it is bound to 10.9.9.9"

    def refused():
        echoscu(balancer.port, "OSTEOSCREEN", "BOUND")
        return elsewhere in listener.refusals()

    wait_for("the refusal", refused)


def test_haproxy_takes_our_configuration_though_no_listener_has_a_name_yet():
    checked = subprocess.run(
        [find_program("haproxy"), "-c", "-f", DEPLOYED], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
