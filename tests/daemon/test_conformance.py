"""What the conformance statement claims, negotiated: line by line, with the listener and by it."""

import re
from collections import defaultdict

import pytest
from listening import ListenerHere
from modality import shadow
from peers import LOOPBACK, free_port
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.presentation import build_context

from daemon import find, scu
from daemon.archive import Archive
from daemon.arriving import SYNTAXES
from daemon.commitment import PUSH_MODEL
from daemon.conformance.statement import (
    FETCHES,
    MOVES,
    SERVICES,
    UNCOMPRESSED,
    VERIFICATION,
    results,
    statement,
)
from daemon.errors import DeliveryError
from daemon.move import Destination
from engines.product import IMPLEMENTATION_CLASS_UID

OFFERED = [one for one in SERVICES if one.scp]
NOT_OFFERED = [one for one in SERVICES if not one.scp]


@pytest.fixture(params=["straight", "public"])
def ours(request, tmp_path, monkeypatch):
    ours = ListenerHere(tmp_path, monkeypatch, straight_path=request.param == "straight")
    yield ours
    ours.stop()


def accepted(ours, *contexts, **more):
    """Return what we accept of what a peer proposes, and the association's acceptor."""
    ae = AE(ae_title="CR1")
    assoc = ae.associate(LOOPBACK, ours.port, list(contexts), "OSTEOSCREEN", **more)
    assert assoc.is_established
    found = [(one.abstract_syntax, one.transfer_syntax[0]) for one in assoc.accepted_contexts]
    acceptor = assoc.acceptor
    assoc.release()
    return found, acceptor


@pytest.mark.parametrize("service", OFFERED, ids=lambda one: one.name)
def test_each_service_is_there_in_each_transfer_syntax(ours, service):
    for syntax in UNCOMPRESSED:
        assert accepted(ours, build_context(service.sop_class, syntax))[0] == [
            (service.sop_class, syntax)
        ]


def test_no_service_is_there_that_is_not_claimed(ours):
    verification = build_context(VERIFICATION)
    for service in NOT_OFFERED:
        found, _ = accepted(ours, verification, build_context(service.sop_class))
        assert [one for one, _ in found] == [VERIFICATION]


def test_every_storage_class_is_taken_in_any_syntax(ours):
    classes = [one.abstract_syntax for one in AllStoragePresentationContexts][:128]
    syntaxes = (ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless, UID("1.2.3.4.5"))
    for syntax in syntaxes:
        found, _ = accepted(ours, *(build_context(one, syntax) for one in classes))
        assert found == [(one, syntax) for one in classes]


def test_we_say_who_we_are_and_how_much_we_take(ours):
    told = statement(ours.settings)
    _, acceptor = accepted(ours, build_context(VERIFICATION))
    assert f"| Implementation Class UID | {acceptor.implementation_class_uid} |" in told
    name = acceptor.implementation_version_name
    assert f"| Implementation Version Name | {name} |" in told
    assert f"that we announce | {acceptor.maximum_length} |" in told


def test_a_peer_that_calls_us_may_report_to_us(ours):
    role = build_role(PUSH_MODEL, scp_role=True)
    _, acceptor = accepted(ours, build_context(PUSH_MODEL), ext_neg=[role])
    assert acceptor.role_selection[PUSH_MODEL].scp_role


@pytest.fixture
def pacs():
    """Be a peer that keeps what was proposed to it, and by whom."""
    ae = AE(ae_title="PACS")
    proposed = defaultdict(set)

    def note(event):
        for one in event.assoc.requestor.requested_contexts:
            proposed[one.abstract_syntax] |= set(one.transfer_syntax)
        proposed["who"].add(event.assoc.requestor.implementation_class_uid)

    ae.add_supported_context(MRImageStorage, scu_role=True, scp_role=True)
    for service in (*SERVICES, FETCHES, MOVES, *results(segmentation=True)):
        ae.add_supported_context(service.sop_class)
    handlers = [
        (evt.EVT_REQUESTED, note),
        (evt.EVT_C_STORE, lambda _event: 0),
        (evt.EVT_C_FIND, lambda _event: iter(())),
        (evt.EVT_C_GET, lambda _event: iter(())),
        (evt.EVT_C_MOVE, lambda _event: iter([(None, None)])),
    ]
    port = free_port()
    server = ae.start_server((LOOPBACK, port), block=False, evt_handlers=handlers)
    yield scu.Address("PACS", LOOPBACK, port, "OSTEOSCREEN"), proposed
    server.shutdown()


def test_we_propose_what_we_claim_to_propose(pacs):
    address, proposed = pacs
    scu.echo(address)
    find.images_in(address, "1.2", "1.3")
    for service in results(segmentation=True):
        ds = shadow(sop_class=service.sop_class)
        [answer] = scu.store(address, [ds])
        assert answer.stored
    with pytest.raises(DeliveryError, match="answered the C-GET"):
        Archive(address).series(("1.2", "1.3"), MRImageStorage)
    assert proposed[MRImageStorage] == {uid for some in SYNTAXES for uid in some}
    destination = Destination("PRIORS", LOOPBACK, free_port())
    with pytest.raises(DeliveryError, match="does not know PRIORS"):
        Archive(address, destination).series(("1.2", "1.3"), MRImageStorage)
    asked = [one for one in SERVICES if one.sop_class in (VERIFICATION, find.STUDY_ROOT_FIND)]
    for service in (*asked, FETCHES, MOVES, *results(segmentation=True)):
        assert proposed[service.sop_class] == set(service.proposed)
    assert proposed["who"] == {IMPLEMENTATION_CLASS_UID}


def test_c_get_is_claimed_where_a_peer_is_asked_for_earlier_studies(tmp_path, monkeypatch):
    ours = ListenerHere(tmp_path, monkeypatch, earlier_from="PACS")
    try:
        told = statement(ours.settings)
    finally:
        ours.stop()
    assert f"| {FETCHES.name} |" in told
    assert "**C-GET.** Of PACS," in told and MOVES.name not in told


def test_c_move_is_claimed_in_its_place_where_a_site_has_a_title_for_it(tmp_path, monkeypatch):
    asked = {"earlier_from": "PACS", "earlier_move_aet": "PRIORS", "earlier_move_port": 11777}
    ours = ListenerHere(tmp_path, monkeypatch, **asked)
    try:
        told = statement(ours.settings)
    finally:
        ours.stop()
    assert f"| {MOVES.name} |" in told and FETCHES.name not in told
    assert "**C-MOVE.** Of PACS," in told
    assert "to PRIORS, which the peer has to know with this host and port 11777" in told


def test_the_statement_is_of_this_installation(tmp_path, monkeypatch):
    ours = ListenerHere(tmp_path, monkeypatch, segmentation=True, commitment_wait_s=77)
    try:
        told = statement(ours.settings)
    finally:
        ours.stop()
    assert f"| Port without TLS | {ours.port} |" in told
    assert "not indexed within 77 s" in told
    assert "Segmentation Storage" in told
    assert FETCHES.name not in told
    assert "here it is off" in told and "Port with TLS" not in told
    assert not re.search(r"\{\{|\{%|None", told)
