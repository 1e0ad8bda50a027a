"""Virtual patients beside the real table they were fitted on: plots and tables for the docs.

Run ``python -m engines.phantoms.people.compare BoneQuality.csv docs``; it writes two pictures into
that folder and prints the tables. Needs matplotlib (the extra ``lab``).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.fit import read_bone_quality
from engines.phantoms.people.person import OSTEOPOROSIS_T, Person

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Table = NDArray[np.float64]

#: What is compared: a heading, the column of the real table, the attribute of a person, the bins.
_SHOWN = (
    ("age, years", "age", "age_years", (50, 95, 5)),
    ("height, m", "height", "height_m", (1.30, 1.95, 0.05)),
    ("weight, kg", "weight", "weight_kg", (30, 110, 5)),
    ("spine BMD, g/cm²", "spine", "bmd_spine_g_cm2", (0.4, 1.8, 0.1)),
    ("neck BMD, g/cm²", "neck", "bmd_neck_g_cm2", (0.3, 1.6, 0.1)),
    ("hip BMD, g/cm²", "hip", "bmd_hip_g_cm2", (0.2, 1.5, 0.1)),
    ("spine T", "t_spine", "t_spine", (-6, 7, 1)),
    ("neck T", "t_neck", "t_neck", (-6, 5, 1)),
    ("hip T", "t_hip", "t_hip", (-6, 4, 1)),
)
_HEADINGS = [heading for heading, *_ in _SHOWN]
_WEIGHT, _AGE, _T = 2, 0, slice(6, 9)

_NAMES = {"F": "women", "M": "men"}
_PERSONS = 20_000


def read_real(path: Path, sex: str) -> Table:
    """Read one sex of the real table: shape (person, measure), in the order of `_SHOWN`."""
    real = read_bone_quality(path)
    kept = (real["sex"] == (2 if sex == "F" else 1)) & ~np.isnan(real["t_spine"])
    table = np.stack([real[column][kept] for _, column, _, _ in _SHOWN], axis=1)
    table[:, 1] /= 100
    return table


def draw_table(persons: Sequence[Person]) -> Table:
    """Lay persons out in the same way."""
    return np.array([[getattr(person, name) for _, _, name, _ in _SHOWN] for person in persons])


def roc(table: Table) -> tuple[Table, Table, float]:
    """Return the ROC curve of the OSTA index for osteoporosis, and the area under it.

    OSTA is (weight - age) * 0.2, not cut to whole numbers; sick is who has T of -2.5 or less at any
    of the three sites.
    """
    score = 0.2 * (table[:, _AGE] - table[:, _WEIGHT])
    sick = table[:, _T].min(axis=1) <= OSTEOPOROSIS_T
    order = np.argsort(-score, kind="stable")
    true = np.concatenate([[0.0], np.cumsum(sick[order]) / sick.sum()])
    false = np.concatenate([[0.0], np.cumsum(~sick[order]) / (~sick).sum()])
    # a curve's corners are where the score changes
    corners = np.flatnonzero(np.diff(score[order], append=-np.inf, prepend=np.inf))
    true, false = true[corners], false[corners]
    return false, true, float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))


def spread(table: Table, times: int = 1000) -> tuple[float, float]:
    """Return where the area lies in 95 of 100 tables drawn again from this one, sick and well."""
    rng = np.random.default_rng(0)
    sick = table[:, _T].min(axis=1) <= OSTEOPOROSIS_T
    areas = []
    for _ in range(times):
        rows = [
            rng.choice(kind, len(kind)) for kind in (np.flatnonzero(sick), np.flatnonzero(~sick))
        ]
        areas.append(roc(table[np.concatenate(rows)])[2])
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)


def moments(sex: str, real: Table, drawn: Table) -> str:
    """Write means and SD of both as rows of a table in Markdown."""
    rows = [
        f"| {_NAMES[sex]} | {heading} | {a.mean():.{d}f} ± {a.std():.{d}f} "
        f"| {b.mean():.{d}f} ± {b.std():.{d}f} |"
        for heading, a, b in zip(_HEADINGS, real.T, drawn.T, strict=True)
        for d in [1 if heading.startswith(("age", "weight")) else 3 if "BMD" in heading else 2]
    ]
    return "\n".join(rows)


def plot_margins(real: dict[str, Table], drawn: dict[str, Table], path: Path) -> None:
    """Draw the margins, real persons as steps over simulated ones."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 5.2), layout="constrained")
    axes = figure.subplots(2, len(_SHOWN))
    for row, sex in zip(axes, "FM", strict=True):
        for column, (ax, (heading, _, _, bins)) in enumerate(zip(row, _SHOWN, strict=True)):
            edges = np.arange(bins[0], bins[1] + bins[2] / 2, bins[2])
            ax.hist(drawn[sex][:, column], edges, density=True, color="#9ecae1", label="simulated")
            ax.hist(real[sex][:, column], edges, density=True, histtype="step", color="#222222")
            ax.set_yticks([])
            ax.set_title(f"{heading}" if sex == "F" else "", fontsize=9)
            ax.tick_params(labelsize=7)
        row[0].set_ylabel(_NAMES[sex])
    figure.suptitle("Korean table (line) and simulated persons (filled)", fontsize=10)
    figure.savefig(path, dpi=90)


