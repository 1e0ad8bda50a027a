"""Valid conversations, mutated, cut and torn: after each the next honest sender is served."""

import contextlib
import socket
import struct
import time

import pytest
from bench.payloads import make
from bench.sender import encode_pdus
from faults.hostile import Besieged, request
from faults.syscalls import successes
from faults.traffic import SLICE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ACCEPTED = b"\x02"
RELEASE = struct.pack(">BxLL", 5, 4, 0)
HEARD_OUT_WITHIN_S = 10.0
SHORT, LONG = 100, 5000

# most of what a state machine can trip over stands in the first bytes
places = st.one_of(st.integers(0, 600), st.integers(0, 20_000))
lengths = st.sampled_from([0, 1, 6, 0xFF, 0xFFFF, 0x00FF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFF])
mutations = st.one_of(
    st.tuples(st.just("byte"), places, st.binary(min_size=1, max_size=1)),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=40)),
    st.tuples(st.just("cut"), places, st.integers(1, 400)),
    st.tuples(st.just("again"), places, st.integers(1, 400)),
    st.tuples(st.just("length"), st.integers(0, 6), lengths),
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(True, id="straight"),
        pytest.param(False, id="public", marks=pytest.mark.long),
    ],
)
def listener(request, tmp_path_factory):
    """Start a listener alone: what it stores stays where the test can count it."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with Besieged(folder, straight=request.param, only="listener") as system:
        for _ in range(3):
            system.honest()
        yield system


def test_no_conversation_shakes_the_listener(listener, long, tell):
    before, acknowledged = listener.vitals(), [0]

    @settings(
        max_examples=LONG if long else SHORT,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(mutations, max_size=3),
        st.one_of(st.none(), st.integers(0, 20_000)),
        st.lists(st.integers(1, 700), max_size=12),
    )
    def hold(changes, end, pieces):
        _empty(listener)
        words = _mutated(_conversation(listener), changes)[:end]
        told = list(successes(_converse(listener, words, pieces), began=0))
        # each that was acknowledged is there; the last answer may have come too late for us
        assert len(_stored(listener)) >= len(told)
        acknowledged[0] += len(told)
        listener.honest()
        assert listener.partial_files() == []

    hold()
    listener.settle(before)
    tell(f"fuzz: {LONG if long else SHORT} conversations, {acknowledged[0]} objects acknowledged")


def test_a_conversation_in_single_bytes_is_a_conversation(listener):
    _empty(listener)
    first, *others = _conversation(listener)
    with listener.connect() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _byte_by_byte(sock, first)
        # PS3.8 9.2: data before this is no protocol, and pynetdicom ends it
        assert sock.recv(65536)[:1] == ACCEPTED
        _byte_by_byte(sock, b"".join(others))
        told = list(successes(b"".join(iter(lambda: sock.recv(65536), b"")), began=0))
    assert len(told) == 2 == len(_stored(listener))
    for one in told:
        assert any(one.sop_instance_uid.encode() in path.read_bytes() for path in _stored(listener))


def _byte_by_byte(sock, words):
    for at in range(len(words)):
        sock.sendall(words[at : at + 1])


def _conversation(listener):
    """Return the PDUs of a sender who waits for no answer: request, two slices, release."""
    return [
        request(listener.aet),
        *(encode_pdus(one, 16384) for one in make(SLICE, 2)),
        RELEASE,
    ]


def _mutated(pdus, changes):
    pdus = list(pdus)
    for kind, place, what in changes:
        if kind == "length":
            at = place % len(pdus)
            pdus[at] = pdus[at][:2] + struct.pack(">L", what) + pdus[at][6:]
    words = b"".join(pdus)
    for kind, place, what in changes:
        if kind == "byte":
            words = words[:place] + what + words[place + 1 :]
        elif kind == "insert":
            words = words[:place] + what + words[place:]
        elif kind == "cut":
            words = words[:place] + words[place + what :]
        elif kind == "again":
            words = words[: place + what] + words[place:]
    return words


def _converse(listener, words, pieces):
    """Say the words in pieces, then nothing more; return what was answered until the end."""
    answered = b""
    with listener.connect() as sock, contextlib.suppress(ConnectionError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for size in pieces:
            sock.sendall(words[:size])
            words = words[size:]
        sock.sendall(words)
        # gone already, if the listener has had enough
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
        sock.settimeout(HEARD_OUT_WITHIN_S)
        until = time.monotonic() + HEARD_OUT_WITHIN_S
        while more := sock.recv(65536):
            answered += more
            assert time.monotonic() < until, "the listener does not end"
    return answered


def _stored(listener):
    return list((listener.home / "spool" / "incoming").glob("*.dcm"))


def _empty(listener):
    for path in _stored(listener):
        path.unlink()
