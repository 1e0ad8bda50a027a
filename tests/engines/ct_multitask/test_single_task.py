"""A run of one task alone goes the bench's whole way; what it was not taught has no threshold."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from bench.prognosis import risks_of
from typer.testing import CliRunner

from engines.cards import read_weights
from engines.cli import app
from engines.ct_multitask import recipe
from engines.ct_multitask.inputs import SIDE_PX, VIEWS
from engines.ct_multitask.model import DETECTED, PREDICTED
from engines.lab.cohort import read_cohort

# torch's exporter uses parts of torch and Python that it has itself deprecated
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    # the batch of a second input is named like that of the first
    "ignore:.*axis name.*will not be used:UserWarning",
)

OTHER = {DETECTED: PREDICTED, PREDICTED: DETECTED}


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A recipe that is done at once."""
    monkeypatch.setattr(recipe, "SCHEDULE", replace(recipe.SCHEDULE, epochs=1, batch_size=8))
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})


def typed(*words):
    """Run a command as a user types it; return what it printed."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def patients(run: Path, first: int, splits: dict[str, int]) -> Path:
    """Write a cohort, every third fractured and every second again, and views in their place."""
    views, rows = run / "sights", []
    views.mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(split for split, n in splits.items() for _ in range(n)):
        seed, again = first + number, number % 2
        draw = np.random.default_rng(seed)
        np.save(views / f"{seed}.npy", draw.random((len(VIEWS), SIDE_PX, SIDE_PX), np.float32))
        rows.append(
            {
                "PatientID": f"PHANTOM-{seed}",
                "seed": seed,
                "split": split,
                "vertebral_fracture": int(number % 3 == 0),
                "followed_years": 3.0 if again else 5.0,
                "fractured": again,
            }
        )
    file = run / f"from-{first}.csv"
    pandas.DataFrame(rows).to_csv(file, index=False)
    return file


@pytest.mark.parametrize(("config", "taught"), [("detection", DETECTED), ("prediction", PREDICTED)])
def test_from_training_to_the_card(config, taught, tmp_path):
    run, page = tmp_path / "run", tmp_path / "report.html"
    cohort = patients(run, 1, {"train": 16, "tune": 8})
    told = typed("train", "ct_multitask", "--config", config, "--cohort", cohort, "--out", run)
    assert f"of {taught} " in " ".join(told.split()) and told.count("AUC") == 1
    assert set(read_weights("ct_multitask", run).operating_points) == {taught}

    others = patients(run, 101, {"test": 36})
    assert typed("evaluate", run, "--cohort", others, "--report", page).count("AUC") == 1
    told = page.read_text()
    untold = re.search(f"<h2>{OTHER[taught]}</h2><p>([^<]*)", told)
    assert untold and "were not taught it" in untold[1]
    assert told.count("operating point</td>") == 1
    assert "score nan" not in told

    local = tmp_path / "local"
    aim = ("--aim", "flag-rate", "--wanted", 0.5, "--method", "none")
    typed("calibrate", run, "--cohort", others, *aim, "--out", local)
    assert set(read_weights("ct_multitask", local).operating_points) == {taught}
    typed("export", run, "--out", tmp_path / "served")
    again = read_weights("ct_multitask", tmp_path / "served")
    assert again.operating_points == read_weights("ct_multitask", run).operating_points
    card = typed("card", run, "--cohort", others)
    assert f"Threshold of {taught}:" in card and f"Threshold of {OTHER[taught]}:" not in card
    told = typed("compare", run, run, "--finding", taught, "--cohort", others)
    assert "+0.000" in told
    with pytest.raises(ValueError, match=f"has no {OTHER[taught]}"):
        typed("compare", run, run, "--finding", OTHER[taught], "--cohort", others)
    _, risks = risks_of(run, read_cohort(others), run / "sights")
    assert np.isfinite(risks).all() == (taught == PREDICTED)
