"""The recipe runs from nothing to released weights; what torch computes is what is served."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

torch = pytest.importorskip("torch", reason="training needs the extra `lab`")
pytest.importorskip("onnxscript", reason="export needs the extra `lab`")

from engines import build, lab_training  # noqa: E402
from engines.cards import TrainedOn, read_weights  # noqa: E402
from engines.cxr_osporscreen import recipe  # noqa: E402
from engines.cxr_osporscreen.net import OsPorScreen  # noqa: E402
from engines.errors import EngineMismatch  # noqa: E402
from engines.phantoms.cohort import Cohort, seeds_of  # noqa: E402
from engines.runtime.ort import OrtEngine  # noqa: E402

QUIET = Console(quiet=True)
FILMS = np.random.default_rng(0).random((4, 1, 256, 256), dtype=np.float32)

# torch's exporter uses parts of torch and Python that it has itself deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def net() -> OsPorScreen:
    torch.manual_seed(0)
    return OsPorScreen().eval()


@pytest.fixture(scope="module")
def exported(net: OsPorScreen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "cxr_osporscreen"
    return build.export(net, FILMS, recipe.ARRAYS, folder)


def test_the_recipe_trains_and_releases_weights_that_can_be_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "SCHEDULE", replace(recipe.SCHEDULE, epochs=1, batch_size=8))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    kept = tmp_path / "films"
    kept.mkdir()
    for seed in seeds_of(3, 32):
        # stand-ins: real ones take a second each
        np.save(kept / f"{seed}.npy", np.random.default_rng(seed).random((64, 64), np.float32))
    group = Cohort(24, seed=3, kept=kept)
    found = lab_training.train_model("cxr_osporscreen", group, tmp_path, QUIET)
    weights = read_weights("cxr_osporscreen", tmp_path)
    assert weights.folder == tmp_path / "cxr_osporscreen"
    assert weights.trained_on is TrainedOn.SIMULATED
    assert "24 simulated patients" in weights.training
    assert weights.operating_points["osteoporosis"].threshold == found.threshold
    assert found.patients == 8 and found.sensitivity.value >= 0.85


def test_training_twice_gives_the_same_net() -> None:
    from engines.train import Examples, Schedule, train

    labels = np.array([[1, -3], [0, -1], [1, -4], [0, 0]], dtype=np.float32)
    schedule = Schedule(epochs=1, batch_size=2, learning_rate=1e-3, weight_decay=0.0, seed=4)
    nets = [train(recipe.lesson(), Examples(FILMS, labels), schedule, QUIET)[0] for _ in range(2)]
    for first, second in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        assert torch.equal(first, second)


def test_the_exported_net_computes_what_torch_computes_for_any_batch(
    net: OsPorScreen, exported: Path
) -> None:
    engine = OrtEngine(exported)
    for n in (1, 3):
        with torch.no_grad():
            probability, cam = net(torch.from_numpy(FILMS[:n]))
        found = engine({"film": FILMS[:n]})
        np.testing.assert_allclose(found["probability"], probability.numpy(), atol=1e-5)
        np.testing.assert_allclose(found["cam"], cam.numpy(), atol=1e-4)


def test_the_exported_file_names_no_path_of_the_machine(exported: Path) -> None:
    content = exported.read_bytes()
    assert b".py" not in content and b"/engines" not in content and b"/home" not in content


def test_a_net_that_onnx_runtime_computes_otherwise_is_not_released(
    net: OsPorScreen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "TOLERANCE", -1.0)
    with pytest.raises(EngineMismatch, match="not released"):
        build.export(net, FILMS, recipe.ARRAYS, tmp_path)


def test_the_map_is_grad_cam(net: OsPorScreen) -> None:
    """Grad-CAM by its definition, with a backward pass, against the exported map."""
    maps = net.maps(torch.from_numpy(FILMS)).detach().requires_grad_()
    net.head(maps.mean(dim=(2, 3))).sum().backward()
    assert maps.grad is not None
    weight = maps.grad.mean(dim=(2, 3), keepdim=True)
    grad_cam = torch.relu((weight * maps).sum(dim=1)).detach()
    with torch.no_grad():
        cam = net(torch.from_numpy(FILMS))[1]
    torch.testing.assert_close(cam / cam.amax(), grad_cam / grad_cam.amax())


def test_augmented_films_are_still_films() -> None:
    draw = torch.Generator().manual_seed(1)
    films = recipe.augment(torch.from_numpy(FILMS), draw)
    assert films.shape == FILMS.shape
    assert films.min() >= 0 and films.max() <= 1


def test_the_manifest_is_plain_json_with_the_hash_of_the_network(exported: Path) -> None:
    folder = exported.parent
    release = build.Release("cxr_osporscreen", "1", "none", TrainedOn.SIMULATED, {}, {})
    build.write_manifest(release, {recipe.NETWORK: exported}, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["trained_on"] == "simulated patients"
    assert (
        read_weights("cxr_osporscreen", folder.parent).sha256
        == manifest["engines"]["cxr_osporscreen"]["sha256"]
    )
