"""Listener and sender on real sockets: who may call, what is answered, what a peer's no means."""

import socket
from contextlib import contextmanager

import pytest
from byhand import RELEASE, RELEASE_RP, Caller
from listening import ListenerHere
from peers import free_port, wait_for
from pydicom import Dataset
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.presentation import build_context

from daemon import reception, scu
from daemon.callers import Callers
from daemon.disk import Free, Levels
from daemon.errors import DeliveryError, SpoolFull
from daemon.repeats import Repeats
from daemon.scu import Address
from daemon.spool import Spool

DX = "1.2.840.10008.5.1.4.1.1.1.1"


def film(sop="1.2.3.1", syntax=ExplicitVRLittleEndian, sop_class=DX):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, sop
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.PatientName = "1.2", "1.2.3", "Geheim^Anna"
    ds.ensure_file_meta()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = sop
    return ds


@pytest.fixture
def ours(tmp_path, monkeypatch):
    ours = ListenerHere(tmp_path, monkeypatch)
    yield ours
    ours.stop()


def test_a_known_peer_is_heard_and_its_bytes_are_kept(ours):
    [answer] = scu.store(ours.address(), [film()])
    assert answer.stored
    [file] = ours.spool.arrived()
    content = file.read_bytes()
    assert content[128:132] == b"DICM"
    assert b"Geheim^Anna" in content and b"CR1" in content


@pytest.mark.parametrize(
    ("syntax", "sop_class"),
    [
        (JPEG2000, DX),
        ("1.2.840.10008.1.2.4.201", DX),
        (ExplicitVRLittleEndian, "1.2.840.10008.5.1.4.1.1.88.34"),
        (ExplicitVRLittleEndian, "1.2.840.99999.1.1"),
    ],
)
def test_every_storage_class_and_transfer_syntax_is_taken(ours, syntax, sop_class):
    [answer] = scu.store(ours.address(), [film(syntax=syntax, sop_class=sop_class)])
    assert answer.stored, answer.detail


def test_an_unknown_peer_is_refused_and_the_admin_is_told_what_to_type(ours):
    with pytest.raises(DeliveryError, match=r"refused us as CT9: .*[Cc]alling"):
        scu.echo(ours.address(calling="CT9"))
    told = wait_for("the refusal to be told", ours.refusals)
    assert told == [
        "peer CT9 at 127.0.0.1 is not allowed to send: "
        "osteoscreen peers add CT9 127.0.0.1 PORT --sends"
    ]


def test_a_peer_that_only_receives_may_not_send(ours):
    ours.allow("PACS", sends=False)
    with pytest.raises(DeliveryError, match="refused us as PACS"):
        scu.echo(ours.address(calling="PACS"))


def test_a_wrong_called_title_is_refused_in_words(ours):
    with pytest.raises(DeliveryError, match=r"[Cc]alled"):
        scu.echo(ours.address(called="OSTEO"))
    told = wait_for("the refusal to be told", ours.refusals)
    assert told == ["peer CR1 called us OSTEO, we are OSTEOSCREEN"]


def test_a_peer_added_while_we_listen_is_heard_without_a_restart(ours):
    new = ours.address(calling="CT9")
    assert not ours.hears(new)
    ours.allow("CT9")
    wait_for("the peer to be known", lambda: ours.hears(new))


def test_a_caller_who_cannot_be_judged_is_not_let_in(ours, monkeypatch):
    def broken(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Callers, "objection", broken)
    with pytest.raises(DeliveryError, match=r"[Tt]emporary congestion"):
        scu.store(ours.address(), [film()])
    assert ours.spool.arrived() == []


def test_our_own_title_is_taken_from_this_host(ours):
    scu.echo(ours.address(calling="OSTEOSCREEN"))


def test_one_too_many_is_told_by_name(tmp_path, monkeypatch):
    ours = ListenerHere(tmp_path, monkeypatch, max_associations=1)
    with scu.association(ours.address(), [build_context(DX)]):
        with pytest.raises(DeliveryError, match=r"limit|[Ll]ocal"):
            scu.echo(ours.address())
        [told] = wait_for("the refusal to be told", ours.refusals)
    ours.stop()
    assert told == "peer CR1 was one too many: max_associations is 1 per process"


