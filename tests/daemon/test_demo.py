"""What the demo sends, and how it tells a film from a CT."""

import itertools

import pytest
from ct_studies import ct_series
from rich.console import Console

from daemon.demo import films
from daemon.demo.films import Film, virtual_and_real
from daemon.demo.table import Row, show
from daemon.story import outcome

CT = Film("virtual CT", ct_series("1.2.826.0.9", 1, 2), "flagged")


def row(stored=("SR", "SC"), state="screened", flagged=True, reason=None):
    finding = {"value": 82.1, "threshold": 100.0, "unit": "[hnsf'U]"}
    result = {"model": "ct_attenuation", "current": True, "findings": [finding]}
    result |= {"state": state, "flagged": flagged, "reason": reason}
    series = {"state": "screened", "exam": "ct", "reason": None, "results": [result]}
    return Row(CT, series, [], list(stored), 0.0)


def test_one_flagged_and_one_not_flagged_ct_are_sent_beside_films(monkeypatch):
    numbers = itertools.count(1)

    def study(*_args, **_how):
        return ct_series(f"1.2.826.0.8.{next(numbers)}", 1, 1)

    monkeypatch.setattr(films, "film", lambda *how: study()[0])
    monkeypatch.setattr(films, "abdomen", study)
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


def test_a_model_that_could_not_read_beside_one_that_did_is_not_told_as_not_flagged():
    beside = row(["SR"], "failed", None, "level-uncertain")
    assert beside.outcome == "failed: level-uncertain"
    assert beside.problems == ["virtual CT: failed: level-uncertain, expected flagged"]


def test_a_study_is_flagged_if_any_of_its_models_says_so():
    read, also, not_read = row().series, row(flagged=False).series, row(state="failed").series
    both = {**read, "results": also["results"] + read["results"]}
    assert outcome(both) == "flagged"
    assert outcome({**read, "results": not_read["results"] + also["results"]}) == "not flagged"
    assert outcome({"state": "skipped", "reason": "no-model", "results": []}) == "skipped: no-model"
