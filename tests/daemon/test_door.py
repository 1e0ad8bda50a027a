"""C-STORE byte by byte, through the straight path and the public one: the same answers."""

import contextlib
import errno
import os
import re
import struct
import threading
import time
from functools import partial

import pytest
from byhand import (
    ABORTING,
    COMMAND,
    CT_CONTEXT,
    DATA,
    ECHO_CONTEXT,
    LAST,
    REFUSED_CONTEXT,
    RELEASE,
    RELEASE_RP,
    Caller,
    data,
    dataset,
    echo,
    echo_rq,
    element,
    pdu,
    pdv,
    store,
    store_rq,
)
from listening import ListenerHere
from peers import wait_for

from daemon import door, rehearsal
from daemon.errors import SpoolFull
from daemon.spool import MANY, Incoming, Spool, association_of

SUCCESS, OUT_OF_RESOURCES = 0x0000, 0xA700
WHOLE = dataset()


@pytest.fixture(params=["straight", "public"])
def ours(request, tmp_path, monkeypatch):
    straight = request.param == "straight"
    ours = ListenerHere(tmp_path, monkeypatch, straight_path=straight, network_timeout_s=5)
    ours.straight = straight
    yield ours
    ours.stop()


@pytest.fixture
def caller(ours):
    caller = Caller(ours.port).associate()
    yield caller
    caller.socket.close()


def stored(ours):
    """Return the datasets in the spool, in the order of their arrival."""
    return [after_meta(file.read_bytes()) for file in sorted(ours.spool.arrived())]


def after_meta(content):
    return content[144 + int.from_bytes(content[140:144], "little") :]


def nothing_half_done(ours):
    wait_for("half an object to be dropped", lambda: not list(ours.spool.partial.iterdir()))


def still_serves(ours):
    """Say that an honest sender is heard, as the next one."""
    honest = Caller(ours.port).associate()
    honest.send(echo(), store(WHOLE))
    assert (honest.status(), honest.status()) == (SUCCESS, SUCCESS)
    honest.release()


def every(length, ours):
    """Positions in a message: each one; fewer through the path that takes 40 ms for each."""
    return range(1, length, 1 if ours.straight else 17)


def test_the_bytes_are_kept_as_sent_and_the_sender_is_named(ours, caller):
    caller.send(store(WHOLE))
    assert caller.status() == SUCCESS
    caller.release()
    [file] = ours.spool.arrived()
    content = file.read_bytes()
    assert after_meta(content) == WHOLE
    assert content[128:132] == b"DICM" and b"CR1 " in content[: -len(WHOLE)]


def test_a_dataset_may_be_cut_anywhere_into_two_fragments(ours, caller):
    sent = []
    for at in every(len(WHOLE), ours):
        one_pdu = data(pdv(0, WHOLE[:at]), pdv(LAST, WHOLE[at:]))
        two_pdus = data(pdv(0, WHOLE[:at])) + data(pdv(LAST, WHOLE[at:]))
        for cut in (one_pdu, two_pdus):
            caller.send(data(pdv(COMMAND | LAST, store_rq())) + cut)
            assert caller.status() == SUCCESS
            sent.append(WHOLE)
    assert stored(ours) == sent


def test_a_command_may_be_cut_anywhere_into_two_fragments(ours, caller):
    command = store_rq()
    positions = every(len(command), ours)
    for at in positions:
        caller.send(
            data(pdv(COMMAND, command[:at])),
            data(pdv(COMMAND | LAST, command[at:])),
            data(pdv(LAST, WHOLE)),
        )
        assert caller.status() == SUCCESS
    assert stored(ours) == [WHOLE] * len(positions)


def test_the_network_may_cut_anywhere(ours, caller):
    message = store(WHOLE)
    positions = every(len(message), ours)
    for at in positions:
        caller.send(message[:at])
        time.sleep(0.001)
        caller.send(message[at:])
        assert caller.status() == SUCCESS
    assert stored(ours) == [WHOLE] * len(positions)


