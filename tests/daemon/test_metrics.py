"""What a monitoring system is told of a site at which nothing has come yet, and of what waits."""

import math

import pytest
from metered import ODD, at_work, film
from prometheus_client.parser import text_string_to_metric_families

from daemon import config, metrics, schema
from daemon.records import peers, turnaround
from daemon.records.tables import Peer, SeriesState
from engines.engine_records import write_record


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


def test_all_results_since_the_first_are_in_a_histogram(site):
    with site[1].write() as session:
        for taken_s in (0.5, 2.0, 2.5, 1e12):
            turnaround.count(session, min(taken_s, 1e9))
    found = told(site)
    of = "osteoscreen_image_to_result_seconds"
    at_most = {name[1]: value for name, value in found.items() if name[0] == f"{of}_bucket"}
    assert (at_most["1"], at_most["2"], at_most["5"], at_most["86400"]) == (1, 2, 3, 3)
    assert at_most["+Inf"] == found[f"{of}_count",] == 4


def test_who_is_at_work_tells_slots_disk_and_gpus(site):
    gpu = {"index": "0", "name": "G", "used_percent": 50.0, "memory_mib": 2.0}
    at_work(site[1], "screen", {"slots": 4, "slots_used": 1, "gpus": [gpu]})
    at_work(site[1], "listener", {"slots": 64, "slots_used": 2, "disk_free_bytes": 9})
    found = {(name, *labels): value for (name, *labels), value in told(site).items()}
    by_name = {
        name: value for (name, *_), value in found.items() if "gpu" in name or "disk" in name
    }
    assert by_name["osteoscreen_gpu_used_ratio"] == 0.5
    assert by_name["osteoscreen_gpu_memory_bytes"] == 2 << 20
    assert by_name["osteoscreen_listener_disk_free_bytes"] == 9
    used = {key[2]: value for key, value in found.items() if key[0] == "osteoscreen_slots_used"}
    assert used == {"screen": 1, "listener": 2}


def test_engines_tell_how_far_they_are_off(site):
    def net(error):
        return {"runtime": "R", "parity": {"largest_error": error}, "refused": [{"fault": True}]}

    write_record(site[0].engines, "hip_vit", {"a": net(2e-4), "b": net(None)}, parked="broke")
    found = told(site)
    off = {
        key[3]: value for key, value in found.items() if key[0] == "osteoscreen_engine_difference"
    }
    assert off["a"] == 2e-4 and math.isnan(off["b"])
    assert [v for key, v in found.items() if key[0] == "osteoscreen_engines_refused"] == [2]
    assert [v for key, v in found.items() if key[0] == "osteoscreen_engine_parked"] == [1]
