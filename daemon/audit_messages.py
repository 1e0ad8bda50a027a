"""The audit trail as DICOM audit messages (PS3.15 A.5, after RFC 3881), for a hospital's own log.

One message a row. Which event a deed is in DICOM's own words (PS3.16 CID 400 and 401) is ours to
say; the deed in our words stays beside it as ``originalText`` of a code of ours.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

from daemon.records.people_tables import Trail
from engines.product import PRODUCT

DCM, RFC3881, OURS = "DCM", "RFC-3881", "99OSTEOSCREEN"
SUCCESS, MINOR_FAILURE = "0", "4"
IP_ADDRESS = "2"
THE_LOG = "urn:osteoscreen:audit-trail"
"""What a deed is about that names nothing else."""


class Event(NamedTuple):
    """A deed in DICOM's words: event, what was done (CRUD, or E for execute), type of event."""

    event: str
    action: str
    kind: str = ""


class About(NamedTuple):
    """What a deed is about: the code of its kind of name, its type and role in RFC 3881 5.5."""

    code: str
    system: str
    meaning: str
    object_type: str
    role: str


ACTIVITY, USED, LOGIN = "Application Activity", "Audit Log Used", "User Authentication"
INSTANCES, QUERY, ALERT = "DICOM Instances Accessed", "Query", "Security Alert"
NETWORK, SOFTWARE = "Network Configuration", "Software Configuration"
USERS = "User Security Attributes Changed"
CODES = {
    ACTIVITY: "110100",
    USED: "110101",
    INSTANCES: "110103",
    QUERY: "110112",
    ALERT: "110113",
    LOGIN: "110114",
    "Login": "110122",
    "Logout": "110123",
    NETWORK: "110128",
    SOFTWARE: "110131",
    USERS: "110137",
    "Application": "110150",
}
EVENTS = {
    "sign-in": Event(LOGIN, "E", "Login"),
    "sign-in refused": Event(LOGIN, "E", "Login"),
    "sign-out": Event(LOGIN, "E", "Logout"),
    "study looked at": Event(INSTANCES, "R"),
    "picture looked at": Event(INSTANCES, "R"),
    "results retracted": Event(INSTANCES, "D"),
    "studies searched": Event(QUERY, "E"),
    "trail exported": Event(USED, "R"),
    "peer set": Event(ALERT, "U", NETWORK),
    "peer removed": Event(ALERT, "D", NETWORK),
    "model stage asked for": Event(ALERT, "U", SOFTWARE),
    "person set": Event(ALERT, "U", USERS),
    "person removed": Event(ALERT, "D", USERS),
    "link given": Event(ALERT, "C", USERS),
    "password set": Event(ALERT, "U", USERS),
    "token made": Event(ALERT, "C", USERS),
    "token revoked": Event(ALERT, "D", USERS),
}
"""Deeds that have words of DICOM's; any other is an activity of the application."""

STUDY = About("110180", DCM, "Study Instance UID", "2", "3")
NODE = About("110182", DCM, "Node ID", "2", "13")
USER = About("11", RFC3881, "User Identifier", "2", "11")
THING = About("12", RFC3881, "URI", "2", "13")


def document(rows: Iterable[Trail], aet: str) -> Iterator[str]:
    """Return an XML document of messages, piece by piece; the element around them is ours."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<AuditMessages>\n'
    for row in rows:
        yield tostring(message(row, aet), encoding="unicode") + "\n"
    yield "</AuditMessages>\n"


def message(row: Trail, aet: str) -> Element:
    """Return one row as a message (PS3.15 A.5.1).

    Parameters
    ----------
    row : Trail
        Of the audit trail.
    aet : str
        Our AE title.
    """
    root = Element("AuditMessage")
    event = EVENTS.get(row.action, Event(ACTIVITY, "E"))
    _event(root, row, event)
    _participants(root, row, aet)
    source = SubElement(root, "AuditSourceIdentification", {"AuditSourceID": aet})
    # an application server (RFC 3881 5.4.3)
    SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
    _object(root, row, event)
    return root


def _event(root: Element, row: Trail, event: Event) -> None:
    refused = row.action.endswith("refused")
    told = {
        "EventActionCode": event.action,
        "EventDateTime": row.at.isoformat(timespec="milliseconds"),
        "EventOutcomeIndicator": MINOR_FAILURE if refused else SUCCESS,
    }
    identification = SubElement(root, "EventIdentification", told)
    SubElement(identification, "EventID", _code(CODES[event.event], DCM, event.event))
    if event.kind:
        SubElement(identification, "EventTypeCode", _code(CODES[event.kind], DCM, event.kind))
    ours = _code(row.action.replace(" ", "-"), OURS, row.action)
    SubElement(identification, "EventTypeCode", ours)


def _participants(root: Element, row: Trail, aet: str) -> None:
    person = {"UserID": _plain(row.person), "UserIsRequestor": "true"}
    if row.address:
        person |= {"NetworkAccessPointID": row.address, "NetworkAccessPointTypeCode": IP_ADDRESS}
    SubElement(root, "ActiveParticipant", person)
    us = {"UserID": PRODUCT, "AlternativeUserID": f"AETITLES={aet}", "UserIsRequestor": "false"}
    application = SubElement(root, "ActiveParticipant", us)
    SubElement(application, "RoleIDCode", _code(CODES["Application"], DCM, "Application"))


def _object(root: Element, row: Trail, event: Event) -> None:
    about, name = _about(row, event), _plain(row.subject) or THE_LOG
    told = {
        "ParticipantObjectID": name,
        "ParticipantObjectTypeCode": about.object_type,
        "ParticipantObjectTypeCodeRole": about.role,
    }
    thing = SubElement(root, "ParticipantObjectIdentification", told)
    kind = _code(about.code, about.system, about.meaning)
    SubElement(thing, "ParticipantObjectIDTypeCode", kind)
    SubElement(thing, "ParticipantObjectName").text = name
    for key, value in (("row", str(row.id)), ("detail", row.detail), ("seal", row.seal)):
        pair = {"type": key, "value": b64encode(value.encode()).decode()}
        SubElement(thing, "ParticipantObjectDetail", pair)


def _about(row: Trail, event: Event) -> About:
    if event.event == INSTANCES:
        return STUDY
    if event.kind == NETWORK or row.action.startswith(("peer ", "parked results")):
        return NODE
    return USER if event.kind == USERS and row.subject else THING


def _code(code: str, system: str, meaning: str) -> dict[str, str]:
    return {"csd-code": code, "codeSystemName": system, "originalText": meaning}


def _plain(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(char if char.isprintable() else " " for char in text)
