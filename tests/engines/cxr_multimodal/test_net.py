"""The image branch: fixed filters, switches that switch, and a map that is Grad-CAM."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `lab`")
from engines.cxr_multimodal import recipe  # noqa: E402
from engines.cxr_multimodal.net import Design, ImageBranch  # noqa: E402
from engines.cxr_multimodal.wavelet import (  # noqa: E402
    CHANNELS,
    STEP_PX,
    WAVELETS,
    GradientWavelet,
)
from engines.lab.build import export  # noqa: E402
from engines.runtime.ort import OrtEngine  # noqa: E402

# torch's exporter uses parts of torch and Python that it has itself deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

FILMS = torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("family", WAVELETS)
def test_a_wavelets_high_bands_are_blind_to_what_does_not_change(family: str) -> None:
    bands = GradientWavelet(family).bands(torch.full((1, 1, 32, 32), 0.7))
    assert bands.shape == (1, 4, 16, 16)
    torch.testing.assert_close(bands[:, 0], torch.full((1, 16, 16), 1.4), atol=1e-5, rtol=0)
    assert bands[:, 1:].abs().max() < 1e-5


def test_haar_keeps_the_energy_of_a_picture() -> None:
    bands = GradientWavelet("haar").bands(FILMS)
    torch.testing.assert_close(bands.square().sum(), FILMS.square().sum())


def test_db2_is_blind_to_a_slope_as_well() -> None:
    ramp = torch.arange(64.0).expand(1, 1, 64, 64) / 64
    inner = (..., slice(2, -2), slice(2, -2))
    assert GradientWavelet("db2").bands(ramp)[:, 1:][inner].abs().max() < 1e-5
    assert GradientWavelet("haar").bands(ramp)[:, 1:][inner].abs().max() > 1e-3


def test_each_direction_has_its_band_and_a_flat_film_none() -> None:
    film = torch.zeros(1, 1, 64, 64)
    film[..., ::6] = 1
    upright = GradientWavelet()(film)[0].mean(dim=(1, 2))
    lying = GradientWavelet()(film.transpose(2, 3))[0].mean(dim=(1, 2))
    assert upright[1] > 10 * upright[0] and lying[0] > 10 * lying[1]
    flat = GradientWavelet()(torch.full((1, 1, 64, 64), 0.3))
    assert flat.shape == (1, CHANNELS, 64 // STEP_PX, 64 // STEP_PX)
    assert flat[:, :-1].max() < 1e-6


def test_every_switch_changes_what_is_computed() -> None:
    scores = set()
    for wavelet, attention in product(("haar", "bior1.3", "off"), (True, False)):
        torch.manual_seed(0)
        net = ImageBranch(Design(wavelet=wavelet, attention=attention)).eval()
        with torch.no_grad():
            scores.add(round(float(net(FILMS)[0].sum()), 6))
    assert len(scores) == 6


def test_the_filters_are_not_learned() -> None:
    names = [name for name, _ in ImageBranch(Design()).named_parameters()]
    assert [name for name in names if "sobel" in name or "bank" in name] == []


def test_the_map_is_grad_cam_of_the_weighted_maps() -> None:
    torch.manual_seed(1)
    net = ImageBranch(Design()).eval()
    maps = net.maps(FILMS).detach().requires_grad_()
    net.head(maps.mean(dim=(2, 3))).sum().backward()
    weight = maps.grad.mean(dim=(2, 3), keepdim=True)
    wanted = torch.relu((weight * maps).sum(dim=1)).detach()
    with torch.no_grad():
        cam = net(FILMS)[1]
    torch.testing.assert_close(cam / cam.amax(), wanted / wanted.amax())


def test_what_is_served_is_what_torch_computes_wavelet_and_gates_included(tmp_path: Path) -> None:
    torch.manual_seed(2)
    net = ImageBranch(Design(wavelet="db2")).eval()
    file = export(net, {"film": FILMS.numpy()}, ("probability", "cam"), tmp_path / "net.onnx")
    one = OrtEngine(file)({"film": FILMS[:1].numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(one["probability"], net(FILMS[:1])[0], atol=1e-5)


def test_a_well_known_network_takes_the_place_of_the_small_one() -> None:
    net = ImageBranch(Design(backbone="resnet18")).eval()
    with torch.no_grad():
        probability, cam = net(FILMS)
    assert probability.shape == (3, 1) and cam.shape == (3, 2, 2)


def test_the_ablations_differ_from_the_reference_in_their_switch_alone() -> None:
    reference = recipe.CONFIGS["reference"]
    for name, changed in (("wavelet-off", {"wavelet"}), ("attention-off", {"attention"})):
        config = recipe.CONFIGS[name]
        assert {key for key in reference if config[key] != reference[key]} == changed
