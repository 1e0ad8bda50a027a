"""Hold the ledger against the disk: every object ever acknowledged, and what became of it."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from daemon.config import Settings
from daemon.header import dataset_sha256
from daemon.records import evidence, summary, trail
from daemon.records.ledger import Ledger
from daemon.spool import Spool


def audit(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """Return every object with its story, totals that must agree, and what does not.

    Returns
    -------
    dict
        ``objects``: for each object ever acknowledged its SOP Instance UID, the SHA-256 of the
        dataset as received, who sent it and when, where it lies, its series' state and reason,
        results and deliveries. ``totals``: counts. ``problems``: one plain sentence each.
    """
    spool = Spool(settings.spool)
    # before the ledger is asked: whatever lies in its place by now, the ledger knows
    lying = sorted(spool.kept.glob("*/*.dcm"))
    results = evidence.results_by_series(ledger)
    objects, suspects, remains, elsewhere = [], [], [], 0
    for instance, series in evidence.acknowledged(ledger):
        place = spool.place(instance.SeriesInstanceUID, instance.SOPInstanceUID)
        here = instance.holder in settings.here
        if not here:
            elsewhere += 1
        elif instance.purged_at and place.exists():
            remains.append(place)
        elif not instance.purged_by and not _holds(place, instance.sha256):
            suspects.append((place, instance.sha256))
        objects.append(
            {
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
        )
    places = {
        spool.place(str(one["SeriesInstanceUID"]), str(one["SOPInstanceUID"])) for one in objects
    }
    problems = [
        *_lost(ledger, spool, suspects),
        *_not_gone(ledger, remains),
        *_unknown_files(lying, places),
        *_asides(settings, ledger),
        *_outbox(settings, ledger),
        *evidence.contradictions(ledger),
        *trail.problems(ledger),
    ]
    totals = _totals(ledger, spool)
    if settings.host_name:
        totals["objects that other hosts hold: audit them there"] = elsewhere
    return {"objects": objects, "totals": totals, "problems": problems}


def _totals(ledger: Ledger, spool: Spool) -> dict[str, int]:
    told = summary.status(ledger)
    return {
        "objects acknowledged and not yet indexed": len(list(spool.incoming.glob("*.dcm"))),
        "objects indexed": told["instances"],
        "objects purged": evidence.count_purged(ledger),
        "objects set aside": told["set_aside"],
        "series": told["series"]["total"],
        **{f"series {state}": count for state, count in told["series"]["by_state"].items()},
        **{f"deliveries {state}": count for state, count in told["deliveries"].items()},
        **{f"commitments {state}": count for state, count in told["commitments"].items()},
        "audit trail": trail.count(ledger),
    }


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


def _unknown_files(lying: Sequence[Path], known: set[Path]) -> Iterator[str]:
    for file in lying:
        if file not in known:
            name = f"{file.parent.name}/{file.name}"
            yield f"{name} lies in the spool, but the ledger has no such object"


def _asides(settings: Settings, ledger: Ledger) -> Iterator[str]:
    spool = Spool(settings.spool)
    # the disk is looked at before the ledger, for its rows are written before a file is moved
    lying = {file.name for file in spool.aside.iterdir()} if spool.aside.is_dir() else set()
    found = [row for row in evidence.asides(ledger) if row.holder in settings.here]
    for row in found:
        if not row.purged_by and row.file not in lying and not _is_aside(ledger, spool, row.file):
            yield f"{row.file}: set aside, but not on the disk"
    for name in sorted(lying - {row.file for row in found if not row.purged_at}):
        if (spool.aside / name).exists():
            yield f"{name} lies aside, but the ledger does not say why"


def _is_aside(ledger: Ledger, spool: Spool, name: str) -> bool:
    """Tell whether a file is aside, or on its way there, or purged by now."""
    if (spool.incoming / name).exists() or (spool.aside / name).exists():
        return True
    return any(row.purged_by for row in evidence.asides(ledger) if row.file == name)


def _outbox(settings: Settings, ledger: Ledger) -> Iterator[str]:
    for made in evidence.made(ledger):
        file = settings.outbox / f"{made.SOPInstanceUID}.dcm"
        elsewhere = made.holder not in settings.here
        if elsewhere or made.purged_by or _is_whole(file, made.sha256):
            continue
        if not evidence.purged(ledger, made.SOPInstanceUID):
            yield f"{file.parent.name}/{file.name}: built, but not on the disk as it was built"
