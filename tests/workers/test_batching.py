"""Cases share batches, and nothing else: each has its own answer, error and deadline."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from toys import network

from engines.runtime.ort import OrtEngine
from workers.batching import GPU_LOST, Batcher, Batching


class Strict:
    """A real network whose runs are noted, that takes time, no NaN and so many examples."""

    def __init__(self, file, most=99, run_s=0.02):
        self._engine = OrtEngine(file, 1)
        self.description = self._engine.description
        self.most, self.run_s = most, run_s
        self.batches, self.threads = [], set()

    def __call__(self, arrays, /):
        self.batches.append(len(arrays["x"]))
        self.threads.add(threading.current_thread().name)
        time.sleep(self.run_s)
        if len(arrays["x"]) > self.most:
            raise MemoryError("out of memory")
        if np.isnan(arrays["x"]).any():
            raise ValueError("not a number")
        return self._engine(arrays)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "toy.onnx").write_bytes(network())
    return tmp_path / "toy.onnx"


def x(value, cases=1):
    return {"x": np.full((cases, 4), value, np.float32)}


def wanted(value):
    return 1 / (1 + np.exp(-np.float32(value)))


def answers(batcher, engine, values, at_once=16):
    """Return each caller's first score, or what was raised."""

    def ask(value):
        try:
            return float(batcher.run(engine, x(value))["probability"][0, 0])
        except (ValueError, MemoryError, TimeoutError) as error:
            return type(error)

    with ThreadPoolExecutor(at_once) as callers:
        return list(callers.map(ask, values))


def test_each_caller_gets_its_own_answer_and_one_thread_runs_them(file):
    engine = Strict(file)
    values = np.linspace(-4, 4, 24)
    np.testing.assert_allclose(answers(Batcher(), engine, values), wanted(values), rtol=1e-5)
    assert engine.threads == {"engine"}
    assert sum(engine.batches) == 24 and max(engine.batches) == 8


def test_no_batch_has_more_cases_than_are_allowed(file):
    engine = Strict(file)
    answers(Batcher(Batching(most=3)), engine, range(12))
    assert max(engine.batches) == 3


def test_cases_that_come_one_after_the_other_wait_for_each_other_as_long_as_they_may(file):
    engine = Strict(file)
    batcher = Batcher(Batching(most=4, wait_s=30))
    with ThreadPoolExecutor(4) as callers:
        for value in range(4):
            callers.submit(batcher.run, engine, x(value))
            time.sleep(0.02)
    assert engine.batches == [4]


def test_a_lone_case_never_waits_longer_than_it_may(file):
    engine = Strict(file, run_s=0)
    for wait_s in (0.0, 0.2):
        batcher = Batcher(Batching(most=8, wait_s=wait_s))
        batcher.run(engine, x(1))
        began = time.monotonic()
        batcher.run(engine, x(1))
        assert wait_s <= time.monotonic() - began < wait_s + 2


def test_one_bad_case_fails_alone(file):
    engine = Strict(file)
    found = answers(Batcher(Batching(wait_s=0.2)), engine, [1, 2, np.nan, 4])
    assert found[2] is ValueError
    np.testing.assert_allclose([found[i] for i in (0, 1, 3)], wanted([1, 2, 4]), rtol=1e-5)
    assert max(engine.batches) > 1


def test_want_of_memory_halves_the_batch_and_what_fits_is_remembered(file):
    engine = Strict(file, most=3)
    batcher = Batcher(Batching(most=8, wait_s=0.3))
    values = np.arange(8)
    np.testing.assert_allclose(answers(batcher, engine, values), wanted(values), rtol=1e-5)
    assert max(engine.batches) > 3
    engine.batches.clear()
    np.testing.assert_allclose(answers(batcher, engine, values), wanted(values), rtol=1e-5)
    assert max(engine.batches) <= 3


def test_one_case_of_many_slices_is_halved_as_well(file):
    engine = Strict(file, most=3)
    found = Batcher().run(engine, {"x": np.arange(40, dtype=np.float32).reshape(10, 4)})
    assert found["probability"].shape == (10, 1)
    assert engine.batches[:3] == [10, 5, 2]


def test_a_case_too_large_by_itself_is_told_so_and_the_next_one_runs(file):
    engine = Strict(file, most=0)
    batcher = Batcher()
    with pytest.raises(MemoryError):
        batcher.run(engine, x(1))
    engine.most = 1
    assert batcher.run(engine, x(1))["probability"].shape == (1, 1)


def test_a_case_whose_turn_does_not_come_in_time_gives_up_and_costs_no_run(file):
    slow, quick = Strict(file, run_s=1.0), Strict(file)
    batcher = Batcher(Batching(answer_s=0.3))
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(batcher.run, slow, x(1))
        time.sleep(0.1)
        with pytest.raises(TimeoutError, match="its turn at the engines"):
            batcher.run(quick, x(1))
        # what ran already is not called back
        assert first.result()["probability"].shape == (1, 1)
    batcher.ask(lambda: None)
    assert quick.batches == []


def test_loading_may_take_longer_than_a_case_may_wait():
    assert Batcher(Batching(answer_s=0.05)).ask(lambda: time.sleep(0.2) or "loaded") == "loaded"


def test_a_lost_gpu_ends_the_process_with_a_reason():
    program = """
import logging
from engines.runtime.gpu import GpuLost
from workers.batching import Batcher
logging.basicConfig()
class Gone:
    description = "gone"
    def __call__(self, arrays, /):
        raise GpuLost("cuStreamSynchronize: CUDA_ERROR_ECC_UNCORRECTABLE")
Batcher().run(Gone(), {"x": [1]})
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == GPU_LOST
    assert "event=gpu-lost" in ran.stderr and "CUDA_ERROR_ECC_UNCORRECTABLE" in ran.stderr