def test_command_and_dataset_may_share_a_pdu_and_fragments_may_be_empty(ours, caller):
    caller.send(
        data(pdv(COMMAND | LAST, store_rq()), pdv(0, b""), pdv(0, WHOLE), pdv(LAST, b"")),
    )
    assert caller.status() == SUCCESS
    assert stored(ours) == [WHOLE]


def test_a_dataset_larger_than_any_buffer_arrives_whole(ours, caller):
    large = dataset() + os.urandom(3 << 20)
    pieces = [large[at : at + 16000] for at in range(0, len(large), 16000)]
    caller.send(data(pdv(COMMAND | LAST, store_rq())))
    for piece in pieces[:-1]:
        caller.send(data(pdv(0, piece)))
    caller.send(data(pdv(LAST, pieces[-1])))
    assert caller.status() == SUCCESS
    assert stored(ours) == [large]


def test_a_pdu_longer_than_announced_is_taken(ours, caller):
    large = dataset() + bytes(1 << 20)
    caller.send(data(pdv(COMMAND | LAST, store_rq())), data(pdv(LAST, large)))
    assert caller.status() == SUCCESS
    assert stored(ours) == [large]


def test_messages_may_follow_each_other_without_waiting(ours, caller):
    caller.send(echo() + store(WHOLE, b"1.2.4") + echo() + store(WHOLE, b"1.2.5") + echo())
    assert [caller.status() for _ in range(5)] == [SUCCESS] * 5
    assert stored(ours) == [WHOLE, WHOLE]


def test_an_answer_names_the_request_and_the_object(ours, caller):
    caller.send(store(WHOLE, b"1.2.345"))
    kind, body = caller.read()
    assert kind == DATA
    command = body[6:]
    assert element(0x120, struct.pack("<H", 7)) in command
    assert element(0x1000, b"1.2.345") in command
    assert element(0x100, b"\x01\x80") in command
    assert struct.unpack_from("<L", command, 8)[0] == len(command) - 12
    assert body[4] == CT_CONTEXT


@pytest.mark.parametrize("goodbye", ["close", "reset"])
def test_a_sender_that_goes_at_any_byte_leaves_nothing_behind(ours, goodbye):
    message = store(WHOLE)
    step = 3 if ours.straight else 41
    for at in range(1, len(message), step):
        caller = Caller(ours.port).associate()
        caller.send(message[:at])
        caller.socket.close() if goodbye == "close" else caller.reset()
    nothing_half_done(ours)
    assert stored(ours) == []
    still_serves(ours)


@pytest.mark.parametrize("goodbye", [ABORTING, RELEASE], ids=["abort", "release"])
@pytest.mark.parametrize(
    "begun",
    [
        b"",
        data(pdv(COMMAND, store_rq()[:20])),
        data(pdv(COMMAND | LAST, store_rq())),
        data(pdv(COMMAND | LAST, store_rq())) + data(pdv(0, WHOLE[:30])),
        data(pdv(COMMAND | LAST, store_rq())) + data(pdv(0, WHOLE)),
    ],
    ids=["nothing", "half a command", "a command", "half a dataset", "all but the last fragment"],
)
def test_abort_and_release_between_any_two_fragments_leave_nothing_behind(ours, begun, goodbye):
    caller = Caller(ours.port).associate()
    caller.send(begun, goodbye)
    kind, _ = caller.read()
    assert kind == (RELEASE_RP if goodbye == RELEASE else 0)
    caller.socket.close()
    nothing_half_done(ours)
    assert stored(ours) == []
    still_serves(ours)


def test_a_release_in_the_same_segment_as_the_last_byte_loses_nothing(ours):
    caller = Caller(ours.port).associate()
    caller.send(store(WHOLE) + RELEASE)
    assert caller.status() == SUCCESS
    assert caller.read()[0] == RELEASE_RP
    caller.socket.close()
    assert stored(ours) == [WHOLE]


