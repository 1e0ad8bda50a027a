"""Input size by region: one command, the same patients for all, measured on others."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs the extra `lab`")
pytest.importorskip("onnxscript", reason="export needs the extra `lab`")

from engines.cards import read_weights
from engines.cli import app
from engines.cxr_osporscreen import recipe
from engines.lab.substudy import groups
from engines.phantoms.cohort import seeds_of

# torch's exporter uses parts of torch and Python that it has itself deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def test_each_region_is_trained_and_held_against_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "SCHEDULE", replace(recipe.SCHEDULE, epochs=1, batch_size=8))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    (tmp_path / "sights").mkdir()
    for seed in (*seeds_of(3, 24), *seeds_of(4, 32)):
        # stand-ins: real ones take a second each
        film = np.random.default_rng(seed).random((64, 64), np.float32)
        np.save(tmp_path / "sights" / f"{seed}.npy", film)
    wanted = ["--sizes", "32", "--regions", "whole,spine", "--patients", "16", "--seed", "3"]
    monkeypatch.setattr("engines.lab.substudy.virtual_cohort", _sixteen)
    done = CliRunner().invoke(app, ["substudy", "--out", str(tmp_path), *wanted])
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "substudy.csv").read_text().splitlines()
    assert lines[0].startswith("region,input_size_px") and lines[2].startswith("spine,32,32,")
    assert read_weights(recipe.ENGINE, tmp_path / "spine-32").parameters["region"] == "spine"
    assert "paired DeLong" in " ".join(done.stdout.split())


def _sixteen(patients: int, seed: int, tuning: int = 0):
    from engines.lab.cohort import virtual_cohort

    # enough on the other side to have both classes
    return virtual_cohort(patients if tuning else 32, seed, tuning)


def test_nobody_is_measured_whom_training_saw() -> None:
    taught, held = groups(None, 16, 3)
    assert not set(taught.rows["PatientID"]) & set(held.rows["PatientID"])


def test_a_region_that_is_none_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["substudy", "--out", str(tmp_path), "--regions", "knee"])
    assert done.exit_code == 2 and "knee" in done.output
