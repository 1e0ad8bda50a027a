"""The sender: C-ECHO and C-STORE to a peer, and what the peer said to each object."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from daemon import timers
from daemon.checkpoint import stand_still
from daemon.errors import ConfigError, DeliveryError
from daemon.handshake import Call, Terms, in_words, terms_of, terms_of_ours
from daemon.patience import Patience
from daemon.records.tables import Peer
from daemon.settings import Settings
from engines.product import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

CONTEXTS_MOST = 128
"""PS3.8 9.3.2: presentation context IDs are odd numbers up to 255."""

WARNING_CLASS = 0xB0
"""First byte of PS3.7's warnings of a C-STORE: the object was stored, with a remark."""

WRONG_OBJECT = 0xA9
"""First byte of "data set does not match SOP class" (PS3.4 B.2.3)."""

CANNOT_UNDERSTAND = 0xC
"""First digit of "cannot understand" (PS3.4 B.2.3)."""

NEVER = (0x0105, 0x0106, 0x0117, 0x0122, 0x0124)
"""PS3.7 Annex C: no such attribute, invalid attribute value, invalid object instance, SOP class not
supported, not authorised."""

PLAIN = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
"""What is in one of these can be sent in the other without loss."""

C_STORE_RSP = 0x8001
RELEASE_S = 5.0
"""How long a peer may take to say goodbye: it has answered all that matters."""


@dataclass(frozen=True)
class Address:
    """Where to call, and under which names."""

    aet: str
    host: str
    port: int
    our_aet: str
    timeout_s: float = 30
    tls: Terms | None = None


@dataclass(frozen=True)
class Answer:
    """What a peer said to one object.

    ``status`` is None when the peer said nothing: no context accepted, or the association broke.
    ``hopeless`` says that trying again changes nothing: it accepted no context for this object.
    """

    SOPInstanceUID: str
    status: int | None
    detail: str
    hopeless: bool = False

    @property
    def stored(self) -> bool:
        """Whether the peer has the object: success, or a warning (PS3.4 B.2.3)."""
        return self.status == 0 or (self.status or 0) >> 8 == WARNING_CLASS

    @property
    def final(self) -> bool:
        """Whether the peer will say the same to the same object until somebody changes the peer."""
        status = self.status or 0
        return (
            self.hopeless
            or status in NEVER
            or status >> 8 == WRONG_OBJECT
            or status >> 12 == CANNOT_UNDERSTAND
        )


def address_of(settings: Settings, peer: Peer, timeout_s: float = 30) -> Address:
    """Return where and how a peer is called."""
    terms = terms_of(settings, peer)
    return Address(peer.aet, peer.host, peer.port, settings.aet, timeout_s, terms)


def ourselves_by_tls(settings: Settings, timeout_s: float = 30) -> Address:
    """Return where and how our own TLS port is called on this host; it must be open.

    Raises
    ------
    ConfigError
        If our certificate cannot be read.
    """
    assert settings.tls_port is not None, "the caller has looked"
    place = settings.reachable_host, settings.tls_port
    return Address(settings.aet, *place, settings.aet, timeout_s, terms_of_ours(settings))


def ourselves(settings: Settings, timeout_s: float = 30) -> Address:
    """Return where and how our own listener is called on this host.

    Raises
    ------
    ConfigError
        If it answers TLS alone and our certificate cannot be read.
    """
    if settings.tls_only:
        return ourselves_by_tls(settings, timeout_s)
    place = settings.reachable_host, settings.port
    return Address(settings.aet, *place, settings.aet, timeout_s)


def echo(address: Address) -> None:
    """Ask a peer whether it hears us.

    Raises
    ------
    DeliveryError
        With the reason in words.
    """
    with association(address, [build_context(Verification, "1.2.840.10008.1.2")]) as assoc:
        status = assoc.send_c_echo()
        if status.get("Status") != 0:
            raise DeliveryError(f"{address.aet} answered the C-ECHO with {_words(status)}")


