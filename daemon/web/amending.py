"""What people do about results: send again what was given up or lost, take back what is wrong."""

from hashlib import sha256
from io import BytesIO
from typing import Any

from fastapi import Request
from pydicom import dcmread

from daemon.errors import HolderAway
from daemon.records import amends
from daemon.records.amends import NOTE_KIND, Standing
from daemon.records.results import MadeObject
from daemon.records.visits import Visitor
from daemon.rejection import Ground, Rejected, part10_bytes, rejection_note
from daemon.spool import write_durably
from daemon.web.deeds import WHY_LEAST, WHY_MOST, holdings_of, story_of
from daemon.web.guard import Refused, ledger_of, note, settings_of

SAY_WHY = "Say why, in a few words. Go back to do so."


def said_why(text: str) -> str:
    """Return what a person said, if it says anything."""
    why = text.strip()[:WHY_MOST]
    if len(why) < WHY_LEAST:
        raise Refused(SAY_WHY, 400)
    return why


def send_parked(
    request: Request, who: Visitor, aet: str, detail: str | None, delivery_id: int | None
) -> int:
    """Try once more what was given up for a peer; return how many objects that is."""
    what = f"object {delivery_id}" if delivery_id is not None else detail or "all"
    note(request, who, "parked results sent again", aet, detail=what)
    return amends.send_parked(ledger_of(request), aet, detail, delivery_id)


def send_study(request: Request, who: Visitor, uid: str, why: str) -> int:
    """Send all results of a study that stand once more; return how many objects that is."""
    why = said_why(why)
    story_of(request, uid)
    note(request, who, "results sent again", uid, detail=why)
    return amends.send_study(ledger_of(request), uid)


def retract(request: Request, who: Visitor, uid: str, ground: Ground, why: str) -> int:
    """Take back all results of a study that stand; return how many results that is.

    Whoever was sent any of them is sent a rejection note for them.
    """
    why, ledger = said_why(why), ledger_of(request)
    story_of(request, uid)
    found = amends.standing(ledger, uid)
    if not found:
        raise Refused("No result of this study stands that could be taken back.", 400)
    note(request, who, "results retracted", uid, detail=f"{ground}: {why}")
    return sum(
        amends.retract(ledger, one, _note_of(request, one, ground, why), why) for one in found
    )


def _note_of(request: Request, one: Standing, ground: Ground, why: str) -> MadeObject | None:
    """Write the rejection note of a result into the outbox, where anybody is to have it."""
    if not one.had or not one.objects:
        return None
    settings, namespace = settings_of(request), ledger_of(request).namespace()
    rejected = [
        Rejected(made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID, made.kind == "SR")
        for made in one.objects
    ]
    ds = rejection_note(_source(request, one), rejected, ground, why, namespace)
    content = part10_bytes(ds)
    write_durably(settings.outbox / f"{ds.SOPInstanceUID}.dcm", content)
    facts: dict[str, Any] = {"kind": NOTE_KIND, "sha256": sha256(content).hexdigest()}
    facts["holder"] = settings.host_name
    uids = (str(ds.SOPInstanceUID), str(ds.SOPClassUID), str(ds.SeriesInstanceUID))
    return MadeObject(*uids, **facts, receivers=one.had)


def _source(request: Request, one: Standing) -> Any:
    """Read one of the result's own objects, of which a host must still have any."""
    holdings = holdings_of(request)
    for made in one.objects:
        try:
            content = holdings.made(made.SOPInstanceUID)
        except HolderAway as error:
            raise Refused(
                f"It lies on a host that is away: {error}. Try again later.", 409
            ) from None
        if content is not None:
            return dcmread(BytesIO(content), stop_before_pixels=True)
    raise Refused("None of its objects is kept any more: retract them in the PACS itself.", 409)
