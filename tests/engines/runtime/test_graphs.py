"""What comes again is recorded once; what cannot be recorded runs as before."""

import pytest

from engines.runtime.gpu import GpuLost, NotRecorded
from engines.runtime.graphs import Graphs


def test_a_batch_size_is_recorded_when_it_comes_again_and_once():
    recorded = []
    graphs = Graphs(lambda examples: recorded.append(examples) or f"work for {examples}")
    assert graphs.recorded(8) is None
    assert graphs.recorded(1) is None
    assert [graphs.recorded(8) for _ in range(3)] == ["work for 8"] * 3
    assert recorded == [8]


def test_no_more_than_four_sizes_are_kept():
    graphs = Graphs(str)
    found = [graphs.recorded(examples) for examples in (*range(1, 7), *range(1, 7))]
    assert found == [*[None] * 6, "1", "2", "3", "4", None, None]


@pytest.mark.parametrize("why", [NotRecorded("no"), GpuLost("gone"), MemoryError("full")])
def test_what_cannot_be_recorded_is_not_tried_again(why):
    tried = []

    def record(examples):
        tried.append(examples)
        raise why

    graphs = Graphs(record)
    assert [graphs.recorded(2) for _ in range(4)] == [None] * 4
    assert [graphs.recorded(3) for _ in range(4)] == [None] * 4
    assert tried == [2]
