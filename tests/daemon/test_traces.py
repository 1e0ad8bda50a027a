"""A study's way through all processes, told to a collector of OpenTelemetry traces."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from metered import film

from daemon import traces
from daemon.errors import ConfigError, DeliveryError
from daemon.records import journeys
from daemon.records.ledger import note
from daemon.records.tables import Series


@contextmanager
def collector(status=200):
    taken = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        server.server_close()


def went_through(ledger, number):
    with ledger.write() as session:
        film(session, number, 3.0)
        series = session.get(Series, f"1.2.{number}")
        series.ended_at = series.queued_at
        note(session, "delivery sent", SeriesInstanceUID=f"1.2.{number}", aet="PACS")


def spans_of(taken):
    return [
        (span, one["resource"]["attributes"][0]["value"]["stringValue"])
        for _, told in taken
        for one in told["resourceSpans"]
        for span in one["scopeSpans"][0]["spans"]
    ]


def test_one_trace_holds_the_work_of_every_part_on_a_study(settings, ledger):
    (settings.home / traces.FILE).write_text('{"screening": 0, "event": 0}')
    went_through(ledger, 1)
    with collector() as (address, taken):
        assert traces.follow(settings, ledger, address, once=True) == 6
        # what was sent is not sent again
        assert traces.follow(settings, ledger, address, once=True) == 0
    assert taken[0][0] == "/v1/traces"
    spans = spans_of(taken)
    assert {part for _, part in spans} == {
        f"osteoscreen-{part}"
        for part in ("system", "listener", "intake", "broker", "worker-screen", "worker-deliver")
    }
    [trace] = {span["traceId"] for span, _ in spans}
    assert len(trace) == 32
    [root] = [span for span, _ in spans if not span["parentSpanId"]]
    assert {span["parentSpanId"] for span, _ in spans if span is not root} == {root["spanId"]}
    assert len({span["spanId"] for span, _ in spans}) == 6
    assert all(int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) for span, _ in spans)


def test_what_a_collector_does_not_take_goes_the_next_time(settings, ledger):
    (settings.home / traces.FILE).write_text('{"screening": 0, "event": 0}')
    went_through(ledger, 1)
    with collector(503) as (address, _), pytest.raises(DeliveryError, match="does not take"):
        traces.follow(settings, ledger, address, once=True)
    with collector() as (address, _):
        assert traces.follow(settings, ledger, address, once=True) == 6


def test_the_first_time_tells_what_ends_from_then_on(settings, ledger):
    went_through(ledger, 1)
    with collector() as (address, taken):
        assert traces.follow(settings, ledger, address, once=True) == 0
        went_through(ledger, 2)
        assert traces.follow(settings, ledger, address, once=True) == 6
    told = json.dumps(taken)
    assert "1.2.2" in told and "1.2.1" not in told.replace("1.2.2", "")


def test_a_failure_is_marked(ledger):
    with ledger.write() as session:
        film(session, 1)
        note(session, "parked", SeriesInstanceUID="1.2.1", reason="internal-error")
    _, [end], _ = journeys.after(ledger, journeys.Mark(0, 0))
    written = traces._written(traces._of_end(end))
    assert written["status"]["code"] == 2
    assert {"key": "reason", "value": {"stringValue": "internal-error"}} in written["attributes"]


def test_an_address_that_is_none_is_refused(settings, ledger):
    with pytest.raises(ConfigError, match="begin with http"):
        traces.follow(settings, ledger, "collector:4318", once=True)
