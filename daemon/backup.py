"""Copy a home into another one while it is at work: ledger, images, results. Both ways the same.

A backup is a home like any other: `osteoscreen audit --home BACKUP` proves it, and it can serve.
Files first, then the ledger as it stands at one moment, then the files that have come meanwhile. A
file that this ledger does not know goes to the index of the copy anew.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from daemon import schema
from daemon.errors import ConfigError
from daemon.pseudonyms import FILE as SEARCH_KEY
from daemon.records import copying, evidence
from daemon.records.ledger import Ledger
from daemon.revisions import newest
from daemon.settings import Settings
from daemon.spool import Spool


@dataclass(frozen=True)
class Copied:
    """What a copy took."""

    files: int
    size_bytes: int
    rows: int


def backup(settings: Settings, folder: Path) -> Copied:
    """Copy a home at work into a folder; what is there from the last time is not copied again.

    Parameters
    ----------
    settings : Settings
        Of the home.
    folder : Path
        Made if there is none. Its ledger is SQLite, whichever database this one is.

    Raises
    ------
    ConfigError
        If the folder cannot take it, or is the home itself.
    """
    target = settings.model_copy(update={"home": folder.absolute(), "database_url": ""})
    if folder.resolve() == settings.home.resolve():
        raise ConfigError(f"{folder} is the home itself")
    with closing(schema.open_ledger(settings)) as ledger:
        if (ledger.revision() or "") > newest():
            raise ConfigError("the database is a newer version's: back up with that one")
        return _copy(settings, ledger, target)


def restore(settings: Settings, folder: Path) -> Copied:
    """Copy a backup into a home at which nothing has come yet.

    Raises
    ------
    ConfigError
        If there is no backup of this version, or the home holds something.
    """
    source = settings.model_copy(update={"home": folder.absolute(), "database_url": ""})
    if not (folder / "ledger.db").is_file():
        raise ConfigError(f"{folder} holds no backup: no ledger.db in it")
    schema.migrate(settings)
    with closing(schema.open_ledger(settings)) as there:
        if not copying.is_empty(there):
            raise ConfigError(f"{settings.home} is in use; restore into an empty home or database")
    with closing(schema.ready_ledger(source)) as ledger:
        return _copy(source, ledger, settings)


def _copy(source: Settings, ledger: Ledger, target: Settings) -> Copied:
    try:
        Spool(target.spool).prepare()
        target.outbox.mkdir(parents=True, exist_ok=True)
        new = _copy_files(source, target)
        schema.migrate(target)
        with closing(schema.open_ledger(target)) as there:
            rows = copying.copy(ledger, there)
            # what was on its way the first time has come to its place by now
            _drop(list(_files(Spool(target.spool).incoming)))
            new += _copy_files(source, target)
            _agree(target, there)
    except OSError as error:
        raise ConfigError(f"{error.filename or target.home}: {error.strerror}") from None
    return Copied(len(new), sum(new), rows)


def _copy_files(source: Settings, target: Settings) -> list[int]:
    """Copy what the target has not, in the order in which files move; return their sizes."""
    ours, theirs = Spool(source.spool), Spool(target.spool)
    folders = [
        (ours.incoming, theirs.incoming),
        (ours.kept, theirs.kept),
        (ours.aside, theirs.aside),
        (source.outbox, target.outbox),
    ]
    sizes = []
    for from_, to in folders:
        for file in _files(from_):
            place = to / file.relative_to(from_)
            if not place.exists() and _copied(file, place):
                sizes.append(place.stat().st_size)
    if (key := source.home / SEARCH_KEY).exists():
        shutil.copy2(key, target.home / SEARCH_KEY)
    return sizes


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*.dcm") if file.is_file())


def _copied(file: Path, place: Path) -> bool:
    """Copy a file whole or not at all; False if it has gone on its way meanwhile."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(".part")
    try:
        shutil.copy2(file, partial)
    except FileNotFoundError:
        return False
    partial.rename(place)
    return True


def _agree(settings: Settings, ledger: Ledger) -> None:
    """Let the files be those that the ledger knows, and have the index look at all others."""
    spool = Spool(settings.spool)
    for files in evidence.in_pages(_files(spool.kept)):
        uids = [uid for file in files for uid in spool.uids_of(file)]
        is_purged = {spool.place(*names): gone for *names, gone in evidence.images(ledger, uids)}
        _drop(file for file in files if is_purged.get(file))
        spool.readmit(file for file in files if file not in is_purged)
    for files in evidence.in_pages(_files(spool.aside)):
        rows = evidence.asides_named(ledger, [file.name for file in files])
        known = {row.file for row in rows if not row.purged_at}
        spool.readmit(file for file in files if file.name not in known)
    for files in evidence.in_pages(_files(settings.outbox)):
        made = evidence.made_named(ledger, [file.stem for file in files])
        known = {one.SOPInstanceUID for one in made if not one.purged_at}
        # the same input gives the same results: they are built anew
        _drop(file for file in files if file.stem not in known)


def _drop(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink()
