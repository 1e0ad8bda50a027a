"""Which engine serves: in the site's order, never one that is off, never a silent change."""

import logging
import os
from dataclasses import replace

import numpy as np
import pytest
from toys import lay_out, network

from engines.candidates import REFERENCE, Candidate, Precision, Runtime, read_order
from engines.cards import Card, read_weights
from engines.errors import BadSeries, EngineMismatch
from engines.runtime import making
from engines.runtime.choosing import Terms, serve
from engines.runtime.gpu import NotHere, present
from engines.runtime.known import KnownCases, known_cases, write_known_cases
from engines.runtime.ort import OrtEngine
from engines.runtime.ov import OvEngine
from engines.runtime.parity import Gate
from engines.runtime.plans import Plans

HALF = Candidate(Runtime.ORT_CPU, Precision.FP16)
LEARNED = ("ct_multitask", "cxr_multimodal", "cxr_osporscreen", "hip_vit", "onfh_mri")
INT8 = Candidate(Runtime.ORT_CPU, Precision.INT8)


@pytest.fixture
def weights(tmp_path):
    lay_out(tmp_path / "weights")
    return read_weights("toy", tmp_path / "weights")


def has_gpu():
    try:
        return bool(present())
    except NotHere:
        return False


def altered(tmp_path, **slopes):
    """Return what makes engines of networks that were deliberately altered."""

    def make(candidate, making):
        file = tmp_path / f"{candidate.precision}.onnx"
        file.write_bytes(network(slopes[candidate.precision]))
        return OrtEngine(file, 1, candidate.runtime, candidate.precision)

    return make


def test_the_reference_serves_without_a_gate(weights):
    served = serve(weights, 0.01, Terms())["toy"]
    assert served.candidate == REFERENCE and served.parity is None
    assert served.engine.description.endswith("CPU FP32")


def test_what_this_machine_lacks_is_told_and_is_no_fault(weights):
    served = serve(weights, 0.01, Terms(read_order("onnxruntime-cuda:fp32, onnxruntime-cpu:fp32")))
    (lacking,) = served["toy"].refused
    if served["toy"].candidate == REFERENCE:
        assert not lacking.is_fault and "CPU alone" in lacking.why


def test_where_there_is_no_gpu_tensorrt_says_so_before_it_builds(weights, tmp_path):
    if has_gpu():
        pytest.skip("there is a GPU")
    terms = Terms(plans=Plans(tmp_path / "plans"))
    refused = serve(weights, 0.01, terms)["toy"].refused
    assert [str(one.candidate) for one in refused][:2] == ["tensorrt:fp16", "tensorrt:fp32"]
    assert "driver" in refused[0].why and not refused[0].is_fault
    assert not list(tmp_path.rglob("*.plan"))


def test_a_precise_engine_serves_with_its_parity_written_down(tmp_path):
    lay_out(tmp_path / "weights", slope=1.1)
    weights = read_weights("toy", tmp_path / "weights")
    terms = Terms((HALF, REFERENCE), plans=Plans(tmp_path / "plans"))
    served = serve(weights, 0.01, terms)["toy"]
    assert served.candidate == HALF and not served.refused
    assert 0 < served.parity.largest_error < 0.01
    told = served.told()
    assert told["serves"] == "onnxruntime-cpu:fp16" and told["runtime"].endswith("CPU FP16")
    assert told["parity"]["accepted"] and told["parity"]["cases"] == 4


def test_an_engine_that_is_off_is_refused_and_the_next_precision_serves(weights, tmp_path, caplog):
    terms = Terms((INT8, HALF, REFERENCE), make=altered(tmp_path, int8=1.4, fp16=1.001))
    with caplog.at_level(logging.WARNING):
        served = serve(weights, 0.01, terms)["toy"]
    assert served.candidate == HALF
    (refused,) = served.refused
    assert refused.candidate == INT8 and refused.is_fault
    assert refused.parity.worst_case == "all bright"
    assert "off full precision" in refused.why and "event=engine-refused" in caplog.text