def store(
    address: Address, datasets: Sequence[Dataset], gets_on: Callable[[], None] = lambda: None
) -> list[Answer]:
    """Send objects in as few associations as their kinds need, proposing exactly those kinds.

    Parameters
    ----------
    address : Address
        The peer.
    datasets : sequence of Dataset
        With file meta information; sent in the transfer syntax they are in. What is uncompressed
        and little endian goes in the other VR encoding where the peer accepts that one alone.
    gets_on : callable
        Called whenever a piece has gone out, from another thread.

    Returns
    -------
    list of Answer
        One per object, in order.

    Raises
    ------
    DeliveryError
        If the peer cannot be reached or refuses the association; nothing was stored.
    """
    answers: dict[int, Answer] = {}
    for some in _batches(sorted({_kind(ds) for ds in datasets})):
        mine = {n: ds for n, ds in enumerate(datasets) if _kind(ds) in some}
        try:
            answers |= _store_some(address, some, mine, gets_on)
        except DeliveryError as error:
            if not error.hopeless:
                raise
            answers |= {n: _not_accepted(address, ds) for n, ds in mine.items()}
    return [answers[n] for n in range(len(datasets))]


def _store_some(
    address: Address,
    kinds: Sequence[tuple[str, str]],
    datasets: Mapping[int, Dataset],
    gets_on: Callable[[], None],
) -> dict[int, Answer]:
    proposed = sorted({(sop, one) for sop, own in kinds for one in _convertible(own)})
    with association(address, [build_context(*kind) for kind in proposed]) as assoc:
        assoc.bind(evt.EVT_DATA_SENT, lambda _event: gets_on())
        return {n: _store_one(assoc, address, ds, n) for n, ds in datasets.items()}


