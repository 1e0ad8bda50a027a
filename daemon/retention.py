"""Purge what the site does not want to keep: decided in the ledger, then unlinked, then written.

A crash between any two of the three steps is healed by the next turn, which first finishes what was
decided. It runs in the intake's process, between two of its turns: no image is indexed, restored
and purged at once.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from daemon.disk import Door, Reserve, free_on, levels_of, room_of, words
from daemon.records import retention
from daemon.records.ledger import Ledger, now
from daemon.records.retention import STATES, Rule
from daemon.settings import Settings
from daemon.spool import Spool, sync_folder

log = logging.getLogger(__name__)

LONGEST_S = 1.0
"""How long one turn may keep the intake from its work."""

SERIES_AT_ONCE = 10
FILES_AT_ONCE = 500

WHAT = {Rule.ASIDE: "files set aside", Rule.RESULTS: "objects we made", Rule.EVENTS: "events"}
"""What a rule purges, if not the images of series."""


class Retention:
    """Carries out the site's policy, and says what the disk lets in."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._spool = Spool(settings.spool)
        self._room = room_of(settings)
        self._reserve = Reserve(settings.home)

    def turn(self) -> None:
        """Purge for a second at most; what is left is purged in the next turn."""
        until = time.monotonic() + LONGEST_S
        self._finish()
        for rule, before in self._limits().items():
            while self._one_step(rule, before) and time.monotonic() < until:
                self._finish()
        if self._settings.purge_when_full:
            self._make_room(until)
        self._tell()
        if self._room.door() is Door.OPEN:
            self._reserve.hold()

    def at_the_last_byte(self) -> None:
        """Give the ledger what it needs to write down what is purged."""
        self._reserve.give_up()

    def due(self) -> list[dict[str, Any]]:
        """Tell what each rule would purge now; nothing is changed."""
        limits = self._limits()
        if self._settings.purge_when_full and not self._room.is_easy():
            limits[Rule.WHEN_FULL] = now()
        return [
            {
                "rule": str(rule),
                "what": WHAT.get(rule, "series"),
                "older than": f"{before:%Y-%m-%d %H:%M} UTC",
                "would be purged now": retention.count_due(self._ledger, rule, before),
            }
            for rule, before in limits.items()
        ]

    def _limits(self) -> dict[Rule, datetime]:
        """Return for each rule that is set the moment before which it purges."""
        moment = now()
        days = {rule: getattr(self._settings, rule) for rule in Rule if rule is not Rule.WHEN_FULL}
        return {rule: moment - timedelta(days=kept) for rule, kept in days.items() if kept}

    def _one_step(self, rule: Rule, before: datetime) -> bool:
        """Decide on a few; True when there may be more."""
        if rule in STATES:
            return self._give_up_series(rule, before)
        if rule is Rule.ASIDE:
            return bool(retention.give_up_asides(self._ledger, before, FILES_AT_ONCE))
        if rule is Rule.RESULTS:
            return bool(retention.give_up_results(self._ledger, before, FILES_AT_ONCE))
        return bool(retention.drop_events(self._ledger, before))

    def _make_room(self, until: float) -> None:
        """Purge the longest finished until there is so much room that everybody is let in again.

        A listener may have seen less than we do, for a moment; then it refuses up to there.
        """
        while not self._room.is_easy() and time.monotonic() < until:
            # one by one: no more is given up than the disk needs
            if not self._give_up_series(Rule.WHEN_FULL, now(), 1):
                log.warning("event=nothing-to-purge why='no series has ended and is delivered'")
                return
            self._finish()
            self._room.ran_out()

    def _give_up_series(self, rule: Rule, before: datetime, at_once: int = SERIES_AT_ONCE) -> bool:
        # of other hosts' images nothing is gained here
        here = self._settings.here if rule is Rule.WHEN_FULL else ()
        due = retention.due_series(self._ledger, rule, before, at_once, here)
        for series_uid in due:
            if retention.give_up_series(self._ledger, series_uid, rule, before):
                log.info("event=purged series=%s rule=%s", series_uid, rule)
        return bool(due)

    def _finish(self) -> None:
        """Unlink all that is decided, make that durable, and write it down."""
        ledger = self._ledger
        here = self._settings.here
        while images := retention.unfinished_images(ledger, here, FILES_AT_ONCE):
            self._spool.forget(images)
            retention.images_gone(ledger, [image for _, image in images])
        while files := retention.unfinished_asides(ledger, here, FILES_AT_ONCE):
            _unlink(self._spool.aside, files)
            retention.asides_gone(ledger, files)
        while made := retention.unfinished_results(ledger, here, FILES_AT_ONCE):
            _unlink(self._settings.outbox, [f"{uid}.dcm" for uid in made])
            retention.results_gone(ledger, made)

    def _tell(self) -> None:
        """Write down once when the disk lets in less than before, or more."""
        door, told = self._room.door(), self._told()
        if told != door.reason and not (told is None and door is Door.OPEN):
            why = self._room.words()
            log.warning("event=disk why=%r", why)
            retention.tell_of_disk(self._ledger, self._settings.host_name, door.reason, why)

    def _told(self) -> str | None:
        return retention.told_of_disk(self._ledger, self._settings.host_name)


def disk_now(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Tell what is free on the disk of the spool, what is let in, and what waits to be let go."""
    return room_now(settings, ledger) | {
        "series_kept_for_their_deliveries": retention.kept_back(ledger)
    }


def room_now(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Tell what is free on the disk of the spool, and what is let in."""
    free, levels = free_on(settings.spool), levels_of(settings)
    told = retention.told_of_disk(ledger, settings.host_name)
    before = next((door for door in Door if door.reason == told), Door.OPEN)
    door = levels.judge(before, free)
    return {
        "free_mib": int(free.size_bytes) >> 20,
        "lets_in": door.reason,
        "why": words(door, free, levels),
    }


def _unlink(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
    sync_folder(folder)