def test_when_every_precision_is_off_full_precision_takes_over(weights, tmp_path):
    terms = Terms((INT8, HALF, REFERENCE), make=altered(tmp_path, int8=1.4, fp16=0.5))
    served = serve(weights, 0.01, terms)["toy"]
    assert served.candidate == REFERENCE
    assert [one.candidate for one in served.refused] == [INT8, HALF]


def test_a_flipped_decision_refuses_an_engine_however_little_it_is_off(tmp_path):
    # all bright gives 0.7311 of the true network, 0.7307 of the altered one
    lay_out(tmp_path / "weights", threshold=0.7309)
    weights = read_weights("toy", tmp_path / "weights")
    terms = Terms((HALF, REFERENCE), make=altered(tmp_path, fp16=0.998))
    (refused,) = serve(weights, 0.01, terms)["toy"].refused
    assert refused.parity.largest_error < 0.01
    assert refused.parity.flipped == ("all bright",)
    assert "1 decisions flipped: all bright" in refused.why


def test_an_engine_that_gives_no_number_is_refused(weights, tmp_path):
    terms = Terms((HALF, REFERENCE), make=altered(tmp_path, fp16=np.nan))
    served = serve(weights, 0.01, terms)["toy"]
    assert served.candidate == REFERENCE
    assert served.told()["refused"][0]["parity"]["largest_error"] is None


def test_an_order_without_the_reference_may_end_with_nothing(weights, tmp_path):
    terms = Terms((HALF,), make=altered(tmp_path, fp16=0.5))
    with pytest.raises(EngineMismatch, match=r"nothing in the order may serve toy: .*fp16"):
        serve(weights, 0.01, terms)


def test_int8_is_calibrated_on_the_patients_kept_with_the_model(weights, tmp_path):
    rng = np.random.default_rng(1)
    values = rng.random((12, 4), np.float32)
    write_known_cases(weights.folder, {"toy": {"x": values}})
    terms = Terms((INT8, REFERENCE), plans=Plans(tmp_path / "plans"))
    served = serve(weights, 0.05, terms)["toy"]
    assert served.candidate == INT8
    assert served.parity.patients == 12 and served.parity.cases == 16
    again = making.Making(weights, "toy", terms.plans)
    assert not making.typed_network(INT8, again).is_new
    write_known_cases(weights.folder, {"toy": {"x": values[:5]}})
    assert making.typed_network(INT8, again).is_new


def test_pictures_are_kept_in_256_steps_and_values_as_they_are(tmp_path):
    films = (np.arange(2 * 1 * 4 * 8, dtype=np.float32) % 256).reshape(2, 1, 4, 8) / 255
    values = np.float32([[70.5, -1.0], [50.25, 3e4]])
    write_known_cases(tmp_path, {"net": {"film": films, "values": values}})
    sizes = {"film": (1, 4, 8), "values": (2,)}
    found = known_cases(tmp_path, "net", sizes)
    np.testing.assert_array_equal(found.arrays["film"][:2], films.astype(np.float32))
    np.testing.assert_array_equal(found.arrays["values"][:2], values)
    assert found.names[:3] == ("patient 1", "patient 2", "all dark")
    with pytest.raises(EngineMismatch, match="of another size"):
        known_cases(tmp_path, "net", {"film": (1, 8, 8), "values": (2,)})
    with pytest.raises(EngineMismatch, match="no known cases of net"):
        known_cases(tmp_path, "net", {**sizes, "further": (2,)})
    assert known_cases(tmp_path, "another network", sizes).patients == 0


def test_an_engine_that_errs_in_a_batch_alone_is_found_out(weights):
    """What is right one by one may be wrong where cases share a batch."""
    reference = OrtEngine(weights.folder / "toy.onnx", 1)
    cases = known_cases(weights.folder, "toy", reference.sizes)
    gate = Gate(cases, reference(cases.arrays), (), 0.01)

    class Mixing:
        description = "mixes the cases of a batch"

        def __call__(self, arrays, /):
            return {k: v[::-1] for k, v in reference(arrays).items()}

    assert gate.judge(reference).is_accepted
    assert not gate.judge(Mixing()).is_accepted