def _batches(kinds: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    most = CONTEXTS_MOST // len(PLAIN)
    for start in range(0, len(kinds), most):
        yield kinds[start : start + most]


def _convertible(syntax: str) -> tuple[str, ...]:
    return PLAIN if syntax in PLAIN else (syntax,)


def _store_one(assoc: Association, address: Address, ds: Dataset, position: int) -> Answer:
    uid, aet = str(ds.SOPInstanceUID), address.aet
    accepted = {(cx.abstract_syntax, cx.transfer_syntax[0]) for cx in assoc.accepted_contexts}
    if not assoc.is_established:
        return Answer(uid, None, f"{aet} ended the association before this object")
    sop_class, syntax = _kind(ds)
    if not any((sop_class, one) in accepted for one in _convertible(syntax)):
        return _not_accepted(address, ds)
    # PS3.7 9.3.1: 16 bits; a number of its own for each, so that no answer is taken for another's
    message_id = position % 0xFFFF + 1
    replies: list[Dataset] = []
    hear = (evt.EVT_DIMSE_RECV, lambda event: replies.append(event.message.command_set))
    assoc.bind(*hear)
    try:
        status = assoc.send_c_store(ds, msg_id=message_id)
    except (ValueError, RuntimeError, AttributeError) as error:
        return Answer(uid, None, f"could not be sent to {aet}: {type(error).__name__}")
    finally:
        assoc.unbind(*hear)
    if "Status" not in status:
        return Answer(uid, None, f"{aet} broke the association or did not answer in time")
    if not replies or not _answers(replies[-1], message_id):
        return Answer(uid, None, f"{aet} answered something that was not asked")
    return Answer(uid, int(status.Status), f"{aet} answered {_words(status)}")


def _not_accepted(address: Address, ds: Dataset) -> Answer:
    sop_class, syntax = _kind(ds)
    tried = " or ".join(UID(one).name for one in _convertible(syntax))
    detail = f"{address.aet} does not accept {UID(sop_class).name} in {tried}"
    return Answer(str(ds.SOPInstanceUID), None, detail, hopeless=True)


def _answers(reply: Dataset, message_id: int) -> bool:
    asked = reply.get("MessageIDBeingRespondedTo")
    return bool(reply.get("CommandField") == C_STORE_RSP and asked == message_id)


def _kind(ds: Dataset) -> tuple[str, str]:
    return str(ds.SOPClassUID), str(ds.file_meta.TransferSyntaxUID)


def _words(status: Dataset) -> str:
    if "Status" not in status:
        return "nothing"
    comment = status.get("ErrorComment", "")
    return f"0x{status.Status:04X}" + (f" ({comment})" if comment else "")


@contextmanager
def association(
    address: Address,
    contexts: Sequence[PresentationContext],
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
    handlers: Sequence[EventHandlerType] = (),
) -> Iterator[Association]:
    """Give an association with a peer, released at the end.

    Raises
    ------
    DeliveryError
        If the peer cannot be reached, refuses us, or accepts none of the contexts.
    """
    patience = Patience(address.timeout_s)
    rejection: list[str] = []

    def on_open(event: Event) -> None:
        dul, answers = event.assoc.dul, event.assoc.dimse.msg_queue
        if dul.socket is not None and dul.socket.socket is not None:
            patience.watch(dul.socket.socket, dul.is_alive, lambda: answers.put((None, None)))

    def on_pdu(event: Event) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            rejection.append(event.pdu.reason_str)

    call = _call(address)
    hear = [(evt.EVT_CONN_OPEN, on_open), (evt.EVT_PDU_RECV, on_pdu), *handlers]
    try:
        assoc = _associate(address, contexts, roles, call, hear)
        if not assoc.is_established:
            if call is not None:
                call.end()
            raise _why_not(address, assoc, call, patience, rejection)
        try:
            yield assoc
        finally:
            if assoc.is_established:
                assoc.acse_timeout = RELEASE_S
                assoc.release()
    finally:
        patience.end()


def _call(address: Address) -> Call | None:
    try:
        return Call(address.tls) if address.tls else None
    except ConfigError as error:
        raise DeliveryError(f"{address.aet} wants TLS: {error}") from None


def _associate(
    address: Address,
    contexts: Sequence[PresentationContext],
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation],
    call: Call | None,
    hear: list[EventHandlerType],
) -> Association:
    _config.LOG_HANDLER_LEVEL = "none"
    timers.keep_steady()
    ae = AE(ae_title=address.our_aet)
    ae.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    ae.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    ae.connection_timeout = address.timeout_s
    # once connected, patience ends what no longer moves; a clock of pynetdicom's would end what is
    # slow, and its abort waits for ever on a peer that stops in the middle of a PDU
    ae.dimse_timeout = ae.network_timeout = None
    ae.acse_timeout = 2 * address.timeout_s
    try:
        assoc = ae.associate(
            address.host,
            address.port,
            contexts=list(contexts),
            ae_title=address.aet,
            ext_neg=list(roles),
            evt_handlers=hear,
            # a Call stands for the context that wraps the socket
            tls_args=(call, address.host) if call else None,  # type: ignore[arg-type]
        )
    except socket.gaierror as error:
        raise DeliveryError(f"{address.aet}: host {address.host}: {error.strerror}") from None
    stand_still(assoc)
    return assoc


def _why_not(
    address: Address,
    assoc: Association,
    call: Call | None,
    patience: Patience,
    rejection: Sequence[str],
) -> DeliveryError:
    place = f"{address.aet} at {address.host}:{address.port}"
    if call is not None and call.failure is not None:
        return DeliveryError(f"{place}, by TLS: {in_words(call.failure)}")
    if rejection:
        return DeliveryError(f"{place} refused us as {address.our_aet}: {rejection[0]}")
    if assoc.acceptor.primitive is not None:
        words = f"{place} accepts none of the kinds of object we have for it"
        return DeliveryError(words, hopeless=True)
    if patience.connected:
        said = f"said nothing for {address.timeout_s:g} s" if patience.lost else "hung up"
        wants = "" if call else ", does it want TLS"
        words = f"{place} took the call and {said}: is it a DICOM port{wants}, is it well?"
        return DeliveryError(words)
    return DeliveryError(
        f"{place} does not answer: is it running, is the port right, is a firewall between?"
    )
