"""Hold the ledger against the disk: every object ever acknowledged, and what became of it."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from daemon.header import dataset_sha256
from daemon.records import evidence, summary, trail
from daemon.records.ledger import Ledger
from daemon.records.tables import Instance, Series
from daemon.settings import Settings
from daemon.spool import Spool

Story = dict[str, Any]


@dataclass
class Seen:
    """What was seen of all objects: counts, and what has to be looked at once more."""

    indexed: int = 0
    purged: int = 0
    elsewhere: int = 0
    suspects: list[tuple[Path, str]] = field(default_factory=list)
    remains: list[Path] = field(default_factory=list)


def audit(
    settings: Settings, ledger: Ledger, tell: Callable[[Story], object] | None = None
) -> dict[str, Any]:
    """Return totals that must agree, and what does not; tell the story of every object.

    Objects and files are looked at a thousand at a time: whatever the size, in the same memory.

    Parameters
    ----------
    settings : Settings
        Whose files.
    ledger : Ledger
        Held against them.
    tell : callable, optional
        Is given, for each object ever acknowledged, in the order of their UIDs: its SOP Instance
        UID, the SHA-256 of the dataset as received, who sent it and when, where it lies, its
        series' state and reason, results and deliveries.

    Returns
    -------
    dict
        ``totals``: counts. ``problems``: one plain sentence each.
    """
    spool, seen = Spool(settings.spool), Seen()
    for page in evidence.acknowledged(ledger):
        for instance, _ in page:
            _look(settings, instance, seen)
        if tell is not None:
            for story in _stories(settings, ledger, page):
                tell(story)
    problems = [
        *_lost(ledger, spool, seen.suspects),
        *_not_gone(ledger, seen.remains),
        *sorted(_unknown_files(ledger, spool)),
        *_asides(settings, ledger),
        *_outbox(settings, ledger),
        *evidence.contradictions(ledger),
        *trail.problems(ledger),
    ]
    return {"totals": _totals(settings, ledger, seen), "problems": problems}


def _look(settings: Settings, instance: Instance, seen: Seen) -> None:
    place = Spool(settings.spool).place(instance.SeriesInstanceUID, instance.SOPInstanceUID)
    seen.indexed += 1
    seen.purged += instance.purged_by is not None
    if instance.holder not in settings.here:
        seen.elsewhere += 1
    elif instance.purged_at and place.exists():
        seen.remains.append(place)
    elif not instance.purged_by and not _holds(place, instance.sha256):
        seen.suspects.append((place, instance.sha256))


def _stories(
    settings: Settings, ledger: Ledger, page: Sequence[tuple[Instance, Series]]
) -> Iterator[Story]:
    spool = Spool(settings.spool)
    results = evidence.results_of(ledger, {series.SeriesInstanceUID for _, series in page})
    for instance, series in page:
        place = spool.place(instance.SeriesInstanceUID, instance.SOPInstanceUID)
        yield {
            "SOPInstanceUID": instance.SOPInstanceUID,
            "sha256": instance.sha256,
            "calling_aet": instance.calling_aet,
            "received_at": instance.received_at.isoformat(),
            "holder": instance.holder,
            "lies": None if instance.purged_by else str(place.relative_to(settings.home)),
            "purged_by": instance.purged_by,
            "purged_at": instance.purged_at.isoformat() if instance.purged_at else None,
            "SeriesInstanceUID": series.SeriesInstanceUID,
            "state": series.state,
            "reason": series.reason,
            "detail": series.detail,
            "results": results.get(series.SeriesInstanceUID, []),
        }


def _totals(settings: Settings, ledger: Ledger, seen: Seen) -> dict[str, int]:
    told = summary.status(ledger)
    totals = {
        "objects acknowledged and not yet indexed": len(
            list(Spool(settings.spool).incoming.glob("*.dcm"))
        ),
        "objects indexed": seen.indexed,
        "objects purged": seen.purged,
        "objects set aside": told["set_aside"],
        "series": told["series"]["total"],
        **{f"series {state}": count for state, count in told["series"]["by_state"].items()},
        **{f"deliveries {state}": count for state, count in told["deliveries"].items()},
        **{f"commitments {state}": count for state, count in told["commitments"].items()},
        "audit trail": trail.count(ledger),
    }
    if settings.host_name:
        totals["objects that other hosts hold: audit them there"] = seen.elsewhere
    return totals


def _holds(file: Path, sha256_as_received: str) -> bool:
    return _digest(file) == sha256_as_received


def _digest(file: Path) -> str | None:
    """Return the hash of a received file's dataset, None where the disk does not give it."""
    try:
        return dataset_sha256(file)[0]
    except OSError:
        return None


