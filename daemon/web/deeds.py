"""What a button of a page and a call of the JSON interface do alike: written down, then done.

Each raises ``Refused``, in words for whoever asked, where it does not do it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fastapi import Request

from daemon import peering, reveal, scu, titles
from daemon.errors import ConfigError, DeliveryError, NotHere, TitleTaken
from daemon.holdings import Holdings
from daemon.invitations import NAME, path_of
from daemon.models import require_known, set_stage
from daemon.records import claims, deliveries, peers, people, reveals, summary
from daemon.records.decision_tables import OwnTitle
from daemon.records.people_tables import Person, Right
from daemon.records.tables import Peer, Stage
from daemon.records.visits import Visitor
from daemon.reveal import NAME_MOST
from daemon.said import Said
from daemon.story import is_taken_back
from daemon.web import made
from daemon.web.guard import Refused, ledger_of, note, settings_of
from daemon.web.patient import told_by_images

ECHO_S = 5
WHY_LEAST, WHY_MOST = 5, 500
LAST = "Nobody could administer the site without this person."
NO_NAME = "A name has letters, digits and . _ @ - only, 64 at most."


def refused(error: ConfigError) -> Refused:
    """Return the refusal of what cannot be set so."""
    return Refused(error.args[0], 409 if isinstance(error, TitleTaken | NotHere) else 400)


def peer_of(request: Request, aet: str) -> Peer:
    """Return a peer that is known."""
    peer = peers.named(ledger_of(request), aet)
    if peer is None:
        raise Refused("There is no such peer.", 404)
    return peer


def set_peer(request: Request, who: Visitor, peer: Peer) -> None:
    """Add a peer or change it; effective within a second."""
    try:
        peer.tls_fingerprint = peering.sha256_of(peer.tls_fingerprint)
        peering.require_sound(settings_of(request), ledger_of(request), peer)
    except ConfigError as error:
        raise refused(error) from None
    peer.tls = peer.tls or bool(peer.tls_fingerprint)
    told = ", ".join(f"{key} {value}" for key, value in peers.told(peer).items() if key != "aet")
    note(request, who, "peer set", peer.aet, detail=told)
    peers.add(ledger_of(request), peer)


def ask_peer(request: Request, who: Visitor, peer: Peer) -> tuple[bool, str]:
    """Ask a peer whether it hears us; return whether it does, and words."""
    note(request, who, "peer asked (C-ECHO)", peer.aet)
    try:
        scu.echo(scu.address_of(settings_of(request), peer, ECHO_S))
    except (DeliveryError, ConfigError) as error:
        return False, Said("No: {why}", why=error)
    return True, Said("{aet} answered: it hears us, and knows our name.", aet=peer.aet)


def send_parked(request: Request, who: Visitor, peer: Peer) -> int:
    """Send what is parked for a peer after all; return how many objects that is."""
    note(request, who, "parked results sent again", peer.aet)
    return deliveries.resend(ledger_of(request), peer.aet)


def remove_peer(request: Request, who: Visitor, peer: Peer) -> None:
    """Remove a peer; what was sent to it stays in the ledger."""
    note(request, who, "peer removed", peer.aet)
    peers.remove(ledger_of(request), peer.aet)


def title_of(request: Request, aet: str) -> OwnTitle:
    """Return a title that we answer to."""
    for title in titles.all_of(settings_of(request), ledger_of(request)):
        if title.aet == aet:
            return title
    raise Refused("We answer to no such title.", 404)


def set_title(request: Request, who: Visitor, title: OwnTitle) -> None:
    """Answer to a title with these rules; effective within a second."""
    told = ", ".join(f"{key} {value}" for key, value in titles.told(title).items() if key != "aet")
    note(request, who, "own title set", title.aet[:16], detail=told)
    try:
        titles.put(settings_of(request), ledger_of(request), title)
    except ConfigError as error:
        raise refused(error) from None


def remove_title(request: Request, who: Visitor, title: OwnTitle) -> None:
    """Answer to a title no more; what came by it keeps its rules."""
    note(request, who, "own title removed", title.aet)
    try:
        titles.remove(settings_of(request), ledger_of(request), title.aet)
    except ConfigError as error:
        raise Refused(error.args[0], 400) from None


def person_of(request: Request, name: str) -> Person:
    """Return a person who is known."""
    person = people.named(ledger_of(request), name)
    if person is None:
        raise Refused("There is nobody of that name.", 404)
    return person


def set_person(request: Request, who: Visitor, name: str, right: str) -> str | None:
    """Add a person or change what one may do; return a link's path for who has no password yet."""
    ledger = ledger_of(request)
    if not NAME.fullmatch(name) or right not in list(Right):
        raise Refused(NO_NAME, 400)
    if right != Right.ADMINISTRATOR and people.is_last_administrator(ledger, name):
        raise Refused(LAST, 400)
    note(request, who, "person set", name, detail=right)
    people.put(ledger, name, Right(right))
    person = people.named(ledger, name)
    if person and (person.password_hash or person.federated):
        return None
    return path_of(people.invite(ledger, name))


