"""Plans are built from real networks, without a GPU, by the TensorRT that builds anywhere."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines.candidates import Batches, Precision, read_batches
from engines.cards import read_weights
from engines.errors import EngineMismatch
from engines.runtime import trt_package
from engines.runtime.gpu import NotHere, present
from engines.runtime.trt import TrtEngine
from engines.runtime.trt_build import Wanted, build
from engines.runtime.typed import typed

try:
    trt_package.package()
except NotHere as missing:
    if os.environ.get("CI"):
        raise
    pytest.skip(f"{missing}: pip install -e '.[gpu-rtx]'", allow_module_level=True)

WEIGHTS = Path(__file__).parents[3] / "engines/weights"
NETWORKS = sorted(WEIGHTS.rglob("*.onnx"))
SMALL = WEIGHTS / "cxr_multimodal/clinical_branch.onnx"
VALUES = {"values": np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)}


@pytest.mark.parametrize("network", NETWORKS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_reference_network_is_built_in_half_precision_and_twice_alike(network):
    half = typed(network, Precision.FP16, {})
    plan, again = (build(half, Wanted(Batches(1, 4, 16))) for _ in range(2))
    # TensorRT lists the parts of a network with branches in an order that it does not keep to
    first, second = (np.bincount(np.frombuffer(one.data, np.uint8)) for one in (plan, again))
    assert np.abs(first - second).sum() < 0.001 * len(plan.data)
    assert plan.batches == Batches(1, 4, 16)
    assert plan.layers > 5
    assert len(plan.data) > network.stat().st_size // 2


def test_every_model_with_weights_is_among_them():
    learned = [path.parent.name for path in WEIGHTS.glob("*/manifest.json")]
    engines = {name: read_weights(name).engines for name in learned}
    assert {file.parent.name for file in NETWORKS} == {name for name, e in engines.items() if e}


@pytest.mark.parametrize("precision", Precision)
def test_the_same_network_gives_the_same_bytes_in_another_process(precision):
    again = (
        "import hashlib, pathlib, numpy as np; from engines.candidates import Precision; "
        "from engines.runtime.trt_build import Wanted, build; "
        "from engines.runtime.typed import typed; "
        "values = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8); "
        f"network = typed(pathlib.Path({str(SMALL)!r}), Precision({str(precision)!r}), "
        "{'values': values}); "
        "print(hashlib.sha256(build(network, Wanted()).data).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", again], capture_output=True, text=True, check=True
    )
    here = build(typed(SMALL, precision, VALUES), Wanted()).data
    assert there.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_another_profile_or_another_target_is_another_plan():
    network = SMALL.read_bytes()
    plans = [
        build(network, wanted).data
        for wanted in (
            Wanted(),
            Wanted(Batches(1, 1, 1)),
            Wanted(targets=("8.6",)),
            Wanted(targets=("8.6", "12.0")),
        )
    ]
    assert len({hashlib.sha256(plan).hexdigest() for plan in plans}) == 4


def test_a_target_that_is_not_built_for_is_refused_with_those_that_are():
    with pytest.raises(EngineMismatch, match=r"does not build for SM90; it does: .*SM86"):
        build(SMALL.read_bytes(), Wanted(targets=("9.0",)))


def test_a_file_that_is_no_network_is_refused_in_words():
    with pytest.raises(EngineMismatch, match="cannot read the network"):
        build(b"not a network", Wanted())


def test_an_operator_that_tensorrt_lacks_is_refused_by_its_name():
    onnx = pytest.importorskip("onnx")
    h, float32 = onnx.helper, onnx.TensorProto.FLOAT
    node = h.make_node("NoSuchThing", ["x"], ["y"], name="the odd one")
    x, y = (h.make_tensor_value_info(name, float32, ["batch", 3]) for name in "xy")
    model = h.make_model(h.make_graph([node], "odd", [x], [y]))
    with pytest.raises(EngineMismatch, match="the odd one"):
        build(model.SerializeToString(), Wanted())


def test_progress_is_told_and_can_end_a_build():
    steps = []
    build(SMALL.read_bytes(), Wanted(), lambda *step: steps.append(step) or True)
    assert steps and all(0 < done <= max(whole, done) for _, done, whole in steps)
    with pytest.raises(EngineMismatch, match="not built"):
        build(SMALL.read_bytes(), Wanted(), lambda *_: False)


def test_a_plan_is_not_loaded_where_there_is_no_gpu():
    try:
        present()
    except NotHere:
        with pytest.raises(NotHere):
            TrtEngine(build(SMALL.read_bytes(), Wanted()).data, "fp32")
    else:
        pytest.skip("there is a GPU: tests/gpu loads plans")


@pytest.mark.parametrize("text", ["1,8", "8,4,32", "0,1,2", "one,two,three", ""])
def test_batch_sizes_that_do_not_rise_from_1_on_are_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_batches(text)


def test_batch_sizes_are_read_as_they_are_written():
    assert read_batches(str(Batches(1, 8, 64))) == Batches(1, 8, 64)