@pytest.mark.parametrize(
    "text", ["", "tensorrt", "tensorrt:fp64", "cuda:fp32", "tensorrt:fp16, tensorrt:fp16"]
)
def test_an_order_that_names_no_engine_or_one_twice_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_order(text)


def test_a_key_tells_everything_apart_that_makes_another_plan(weights, tmp_path):
    one = making.Making(weights, "toy", Plans(tmp_path))
    other = replace(one, wanted=replace(one.wanted, is_version_compatible=True))
    candidate = Candidate(Runtime.TENSORRT, Precision.FP16)
    assert one.key(candidate, "1", "").sha256 != other.key(candidate, "1", "").sha256
    assert one.key(candidate, "1", "").sha256 != one.key(candidate, "2", "").sha256


@pytest.mark.parametrize("model", LEARNED)
def test_half_precision_of_the_reference_weights_passes_on_patients_and_edges(model, tmp_path):
    weights = read_weights(model)
    terms = Terms((HALF, REFERENCE), threads=1, plans=Plans(tmp_path))
    for name, served in serve(weights, Card.parity_tolerance, terms).items():
        assert served.candidate == HALF
        # no patients are kept for the course of a hip over its visits
        assert served.parity.patients >= (0 if name == "progression" else 3)
        assert not served.parity.flipped
        assert 0 < served.parity.largest_error < Card.parity_tolerance / 2


@pytest.fixture
def openvino():
    """Wanted in CI, skipped on a laptop without it."""
    if not os.environ.get("CI"):
        pytest.importorskip("openvino", reason="pip install -e '.[openvino]'")


@pytest.mark.usefixtures("openvino")
def test_openvino_serves_where_a_site_names_it():
    candidate = Candidate(Runtime.OPENVINO, Precision.FP32)
    for model in LEARNED:
        for served in serve(read_weights(model), 1e-4, Terms((candidate, REFERENCE))).values():
            assert served.candidate == candidate
            assert served.engine.description.startswith("OpenVINO 20")


@pytest.mark.usefixtures("openvino")
def test_openvino_says_what_it_cannot_run(tmp_path, weights):
    engine = OvEngine(weights.folder / "toy.onnx", 1)
    with pytest.raises(BadSeries, match="the network could not run"):
        engine({"x": np.zeros((2, 5), np.float32)})
    with pytest.raises(BadSeries, match="the network could not run"):
        engine({"another": np.zeros((2, 4), np.float32)})
    first = engine({"x": np.ones((3, 4), np.float32)})
    kept = {name: array.copy() for name, array in first.items()}
    engine({"x": np.zeros((3, 4), np.float32)})
    for name, array in kept.items():
        np.testing.assert_array_equal(first[name], array)
    (tmp_path / "none.onnx").write_bytes(b"no network")
    with pytest.raises(EngineMismatch, match="OpenVINO cannot load it"):
        OvEngine(tmp_path / "none.onnx")


def test_openvino_is_passed_over_where_it_cannot_keep_to_a_precision(weights):
    int8 = Candidate(Runtime.OPENVINO, Precision.INT8)
    [served] = serve(weights, 0.01, Terms((int8, REFERENCE))).values()
    assert served.candidate == REFERENCE
    assert not served.refused[0].is_fault


def test_classes_that_are_as_good_as_tied_may_change_places_and_others_not():
    cases = KnownCases({"x": np.float32([[0], [1]])}, ("tied", "told apart"), 0)
    answers = {"classes": np.float32([[0.5000001, 0.5, 0], [0.6, 0.4, 0]])}
    gate = Gate(cases, answers, (), 0.5)

    def gives(*rows):
        return lambda arrays: {"classes": np.float32(rows)[arrays["x"][:, 0].astype(int)]}

    assert not gate.judge(gives([0.5, 0.5000001, 0], [0.6, 0.4, 0])).flipped
    assert gate.judge(gives([0.4, 0.6, 0], [0.4, 0.6, 0])).flipped == ("told apart",)
    assert gate.judge(gives([0.1, 0.1, 0.8], [0.6, 0.4, 0])).flipped == ("tied",)