def _is_whole(file: Path, sha256_as_built: str) -> bool:
    try:
        return sha256(file.read_bytes()).hexdigest() == sha256_as_built
    except OSError:
        return False


def _lost(ledger: Ledger, spool: Spool, suspects: Sequence[tuple[Path, str]]) -> Iterator[str]:
    """Look for what is not in its place where it comes from, then in its place once more."""
    files = spool.incoming.glob("*.dcm") if suspects else ()
    waiting = {digest for file in files if (digest := _digest(file))}
    for place, digest in suspects:
        if digest in waiting or _holds(place, digest) or evidence.purged(ledger, place.stem):
            continue
        name = f"{place.parent.name}/{place.name}"
        yield f"{name}: acknowledged, but not on the disk as it was received"


def _not_gone(ledger: Ledger, remains: Sequence[Path]) -> Iterator[str]:
    for file in remains:
        if file.exists() and evidence.purged(ledger, file.stem):
            yield f"{file.parent.name}/{file.name}: purged, but still on the disk"


def _unknown_files(ledger: Ledger, spool: Spool) -> Iterator[str]:
    """Look for files of which the ledger knows nothing, and did not when they were found."""
    for lying in evidence.in_pages(
        file for folder in _lying(spool.kept) for file in folder.glob("*.dcm")
    ):
        uids = [uid for file in lying for uid in spool.uids_of(file)]
        known = {spool.place(*names) for *names, _ in evidence.images(ledger, uids)}
        for file in lying:
            if file not in known:
                name = f"{file.parent.name}/{file.name}"
                yield f"{name} lies in the spool, but the ledger has no such object"


def _lying(folder: Path) -> Iterator[Path]:
    """Give what lies in a folder as the disk names it, however much that is."""
    if folder.is_dir():
        with os.scandir(folder) as lying:
            yield from (Path(entry.path) for entry in lying)


def _asides(settings: Settings, ledger: Ledger) -> Iterator[str]:
    spool = Spool(settings.spool)
    for row in evidence.asides(ledger):
        here = row.holder in settings.here
        if here and not row.purged_by and not _is_aside(ledger, spool, row.file):
            yield f"{row.file}: set aside, but not on the disk"
    yield from sorted(_unexplained(settings, ledger, spool))


def _unexplained(settings: Settings, ledger: Ledger, spool: Spool) -> Iterator[str]:
    # the disk is looked at before the ledger, for its rows are written before a file is moved
    for lying in evidence.in_pages(_lying(spool.aside)):
        rows = evidence.asides_named(ledger, [file.name for file in lying])
        known = {row.file for row in rows if row.holder in settings.here and not row.purged_at}
        for file in lying:
            if file.name not in known and file.exists():
                yield f"{file.name} lies aside, but the ledger does not say why"


def _is_aside(ledger: Ledger, spool: Spool, name: str) -> bool:
    """Tell whether a file is aside, or on its way there, or purged by now."""
    if (spool.incoming / name).exists() or (spool.aside / name).exists():
        return True
    return any(row.purged_by for row in evidence.asides_named(ledger, [name]))


def _outbox(settings: Settings, ledger: Ledger) -> Iterator[str]:
    for made in evidence.made(ledger):
        file = settings.outbox / f"{made.SOPInstanceUID}.dcm"
        elsewhere = made.holder not in settings.here
        if elsewhere or made.purged_by or _is_whole(file, made.sha256):
            continue
        if not evidence.purged(ledger, made.SOPInstanceUID):
            yield f"{file.parent.name}/{file.name}: built, but not on the disk as it was built"
