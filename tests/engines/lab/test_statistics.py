"""Our own statistics by their definitions, by hand, and against published and other programs'."""

import numpy as np
import pytest

pytest.importorskip("lifelines", reason="the bench needs the extra `lab`")
pytest.importorskip("sklearn", reason="the bench needs the extra `lab`")

from lifelines import CoxPHFitter
from lifelines.datasets import load_gbsg2, load_rossi

from engines.lab import survival
from engines.lab.calibrating import agreement
from engines.lab.decision import net_benefit, net_benefit_of_all
from engines.lab.delong import delong, difference
from engines.lab.figures import bootstrapped, predictive_values
from engines.lab.survival import auroc_at, c_index, uncensored, with_interval

DAYS = (365.0, 730.0, 1095.0, 1825.0)


def pairwise(scores: np.ndarray, ill: np.ndarray) -> np.ndarray:
    """Return psi of every positive with every negative, shape (score, positive, negative)."""
    apart = scores[:, ill][:, :, None] - scores[:, ~ill][:, None, :]
    return (apart > 0) + 0.5 * (apart == 0)


def test_delong_is_what_his_paper_defines() -> None:
    rng = np.random.default_rng(5)
    ill = rng.random(80) < 0.4
    scores = np.round(rng.normal(ill, 1.0, (2, 80)), 1)
    psi = pairwise(scores, ill)
    m, n = psi.shape[1:]
    wanted = np.cov(psi.mean(axis=2)) / m + np.cov(psi.mean(axis=1)) / n
    areas, covariance = delong(scores, ill)
    np.testing.assert_allclose(areas, psi.mean(axis=(1, 2)))
    np.testing.assert_allclose(covariance, wanted)


def test_a_paired_test_finds_what_an_unpaired_look_would_miss() -> None:
    rng = np.random.default_rng(6)
    ill = rng.random(400) < 0.3
    good = rng.normal(ill * 1.5, 1.0)
    worse = good + rng.normal(0, 0.7, 400)
    found = difference(good, worse, ill)
    areas, covariance = delong(np.stack([good, worse]), ill)
    apart = np.sqrt(covariance.diagonal())
    assert areas[0] - 1.96 * apart[0] < areas[1] + 1.96 * apart[1], "the intervals overlap"
    assert found.p < 0.01 and found.low > 0
    assert difference(worse, good, ill).value == pytest.approx(-found.value)


def test_two_scores_with_one_order_do_not_differ() -> None:
    ill = np.array([True, False, True, False])
    scores = np.array([0.9, 0.1, 0.3, 0.4])
    assert difference(scores, scores * 2, ill).p == 1.0


def test_under_no_difference_one_in_twenty_is_called_one() -> None:
    rng = np.random.default_rng(7)
    called = 0
    for _ in range(400):
        ill = rng.random(100) < 0.5
        called += difference(*rng.normal(ill, 1.0, (2, 100)), ill).p < 0.05
    assert 0.03 <= called / 400 <= 0.08


