"""Files wherever they lie: in this home, in another that is mounted here, or behind WADO-RS.

Who needs an object asks here. What another host gives over the network is kept no longer than it is
needed, and believed only if it is what the ledger says was received or made.
"""

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from daemon import processes
from daemon.errors import HolderAway
from daemon.header import dataset_sha256
from daemon.records import holding
from daemon.records.holding import Held
from daemon.records.ledger import Ledger
from daemon.retrieving import Retrieving
from daemon.settings import Settings
from daemon.spool import Spool

log = logging.getLogger(__name__)

AWAY_S = 5.0
"""A host that did not answer is left alone so long: each try may wait for it in vain."""


class Holdings:
    """The files of all hosts, for one process.

    Methods raise HolderAway where a host cannot be asked now, OSError where our own disk refuses.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._spool = Spool(settings.spool)
        self._away_until: dict[str, float] = {}

    @contextmanager
    def series(self, series_uid: str) -> Iterator[list[Path]]:
        """Give the files of a series; fetched ones are gone afterwards."""
        if not self._settings.holders:
            yield self._spool.series(series_uid)
            return
        with self._files(holding.images_of(self._ledger, series_uid)) as files:
            yield sorted(files)

    @contextmanager
    def received(self, series_uid: str, uid: str) -> Iterator[Path | None]:
        """Give the file of one received image; None where it is not there."""
        if not self._settings.holders:
            place = self._spool.place(series_uid, uid)
            yield place if place.exists() else None
            return
        held = holding.received(self._ledger, uid)
        with self._files([held] if held else []) as files:
            yield files[0] if files else None

    def made(self, uid: str) -> bytes | None:
        """Return the file of one object of ours; None where it is not there."""
        if not self._settings.holders:
            file = self._settings.outbox / f"{uid}.dcm"
            return file.read_bytes() if file.exists() else None
        held = holding.made(self._ledger, uid)
        with self._files([held] if held else []) as files:
            return files[0].read_bytes() if files else None

    @contextmanager
    def _files(self, wanted: list[Held]) -> Iterator[list[Path]]:
        files, away = [], []
        for one in wanted:
            home = self._home_of(one.holder)
            if home is None:
                away.append(one)
            elif (place := place_of(home, one)).exists():
                files.append(place)
        with ExitStack() as stack:
            if away:
                folder = stack.enter_context(self._folder())
                for holder in dict.fromkeys(one.holder for one in away):
                    mine = [one for one in away if one.holder == holder]
                    files += self._fetched(holder, mine, folder)
            yield files

    def _home_of(self, holder: str) -> Path | None:
        if holder in self._settings.here:
            return self._settings.home
        where = self._settings.holders.get(holder, "")
        return Path(where) if where.startswith("/") else None

    def _fetched(self, holder: str, wanted: list[Held], folder: Path) -> list[Path]:
        if time.monotonic() < self._away_until.get(holder, 0.0):
            raise HolderAway(f"{holder} did not answer a moment ago")
        where = self._settings.holders.get(holder)
        if where is None:
            raise HolderAway(f"{holder} holds it, and holders does not say where that is")
        try:
            with closing(Retrieving(self._settings, holder, where)) as line:
                return [file for one in wanted if (file := _one(line, one, folder))]
        except HolderAway as error:
            self._away_until[holder] = time.monotonic() + AWAY_S
            log.warning("event=holder-away holder=%s why=%r", holder, str(error))
            raise

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        parent = self._settings.home / "fetched"
        parent.mkdir(exist_ok=True)
        folder = Path(mkdtemp(prefix=f"{processes.name_of(os.getpid())}:", dir=parent))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def drop_leftovers(settings: Settings) -> None:
    """Drop what processes of this host had fetched that are gone."""
    for folder in (settings.home / "fetched").glob("*:*"):
        if processes.is_gone(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def place_of(home: Path, one: Held) -> Path:
    """Return where a host keeps an object in its home."""
    if one.received:
        return Spool(home / "spool").place(one.SeriesInstanceUID, one.SOPInstanceUID)
    return home / "outbox" / f"{one.SOPInstanceUID}.dcm"


def _one(line: Retrieving, wanted: Held, folder: Path) -> Path | None:
    """Fetch one object; None where its host has none, or not the one that the ledger knows."""
    file = folder / f"{wanted.SOPInstanceUID}.dcm"
    if not line.instance(wanted, file):
        return None
    digest = dataset_sha256(file)[0] if wanted.received else sha256(file.read_bytes()).hexdigest()
    if digest == wanted.sha256:
        return file
    log.error("event=other-bytes holder=%s instance=%s", wanted.holder, wanted.SOPInstanceUID)
    return None
