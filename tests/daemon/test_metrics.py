"""What a monitoring system is told of a site at which nothing has come yet, and of what waits."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon import config, metrics, schema
from daemon.records import peers
from daemon.records.ledger import now
from daemon.records.tables import (
    Delivery,
    DeliveryState,
    Instance,
    Peer,
    ResultObject,
    Screening,
    Series,
    SeriesState,
)

ODD = 'CT "1" {}'


@pytest.fixture
def site(tmp_path):
    settings = config.load(tmp_path / "home")
    schema.migrate(settings)
    ledger = schema.open_ledger(settings)
    yield settings, ledger
    ledger.close()


def told(site):
    found = text_string_to_metric_families(metrics.exposition(*site).decode())
    return {(one.name, *one.labels.values()): one.value for f in found for one in f.samples}


def film(session, number, took_s=None, *, resends=0):
    """Put a screened film there, whose result took so long to its peer."""
    name, at = f"1.2.{number}", now() - timedelta(seconds=600)
    times = {"first_at": at, "opened_at": at, "last_at": at, "queued_at": at}
    states = {"state": SeriesState.SCREENED, "modality": "DX", "images": 1}
    session.add(Series(SeriesInstanceUID=name, StudyInstanceUID=name, **states, **times))
    session.flush()
    image = {"SOPClassUID": "1", "TransferSyntaxUID": "1", "sha256": "", "size_bytes": 1}
    who = {"calling_aet": ODD, "received_at": at}
    session.add(Instance(SOPInstanceUID=name, SeriesInstanceUID=name, **image, **who))
    model = {"model": "m", "version": "1", "weights_sha256": "", "key": name, "stage": "research"}
    ended = {"state": SeriesState.SCREENED, "flagged": True, "result": {}, "analysed_at": at}
    screening = Screening(SeriesInstanceUID=name, current=True, **model, **ended)
    session.add(screening)
    session.flush()
    if took_s is None:
        return
    known = {"SOPInstanceUID": f"{name}.9", "screening_id": screening.id}
    session.add(
        ResultObject(**known, SOPClassUID="1", SeriesInstanceUID=name, kind="SR", sha256="")
    )
    session.flush()
    sent = {"state": DeliveryState.SENT, "sent_at": at + timedelta(seconds=took_s), "rung_at": at}
    session.add(Delivery(**known, aet="PACS", resends=resends, **sent))


def test_a_site_at_which_nothing_has_come_says_so_in_numbers(site):
    found = told(site)
    assert found["osteoscreen_objects_received_total",] == 0
    assert {found["osteoscreen_series", str(state)] for state in SeriesState} == {0}
    assert found["osteoscreen_disk_free_bytes",] > 0
    assert not any(name == "osteoscreen_turnaround_seconds" for name, *_ in found)


def test_how_long_results_took_is_told_in_quantiles(site):
    with site[1].write() as session:
        for number, took_s in enumerate([1.0, 2.0, 3.0, 50.0, None]):
            film(session, number, took_s)
        film(session, 9, 500.0, resends=1)
    found = told(site)
    assert found["osteoscreen_turnaround_seconds", "0.5"] == 3.0
    assert found["osteoscreen_turnaround_seconds", "1.0"] == 50.0
    assert found["osteoscreen_turnaround_results",] == 4
    assert found["osteoscreen_results_flagged",] == 6


def test_a_peer_has_its_own_line_whatever_its_title_is(site):
    peer = Peer(aet=ODD, host="h", port=104, sends=True, results="none", role="research")
    peer.sr_class = "1.2"
    peers.add(site[1], peer)
    assert not any(name == "osteoscreen_peer_last_image_seconds" for name, *_ in told(site))
    with site[1].write() as session:
        film(session, 1)
    assert 600 <= told(site)["osteoscreen_peer_last_image_seconds", ODD] < 700