def test_whoever_has_released_leaves_the_seat_to_the_next_though_its_line_stands(
    tmp_path, monkeypatch
):
    ours = ListenerHere(tmp_path, monkeypatch, max_associations=1)
    caller = Caller(ours.port).associate()
    caller.send(RELEASE)
    assert caller.read()[0] == RELEASE_RP
    scu.echo(ours.address())
    caller.socket.close()
    ours.stop()


def test_a_request_that_cannot_be_read_is_told_with_the_address_it_came_from(ours, caplog):
    caller = Caller(ours.port)
    caller.titles = b"OSTEOSCREEN".ljust(16) + b"CR1".ljust(16, b"\0")
    caller.send(caller.request())
    assert caller.is_ended()
    wait_for("the reason", lambda: "no request for an association that can be" in caplog.text)
    assert "from=127.0.0.1" in caplog.text


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this host has no IPv6")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_all_addresses_of_ipv6_are_those_of_ipv4_too(tmp_path, monkeypatch, host):
    ours = ListenerHere(tmp_path, monkeypatch, host="::")
    scu.echo(Address("OSTEOSCREEN", host, ours.port, "CR1", timeout_s=5))
    ours.stop()


def test_a_full_disk_is_answered_with_a700_and_said_once(ours, monkeypatch, caplog):
    def full(*_):
        raise SpoolFull

    monkeypatch.setattr(Spool, "receive", full)
    monkeypatch.setattr(reception, "_repeats", Repeats())
    answers = scu.store(ours.address(), [film(), film()])
    assert [(answer.status, answer.stored) for answer in answers] == [(0xA700, False)] * 2
    assert ours.spool.arrived() == []
    assert caplog.text.count("event=disk-full") == 1


def test_a_nearly_full_disk_refuses_new_senders_for_the_time_being_and_hears_an_echo(ours):
    scarce = Levels(Free(0, 0), Free(1 << 60, 0), Free(1 << 60, 0))
    ours.listener._room.levels = scarce
    ours.listener._room.ran_out()
    with pytest.raises(DeliveryError, match=r"[Tt]emporary congestion"):
        scu.store(ours.address(), [film()])
    scu.echo(ours.address())
    assert ours.refusals() == []
    ours.listener._room.levels = Levels(*[Free(0, 0)] * 3)
    ours.listener._room.ran_out()
    [answer] = scu.store(ours.address(), [film()])
    assert answer.stored


@pytest.fixture
def _strict(monkeypatch):
    """Let the PACS accept only what it is told to, as one in a process of its own does."""
    monkeypatch.setattr(_config, "UNRESTRICTED_STORAGE_SERVICE", False)


@contextmanager
def a_pacs(status, contexts=((DX, ExplicitVRLittleEndian),)):
    """A storage SCP that answers every object with one status."""
    answer = Dataset()
    answer.Status, answer.ErrorComment = status, "so says the PACS"
    ae = AE(ae_title="PACS")
    ae.supported_contexts = [build_context(*context) for context in contexts]
    port = free_port()
    server = ae.start_server(
        ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, lambda _: answer)]
    )
    try:
        yield Address("PACS", "127.0.0.1", port, "OSTEOSCREEN", timeout_s=5)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "stored"),
    [
        (0x0000, True),
        (0xB000, True),
        (0xB001, True),
        (0xB006, True),
        (0xB007, True),
        (0xA700, False),
        (0xA900, False),
        (0xC000, False),
        (0x0122, False),
    ],
)
def test_what_counts_as_stored(status, stored):
    with a_pacs(status) as pacs:
        [answer] = scu.store(pacs, [film()])
    assert (answer.status, answer.stored) == (status, stored)
    assert f"0x{status:04X}" in answer.detail and "so says the PACS" in answer.detail


@pytest.mark.usefixtures("_strict")
def test_an_object_the_peer_has_no_context_for_is_not_stored_and_the_others_are():
    with a_pacs(0) as pacs:
        answers = scu.store(pacs, [film("1.2.1", JPEG2000), film("1.2.2")])
    assert [answer.stored for answer in answers] == [False, True]
    assert "JPEG 2000" in answers[0].detail


def test_a_peer_that_is_away_is_said_to_be_away():
    nobody = Address("PACS", "127.0.0.1", free_port(), "OSTEOSCREEN", timeout_s=2)
    with pytest.raises(DeliveryError, match="does not answer"):
        scu.store(nobody, [film()])
