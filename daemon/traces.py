"""`osteoscreen traces`: each study's way through all processes, as OpenTelemetry traces.

They are made of the times that the ledger keeps anyway, by a process of its own, so the line itself
carries nothing for them and needs no library. A trace is a study and its spans are the parts' work;
their identifiers follow from UIDs, so that all that is sent of a study falls into one trace. Sent
as OTLP over HTTP, in JSON (opentelemetry-proto, 1.0); UIDs and AE titles, no patient.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from daemon.errors import ConfigError, DeliveryError
from daemon.records import journeys
from daemon.records.journeys import End, Look, Mark
from daemon.records.ledger import Ledger
from daemon.settings import Settings
from engines.product import PRODUCT, VERSION

FILE = "traces.json"
AGAIN_S = 5.0
PATIENCE_S = 10.0
FAILED = ("failed", "parked", "delivery parked")


@dataclass(frozen=True)
class Span:
    """One part's work on a series."""

    part: str
    name: str
    begin: datetime
    end: datetime
    study: str
    own: str
    parent: str
    facts: Mapping[str, object]
    failed: bool = False


def follow(settings: Settings, ledger: Ledger, address: str, once: bool = False) -> int:
    """Send what ended since the last time, then again and again; return how many spans were sent.

    At the first time that is what ends from then on.

    Raises
    ------
    ConfigError
        If the address is none.
    DeliveryError
        If the collector does not take it; what was not sent goes the next time.
    """
    if not address.startswith(("http://", "https://")):
        raise ConfigError(f"--to {address}: begin with http:// or https://")
    file, sent = settings.home / FILE, 0
    mark = _mark(file) or journeys.here(ledger)
    while True:
        looks, ends, reached = journeys.after(ledger, mark)
        spans = [span for look in looks for span in _of_look(look)] + [_of_end(one) for one in ends]
        if spans:
            _send(address, spans)
        sent, mark = sent + len(spans), reached
        file.write_text(json.dumps(asdict(mark)))
        if not spans:
            if once:
                return sent
            time.sleep(AGAIN_S)


def _mark(file: Path) -> Mark | None:
    return Mark(**json.loads(file.read_text())) if file.exists() else None


def _of_look(look: Look) -> Iterator[Span]:
    series, screening = look.series, look.screening
    first, last, settled = journeys.moments(series)
    began, ended = screening.analysed_at, series.ended_at or screening.analysed_at
    of = {"dicom.SeriesInstanceUID": series.SeriesInstanceUID, "exam": series.exam}
    study, whole = series.StudyInstanceUID, f"{series.SeriesInstanceUID} {ended}"

    def span(part: str, name: str, begin: datetime, end: datetime, **facts: object) -> Span:
        return Span(part, name, begin, end, study, f"{whole} {name}", whole, of | facts)

    yield Span("system", "series", first, ended, study, whole, "", of | {"state": series.state})
    yield span("listener", "receive", first, last, images=series.images)
    yield span("intake", "settle", last, settled)
    yield span("broker", "wait", settled, max(settled, began))
    model = {"model": screening.model, "version": screening.version, "state": screening.state}
    name = f"screen {screening.model}"
    yield span("worker-screen", name, began, max(began, ended), **model)


def _of_end(end: End) -> Span:
    series, event = end.series, end.event
    whole = f"{series.SeriesInstanceUID} {series.ended_at}"
    is_delivery = event.kind.startswith("delivery")
    part = "worker-deliver" if is_delivery else "intake"
    begin = (series.ended_at if is_delivery else series.first_at) or event.at
    facts = {
        "dicom.SeriesInstanceUID": series.SeriesInstanceUID,
        "aet": event.aet,
        "reason": event.reason,
    }
    own, failed = f"event {event.id}", event.kind in FAILED
    end_at, study = max(begin, event.at), series.StudyInstanceUID
    return Span(
        part, event.kind, begin, end_at, study, own, whole if is_delivery else "", facts, failed
    )


def _send(address: str, spans: Sequence[Span]) -> None:
    body = json.dumps(message(spans)).encode()
    place = address.rstrip("/") + "/v1/traces"
    request = Request(place, body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=PATIENCE_S) as answer:
            answer.read()
    except (URLError, OSError) as error:
        raise DeliveryError(f"the collector at {address} does not take traces: {error}") from None


def message(spans: Sequence[Span]) -> dict[str, Any]:
    """Return an ExportTraceServiceRequest in the JSON of OTLP; identifiers are hexadecimal."""
    parts: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        parts.setdefault(span.part, []).append(_written(span))
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes({"service.name": f"{PRODUCT}-{part}"})},
                "scopeSpans": [{"scope": {"name": PRODUCT, "version": VERSION}, "spans": written}],
            }
            for part, written in parts.items()
        ]
    }


def _written(span: Span) -> dict[str, Any]:
    return {
        "traceId": _digest(span.study, 16),
        "spanId": _digest(span.own, 8),
        "parentSpanId": _digest(span.parent, 8) if span.parent else "",
        "name": span.name,
        "kind": 1,
        "startTimeUnixNano": str(round(span.begin.timestamp() * 1e6) * 1000),
        "endTimeUnixNano": str(round(span.end.timestamp() * 1e6) * 1000),
        "attributes": _attributes({**span.facts, "dicom.StudyInstanceUID": span.study}),
        "status": {"code": 2 if span.failed else 1},
    }


def _attributes(facts: Mapping[str, object]) -> list[dict[str, Any]]:
    told = {key: value for key, value in facts.items() if value is not None}
    return [{"key": key, "value": {"stringValue": str(value)}} for key, value in told.items()]


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()
