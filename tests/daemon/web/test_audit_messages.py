"""Rows of the trail as DICOM audit messages: legal, and in DICOM's words where it has some."""

from base64 import b64decode
from pathlib import Path

import pytest
from calling import program_of
from lxml import etree

from daemon import audit_messages
from daemon.audit_messages import CODES, EVENTS
from daemon.records import trail
from daemon.records.people_tables import Right
from daemon.records.trail import Deed

SCHEMA = etree.RelaxNG(file=str(Path(__file__).with_name("audit_message.rng")))


@pytest.fixture(scope="module")
def exported(origin, site_ledger):
    """All rows of a site, with one of each deed, as its interface gives them."""
    for action in EVENTS:
        trail.write_down(site_ledger, Deed("ada", "10.0.0.1", action, "1.2.3", "why: é\n\x01"))
    trail.write_down(site_ledger, Deed("ada\x02", "", "never heard of", "", ""))
    with program_of(origin, site_ledger, Right.ADMINISTRATOR) as client:
        answer = client.get("/trail.xml")
    assert answer.headers["content-type"] == "application/xml; charset=utf-8"
    return etree.fromstring(answer.content)


def one(exported, action):
    found = f".//EventTypeCode[@codeSystemName='99OSTEOSCREEN'][@originalText='{action}']/../.."
    return exported.findall(found)[-1]


def test_every_message_is_legal(exported, site_ledger):
    SCHEMA.assertValid(exported)
    assert len(exported) == trail.count(site_ledger)
    broken = etree.fromstring(etree.tostring(exported))
    del broken[0].find("EventIdentification").attrib["EventOutcomeIndicator"]
    assert not SCHEMA.validate(broken)


def test_a_look_at_a_study_says_who_from_where_at_which(exported, site_ledger):
    message = one(exported, "study looked at")
    event = message.find("EventIdentification")
    assert event.get("EventActionCode") == "R"
    assert event.find("EventID").get("csd-code") == "110103"
    person, application = message.findall("ActiveParticipant")
    assert (person.get("UserID"), person.get("NetworkAccessPointID")) == ("ada", "10.0.0.1")
    assert application.get("AlternativeUserID") == "AETITLES=OSTEOSCREEN"
    study = message.find("ParticipantObjectIdentification")
    assert study.get("ParticipantObjectID") == "1.2.3"
    assert study.find("ParticipantObjectIDTypeCode").get("csd-code") == "110180"
    told = {
        detail.get("type"): b64decode(detail.get("value")).decode()
        for detail in study.findall("ParticipantObjectDetail")
    }
    row = next(row for row in trail.everything(site_ledger) if str(row.id) == told["row"])
    assert (told["detail"], told["seal"]) == (row.detail, row.seal) == ("why: é\n\x01", row.seal)


@pytest.mark.parametrize(
    ("action", "event", "kind", "outcome"),
    [
        ("sign-in", "User Authentication", "Login", "0"),
        ("sign-in refused", "User Authentication", "Login", "4"),
        ("sign-out", "User Authentication", "Logout", "0"),
        ("person set", "Security Alert", "User Security Attributes Changed", "0"),
        ("trail exported", "Audit Log Used", "trail exported", "0"),
        ("never heard of", "Application Activity", "never heard of", "0"),
    ],
)
def test_a_deed_has_dicoms_words_where_there_are_some(exported, action, event, kind, outcome):
    told = one(exported, action).find("EventIdentification")
    assert told.find("EventID").get("originalText") == event
    assert told.find("EventTypeCode").get("originalText") == kind
    assert told.get("EventOutcomeIndicator") == outcome


def test_the_codes_are_those_of_dicom(exported):
    from pydicom.sr._concepts_dict import concepts

    known = {code: told[code][0] for told in concepts["DCM"].values() for code in told}
    assert {CODES[name]: name for name in CODES}.items() <= known.items()


def test_every_deed_with_words_of_its_own_is_one_that_is_done():
    ours = Path(audit_messages.__file__)
    others = "".join(path.read_text() for path in ours.parent.rglob("*.py") if path != ours)
    assert [action for action in EVENTS if f'"{action}"' not in others] == []