def plot_together(real: dict[str, Table], drawn: dict[str, Table], path: Path) -> None:
    """Draw the correlations side by side, and the ROC curve of the OSTA index."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 7.6), layout="constrained")
    axes = figure.subplots(2, 3, width_ratios=(1, 1, 0.95))
    for row, sex in zip(axes, "FM", strict=True):
        _matrix(row[0], real[sex], f"{_NAMES[sex]}, real")
        _matrix(row[1], drawn[sex], f"{_NAMES[sex]}, simulated")
    pairs = [(np.concatenate([*each.values()]), each["F"]) for each in (real, drawn)]
    for ax, place, name in ((axes[0, 2], 0, "all"), (axes[1, 2], 1, "women")):
        for pair, style, kind in zip(pairs, ("k-", "C0-"), ("real", "simulated"), strict=True):
            false, true, area = roc(pair[place])
            ax.plot(false, true, style, label=f"{kind}, AUC {area:.3f}")
        ax.plot([0, 1], [0, 1], ":", color="grey")
        ax.set_title(f"OSTA index for osteoporosis, {name}", fontsize=10)
        ax.set_xlabel("1 - specificity")
        ax.set_ylabel("sensitivity")
        ax.legend(fontsize=9)
        ax.set_aspect("equal")
    figure.savefig(path, dpi=90)


def _matrix(ax: "Axes", table: Table, title: str) -> None:
    correlation = np.asarray(np.corrcoef(table.T))
    ax.imshow(correlation, vmin=-1, vmax=1, cmap="RdBu_r")
    names = [heading.split(",")[0] for heading in _HEADINGS]
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=7)
    ax.set_yticks(range(len(names)), names, fontsize=7)
    for (i, j), value in np.ndenumerate(correlation):
        colour = "white" if abs(value) > 0.6 else "black"
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    ax.set_title(title, fontsize=10)


def main() -> None:
    """Compare the table at a path with as many simulated persons; write into a folder."""
    path, folder = Path(sys.argv[1]), Path(sys.argv[2])
    persons = [draw_person(seed) for seed in range(_PERSONS)]
    real = {sex: read_real(path, sex) for sex in "FM"}
    drawn = {sex: draw_table([p for p in persons if p.sex == sex]) for sex in "FM"}
    plot_margins(real, drawn, folder / "virtual-patients-margins.png")
    plot_together(real, drawn, folder / "virtual-patients-correlations.png")
    lines = [moments(sex, real[sex], drawn[sex]) for sex in "FM"]
    for name, sexes in (("all", "FM"), ("women", "F"), ("men", "M")):
        tables = [np.concatenate([each[sex] for sex in sexes]) for each in (real, drawn)]
        low, high = spread(tables[0])
        areas = f"{roc(tables[0])[2]:.3f} ({low:.3f} to {high:.3f}) | {roc(tables[1])[2]:.3f}"
        sick = " | ".join(f"{np.mean(t[:, _T].min(axis=1) <= OSTEOPOROSIS_T):.1%}" for t in tables)
        lines += [f"| {name} | OSTA, AUC | {areas} |", f"| {name} | osteoporosis | {sick} |"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
