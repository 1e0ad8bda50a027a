"""A column of FRAX that somebody supplied stands beside the score in a report; none is made up."""

import re
from pathlib import Path

import numpy as np
import pytest

pandas = pytest.importorskip("pandas", reason="the bench needs the extra `lab`")
pytest.importorskip("torch", reason="the bench needs the extra `lab`")

from typer.testing import CliRunner  # noqa: E402

from engines.cli import app  # noqa: E402
from engines.ct_multitask.inputs import SIDE_PX, VIEWS  # noqa: E402
from engines.lab import survival  # noqa: E402

PATIENTS, WITH_FRAX = 40, 30
SEEDS = 500_000_000 + np.arange(PATIENTS)
YEARS = np.minimum(np.linspace(0.3, 7.0, PATIENTS), 5.0).round(2)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Views of noise, as an evaluation keeps them."""
    folder = tmp_path_factory.mktemp("views")
    for seed in SEEDS:
        shown = np.random.default_rng(seed).random((len(VIEWS), SIDE_PX, SIDE_PX))
        np.save(folder / f"{seed}.npy", shown.astype(np.float16))
    return folder


def evaluated(films: Path, home: Path, monkeypatch: pytest.MonkeyPatch, **columns: object) -> str:
    """Evaluate the reference weights on a table, as it is typed, and return the report."""
    monkeypatch.setattr(survival, "_DRAWS", 10)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    told = {"PatientID": [f"P{seed}" for seed in SEEDS], "seed": SEEDS}
    every_third, every_fourth = (np.arange(PATIENTS) % n == 0 for n in (3, 4))
    told |= {"followed_years": YEARS, "fractured": (every_third & (YEARS < 5)).astype(int)}
    told |= {"vertebral_fracture": every_fourth.astype(int)}
    pandas.DataFrame({**told, **columns}).to_csv(home / "cohort.csv", index=False)
    page = home / "report.html"
    words = ("evaluate", "ct_multitask", "--cohort", home / "cohort.csv")
    words += ("--keep", films, "--report", page)
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return page.read_text()


def test_frax_as_supplied_stands_beside_the_score_for_those_who_have_both(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # whoever fractures sooner has the higher percentage: nothing can order better
    supplied = np.where(np.arange(PATIENTS) < WITH_FRAX, 30 - 5 * YEARS, np.nan)
    page = evaluated(films, tmp_path, monkeypatch, frax_percent=supplied)
    assert f"Against FRAX, as supplied: {WITH_FRAX} patients with both" in page
    beside = page[page.index("Against FRAX") :]
    cells = re.findall(r"<td>([^<]*)</td>", beside[: beside.index("</table>")])
    name, ours, frax, gain = cells[:4]
    assert name == "c-index (Harrell)" and frax.startswith("1.000")
    lost = float(ours.split()[0]) - 1.0
    assert float(gain.split()[0]) == pytest.approx(lost, abs=0.0011) and lost < -0.1


def test_without_the_column_nothing_is_said_of_frax_and_events_are_ordered_all_the_same(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nobody is known to have passed five years
    page = evaluated(films, tmp_path, monkeypatch, followed_years=0.9 * YEARS)
    assert "c-index (Harrell)" in page and "Against FRAX" not in page
