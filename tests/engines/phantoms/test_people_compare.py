"""Virtual patients and the real table, drawn beside each other for the docs."""

import numpy as np
import pytest

from engines.phantoms.people.compare import (
    draw_table,
    moments,
    plot_margins,
    plot_together,
    roc,
    spread,
)
from engines.phantoms.people.draw import draw_person


def table_of(rows):
    """Lay out age, weight and a T-score, the same at all three sites."""
    table = np.zeros((len(rows), 9))
    for person, (age, weight, t) in zip(table, rows, strict=True):
        person[0], person[2], person[6:9] = age, weight, t
    return table


def test_the_area_counts_a_tie_as_half():
    # sick: 80 years and 40 kg, 70 and 50; well: 60 and 70, and one as the second of the sick
    table = table_of([(80, 40, -3.0), (70, 50, -2.5), (60, 70, -1.0), (70, 50, -2.4)])
    false, true, area = roc(table)
    assert area == pytest.approx(3.5 / 4)
    assert (false[0], true[0]) == (0, 0) and (false[-1], true[-1]) == (1, 1)


def test_few_sick_say_little_of_the_area():
    rng = np.random.default_rng(1)
    rows = [(rng.normal(65 + 5 * (t < -2.5), 8), 60, t) for t in [-3.0] * 40 + [-1.0] * 400]
    few, many = table_of(rows), table_of(rows * 9)
    (low, high), (nearer, near) = spread(few, 200), spread(many, 200)
    assert low < roc(few)[2] < high
    assert (high - low) / (near - nearer) == pytest.approx(3, rel=0.3)


def test_the_rows_show_real_before_simulated():
    one, other = table_of([(60, 50, -1), (70, 60, -1)]), table_of([(80, 50, -1), (80, 60, -1)])
    assert (
        moments("F", one, other).splitlines()[0]
        == "| women | age, years | 65.0 ± 5.0 | 80.0 ± 0.0 |"
    )


def test_both_pictures_are_written(tmp_path):
    pytest.importorskip("matplotlib")
    persons = [draw_person(seed) for seed in range(200)]
    tables = {sex: draw_table([p for p in persons if p.sex == sex]) for sex in "FM"}
    for plot in (plot_margins, plot_together):
        plot(tables, tables, tmp_path / f"{plot.__name__}.png")
        assert (tmp_path / f"{plot.__name__}.png").read_bytes().startswith(b"\x89PNG")
