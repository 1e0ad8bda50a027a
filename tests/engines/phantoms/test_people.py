"""Virtual patients against the real tables that they are drawn from."""

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
from glow import read_glow
from radiographs import shared

from engines.phantoms.people import fit, fitted, hazard
from engines.phantoms.people.draw import draw_person, low_density_person, normal_density_person
from engines.phantoms.people.hazard import course_of, fracture_free
from engines.phantoms.people.population import HIP_CLINIC, Population

ROOT = Path(__file__).parents[3]
SITES = ("spine", "neck", "hip")
COMPARED = (
    "age_years",
    "height_m",
    "weight_kg",
    "bmd_spine_g_cm2",
    "bmd_neck_g_cm2",
    "bmd_hip_g_cm2",
    "t_spine",
    "t_neck",
    "t_hip",
)


@pytest.fixture(scope="module")
def cohort():
    return [draw_person(seed) for seed in range(12_000)]


@pytest.fixture(scope="module")
def clinic():
    return [draw_person(seed, HIP_CLINIC) for seed in range(3_000)]


def columns(persons, names=COMPARED):
    return np.array([[getattr(person, name) for name in names] for person in persons], float)


def of_sex(cohort, sex):
    return [person for person in cohort if person.sex == sex]


@pytest.fixture(scope="module")
def real():
    return fit.read_bone_quality(shared("clinical/BoneQuality.csv"))


def real_columns(real, sex):
    kept = (real["sex"] == (2 if sex == "F" else 1)) & ~np.isnan(real["t_spine"])
    order = ("age", "height", "weight", *SITES, *(f"t_{site}" for site in SITES))
    table = np.stack([real[name][kept] for name in order], axis=1)
    table[:, 1] /= 100
    return table