def test_net_benefit_weighs_a_false_alarm_by_the_odds_of_the_threshold() -> None:
    ill = np.array([True] * 2 + [False] * 8)
    scores = np.array([0.9, 0.3, 0.6, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    # from 0.25 on: both ill and two others are acted on; a false alarm costs a third
    assert net_benefit(scores, ill, np.array([0.25]))[0] == pytest.approx(0.2 - 0.2 / 3)
    assert net_benefit_of_all(ill, np.array([0.2]))[0] == pytest.approx(0.0)


def test_predictive_values_of_the_first_paper_at_its_own_and_at_a_screening_prevalence() -> None:
    # science of Tang 2025: sensitivity 0.9123, specificity 0.9392
    assert predictive_values(0.9123, 0.9392, 0.58)[0] == pytest.approx(0.95, abs=0.005)
    assert predictive_values(0.9123, 0.9392, 0.05) == pytest.approx((0.44, 0.995), abs=0.005)


def test_cox_on_rossi_orders_as_lifelines_documents() -> None:
    rossi = load_rossi()
    risk = CoxPHFitter().fit(rossi, "week", "arrest").predict_partial_hazard(rossi).to_numpy()
    found = c_index(risk, rossi["week"].to_numpy(float), rossi["arrest"].to_numpy() > 0)
    assert found == pytest.approx(0.64, abs=0.005)


# scikit-survival 0.28, cumulative_dynamic_auc and concordance_index_censored on the same 686
# women, who come with both; it takes the censoring at an event's own time, we just before
@pytest.mark.parametrize(
    ("column", "sign", "aurocs", "concordance"),
    [
        ("pnodes", 1, (0.71670, 0.67596, 0.69678, 0.65354), 0.645245),
        ("progrec", -1, (0.69432, 0.69132, 0.65554, 0.63770), 0.636411),
    ],
)
def test_events_in_time_are_ordered_as_scikit_survival_says(
    column: str, sign: int, aurocs: tuple[float, ...], concordance: float
) -> None:
    women = load_gbsg2()
    risk = sign * women[column].to_numpy(float)
    days, events = women["time"].to_numpy(float), women["cens"].to_numpy() > 0
    found = [auroc_at(risk, days, events, day) for day in DAYS]
    np.testing.assert_allclose(found, aurocs, atol=2e-4)
    assert c_index(risk, days, events) == pytest.approx(concordance, abs=1e-6)


def test_scikit_survival_says_the_same_today() -> None:
    metrics = pytest.importorskip("sksurv.metrics", reason="GPL, so never a dependency")
    from sksurv.util import Surv

    women = load_gbsg2()
    days, events = women["time"].to_numpy(float), women["cens"].to_numpy() > 0
    risk = women["pnodes"].to_numpy(float)
    both = Surv.from_arrays(events, days)
    wanted, _ = metrics.cumulative_dynamic_auc(both, both, risk, DAYS)
    np.testing.assert_allclose([auroc_at(risk, days, events, d) for d in DAYS], wanted, atol=2e-4)


def test_without_censoring_the_auroc_at_a_time_is_the_plain_one() -> None:
    rng = np.random.default_rng(8)
    risk = rng.normal(size=200)
    years = rng.exponential(np.exp(-risk) * 5)
    seen = np.ones(200, bool)
    assert (uncensored(years, seen) == 1).all()
    by_then = years <= 3
    plain, _ = delong(risk[None], by_then)
    assert auroc_at(risk, years, seen, 3.0) == pytest.approx(plain[0])


def test_censoring_that_depends_on_nothing_leaves_the_auroc_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(survival, "_DRAWS", 60)
    rng = np.random.default_rng(9)
    risk = rng.normal(size=1200)
    years = rng.exponential(np.exp(-risk) * 5)
    ends = rng.exponential(6, 1200)
    whole = auroc_at(risk, years, np.ones(1200, bool), 3.0)
    seen = years <= ends
    found = with_interval(
        lambda r, t, e: auroc_at(r, t, e, 3.0), risk, np.minimum(years, ends), seen
    )
    assert found.low < whole < found.high and found.high - found.low < 0.12


def test_an_auroc_needs_someone_on_either_side() -> None:
    with pytest.raises(ValueError, match="beyond"):
        auroc_at(np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.ones(2, bool), 5.0)


def test_a_bootstrap_draws_patients_not_their_hips() -> None:
    rng = np.random.default_rng(10)
    one = rng.random(60) < 0.5
    scores = rng.normal(one, 1.0)
    alone = bootstrapped(lambda s, y: s[y].mean(), scores, one, np.arange(60).astype(object))
    twice = bootstrapped(
        lambda s, y: s[y].mean(), np.tile(scores, 2), np.tile(one, 2), np.tile(np.arange(60), 2)
    )
    assert twice.high - twice.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_scores_that_are_probabilities_are_called_so_and_others_are_not() -> None:
    rng = np.random.default_rng(11)
    told = rng.uniform(0.02, 0.98, 20000)
    ill = rng.random(20000) < told
    found = agreement(told, ill)
    assert (found.slope, found.intercept) == pytest.approx((1.0, 0.0), abs=0.06)
    assert found.expected_to_observed == pytest.approx(1.0, abs=0.02)
    extreme = agreement(told**3 / (told**3 + (1 - told) ** 3), ill)
    assert extreme.slope == pytest.approx(1 / 3, abs=0.03)
