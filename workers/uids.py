"""UIDs made from what an object says, so that the same result always has the same UIDs.

A PACS that already holds a UID may answer Success to a second C-STORE and keep the first object
unseen; so the same UID must mean the same content, and changed input, model or threshold must
mean a new one.
"""

import hashlib
import uuid
from collections.abc import Mapping

from pydicom.uid import SecondaryCaptureImageStorage

from engines.cards import Weights
from engines.errors import Verdict
from engines.findings import Result
from engines.product import PRODUCT, VERSION
from workers.report import Report

# no UID, number or plain word can contain it, so ("ab", "c") and ("a", "bc") differ
_SEPARATOR = "\x1f"


def stable_uid(namespace: uuid.UUID, *parts: str) -> str:
    """Derive a UID under the root of PS3.5 B.2 from an installation and some parts.

    Parameters
    ----------
    namespace : UUID
        Of the installation.
    *parts : str
        What the UID stands for; order counts.

    Returns
    -------
    str
        ``2.25.`` and a decimal UUID, at most 44 characters.
    """
    return f"2.25.{uuid.uuid5(namespace, _SEPARATOR.join(parts)).int}"


def result_key(report: Report) -> str:
    """Return a hash of all that makes this result this result and not another.

    A report that ended in a verdict counts its reason, for another reason makes another document.
    """
    parts = (
        str(report.source.StudyInstanceUID),
        input_fingerprint(report),
        report.weights.model,
        report.weights.version,
        report.weights.sha256,
        _configuration_hash(report),
    )
    return _digest(_SEPARATOR.join([*parts, report.after] if report.after else parts))


def input_fingerprint(report: Report) -> str:
    """Return a hash of the images that were looked at: their UIDs and their pixels."""
    sources, pixels = {str(report.source.SOPInstanceUID), *report.images}, ""
    if isinstance(report.outcome, Result):
        film, scan = report.outcome.film, report.outcome.scan
        if film is not None:
            sources.add(film.SOPInstanceUID)
            pixels = film.sha256
        if scan is not None:
            sources.update(scan.SOPInstanceUIDs)
            pixels += scan.sha256
    return _digest(_SEPARATOR.join([*sorted(sources), pixels]))


def sop_instance_uid(report: Report, kind: str, SOPClassUID: str) -> str:
    """Return the SOPInstanceUID of one object of a report.

    The SOP class is part of it: Orthanc keeps the first of two objects that share a UID even when
    their classes differ.
    """
    return stable_uid(report.provenance.namespace, kind, SOPClassUID, result_key(report))


def secondary_capture_uid(report: Report) -> str:
    """Return the SOPInstanceUID of the report's picture, whether or not it is built yet."""
    return sop_instance_uid(report, "SC", SecondaryCaptureImageStorage)


def series_instance_uid(report: Report, kind: str) -> str:
    """Return the SeriesInstanceUID of a kind of object of one model in one study.

    Product and model are part of it: the equipment is the same in all instances of a series
    (PS3.3 C.7.5.1).
    """
    return stable_uid(
        report.provenance.namespace,
        str(report.source.StudyInstanceUID),
        kind,
        f"{PRODUCT} {VERSION}",
        f"{report.weights.model} {report.weights.version}",
    )


def tracking_uid(report: Report, what: str, site: str, laterality: str | None = None) -> str:
    """Return the Tracking Unique Identifier of a thing in a place, equal in all model versions.

    Two models that look for the same thing do not share it: a viewer may keep one number for each.
    """
    told = (str(report.source.StudyInstanceUID), report.weights.model, what, site, laterality or "")
    return stable_uid(report.provenance.namespace, *told)


def device_observer_uid(namespace: uuid.UUID, weights: Weights) -> str:
    """Return the Device Observer UID, another for each model, version and set of weights."""
    return stable_uid(namespace, weights.model, weights.version, weights.sha256)


def _configuration_hash(report: Report) -> str:
    settings: Mapping[str, str] = {**report.configuration, "stage": report.provenance.stage}
    parts = [f"{name}={value}" for name, value in sorted(settings.items())]
    outcome = report.outcome
    if isinstance(outcome, Verdict):
        parts += [outcome.reason.value, outcome.detail]
    else:
        parts += [f"{f.name} {f.site} {f.laterality} {f.threshold!r}" for f in outcome.findings]
    return _digest(_SEPARATOR.join(parts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