def auc(score, sick):
    """Area under the ROC curve: how often a sick one's score is the higher one."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = sick.sum()
    return (rank[sick].sum() - n * (n + 1) / 2) / (n * (~sick).sum())


def test_the_kept_numbers_are_those_of_a_fresh_fit(real):
    for sex in "FM":
        fresh, kept = fit.fit(real, sex), fitted.FITTED[sex]
        for name, value in asdict(fresh).items():
            if name != "margins":
                assert np.array(flat(value)) == pytest.approx(flat(asdict(kept)[name]), abs=2e-3)
        for new, old in zip(fresh.margins, kept.margins, strict=True):
            assert flat(asdict(new)) == pytest.approx(flat(asdict(old)), rel=1e-3, abs=2e-4)
    assert pytest.approx(np.mean(real["sex"] == 2), abs=5e-4) == fitted.PART_WOMEN


def flat(value):
    if isinstance(value, dict):
        return [number for each in value.values() for number in flat(each)]
    if isinstance(value, tuple | list):
        return [number for each in value for number in flat(each)]
    return [value]


def test_the_kept_numbers_of_glow_are_those_of_a_fresh_fit():
    glow = read_glow(shared("clinical/glow500.rda"))
    weights = fit.glow_weights(glow["fracture"])
    for column, kept in zip(
        (glow["height"] / 100, glow["weight"]), fitted.WESTERN["F"], strict=True
    ):
        assert flat(asdict(fit.margin(glow["age"], column, weights))) == pytest.approx(
            flat(asdict(kept)), rel=1e-3, abs=2e-4
        )
    for name, kept in (
        ("priorfrac", fitted.GLOW_PRIOR_FRACTURE),
        ("smoke", fitted.GLOW_SMOKING),
    ):
        assert fit.logistic(glow["age"], glow[name], weights) == pytest.approx(kept, rel=1e-2)


def test_the_osta_index_finds_osteoporosis_as_well_as_in_the_real_table(cohort, real):
    """OSTA: (weight - age) * 0.2, not cut to whole numbers; T of -2.5 or less at any site."""
    index = (real["weight"] - real["age"]) * 0.2
    lowest = np.nanmin([real[f"t_{site}"] for site in SITES], axis=0)
    women = real["sex"] == 2
    assert auc(-index, lowest <= -2.5) == pytest.approx(0.808, abs=5e-4)
    assert auc(-index[women], lowest[women] <= -2.5) == pytest.approx(0.761, abs=6e-4)
    assert osta_auc(cohort) == pytest.approx(0.808, abs=0.03)
    assert osta_auc(of_sex(cohort, "F")) == pytest.approx(0.761, abs=0.03)


def osta_auc(persons):
    score = np.array([person.age_years - person.weight_kg for person in persons])
    return auc(score, np.array([person.osteoporosis for person in persons]))


def test_osteoporosis_is_as_common_as_in_the_real_table(cohort, real):
    for sex in "FM":
        truly = real_columns(real, sex)[:, -3:].min(axis=1) <= -2.5
        drawn = [person.osteoporosis for person in of_sex(cohort, sex)]
        assert np.mean(drawn) == pytest.approx(np.mean(truly), abs=0.03)


@pytest.mark.parametrize("sex", ["F", "M"])
def test_means_spreads_and_correlations_are_those_of_the_real_table(cohort, real, sex):
    drawn, truth = columns(of_sex(cohort, sex)), real_columns(real, sex)
    sd = truth.std(axis=0)
    assert (np.abs(drawn.mean(axis=0) - truth.mean(axis=0)) / sd).max() < 0.1
    assert np.abs(np.log(drawn.std(axis=0) / sd)).max() < log(1.08)
    apart = np.corrcoef(drawn.T) - np.corrcoef(truth.T)
    assert np.abs(apart).max() < 0.08


@pytest.mark.parametrize("sex", ["F", "M"])
def test_the_quantiles_are_those_of_the_real_table(cohort, real, sex):
    parts = (0.05, 0.25, 0.5, 0.75, 0.95)
    drawn, truth = columns(of_sex(cohort, sex)), real_columns(real, sex)
    apart = np.quantile(drawn, parts, axis=0) - np.quantile(truth, parts, axis=0)
    # 0.22 SD: at 5 and 95 % a quantile of 450 persons is itself known to 0.1 SD
    assert (np.abs(apart) / truth.std(axis=0)).max() < 0.22


def test_nobody_is_of_an_impossible_size(cohort):
    table = columns(cohort)
    assert (table.min(axis=0)[:3] >= (50, 1.25, 26)).all()
    assert (table.max(axis=0)[:3] <= (90, 2.0, 125)).all()
    assert (table[:, 3:6].min() > 0.2) and (table[:, 3:6].max() < 2.1)
    assert all(14.4 < person.bmi_kg_m2 < 45 for person in cohort)
    assert all(0.02 <= p.muscle_fat <= 0.5 and 30 < p.muscle_area_cm2 < 250 for p in cohort)


def test_the_inside_of_the_bones_follows_their_density(cohort):
    for sex in "FM":
        women_or_men = of_sex(cohort, sex)
        inside = columns(women_or_men, ("trabecular_mg_cm3", "cortex", "t_spine", "t_hip"))
        together = np.corrcoef(inside.T)
        assert 0.4 < together[0, 2] < 0.75 and 0.7 < together[1, 3] < 0.9
        sick = np.array([person.osteoporosis for person in women_or_men])
        assert 0.75 < auc(-inside[:, 0], sick) < 0.9
    assert low_mean_years(cohort) == pytest.approx(-1.9, abs=0.3)


def low_mean_years(cohort):
    """How much spongy bone is lost in a year, mg/cm3."""
    table = columns(cohort, ("age_years", "trabecular_mg_cm3"))
    return np.polyfit(*table.T, 1)[0]


def test_vertebral_fractures_are_as_common_as_in_the_united_states(cohort):
    found = {
        low: np.mean([bool(p.vertebral_fractures) for p in cohort if low <= p.age_years < high])
        for low, high in ((50, 60), (70, 80), (80, 91))
    }
    assert found == pytest.approx({50: 0.04, 70: 0.11, 80: 0.18}, abs=0.025)


def test_vertebral_fractures_peak_at_two_places_and_go_with_low_density(cohort):
    fractures = [each for person in cohort for each in person.vertebral_fractures]
    levels = Counter(each.level for each in fractures)
    assert {level for level, _ in levels.most_common(4)} == {"T7", "T8", "T12", "L1"}
    assert {each.grade for each in fractures} == {1, 2, 3}
    broken = [p.t_neck for p in of_sex(cohort, "F") if p.vertebral_fractures]
    whole = [p.t_neck for p in of_sex(cohort, "F") if not p.vertebral_fractures]
    assert np.mean(whole) - np.mean(broken) > 0.6


def test_fractures_are_listed_from_above_down(cohort):
    order = ["T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4"]
    for person in cohort:
        places = [order.index(each.level) for each in person.vertebral_fractures]
        assert places == sorted(set(places))


def test_new_fractures_come_as_often_as_their_hazard_says(cohort):
    """Events against the sum of hazard times time at risk, in fifths of the hazard."""
    rates = np.array([course_of(person).hazard_per_year for person in cohort])
    times = np.array([person.followed_years for person in cohort])
    events = np.array([person.fractured for person in cohort])
    fifth = np.digitize(rates, np.quantile(rates, (0.2, 0.4, 0.6, 0.8)))
    for part in range(5):
        expected = (rates * times)[fifth == part].sum()
        assert abs(events[fifth == part].sum() - expected) < 3.5 * np.sqrt(expected)
    assert events[fifth == 4].sum() > 8 * events[fifth == 0].sum()


def test_the_fracture_free_curve_is_the_expected_one(cohort):
    """Kaplan-Meier of the cohort against the mean of what each person's hazard promises."""
    women = of_sex(cohort, "F")
    times = np.array([person.followed_years for person in women])
    events = np.array([person.fractured for person in women])
    for years in (1.0, 3.0, 5.0):
        at = np.unique(times[events & (times <= years)])
        risk = (times[:, None] >= at).sum(axis=0)
        broke = ((times[:, None] == at) & events[:, None]).sum(axis=0)
        expected = np.mean([fracture_free(person, years) for person in women])
        assert np.prod(1 - broke / risk) == pytest.approx(expected, abs=0.008)


