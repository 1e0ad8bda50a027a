"""Networks by name: torchvision's own numbers, from a file of weights, and nothing fetched."""

from pathlib import Path
from typing import Any

import pytest

from engines.errors import EngineMismatch

torch = pytest.importorskip("torch", reason="training needs the extra `lab`")
from engines import zoo  # noqa: E402
from engines.zoo import models  # noqa: E402 - torchvision, importable from there on

#: One of each family, the smallest; and where torchvision's own classifier of it begins.
FAMILIES = {
    "resnet18": lambda net, maps: net.fc(maps.mean(dim=(2, 3))),
    "densenet121": lambda net, maps: net.classifier(maps.mean(dim=(2, 3))),
    "mobilenet_v3_small": lambda net, maps: net.classifier(maps.mean(dim=(2, 3))),
    "inception_v3": lambda net, maps: net.fc(maps.mean(dim=(2, 3))),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_trunk_filled_from_a_file_computes_what_the_whole_network_does(
    name: str, tmp_path: Path
) -> None:
    options: Any = {"init_weights": False} if name == "inception_v3" else {}
    whole = models.get_model(name, weights=None, **options)
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    trunk = zoo.trunk(name, tmp_path / "weights.pth").eval()
    whole.eval()
    film = torch.rand(1, 1, 96, 96)
    with torch.no_grad():
        maps, features = trunk(film)
        shown = (film.expand(-1, 3, -1, -1) - trunk.mean) / trunk.spread
        torch.testing.assert_close(FAMILIES[name](whole, maps), whole(shown))
    assert maps.shape[1] == features.shape[1] == trunk.channels


def test_a_transformer_offers_its_class_token_and_its_patches_in_their_places(
    tmp_path: Path,
) -> None:
    whole = models.vit_b_32(image_size=96)
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    trunk = zoo.trunk("vit_b_32", tmp_path / "weights.pth", image_size_px=96).eval()
    whole.eval()
    film = torch.rand(1, 1, 96, 96)
    with torch.no_grad():
        maps, token = trunk(film)
        shown = (film.expand(-1, 3, -1, -1) - trunk.mean) / trunk.spread
        torch.testing.assert_close(whole.heads(token), whole(shown))
        film[..., :32, 64:] += 1
        changed = (trunk.maps(film) - maps).abs().mean(dim=1)[0]
    assert maps.shape == (1, 768, 3, 3)
    # what is changed in the upper right corner of the film changes most in that of the map
    assert changed.argmax() == 2


def test_a_file_of_another_networks_weights_is_refused(tmp_path: Path) -> None:
    torch.save(models.resnet18().state_dict(), tmp_path / "other.pth")
    for file in ("other.pth", "nowhere.pth"):
        with pytest.raises(EngineMismatch, match="no weights of mobilenet_v3_small"):
            zoo.trunk("mobilenet_v3_small", tmp_path / file)
    (tmp_path / "noise.pth").write_bytes(b"no weights at all")
    with pytest.raises(EngineMismatch, match="no weights of mobilenet_v3_small"):
        zoo.trunk("mobilenet_v3_small", tmp_path / "noise.pth")


def test_a_site_supplies_pretrained_weights_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert zoo.supplied("resnet18") is None
    monkeypatch.setenv("PRETRAINED_NETWORKS", str(tmp_path))
    assert zoo.supplied("resnet18") is None
    (tmp_path / "resnet18.pth").write_bytes(b"")
    assert zoo.supplied("resnet18") == tmp_path / "resnet18.pth"


def test_a_name_that_is_not_in_the_zoo_is_an_error() -> None:
    with pytest.raises(KeyError):
        zoo.trunk("resnet51")
