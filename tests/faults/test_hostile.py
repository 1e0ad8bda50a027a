"""Strangers, fools and health checks: an honest sender gets through, and nothing grows."""

import contextlib
import os
import re
import resource
import socket
import struct
import time
from pathlib import Path

import pytest
from bench.payloads import Object, make
from bench.sender import encode_pdus
from faults.hostile import (
    LET_GO_WITHIN_S,
    MOST_ASSOCIATIONS,
    Besieged,
    all_closed,
    closes,
    request,
    reset,
)
from faults.traffic import SLICE
from peers import echoscu, wait_for
from pydicom.uid import generate_uid

P_DATA, RELEASE, ABORT = 4, 5, 7
FOUR_GB = 0xFFFFFFFF
PLAIN_NAME = re.compile(r"[0-9a-f.-]{1,64}(\.dcm)?")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(True, id="straight"),
        pytest.param(False, id="public", marks=pytest.mark.long),
    ],
)
def listener(request, tmp_path_factory):
    """Start a listener on each of its two paths in turn; the one that nobody takes, if long."""
    with Besieged(tmp_path_factory.mktemp("besieged"), straight=request.param) as system:
        for _ in range(3):
            system.honest()
        yield system


@pytest.fixture(autouse=True)
def _unshaken(listener):
    """Hold after each test: honest senders are served, nothing is held, nothing half is left."""
    listener.settle(listener.vitals())
    before = listener.vitals()
    yield
    listener.honest()
    listener.settle(before)


def cpu_s(pid):
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lines(listener):
    return len(listener.logs().splitlines())


def test_a_stranger_who_comes_a_thousand_times_fills_neither_ledger_nor_log(listener, long):
    lines, rows = _lines(listener), len(listener.refusals())
    for _ in range(1000 if long else 200):
        with pytest.raises(ConnectionError):
            listener.associate(calling="STRANGER")
        with pytest.raises(ConnectionError):
            listener.associate(called="SOMEONE")
    # who is refused hears it before it is written down
    wait_for("both to be told", lambda: len(listener.refusals()) >= rows + 2)
    new = listener.refusals()[: len(listener.refusals()) - rows]
    assert len(new) <= 4
    assert any("STRANGER" in why and "not allowed to send" in why for why in new)
    assert any("called us SOMEONE" in why for why in new)
    assert _lines(listener) - lines <= 8


def test_a_refused_stranger_is_told_so_by_its_own_tools(listener):
    rc, said = echoscu(listener.port, listener.aet, calling="NOBODY")
    assert rc != 0 and "Calling AE Title Not Recognized" in said


def test_idle_associations_on_every_seat_do_not_keep_an_honest_sender_out(listener):
    idle = [listener.take_a_seat() for _ in range(MOST_ASSOCIATIONS)]
    began = time.monotonic()
    listener.honest()
    # an idle one gives way after five seconds, or falls to the idle limit
    assert time.monotonic() - began < 15
    del idle


def test_connections_that_say_nothing_do_not_keep_an_honest_sender_out(listener):
    with all_closed(4 * MOST_ASSOCIATIONS, listener):
        listener.honest()


@pytest.mark.parametrize("kind", [1, P_DATA, 0xFF])
def test_an_announced_length_of_four_gigabytes_is_not_believed(listener, kind):
    before = listener.vitals()
    with all_closed(4, listener) as connections:
        for sock in connections:
            sock.sendall(struct.pack(">BxL", kind, FOUR_GB) + bytes(100_000))
        assert all(closes(sock, LET_GO_WITHIN_S) for sock in connections)
    assert listener.vitals().rss_mib - before.rss_mib < 48


@pytest.mark.parametrize("fragment", [FOUR_GB, 1000, 1, 0])
def test_a_fragment_that_does_not_fit_its_pdu_ends_the_association(listener, fragment):
    association = listener.associate()
    association._socket.sendall(struct.pack(">BxLLBB", P_DATA, 100, fragment, 1, 3) + bytes(94))
    assert closes(association._socket, LET_GO_WITHIN_S)


def test_a_pdu_of_four_gigabytes_within_an_association_ends_it(listener):
    association = listener.associate()
    association._socket.sendall(struct.pack(">BxLLBB", P_DATA, FOUR_GB, FOUR_GB - 4, 1, 0))
    with contextlib.suppress(ConnectionError):
        association._socket.sendall(bytes(1 << 20))
    assert closes(association._socket, LET_GO_WITHIN_S)


def test_a_request_that_drips_is_cut_off_and_others_are_served(listener):
    if not listener.straight:
        pytest.skip("pynetdicom's own reader bounds the bytes of a request, not its time")
    with all_closed(MOST_ASSOCIATIONS, listener) as dripping:
        words = request(listener.aet)
        until = time.monotonic() + LET_GO_WITHIN_S
        for byte in words[:60]:
            for sock in list(dripping):
                try:
                    sock.sendall(bytes([byte]))
                except OSError:
                    dripping.remove(sock)
            if not dripping or time.monotonic() > until:
                break
            time.sleep(0.2)
        assert all(closes(sock, 5) for sock in dripping)
        assert time.monotonic() < until + 5


def test_a_dataset_that_drips_holds_one_seat_and_falls_when_it_stops(listener):
    [one] = make(SLICE, 1)
    association = listener.associate()
    pdus = encode_pdus(one, association.maximum_length)
    for byte in pdus[:600:30]:
        association._socket.sendall(bytes([byte]))
        time.sleep(0.02)
    listener.honest()
    assert closes(association._socket, LET_GO_WITHIN_S)
    assert not listener.holds(one.data)