def give_link(request: Request, who: Visitor, name: str) -> str:
    """Return a link's path for a new password, and forget wrong ones."""
    person = person_of(request, name)
    if person.federated:
        raise Refused(
            Said("{name} signs in through the identity provider, without a password.", name=name),
            400,
        )
    note(request, who, "link given", name)
    people.unlock(ledger_of(request), name)
    return path_of(people.invite(ledger_of(request), name))


def remove_person(request: Request, who: Visitor, name: str) -> None:
    """Remove a person, whose visits and tokens end at once; what they did stays in the trail."""
    if people.is_last_administrator(ledger_of(request), name):
        raise Refused(LAST, 400)
    note(request, who, "person removed", name)
    people.remove(ledger_of(request), name)


def stage_model(request: Request, who: Visitor, model: str, stage: Stage, why: str) -> None:
    """Give a model a stage, where its weights allow it."""
    note(request, who, "model stage asked for", model, detail=f"{stage}: {why[:WHY_MOST]}")
    try:
        set_stage(settings_of(request), ledger_of(request), model, stage)
    except ConfigError as error:
        raise Refused(error.args[0], 409) from None


def reveal_model(request: Request, who: Visitor, asked: reveal.Request) -> None:
    """Set a model live on a validation report, where its weights and the report allow it."""
    digest = sha256(asked.report.encode()).hexdigest()
    detail = f"{asked.person[:NAME_MOST]}, report {digest}: {asked.why[:WHY_MOST]}"
    note(request, who, "model reveal asked for", asked.model[:64], detail=detail)
    try:
        require_known(asked.model)
        reveal.reveal(settings_of(request), ledger_of(request), asked)
    except ConfigError as error:
        raise Refused(error.args[0], 409) from None


def report_of(request: Request, who: Visitor, model: str, report_sha256: str) -> str:
    """Return the report on which a model was revealed, as it was attached."""
    found = reveals.report(ledger_of(request), model, report_sha256)
    if found is None:
        raise Refused("There is no such report.", 404)
    note(request, who, "validation report looked at", model, detail=report_sha256)
    return found


def holdings_of(request: Request) -> Holdings:
    """Return the files of all hosts."""
    return Holdings(settings_of(request), ledger_of(request))


def story_of(request: Request, uid: str) -> dict[str, Any]:
    """Return the story of a study of which something has come."""
    story = summary.study(ledger_of(request), uid)
    if story is None:
        raise Refused("Nothing of this study has come to us.", 404)
    return story


@dataclass(frozen=True)
class Look:
    """What is seen of a study: its story, its SR as text by UID, and what its images say."""

    story: dict[str, Any]
    reports: Mapping[str, list[tuple[int, str]]]
    patient: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)


def look_at(request: Request, who: Visitor, uid: str, named: bool) -> Look:
    """Look at a study, with or without the patient's name."""
    story = story_of(request, uid)
    how = "with the patient's name" if named else "without the patient's name"
    note(request, who, "study looked at", uid, detail=how)
    kinds, holdings = made.objects_of(story), holdings_of(request)
    reports = {one: made.report(holdings, one) for one, kind in kinds.items() if kind == "SR"}
    if not named:
        return Look(story, reports)
    told = told_by_images(holdings, story)
    return Look(story, reports, told["patient"], told["series"])


def picture_of(request: Request, who: Visitor, uid: str, made_uid: str) -> bytes:
    """Return a Secondary Capture that was made of a study, as PNG."""
    kinds = made.objects_of(story_of(request, uid))
    known = next((one for one, kind in kinds.items() if one == made_uid and kind == "SC"), None)
    png = made.picture(holdings_of(request), known) if known else None
    if png is None:
        raise Refused("This picture is not kept, or there never was one.", 404)
    note(request, who, "picture looked at", uid)
    return png


def judge_again(request: Request, who: Visitor, uid: str, series_uid: str, why: str) -> list[str]:
    """Judge and screen a series once more; return it, nothing if it has not ended."""
    known = {series["SeriesInstanceUID"]: series for series in story_of(request, uid)["series"]}
    why = why.strip()[:WHY_MOST]
    if series_uid not in known or len(why) < WHY_LEAST:
        raise Refused("Say why it should be judged again, in a few words. Go back to do so.", 400)
    if is_taken_back(known[series_uid]):
        raise Refused("Its result was retracted, and is not said again.", 409)
    note(request, who, "series judged again", series_uid, detail=why)
    return claims.anew(ledger_of(request), series_uid)


def judge_parked_again(request: Request, who: Visitor, why: str) -> list[str]:
    """Judge and screen once more all series that are parked; return which."""
    note(request, who, "all parked series judged again", detail=why)
    return claims.anew(ledger_of(request), None)