def test_europeans_would_fracture_as_often(cohort):
    """10.7 women and 5.7 men in 1,000 a year, ages 50 to 79 alike (EPOS)."""
    for sex, expected in (("F", 10.7), ("M", 5.7)):
        bands = [
            np.mean([course_of(p).hazard_per_year for p in of_sex(cohort, sex) if in_band(p, low)])
            for low in range(50, 80, 5)
        ]
        assert 1000 * np.mean(bands) == pytest.approx(expected, rel=0.12)


def in_band(person, low):
    return low <= person.age_years < low + 5


def test_each_part_of_the_hazard_multiplies_it_by_its_ratio():
    course = course_of(replace(draw_person(1), vertebral_fractures=()))
    plain = replace(course, other_fracture=False, smoking=False, glucocorticoids=False)
    measured, before = plain.measured, plain.hazard_per_year
    thinner = replace(
        measured,
        bmd_spine_g_cm2=measured.bmd_spine_g_cm2 - fitted.FITTED[measured.sex].margins[2].sd,
    )
    index_sd, fat_sd = (4.2, 0.06) if measured.sex == "F" else (5.0, 0.05)
    muscle_sd = index_sd * measured.height_m**2
    ratios = [
        (replace(plain, measured=thinner), 2.3),
        (replace(plain, vertebral_fracture=True), 4.0),
        (replace(plain, vertebral_fracture=True, other_fracture=True), 4.0),
        (replace(plain, other_fracture=True), 2.0),
        (replace(plain, glucocorticoids=True), 2.43),
        (replace(plain, smoking=True), 1.13),
        # the SD of women's and men's muscle index and fat
        (replace(plain, muscle_area_cm2=plain.muscle_area_cm2 - muscle_sd), 1.2),
        (replace(plain, muscle_fat=plain.muscle_fat + fat_sd), 1.2),
    ]
    for changed, ratio in ratios:
        assert changed.hazard_per_year / before == pytest.approx(ratio)
    assert exp(hazard.PER_YEAR_OF_AGE * 25) == pytest.approx(4.5, abs=0.1)


