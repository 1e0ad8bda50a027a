"""The losses of time to an event, against answers that are known."""

import numpy as np
import pytest
import torch
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi
from lifelines.utils import survival_table_from_events

from engines.ct_multitask.hazards import YEARS, cox_loss, fracture_free, hazards_loss
from engines.ct_multitask.survival import BASELINE, baseline_hazard
from engines.ct_multitask.survival import fracture_free as curve

YEARS_SEEN = torch.tensor([0.5, 1.0, 1.5, 2.0, 2.0, 3.0, 4.5, 5.0, 5.0, 5.0])
EVENT = torch.tensor([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0])


def fitted(years, event):
    """Return the hazards of people who are all alike."""
    logits = torch.zeros(1, YEARS, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def step():
        optimiser.zero_grad()
        loss = hazards_loss(logits.expand(len(years), -1), years, event)
        loss.backward()
        return loss

    optimiser.step(step)
    return torch.sigmoid(logits.detach())[0].numpy()


def test_people_who_are_alike_get_the_hazards_of_the_life_table():
    table = survival_table_from_events(YEARS_SEEN.numpy(), EVENT.numpy())
    told = table.iloc[1:]
    by_year = told.groupby(np.ceil(told.index))
    # people are lost at the ends of years only, so all at risk in one pass through the whole of it
    wanted = by_year["observed"].sum() / by_year["at_risk"].first()
    assert fitted(YEARS_SEEN, EVENT) == pytest.approx(
        [wanted.get(year, 0.0) for year in range(1, YEARS + 1)], abs=2e-3
    )


def test_half_a_year_without_an_event_counts_half():
    lost = hazards_loss(torch.zeros(1, YEARS), torch.tensor([0.5]), torch.tensor([0.0]))
    assert float(lost) == pytest.approx(0.5 * np.log(2))


def test_an_event_in_the_third_year_is_two_years_passed_and_one_hazard():
    logits = torch.tensor([[-1.0, 0.5, 2.0, 9.0, 9.0]])
    hazard = torch.sigmoid(logits)[0]
    wanted = -(torch.log(1 - hazard[:2]).sum() + torch.log(hazard[2]))
    found = hazards_loss(logits, torch.tensor([2.4]), torch.tensor([1.0]))
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)


def test_who_is_not_followed_counts_for_nothing():
    logits = torch.randn(2, YEARS)
    years, event = torch.tensor([3.2, torch.nan]), torch.tensor([1.0, torch.nan])
    assert hazards_loss(logits, years, event) == hazards_loss(logits[:1], years[:1], event[:1])
    assert torch.isfinite(hazards_loss(logits[1:], years[1:], event[1:]))


def test_cox_at_the_known_answer_is_the_published_partial_likelihood():
    rossi = load_rossi()
    fit = CoxPHFitter().fit(rossi, "week", "arrest")
    covariates = rossi[fit.params_.index].to_numpy()
    risks = torch.from_numpy(covariates @ fit.params_.to_numpy())
    years, event = (torch.from_numpy(rossi[name].to_numpy(float)) for name in ("week", "arrest"))
    # -658.75 by Efron's treatment of ties (Allison 1995), -659.1 by Breslow's
    found = float(-cox_loss(risks, years, event) * event.sum())
    assert fit.log_likelihood_ == pytest.approx(-658.748, abs=0.001)
    assert found == pytest.approx(fit.log_likelihood_, abs=1.0)


def test_the_curve_never_rises_and_is_what_is_left_of_the_hazards():
    logits = torch.randn(4, YEARS)
    free = fracture_free(logits).numpy()
    assert (np.diff(free, axis=1) <= 0).all()
    assert free[:, 1] == pytest.approx(
        ((1 - torch.sigmoid(logits[:, 0])) * (1 - torch.sigmoid(logits[:, 1]))).numpy()
    )


def test_a_baseline_gives_people_who_are_alike_what_nelson_and_aalen_give():
    years, events = np.array([0.5, 1.5, 1.5, 4.0, 5.0]), np.array([1, 1, 0, 1, 0]) > 0
    baseline = baseline_hazard(np.zeros(5), years, events)
    assert baseline == pytest.approx([1 / 5, 1 / 5 + 1 / 4, 0.45, 0.95, 0.95])
    free = curve(np.array([[0.0], [np.log(2)]]), {BASELINE: baseline})
    assert free[:, 4] == pytest.approx([np.exp(-0.95), np.exp(-1.9)])
