"""Hold the ledger against the disk: every object ever acknowledged, and what became of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from daemon.config import Settings
from daemon.header import dataset_sha256
from daemon.records import evidence, summary
from daemon.records.ledger import Ledger
from daemon.spool import Spool

LOOK_AGAIN_S = 1.0
"""A running site moves files while it is looked at: what is amiss once is looked at again."""


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
    results = evidence.results_by_series(ledger)
    objects, suspects, remains = [], [], []
    for instance, series in evidence.acknowledged(ledger):
        place = spool.place(instance.SeriesInstanceUID, instance.SOPInstanceUID)
        if instance.purged_at and place.exists():
            remains.append(place)
        elif not instance.purged_by and not _holds(place, instance.sha256):
            suspects.append((place, instance.sha256))
        objects.append(
            {
                "SOPInstanceUID": instance.SOPInstanceUID,
                "sha256": instance.sha256,
                "calling_aet": instance.calling_aet,
                "received_at": instance.received_at.isoformat(),
                "lies": None if instance.purged_by else str(place.relative_to(settings.home)),
                "purged_by": instance.purged_by,
                "purged_at": instance.purged_at.isoformat() if instance.purged_at else None,
                "SeriesInstanceUID": series.SeriesInstanceUID,
                "state": series.state,
                "reason": series.reason,
                "results": results.get(series.SeriesInstanceUID, []),
            }
        )
    places = {
        spool.place(str(one["SeriesInstanceUID"]), str(one["SOPInstanceUID"])) for one in objects
    }
    problems = [
        *_still(ledger, suspects, _holds, "acknowledged, but not on the disk as it was received"),
        *_not_gone(ledger, remains),
        *_unknown_files(spool, places),
        *_asides(ledger, spool),
        *_outbox(settings, ledger),
        *evidence.contradictions(ledger),
    ]
    return {"objects": objects, "totals": _totals(ledger, spool), "problems": problems}


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
    }


def _holds(file: Path, sha256_as_received: str) -> bool:
    try:
        return dataset_sha256(file)[0] == sha256_as_received
    except OSError:
        return False


def _is_whole(file: Path, sha256_as_built: str) -> bool:
    try:
        return sha256(file.read_bytes()).hexdigest() == sha256_as_built
    except OSError:
        return False


def _still(
    ledger: Ledger,
    suspects: Sequence[tuple[Path, str]],
    holds: Callable[[Path, str], bool],
    what: str,
) -> Iterator[str]:
    """Look once more at what was amiss, for the site may have been moving it."""
    if suspects:
        time.sleep(LOOK_AGAIN_S)
    for file, digest in suspects:
        if not holds(file, digest) and not evidence.purged(ledger, file.stem):
            yield f"{file.parent.name}/{file.name}: {what}"


def _not_gone(ledger: Ledger, remains: Sequence[Path]) -> Iterator[str]:
    for file in remains:
        if file.exists() and evidence.purged(ledger, file.stem):
            yield f"{file.parent.name}/{file.name}: purged, but still on the disk"


def _unknown_files(spool: Spool, known: set[Path]) -> Iterator[str]:
    for file in sorted(spool.kept.glob("*/*.dcm")):
        if file not in known:
            name = f"{file.parent.name}/{file.name}"
            yield f"{name} lies in the spool, but the ledger has no such object"


def _asides(ledger: Ledger, spool: Spool) -> Iterator[str]:
    found = evidence.asides(ledger)
    rows = {row.file for row in found if not row.purged_by}
    waiting = {file.name for file in spool.incoming.glob("*.dcm")}
    lying = {file.name for file in spool.aside.iterdir()} if spool.aside.is_dir() else set()
    missing = rows - lying - waiting
    if missing:
        missing &= {row.file for row in evidence.asides(ledger) if not row.purged_by}
    for name in sorted(missing):
        yield f"{name}: set aside, but not on the disk"
    for name in sorted(lying - {row.file for row in found if not row.purged_at}):
        yield f"{name} lies aside, but the ledger does not say why"


def _outbox(settings: Settings, ledger: Ledger) -> Iterator[str]:
    files = [
        (settings.outbox / f"{made.SOPInstanceUID}.dcm", made.sha256)
        for made in evidence.made(ledger)
        if not made.purged_by
    ]
    suspects = [(file, digest) for file, digest in files if not _is_whole(file, digest)]
    yield from _still(ledger, suspects, _is_whole, "built, but not on the disk as it was built")
