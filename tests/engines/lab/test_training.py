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

from engines.cards import TrainedOn, read_weights  # noqa: E402
from engines.cxr_osporscreen import recipe  # noqa: E402
from engines.cxr_osporscreen.net import OsPorScreen  # noqa: E402
from engines.errors import EngineMismatch  # noqa: E402
from engines.lab import build, runs  # noqa: E402
from engines.lab.cohort import virtual_cohort, with_splits  # noqa: E402
from engines.lab.evaluation import Subject, measure  # noqa: E402
from engines.lab.exporting import export_run  # noqa: E402
from engines.lab.loop import Examples, Logbook, Schedule, train  # noqa: E402
from engines.phantoms.cohort import seeds_of  # noqa: E402
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
    file = tmp_path_factory.mktemp("weights") / "cxr_osporscreen" / "model.onnx"
    return build.export(net, {"film": FILMS}, ("probability", "cam"), file)


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe that is done at once, and the folder of its films."""
    monkeypatch.setattr(recipe, "SCHEDULE", replace(recipe.SCHEDULE, epochs=1, batch_size=8))
    monkeypatch.setitem(recipe.CONFIGS["reference"], "input_size_px", 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    kept = tmp_path / "films"
    kept.mkdir()
    for seed in seeds_of(3, 32):
        # stand-ins: real ones take a second each
        np.save(kept / f"{seed}.npy", np.random.default_rng(seed).random((64, 64), np.float32))
    return kept


def test_the_recipe_trains_and_releases_weights_that_can_be_served(
    tmp_path: Path, short: Path
) -> None:
    order = runs.Order("cxr_osporscreen", virtual_cohort(24, 3, 8), seed=3, command="train it")
    (found,) = runs.train_run(order, tmp_path, QUIET, short)
    weights = read_weights("cxr_osporscreen", tmp_path)
    assert weights.folder == tmp_path / "cxr_osporscreen"
    assert {file.name for file in weights.folder.iterdir()} == {"manifest.json", "model.onnx"}
    assert weights.trained_on is TrainedOn.SIMULATED
    assert weights.training.startswith("24 simulated patients") and "train it" in weights.training
    assert weights.operating_points["osteoporosis"].threshold == found.threshold
    assert found.patients == 8 and found.sensitivity.value >= 0.85
    again = measure(Subject("cxr_osporscreen", tmp_path, short), order.cohort.of("tune"), QUIET)
    assert again.evaluations() == [found]
    (exported,) = export_run(tmp_path, tmp_path / "again")
    copy = read_weights("cxr_osporscreen", tmp_path / "again")
    assert copy.operating_points == weights.operating_points and exported.opset >= 18
    scored = [
        measure(Subject("cxr_osporscreen", root, short), order.cohort, QUIET).scores
        for root in (tmp_path, tmp_path / "again")
    ]
    np.testing.assert_allclose(*scored, atol=1e-6)


def test_cross_validation_scores_everybody_while_out_of_the_fold(
    tmp_path: Path, short: Path
) -> None:
    order = runs.Order("cxr_osporscreen", virtual_cohort(24, 3, 8), seed=3, folds=2)
    (found,) = runs.train_run(order, tmp_path, QUIET, short)
    assert found.patients == 32
    point = read_weights("cxr_osporscreen", tmp_path).operating_points["osteoporosis"]
    assert "32 simulated patients out of their fold" in point.source
    assert (tmp_path / "fold-2" / "cxr_osporscreen" / "log.csv").read_text().startswith("epoch,")


def test_all_of_a_patient_is_in_one_fold(tmp_path: Path, short: Path) -> None:
    cohort = virtual_cohort(32, 3)
    order = runs.Order("cxr_osporscreen", cohort, seed=3, folds=4)
    look = see_as(short)
    seen = look(cohort)
    seen.rows["PatientID"] = [f"P{i // 2}" for i in range(32)]
    held = runs.folds_of(seen, recipe.TARGETS[0], order)
    whose = seen.rows["PatientID"].to_numpy()
    assert np.sum(held, axis=0).tolist() == [1] * 32
    assert all(not set(whose[out]) & set(whose[~out]) for out in held)


def see_as(kept: Path):
    from engines.exams import Exam
    from engines.lab.seeing import Look, see

    look = Look(Exam.CHEST_XRAY, recipe, recipe.CONFIGS["reference"], kept)
    return lambda cohort: see(cohort, look, QUIET)


def test_another_order_does_not_go_on_with_this_run(tmp_path: Path, short: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    order = runs.Order("cxr_osporscreen", with_splits(virtual_cohort(24, 3), 0))
    with pytest.raises(runs.OtherRun):
        runs.train_run(order, tmp_path, QUIET, short)


LABELS = np.array([[1, -3], [0, -1], [1, -4], [0, 0]], dtype=np.float32)
SCHEDULE = Schedule(epochs=3, batch_size=2, learning_rate=1e-3, weight_decay=0.0, seed=4)


def the_lesson():
    return recipe.networks(recipe.CONFIGS["reference"])[0].lesson


def test_training_twice_gives_the_same_net() -> None:
    small = Examples({"film": FILMS[:, :, ::4, ::4]}, LABELS)
    nets = [train(the_lesson(), small, SCHEDULE, Logbook(QUIET))[0] for _ in range(2)]
    assert same(*nets)


class PulledPlug(Exception):
    """Stands for a kill: nothing after it is done."""


def test_a_training_that_was_killed_ends_with_the_same_net(tmp_path: Path) -> None:
    small = Examples({"film": FILMS[:, :, ::4, ::4]}, LABELS)
    whole, losses = train(the_lesson(), small, SCHEDULE, Logbook(QUIET))
    steps = iter(range(3))  # the second epoch's second step is never made
    lesson = the_lesson()

    def until_the_plug_is_pulled(*batch):
        if next(steps, None) is None:
            raise PulledPlug
        return lesson.loss(*batch)

    broken = replace(lesson, loss=until_the_plug_is_pulled)
    with pytest.raises(PulledPlug):
        train(broken, small, SCHEDULE, Logbook(QUIET, tmp_path))
    torch.rand(7)
    resumed, again = train(the_lesson(), small, SCHEDULE, Logbook(QUIET, tmp_path))
    assert same(whole, resumed) and again == losses
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)


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
        build.export(net, {"film": FILMS}, ("probability", "cam"), tmp_path / "model.onnx")


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
    films = recipe.augment({recipe.FILM: torch.from_numpy(FILMS)}, draw)[recipe.FILM]
    assert films.shape == FILMS.shape
    assert films.min() >= 0 and films.max() <= 1


def test_the_manifest_is_plain_json_with_the_hash_of_the_network(exported: Path) -> None:
    folder = exported.parent
    release = build.Release("cxr_osporscreen", "1", "none", TrainedOn.SIMULATED, {}, {})
    build.write_manifest(release, {"cxr_osporscreen": exported}, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["trained_on"] == "simulated patients"
    assert (
        read_weights("cxr_osporscreen", folder.parent).sha256
        == manifest["engines"]["cxr_osporscreen"]["sha256"]
    )
