"""Every runtime that is here is timed on the same arrays; what is not here is named, and why."""

import pytest

pytest.importorskip("torch", reason="recipes need the extra `lab`")

import numpy as np
from rich.console import Console
from typer.testing import CliRunner

from engines.candidates import REFERENCE
from engines.cards import read_weights
from engines.cli import app
from engines.lab.bench import Bench, Way, bench_table, timed
from engines.runtime.making import Making
from engines.runtime.plans import Plans


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    making = Making(read_weights("ct_multitask"), "", Plans(tmp_path_factory.mktemp("engines")))
    [(name, rows, lacking)] = timed(Bench(making, (1, 3), 3))
    assert name == "ct_multitask"
    return rows, lacking


def test_each_way_is_timed_at_each_batch_size_beside_the_reference(found):
    rows, _ = found
    ways = {batch: {row.way for row in rows if row.batch == batch} for batch in (1, 3)}
    assert ways[1] == ways[3] >= {str(REFERENCE), "torch eager fp32, CPU"}
    for row in rows:
        assert 0 < row.p50_ms <= row.p99_ms
        assert row.images_per_s == pytest.approx(1000 * row.batch / row.p50_ms)
        assert row.way != str(REFERENCE) or row.ratio == row.cpu_ratio == 1
        assert row.share > 0


def test_more_images_at_once_take_no_less_memory(found):
    rows, _ = found
    for way in {row.way for row in rows}:
        one, three = sorted((row for row in rows if row.way == way), key=lambda row: row.batch)
        assert three.memory_mib >= one.memory_mib >= 0


def test_a_way_tells_the_memory_that_it_came_to_hold():
    kept = []

    def make():
        kept.append(np.ones(64 << 20, np.uint8))
        return lambda _: kept.append(np.ones(32 << 20, np.uint8))

    way = Way.made(make)
    assert way.memory_mib == pytest.approx(64, abs=16)
    way.warm({})
    assert way.memory_mib == pytest.approx(64 + 2 * 32, abs=24)


def test_what_is_not_here_is_named_with_the_reason(found):
    rows, lacking = found
    told = {line.partition(": ")[0] for line in lacking}
    assert not told & {row.way for row in rows}
    assert all(line.partition(": ")[2] for line in lacking)


def test_the_table_says_which_way_holds_how_much(found):
    console = Console(record=True, width=150)
    console.print(bench_table("a network", found[0]))
    text = console.export_text()
    assert "MiB" in text and str(REFERENCE) in text and "ceiling" in text


def test_a_measured_model_has_nothing_to_time():
    ran = CliRunner().invoke(app, ["bench", "ct_attenuation"])
    assert ran.exit_code != 0
    assert "measured, not learned" in str(ran.exception or ran.output)