def test_a_sender_that_vanishes_in_the_middle_of_an_object_leaves_nothing(listener):
    [one] = make(SLICE, 1)
    for cut in (100, 1000, 5000):
        association = listener.associate()
        pdus = encode_pdus(one, association.maximum_length)
        association._socket.sendall(pdus[:cut])
        reset(association._socket)
    wait_for("no partial file", lambda: not listener.partial_files())
    assert not listener.holds(one.data)


def test_a_listener_without_a_descriptor_left_waits_for_one_and_burns_no_core(listener):
    pid, lines = listener.listener, _lines(listener)
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, usual[1]))
    try:
        with listener.connect() as waiting:
            began_s = cpu_s(pid)
            assert not closes(waiting, 3)
            assert cpu_s(pid) - began_s < 1
            assert "event=not-accepted" in listener.logs() and _lines(listener) < lines + 10
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.1\r\nHost: pacs\r\n\r\n",
        b"\x00" * 1000,
        b"\xff" * 1000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        struct.pack(">BxL", RELEASE, 4) + bytes(4),
        struct.pack(">BxL", ABORT, 4) + bytes(4),
        struct.pack(">BxLLBB", P_DATA, 6, 2, 1, 3),
    ],
    ids=["http", "zeros", "ones", "ssh", "tls", "release", "abort", "data"],
)
def test_what_is_no_association_request_is_let_go(listener, words):
    with listener.connect() as sock:
        sock.sendall(words)
        sock.shutdown(socket.SHUT_WR)
        assert closes(sock, LET_GO_WITHIN_S)


def test_garbage_within_an_association_ends_it_alone(listener):
    for garbage in (b"\xff" * 64, struct.pack(">BxL", 9, 4) + bytes(4), request(listener.aet)):
        honest = listener.associate()
        association = listener.associate()
        association._socket.sendall(garbage)
        [one] = make(SLICE, 1)
        honest.store(encode_pdus(one, honest.maximum_length))
        honest.release()
        assert closes(association._socket, LET_GO_WITHIN_S)


def test_garbage_after_the_release_is_not_read(listener):
    association = listener.associate()
    association.release()
    association = listener.associate()
    association._socket.sendall(struct.pack(">BxLL", RELEASE, 4, 0) + b"\xff" * 5000)
    assert closes(association._socket, LET_GO_WITHIN_S)


def test_health_checks_by_the_thousand_leave_no_trace(listener, long):
    lines, rows = _lines(listener), len(listener.refusals())
    for number in range(10_000 if long else 1500):
        sock = listener.connect()
        reset(sock) if number % 2 else sock.close()
    listener.honest()
    # the public path counts a health check as an association for a moment
    new = listener.refusals()[: len(listener.refusals()) - rows]
    assert [why for why in new if "one too many" not in why] == []
    assert _lines(listener) - lines <= 5


def test_associations_by_the_hundred_leave_nothing_behind(listener, long, tell):
    before = listener.vitals()
    count = 5000 if long else 200
    for _ in range(count):
        listener.associate().release()
    listener.settle(before)
    tell(f"hostile: {count} associations in a row, {before} before, {listener.vitals()} after")


BAD_UIDS = [
    "../../../../evil",
    "/tmp/evil",
    "1.2.3/../../evil",
    "1.2\0.3",
    "..",
    ".",
    "",
    "1." + "9" * 70,
    "1.2.3.dcm",
    "a" * 64,
    "1.2\n.3",
    "\\evil",
]


def test_no_path_is_made_of_a_uid_from_outside(listener):
    stored = [one for bad in BAD_UIDS for one in _objects_with(bad) if _is_taken(listener, one)]
    assert len(stored) > len(BAD_UIDS)
    spool = listener.home / "spool"
    waiting = spool / "incoming"
    wait_for("the intake to have judged them", lambda: not list(waiting.iterdir()))
    assert [one.uid for one in stored if not listener.holds(one.data)] == []
    for path in spool.rglob("*"):
        assert path.resolve().is_relative_to(spool.resolve())
        assert path.is_dir() or PLAIN_NAME.fullmatch(path.name)
    folders = {"partial", "incoming", "kept", "aside", "released"}
    assert {path.name for path in spool.iterdir()} == folders
    assert list(listener.folder.rglob("*evil*")) == []
    assert listener.audit() == []


def _is_taken(listener, one):
    try:
        listener.store(one)
    except OSError:
        return False
    return True


def _objects_with(bad):
    return [
        _object(command=bad, sop=generate_uid(), series=generate_uid()),
        _object(command=generate_uid(), sop=bad, series=generate_uid()),
        _object(command=bad, sop=generate_uid(), series=bad),
        _object(command=generate_uid(), sop=generate_uid(), series=bad),
    ]


def _object(command, sop, series):
    """Encode a slice whose UIDs are whatever they are."""
    elements = [
        (0x0008, 0x0016, b"UI", SLICE.sop_class.encode()),
        (0x0008, 0x0018, b"UI", str(sop).encode()),
        (0x0008, 0x0060, b"CS", b"CT"),
        (0x0020, 0x000D, b"UI", generate_uid().encode()),
        (0x0020, 0x000E, b"UI", str(series).encode()),
    ]
    data = b""
    for group, number, vr, value in elements:
        value += b"\0" * (len(value) % 2)
        data += struct.pack("<HH2sH", group, number, vr, len(value)) + value
    return Object(SLICE.sop_class, str(command), data)


def test_a_pdu_far_longer_than_announced_is_still_heard(listener):
    [one] = make(SLICE, 1)
    association = listener.associate()
    association.store(encode_pdus(one, 1 << 20))
    association.release()
    assert listener.holds(one.data)
