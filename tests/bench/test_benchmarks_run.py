"""The benchmarks still run; what they measure here means nothing."""

import pytest
from bench import ingest
from bench.listener import DCMTK, Load, Receiver, measure, receivers, show
from bench.payloads import CT_LIKE, TINY, make
from bench.turnaround import quantile_95
from rich.console import Console


def test_two_small_loads_reach_all_three_receivers_byte_for_byte(tmp_path):
    loads = [Load(TINY, 2, 6), Load(CT_LIKE, 1, 2)]
    with receivers(tmp_path) as running:
        figures = measure(running, loads, rounds=1)
    assert [row.load for row in figures] == ["tiny:2"] * 3 + ["ct:1"] * 3
    assert all(row.objects_per_s > 0 for row in figures)
    assert [row.ratios[DCMTK] for row in figures if row.receiver == DCMTK] == [1.0, 1.0]
    console = Console(record=True, width=120)
    console.print(show(figures))
    assert "osteoscreen" in console.export_text()


def test_a_receiver_that_loses_an_object_is_found_out(dcmtk_storescp, tmp_path):
    receiver = Receiver("looks elsewhere", dcmtk_storescp, tmp_path)
    with pytest.raises(AssertionError, match="did not store all that was sent"):
        receiver.take(make(TINY, 1), 1)


def test_the_95th_percentile_is_one_of_the_measured_values():
    assert quantile_95([1.0, 3.0, 2.0]) == 3.0


def test_an_intake_takes_in_a_small_load_on_both_databases(tmp_path):
    figures = ingest.measure(tmp_path, objects=120)
    assert [row.database for row in figures] == [ingest.SQLITE, ingest.POSTGRESQL] * 2
    assert all(row.objects_per_s > 0 for row in figures)
    assert ingest.show(figures).row_count == len(figures)
