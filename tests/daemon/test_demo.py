"""What the demo sends, and how it tells a film from a CT."""

import itertools

import pytest
from ct_studies import ct_series
from rich.console import Console

from daemon.demo import films
from daemon.demo.films import Film, virtual_and_real
from daemon.demo.table import Row, show

CT = Film("virtual CT", ct_series("1.2.826.0.9", 1, 2), "flagged")


def row(stored=("SR", "SC")):
    finding = {"value": 82.1, "threshold": 100.0, "unit": "[hnsf'U]"}
    result = {"model": "ct_attenuation", "current": True, "flagged": True, "findings": [finding]}
    series = {"state": "screened", "exam": "ct", "reason": None, "results": [result]}
    return Row(CT, series, [], list(stored), 0.0)


def test_one_flagged_and_one_not_flagged_ct_are_sent_beside_films(monkeypatch):
    numbers = itertools.count(1)

    def study(*_args, **_how):
        return ct_series(f"1.2.826.0.8.{next(numbers)}", 1, 1)

    monkeypatch.setattr(films, "one_radiograph", lambda *how: study()[0])
    monkeypatch.setattr(films, "one_ct", study)
    sent = {film.label: film for film in virtual_and_real(None)}
    assert len({film.study_uid for film in sent.values()}) == len(sent)
    scans = {label: film.expected for label, film in sent.items() if "CT" in label}
    assert scans == {
        "virtual CT, low density": "flagged",
        "virtual CT, normal density": "not flagged",
    }


def test_a_ct_is_told_in_hu():
    console = Console(record=True, width=160)
    show(console, [row()])
    told = console.export_text()
    assert "82.1 HU" in told and "100.0 HU" in told


@pytest.mark.parametrize(("stored", "problems"), [(("SR", "SC"), 0), (("SR",), 1)])
def test_a_result_that_is_not_in_the_pacs_is_a_problem(stored, problems):
    assert len(row(stored).problems) == problems
