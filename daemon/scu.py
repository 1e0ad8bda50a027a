"""The sender: C-ECHO and C-STORE to a peer, and what the peer said to each object."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.events import Event, EventHandlerType
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from daemon.config import Settings
from daemon.errors import ConfigError, DeliveryError
from daemon.handshake import Call, Terms, in_words, terms_of, terms_of_ours
from daemon.records.tables import Peer

CONTEXTS_MOST = 128
"""PS3.8 9.3.2: presentation context IDs are odd numbers up to 255."""

WARNING_CLASS = 0xB0
"""First byte of PS3.7's warnings of a C-STORE: the object was stored, with a remark."""


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
    """

    SOPInstanceUID: str
    status: int | None
    detail: str

    @property
    def stored(self) -> bool:
        """Whether the peer has the object: success, or a warning (PS3.4 B.2.3)."""
        return self.status == 0 or (self.status or 0) >> 8 == WARNING_CLASS


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


def store(address: Address, datasets: Sequence[Dataset]) -> list[Answer]:
    """Send objects in as few associations as their kinds need, proposing exactly those kinds.

    Parameters
    ----------
    address : Address
        The peer.
    datasets : sequence of Dataset
        With file meta information; sent in the transfer syntax they are in.

    Returns
    -------
    list of Answer
        One per object, in order.

    Raises
    ------
    DeliveryError
        If the peer cannot be reached or refuses the association; nothing was stored.
    """
    kinds = sorted({_kind(ds) for ds in datasets})
    answers: dict[int, Answer] = {}
    for start in range(0, len(kinds), CONTEXTS_MOST):
        some = kinds[start : start + CONTEXTS_MOST]
        mine = [position for position, ds in enumerate(datasets) if _kind(ds) in some]
        with association(address, [build_context(*kind) for kind in some]) as assoc:
            for position in mine:
                answers[position] = _store_one(assoc, address, datasets[position])
    return [answers[position] for position in range(len(datasets))]


def _store_one(assoc: Association, address: Address, ds: Dataset) -> Answer:
    uid = str(ds.SOPInstanceUID)
    accepted = {(cx.abstract_syntax, cx.transfer_syntax[0]) for cx in assoc.accepted_contexts}
    if not assoc.is_established:
        return Answer(uid, None, f"{address.aet} ended the association before this object")
    if _kind(ds) not in accepted:
        name, syntax = UID(ds.SOPClassUID).name, ds.file_meta.TransferSyntaxUID.name
        return Answer(uid, None, f"{address.aet} does not accept {name} in {syntax}")
    try:
        status = assoc.send_c_store(ds)
    except (ValueError, RuntimeError, AttributeError) as error:
        return Answer(uid, None, f"could not be sent to {address.aet}: {type(error).__name__}")
    if "Status" not in status:
        return Answer(uid, None, f"{address.aet} broke the association or did not answer in time")
    return Answer(uid, int(status.Status), f"{address.aet} answered {_words(status)}")


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
    _config.LOG_HANDLER_LEVEL = "none"
    ae = AE(ae_title=address.our_aet)
    ae.connection_timeout = ae.acse_timeout = address.timeout_s
    ae.dimse_timeout = ae.network_timeout = address.timeout_s
    rejection: list[str] = []

    def on_pdu(event: Event) -> None:
        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            rejection.append(event.pdu.reason_str)

    call = _call(address)
    assoc = ae.associate(
        address.host,
        address.port,
        contexts=list(contexts),
        ae_title=address.aet,
        ext_neg=list(roles),
        evt_handlers=[(evt.EVT_PDU_RECV, on_pdu), *handlers],
        # a Call stands for the context that wraps the socket
        tls_args=(call, address.host) if call else None,  # type: ignore[arg-type]
    )
    try:
        if not assoc.is_established:
            if call is not None:
                call.end()
            raise DeliveryError(_why_not(address, assoc, rejection, call))
        yield assoc
    finally:
        if assoc.is_established:
            assoc.release()


def _call(address: Address) -> Call | None:
    try:
        return Call(address.tls) if address.tls else None
    except ConfigError as error:
        raise DeliveryError(f"{address.aet} wants TLS: {error}") from None


def _why_not(
    address: Address, assoc: Association, rejection: Sequence[str], call: Call | None
) -> str:
    place = f"{address.aet} at {address.host}:{address.port}"
    if call is not None and call.failure is not None:
        return f"{place}, by TLS: {in_words(call.failure)}"
    if rejection:
        return f"{place} refused us as {address.our_aet}: {rejection[0]}"
    if assoc.acceptor.primitive is not None:
        return f"{place} accepts none of the kinds of object we have for it"
    return f"{place} does not answer: is it running, is the port right, is a firewall between?"