SPOILT = {
    "a PDU of 4 GB": struct.pack(">BxL", DATA, 0xFFFFFFFF),
    "a control PDU of 4 GB": struct.pack(">BxL", 5, 0xFFFFFFFF),
    "an unknown PDU": pdu(0x42, b"1234"),
    "a second request": pdu(1, bytes(68)),
    "a fragment longer than its PDU": pdu(DATA, struct.pack(">LBB", 500, 1, 2) + b"x"),
    "a context that was refused": data(pdv(COMMAND | LAST, store_rq(), REFUSED_CONTEXT))
    + data(pdv(LAST, WHOLE, REFUSED_CONTEXT)),
    "a context that was never proposed": data(pdv(COMMAND | LAST, store_rq(), 99))
    + data(pdv(LAST, WHOLE, 99)),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_is_no_protocol_ends_its_association_and_no_other(ours, caller, spoilt):
    caller.send(SPOILT[spoilt])
    assert caller.is_ended()
    nothing_half_done(ours)
    assert stored(ours) == []
    still_serves(ours)


STRICTER = {
    "a fragment of no length": pdu(DATA, struct.pack(">LBB", 0, 1, 2) + b"xxxx"),
    "a dataset without a command": data(pdv(LAST, WHOLE)),
    "a command in the middle of a dataset": data(pdv(COMMAND | LAST, store_rq()))
    + data(pdv(0, WHOLE[:10]))
    + data(pdv(COMMAND | LAST, echo_rq(), ECHO_CONTEXT)),
    "a fragment in another context": data(pdv(COMMAND | LAST, store_rq()))
    + data(pdv(LAST, WHOLE, ECHO_CONTEXT)),
    "a command without an end": b"".join(data(pdv(COMMAND, bytes(16000))) for _ in range(5)),
}


@pytest.mark.parametrize("ours", ["straight"], indirect=True)
@pytest.mark.parametrize("spoilt", STRICTER)
def test_what_pynetdicom_lets_pass_ends_the_association_too(ours, caller, spoilt):
    caller.send(STRICTER[spoilt])
    assert caller.is_ended()
    nothing_half_done(ours)
    assert stored(ours) == []
    still_serves(ours)


@pytest.mark.parametrize("ours", ["straight"], indirect=True)
def test_an_image_comes_in_no_context_that_is_for_none(ours, caller):
    caller.send(
        data(pdv(COMMAND | LAST, store_rq(), ECHO_CONTEXT)) + data(pdv(LAST, WHOLE, ECHO_CONTEXT))
    )
    if ours.straight:
        assert caller.is_ended()
    else:
        assert caller.status() == 0x0122
    assert stored(ours) == []


def test_a_message_that_pynetdicom_holds_in_memory_is_bounded(ours, caller):
    with_dataset = echo_rq().replace(element(0x800, b"\x01\x01"), element(0x800, b"\0\0"))
    caller.send(data(pdv(COMMAND | LAST, with_dataset, ECHO_CONTEXT)))
    too_much = data(pdv(0, bytes(100_000), ECHO_CONTEXT)) * (door.LONGEST_DATASET // 90_000)
    with contextlib.suppress(ConnectionError):
        caller.send(too_much)
    assert caller.is_ended()
    still_serves(ours)


@pytest.mark.parametrize("uid", [b"../../etc/passwd", b"1.2\0/x", b"1" * 65, b"\xff\xfe", b" "])
def test_a_uid_from_outside_names_no_file(ours, caller, uid, tmp_path):
    caller.send(store(WHOLE, uid))
    # pynetdicom does not answer each of these
    if ours.straight:
        assert caller.status() == SUCCESS
    still_serves(ours)
    files = list(tmp_path.rglob("*.dcm"))
    assert files and {file.parent for file in files} == {ours.spool.incoming}
    assert all(re.fullmatch("[0-9a-f]{32}(-[0-9a-f]+)?", file.stem) for file in files)


class RefusingDisk(Incoming):
    """A file on a disk that says no at one of its steps."""

    step = ""

    def _refuse(self, step):
        if self.step == step:
            raise OSError(errno.EIO, "no")

    def write(self, pieces):
        self._refuse("write")
        super().write(pieces)

    def keep(self):
        self._refuse("keep")
        super().keep()


def refusing(step):
    """Make a spool's next file one that is refused at this step."""

    def receive(spool, association=""):
        if step == "full":
            raise SpoolFull
        if step == "open":
            raise OSError(errno.EMFILE, "too many open files")
        file = RefusingDisk(spool)
        file.step = step
        return file

    return receive


@pytest.mark.parametrize("step", ["full", "open", "write", "keep"])
def test_what_the_disk_refuses_is_answered_a700_and_the_association_lives_on(
    ours, caller, monkeypatch, step
):
    with monkeypatch.context() as broken:
        broken.setattr(Spool, "receive", refusing(step))
        caller.send(data(pdv(COMMAND | LAST, store_rq())))
        for _ in range(40):
            caller.send(data(pdv(0, bytes(16000))))
        caller.send(data(pdv(LAST, b"end")))
        assert caller.status() == OUT_OF_RESOURCES
    assert os.listdir(ours.spool.incoming) == os.listdir(ours.spool.partial) == []
    caller.send(store(WHOLE))
    assert caller.status() == SUCCESS
    assert stored(ours) == [WHOLE]


@pytest.mark.parametrize("ours", ["straight"], indirect=True)
def test_a_peer_that_falls_silent_in_an_object_is_let_go(ours, caller):
    caller.socket.settimeout(20)
    caller.send(data(pdv(COMMAND | LAST, store_rq())), data(pdv(0, WHOLE[:10])))
    assert caller.is_ended()
    nothing_half_done(ours)
    still_serves(ours)


@pytest.mark.parametrize("ours", ["straight"], indirect=True)
def test_a_peer_that_drips_a_pdu_is_let_go_though_it_is_never_silent(ours, caller):
    caller.send(data(pdv(COMMAND | LAST, store_rq())))
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        for byte in data(pdv(LAST, WHOLE)):
            caller.send(bytes([byte]))
            time.sleep(0.2)
    assert time.monotonic() - began < 15
    assert caller.is_ended()
    nothing_half_done(ours)
    still_serves(ours)


def test_many_associations_at_once_keep_their_objects_apart(ours):
    def share(number):
        caller = Caller(ours.port).associate()
        for at in range(10):
            caller.send(store(dataset(b"1.2.%d.%d" % (number, at), filling=number * 999)))
            assert caller.status() == SUCCESS
        caller.release()

    threads = [threading.Thread(target=partial(share, number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = [
        dataset(b"1.2.%d.%d" % (n, at), filling=n * 999) for n in range(8) for at in range(10)
    ]
    assert sorted(stored(ours)) == sorted(wanted)


def test_the_rehearsal_finds_what_a_new_pynetdicom_has_moved(monkeypatch):
    assert rehearsal.problem() is None
    monkeypatch.delattr("pynetdicom.transport.RequestHandler._create_association")
    assert rehearsal.problem()


def test_the_rehearsal_finds_bytes_that_were_changed_on_the_way(monkeypatch):
    def spoil(reception, piece):
        reception._pieces.append(bytes(len(piece)))

    monkeypatch.setattr("daemon.reception.Reception.add", spoil)
    assert "not what lies in the spool" in rehearsal.problem()


@pytest.mark.parametrize("ours", ["straight"], indirect=True)
@pytest.mark.parametrize(
    ("goodbye", "images", "told"),
    [(ABORTING, MANY, False), (RELEASE, MANY, True), (RELEASE, MANY - 1, False)],
    ids=["abort", "release", "few"],
)
def test_word_is_left_of_an_association_that_was_released_after_many_were_stored(
    ours, caller, goodbye, images, told
):
    for _ in range(images):
        caller.send(store(WHOLE))
        assert caller.status() == SUCCESS
    caller.send(goodbye)
    assert caller.read()[0] == (RELEASE_RP if goodbye == RELEASE else 0)
    [association] = {association_of(file) for file in ours.spool.arrived()}
    assert ours.spool.releases() == ([association] if told else [])


@pytest.mark.parametrize("ours", ["straight"], indirect=True)
def test_no_word_is_left_of_an_association_over_which_an_object_was_refused(
    ours, caller, monkeypatch
):
    for _ in range(MANY):
        caller.send(store(WHOLE))
        assert caller.status() == SUCCESS
    with monkeypatch.context() as broken:
        broken.setattr(Spool, "receive", refusing("full"))
        caller.send(store(WHOLE))
        assert caller.status() == OUT_OF_RESOURCES
    caller.release()
    assert ours.spool.releases() == []
