"""The paper's ten networks: each by its name, all by the same recipe; the long form trains them."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from engines import zoo
from engines.lab.build import export
from engines.lab.loop import Examples, train
from engines.onfh_mri import recipe
from engines.onfh_mri.sides import SLICES
from engines.runtime.ort import OrtEngine

NAMES = {"paper": recipe.BASELINES[0], **{f"paper-{one}": one for one in recipe.BASELINES[1:]}}


def hips(count, size_px):
    """Hips of noise, each brighter than the one before, and what is to be said of them."""
    draw = np.random.default_rng(1)
    shown = draw.random((count, SLICES, size_px, size_px), np.float32)
    shown *= np.linspace(0.3, 1, count, dtype=np.float32)[:, None, None, None]
    ill = np.arange(count) % 2
    told = np.column_stack([ill, 0.2 * ill, 0.1 * ill, *[ill] * SLICES])
    return Examples({recipe.HIP: shown}, told.astype(np.float32))


def test_there_are_ten_and_they_differ_in_the_network_alone():
    assert len(set(recipe.BASELINES)) == 10 and set(recipe.BASELINES) <= set(zoo.NAMES)
    asked = [dict(recipe.CONFIGS[config]) for config in NAMES]
    assert [one.pop("backbone") for one in asked] == list(recipe.BASELINES)
    assert all(one == asked[0] for one in asked)
    taught = [recipe.networks(recipe.CONFIGS[config])[0] for config in NAMES]
    assert {one.schedule for one in taught} == {recipe.SCHEDULE}
    assert {(one.lesson.loss, one.lesson.augment) for one in taught} == {
        (recipe.loss, recipe.augment)
    }


# of the exporter of torch, about itself
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("config", NAMES)
def test_each_is_trained_and_exported(config, tmp_path):
    if not os.environ.get("PAPER_NETWORKS"):
        pytest.skip("minutes of CPU each: PAPER_NETWORKS=1")
    [network] = recipe.networks(recipe.CONFIGS[config])
    examples = hips(4, int(recipe.CONFIGS[config]["input_size_px"]))
    schedule = replace(network.schedule, epochs=1, batch_size=2)
    net, losses = train(network.lesson, examples, schedule)
    assert np.isfinite(losses).all()
    # refused beyond a ten-thousandth of the largest value
    both, one = ({recipe.HIP: examples.arrays[recipe.HIP][:n]} for n in (2, 1))
    file = export(net, both, network.outputs, tmp_path / "model.onnx")
    found = OrtEngine(file)(one)
    with torch.no_grad():
        probability = net(torch.from_numpy(one[recipe.HIP]))[0].numpy()
    np.testing.assert_allclose(found[recipe.PROBABILITY], probability, atol=1e-3)
