"""TensorRT on a GPU: built, accepted, right, kept, killed, short of memory, under load."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from engines.candidates import REFERENCE, Batches, Candidate, Precision, Runtime
from engines.cards import Card, read_weights
from engines.errors import BadSeries, EngineMismatch
from engines.runtime import gpu
from engines.runtime.choosing import Terms, gate_of, serve
from engines.runtime.making import Making, make, tensorrt_plan
from engines.runtime.ort import OrtEngine
from engines.runtime.plans import Plans
from engines.runtime.trt import TrtEngine
from engines.runtime.trt_build import Wanted
from workers.batching import Batcher, Batching

MODELS = ("ct_multitask", "cxr_multimodal", "cxr_osporscreen", "hip_vit", "onfh_mri")
FULL = Candidate(Runtime.TENSORRT, Precision.FP32)
HALF = Candidate(Runtime.TENSORRT, Precision.FP16)


@pytest.fixture(scope="module")
def plans(tmp_path_factory):
    return Plans(tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def hip(plans):
    """The hip's network: how it is made, its reference, and its engine in half precision."""
    making = Making(read_weights("hip_vit"), "hip_vit", plans)
    return making, OrtEngine(making.network), make(HALF, making)


def femora(examples, seed=0):
    rng = np.random.default_rng(seed)
    return {"femur": rng.random((examples, 1, 144, 144), np.float32)}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("candidate", [FULL, HALF], ids=str)
def test_every_model_is_built_accepted_and_right(model, candidate, plans):
    terms = Terms((candidate, REFERENCE), plans=plans)
    for served in serve(read_weights(model), Card.parity_tolerance, terms).values():
        assert served.candidate == candidate, served.refused
        assert served.parity.is_accepted
        assert served.engine.description.endswith(gpu.present().name)


def test_full_precision_means_it(plans):
    for model in MODELS:
        weights = read_weights(model)
        for name in weights.engines:
            making = Making(weights, name, plans)
            gate = gate_of(weights, name, OrtEngine(making.network), 1e-4)
            assert gate.judge(make(FULL, making)).is_accepted


def test_int8_is_accepted_or_refused_with_its_figures(plans):
    int8 = Candidate(Runtime.TENSORRT, Precision.INT8)
    terms = Terms((int8, REFERENCE), plans=plans)
    for served in serve(read_weights("hip_vit"), Card.parity_tolerance, terms).values():
        assert served.parity or served.refused[0].why


def test_the_profiles_limits_are_in_the_plan(hip):
    assert hip[2].batches == Batches(1, 8, 32)


@pytest.mark.parametrize("examples", [1, 2, 7, 8, 31, 32, 33, 100])
def test_every_batch_size_is_right_above_the_largest_in_pieces(hip, examples):
    _, reference, engine = hip
    arrays = femora(examples, examples)
    for name, wanted in reference(arrays).items():
        np.testing.assert_allclose(engine(arrays)[name], wanted, atol=0.005 * np.abs(wanted).max())


def test_the_same_case_gives_the_same_bytes_again(hip):
    first, again = (hip[2](femora(5)) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])


def test_sizes_that_come_again_in_turns_are_recorded_and_stay_right(hip):
    _, reference, engine = hip
    for turn in range(5):
        for examples in (1, 4, 2, 8, 3, 32, 1):
            arrays = femora(examples, 100 * turn + examples)
            for name, wanted in reference(arrays).items():
                allowed = 0.005 * np.abs(wanted).max()
                np.testing.assert_allclose(engine(arrays)[name], wanted, atol=allowed)


def test_arrays_of_another_size_are_refused_and_the_next_case_runs(hip):
    with pytest.raises(BadSeries, match="it takes"):
        hip[2]({"femur": np.zeros((1, 1, 96, 96), np.float32)})
    assert hip[2](femora(1))


def test_a_kept_plan_is_loaded_and_not_built_again(hip):
    making = hip[0]
    assert not tensorrt_plan(HALF, making).is_new
    other = replace(making, wanted=Wanted(Batches(1, 4, 16)))
    assert tensorrt_plan(HALF, other).is_new


def test_bytes_that_are_no_plan_are_refused_in_words():
    with pytest.raises(EngineMismatch):
        TrtEngine(b"no plan at all" * 100, "fp16")


def test_a_kill_during_a_build_leaves_nothing_half(tmp_path):
    program = (
        "import sys, pathlib; from engines.cards import read_weights; "
        "from engines.candidates import *; from engines.runtime.making import *; "
        "making = Making(read_weights('hip_vit'), 'hip_vit', Plans(pathlib.Path(sys.argv[1]))); "
        "tensorrt_plan(Candidate(Runtime.TENSORRT, Precision.FP16), making, "
        "lambda *step: print('built a step', flush=True) or True)"
    )
    builder = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert builder.stdout.readline()
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    builder.stdout.close()
    assert not list(tmp_path.rglob("*.plan"))
    making = Making(read_weights("hip_vit"), "hip_vit", Plans(tmp_path))
    assert make(HALF, making)(femora(1))


def test_a_full_gpu_is_want_of_memory_and_not_a_lost_gpu():
    gpu.enter()
    # float32: twice what there is
    size = (1, gpu.present().memory_bytes // 2)
    with pytest.raises(MemoryError):
        gpu.Buffer(size)
    assert gpu.Buffer((1, 1024)).address


def test_threads_share_batches_and_each_gets_its_own(hip):
    _, reference, engine = hip
    cases = [femora(1, seed) for seed in range(64)]
    wanted = [reference(case)["probability"] for case in cases]
    batcher = Batcher(Batching(most=16, wait_s=0.005))
    with ThreadPoolExecutor(16) as callers:
        found = list(callers.map(lambda case: batcher.run(engine, case)["probability"], cases))
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(wanted), atol=0.005)


def test_mixed_traffic_stays_right_and_its_memory_flat(plans):
    """For GPU_TRAFFIC_S seconds: all networks, odd batches, many threads; 600 for the long form."""
    seconds = float(os.environ.get("GPU_TRAFFIC_S", "20"))
    made = []
    for model in MODELS:
        weights = read_weights(model)
        for name in weights.engines:
            making = Making(weights, name, plans)
            reference = OrtEngine(making.network, 4)
            gate = gate_of(weights, name, reference, Card.parity_tolerance)
            made.append((make(HALF, making), gate))
    batcher, until, faults = (
        Batcher(Batching(most=16, wait_s=0.002)),
        time.monotonic() + seconds,
        [],
    )
    ran = threading.Semaphore(0)

    def send(seed):
        draw = random.Random(seed)
        while time.monotonic() < until:
            engine, gate = draw.choice(made)
            i = draw.randrange(len(gate.cases.names))
            arrays = {name: array[i : i + 1] for name, array in gate.cases.arrays.items()}
            found = batcher.run(engine, arrays)
            for name, answers in gate.answers.items():
                off = np.abs(found[name][0] - answers[i]).max() / np.abs(answers).max()
                if not off <= gate.tolerance:
                    faults.append((gate.cases.names[i], name, float(off)))
            ran.release()

    free = gpu.call("cuMemGetInfo")
    with ThreadPoolExecutor(16) as senders:
        list(senders.map(send, range(16)))
    assert faults == []
    gpu.enter()
    assert abs(gpu.call("cuMemGetInfo") - free) < 256 << 20
    assert ran._value > seconds
