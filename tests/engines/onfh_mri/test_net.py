"""The slice network: what it makes of slices that are equally sure, here and in ONNX Runtime."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from engines.lab.build import export
from engines.onfh_mri.net import FEATURES, OnfhNet
from engines.onfh_mri.recipe import CONFIGS, networks
from engines.runtime.ort import OrtEngine

SLICES = 6


class Brightness(nn.Module):
    """A trunk whose one map is the slice itself."""

    channels = 1

    def forward(self, slices):
        maps = functional.avg_pool2d(slices, 16)
        return maps, maps.mean(dim=(2, 3))


# torch's exporter uses parts of torch and Python that it has itself deprecated
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_slices_that_are_equally_sure_are_told_alike_by_every_runtime(tmp_path):
    torch.manual_seed(3)
    net = OnfhNet("mobilenet_v3_small", 64, top=2, finer=True).eval()
    net.trunk, net.embed = Brightness(), nn.Linear(1, FEATURES)
    hips = torch.rand(2, SLICES, 64, 64) * torch.linspace(0.2, 1, SLICES)[:, None, None]
    with torch.no_grad():
        # the chance of each slice is 1, though not its log odds
        net.slice_score.bias += 20
        maps, scores, features = net.looked(hips)
    assert scores.diff(dim=1).abs().min() > 1e-4
    [network] = networks(CONFIGS["reference"])
    file = export(net, {"hip": hips.numpy()}, network.outputs, tmp_path / "model.onnx")
    found = OrtEngine(file)({"hip": hips.numpy()})
    assert (found["slices"] == 1).all()
    kept = [of[place].mean(dim=0) for of, place in zip(features, scores.topk(2)[1], strict=True)]
    np.testing.assert_allclose(found["features"], torch.stack(kept).detach(), atol=1e-5)
    assert found["heat"].shape == (2, SLICES, *maps.shape[3:])
