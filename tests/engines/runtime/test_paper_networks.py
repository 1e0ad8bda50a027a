"""Networks of the papers' size: exported with random weights, marked so, and built; long form."""

import os

import pytest

from engines.candidates import Precision
from engines.runtime.plans import Plans
from engines.runtime.trt_build import Wanted

PAPER = [
    ("cxr_osporscreen", "paper"),
    ("cxr_multimodal", "paper"),
    ("hip_vit", "paper"),
    ("hip_vit", "paper-resnet50"),
    ("hip_vit", "paper-inception"),
    ("ct_multitask", "paper"),
    ("onfh_mri", "paper"),
]


# of the exporter of torch, about itself
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*axis name. batch will not be used:UserWarning")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("model", "config"), PAPER)
def test_a_network_of_the_papers_size_is_exported_parsed_and_built(model, config, tmp_path):
    if not os.environ.get("PAPER_NETWORKS"):
        pytest.skip("minutes of CPU and gigabytes each: PAPER_NETWORKS=1")
    pytest.importorskip("tensorrt_rtx")
    from engines.lab.engine_building import RANDOM, build_engines, random_weights

    weights = random_weights(model, config, tmp_path / "weights")
    assert weights.training == RANDOM and weights.version == f"{config}-random"
    plans = Plans(tmp_path / "plans")
    for one in build_engines(weights, Precision.FP16, plans, Wanted(), lambda *_: True):
        assert one.is_new and one.megabytes > 0