def test_a_seed_gives_the_same_person_in_another_process():
    code = (
        "from engines.phantoms.people.draw import draw_person; print([*map(draw_person, (3, 4))])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert run.stdout.strip() == str([draw_person(3), draw_person(4)])


def test_seeds_differ(cohort):
    assert len({(p.height_m, p.weight_kg, p.bmd_hip_g_cm2) for p in cohort}) > 0.999 * len(cohort)


def test_ten_thousand_persons_are_drawn_within_seconds():
    began = time.process_time()
    for seed in range(1_000):
        draw_person(seed)
    assert time.process_time() - began < 1.5


def test_asking_for_sick_hips_or_more_visits_leaves_body_and_spine_as_they_were():
    for seed in range(50):
        plain, sick = draw_person(seed), draw_person(seed, HIP_CLINIC)
        for name in (*COMPARED, "trabecular_mg_cm3", "muscle_area_cm2", "vertebral_fractures"):
            assert getattr(plain, name) == getattr(sick, name)


def test_osteonecrosis_is_rare_but_in_a_hip_clinic(cohort, clinic):
    sick = [person for person in clinic if person.osteonecroses]
    assert len(sick) / len(clinic) == pytest.approx(0.5, abs=0.03)
    both = np.mean([len(person.osteonecroses) == 2 for person in sick])
    assert both == pytest.approx(195 / 310, abs=0.04)
    assert np.mean([p.glucocorticoids for p in sick]) == pytest.approx(0.51, abs=0.04)
    hips = [hip for person in sick for hip in person.osteonecroses]
    collapsed = np.mean([hip.collapse_mm[0] > 0 for hip in hips])
    assert collapsed == pytest.approx(0.47, abs=0.04)
    visits = {len(person.visits_years) for person in clinic}
    assert visits == {1, 2, 3, 4}
    for person in sick:
        for hip in person.osteonecroses:
            assert len(hip.extent) == len(hip.collapse_mm) == len(person.visits_years)
            assert list(hip.extent) == sorted(hip.extent) and max(hip.extent) <= 0.6
            assert list(hip.collapse_mm) == sorted(hip.collapse_mm)
    assert np.mean([bool(person.osteonecroses) for person in cohort]) < 0.002


def test_the_number_of_visits_says_nothing_about_the_hips(clinic):
    visits = np.array([len(person.visits_years) for person in clinic])
    sick = np.array([bool(person.osteonecroses) for person in clinic])
    assert auc(visits, sick) == pytest.approx(0.5, abs=0.03)


def test_a_population_keeps_to_its_ages_and_its_part_of_women():
    old = Population(youngest_years=70, oldest_years=74, part_women=1.0)
    persons = [draw_person(seed, old) for seed in range(300)]
    assert {p.age_years for p in persons} == {70, 71, 72, 73, 74}
    assert {p.sex for p in persons} == {"F"}


def test_a_western_population_is_larger_about_the_same_bones():
    western = [draw_person(seed, Population(western=True)) for seed in range(500)]
    korean = [draw_person(seed) for seed in range(500)]
    assert [p.t_lowest for p in western] == [p.t_lowest for p in korean]
    women = columns(of_sex(western, "F"))
    assert women[:, 1].mean() == pytest.approx(1.62, abs=0.01)
    assert women[:, 2].mean() == pytest.approx(72.7, abs=3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"youngest_years": 40},
        {"oldest_years": 91},
        {"youngest_years": 80, "oldest_years": 60},
        {"part_women": 1.2},
        {"osteonecrosis": -0.1},
        {"most_visits": 0},
    ],
)
def test_a_population_outside_the_tables_is_refused(wrong):
    with pytest.raises(ValueError, match=r"ages|part|visit"):
        Population(**wrong)


def test_chosen_women_lie_far_below_and_above_the_threshold():
    low = [low_density_person(seed) for seed in range(40)]
    normal = [normal_density_person(seed) for seed in range(40)]
    assert {p.sex for p in low + normal} == {"F"}
    assert all(p.t_lowest <= -3.5 and p.trabecular_mg_cm3 < 80 for p in low)
    assert all(p.t_lowest >= -0.5 and p.trabecular_mg_cm3 > 110 for p in normal)
    assert not any(p.vertebral_fractures for p in normal)
    assert low[3] == low_density_person(3) and len({p.weight_kg for p in low}) > 30
