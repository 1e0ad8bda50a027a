"""What is taught, to whom, and that each variant of the network can be asked."""

from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch
from lifelines import CoxPHFitter

from engines.ct_multitask import recipe
from engines.ct_multitask.hazards import fracture_free, hazards_loss
from engines.ct_multitask.inputs import LEVELS, SIDE_PX, VIEWS, prepared
from engines.ct_multitask.model import ENGINE, FRACTURE, LEVEL, SEEN, TIME, VIEWED
from engines.ct_multitask.net import CtMultitask, transferred
from engines.ct_multitask.scanned import scanned, wanted
from engines.lab.cohort import virtual_cohort
from engines.phantoms.people.draw import draw_person, normal_density_person
from engines.phantoms.people.person import FractureShape, VertebralFracture
from engines.phantoms.people.table import row

BROKEN = VertebralFracture("L2", FractureShape.CRUSH, 0.6)


def batch(n=3):
    draw = torch.Generator().manual_seed(1)
    views = torch.rand((n, len(VIEWS), SIDE_PX, SIDE_PX), generator=draw)
    return {VIEWED: views, SEEN: torch.ones(n, len(VIEWS))}


@pytest.fixture(scope="module")
def views():
    """A woman of normal density, before and after a fracture of L2."""
    person = normal_density_person(5)
    broken = replace(person, vertebral_fractures=(BROKEN,))
    return [scanned(one, 5)[0].pixels.astype(np.float32) for one in (person, broken)]


def test_a_virtual_patient_has_all_views_and_a_fracture_is_seen_where_it_is(views):
    whole, broken = views
    assert prepared(whole)[1].all()
    off = np.abs(whole - broken)[:-1, 8:40, 12:36].mean(axis=(1, 2))
    assert LEVELS[int(off.argmax())] == "L2"
    # both endplates are nearer to the middle
    bright = [view[LEVELS.index("L2"), :, 18:30].mean(axis=1) for view in views]
    gaps = [24 + one[24:44].argmax() - one[4:24].argmax() - 4 for one in bright]
    assert gaps[1] < 0.7 * gaps[0]


def test_who_is_taken_follows_from_what_the_views_show_and_not_from_what_happened():
    person = draw_person(11)
    # a third of the true risk is not to be seen; a choice by it would hide how much a fracture adds
    other = replace(person, fractured=True, followed_years=0.2, glucocorticoids=True, age_years=79)
    assert wanted(person) == wanted(other)
    above = replace(person, vertebral_fractures=(replace(BROKEN, level="T8"),))
    assert wanted(above) == wanted(replace(person, vertebral_fractures=()))
    assert wanted(replace(person, vertebral_fractures=(BROKEN,))) > wanted(above)
    taken = virtual_cohort(300, 3, wanted=wanted).rows
    assert taken["fractured"].mean() > 1.8 * virtual_cohort(300, 3).rows["fractured"].mean()


def test_labels_are_of_the_vertebrae_that_are_shown():
    person = replace(draw_person(11), vertebral_fractures=(replace(BROKEN, level="T8"), BROKEN))
    told = recipe.labels(row(person), "")
    assert told[0] == 1.0 and told[3:8] == (0.0, 0.0, 1.0, 0.0, 0.0)
    assert told[1:3] == (person.followed_years, float(person.fractured))
    above = replace(person, vertebral_fractures=(replace(BROKEN, level="T8"),))
    assert recipe.labels(row(above), "")[0] == 0.0


def test_a_hospital_that_knows_less_gives_what_it_knows():
    told = np.array(recipe.labels({"vertebral_fracture": 1}, ""))
    assert told[0] == 1 and np.isnan(told[1:]).all()
    lesson = recipe.networks(recipe.CONFIGS["reference"])[0].lesson
    labels = torch.tensor(np.stack([told, told]), dtype=torch.float32)
    loss = lesson.loss(lesson.build(), batch(2), labels)
    loss.backward()
    assert torch.isfinite(loss)


def test_any_of_two_even_odds_is_three_to_one():
    found = recipe.any_of(torch.zeros(1, 2))
    assert float(torch.sigmoid(found)) == pytest.approx(0.75)


@pytest.mark.parametrize("config", recipe.CONFIGS)
def test_every_variant_answers_and_its_untaught_task_has_no_score(config):
    parameters = recipe.CONFIGS[config]
    (network,) = recipe.networks(parameters)
    net = network.lesson.build().eval()
    with torch.no_grad():
        found = dict(zip(network.outputs, net(*batch().values()), strict=True))
    outputs = {ENGINE: {name: one.numpy() for name, one in found.items()}}
    labels = np.array([[1, 2.5, 1], [0, 5, 0], [0, 1.2, 1]], np.float32)
    scores = recipe.scores(outputs, {**parameters, **recipe.tune(outputs, labels)})
    taught = [name in parameters["tasks"] for name in ("detection", "prediction")]
    assert np.isfinite(scores).all(axis=0).tolist() == taught
    assert found[LEVEL].shape == (3, len(LEVELS)) and found[FRACTURE].shape == (3, 1)
    assert found[TIME].shape[1] == (1 if config == "cox" else 5)


def test_without_muscle_the_muscle_changes_nothing_and_with_it_does():
    with_it, without = CtMultitask().eval(), CtMultitask(muscle=False).eval()
    for net in (with_it, without):
        torch.nn.init.ones_(net.risk.weight)
    one = batch()
    other = {**one, VIEWED: one[VIEWED].clone()}
    other[VIEWED][:, -1] = 0
    with torch.no_grad():
        assert torch.equal(without(*one.values())[2], without(*other.values())[2])
        assert not torch.equal(with_it(*one.values())[2], with_it(*other.values())[2])


def test_what_is_not_seen_counts_for_nothing():
    net = CtMultitask().eval()
    one = batch()
    one[SEEN][:, 1] = 0
    other = {**one, VIEWED: one[VIEWED].clone()}
    other[VIEWED][:, 1] = 0.9
    with torch.no_grad():
        for a, b in zip(net(*one.values()), net(*other.values()), strict=True):
            assert torch.allclose(a, b)
        assert (net(*one.values())[1][:, 1] < 1e-4).all()


def test_prediction_begins_with_what_detection_learned(tmp_path):
    taught = CtMultitask()
    torch.nn.init.ones_(taught.risk.weight)
    torch.save({"net": taught.state_dict()}, tmp_path / "checkpoint.pt")
    net = transferred(CtMultitask(), tmp_path / "checkpoint.pt")
    for name, weight in net.state_dict().items():
        if name.startswith("encoder."):
            assert torch.equal(weight, taught.state_dict()[name]), name
    assert not torch.equal(net.risk.weight, taught.risk.weight)


def test_a_transfer_without_the_run_it_begins_with_is_refused_in_training_alone(
    tmp_path, monkeypatch
):
    (network,) = recipe.networks(recipe.CONFIGS["transfer"])
    monkeypatch.setenv("PRETRAINED_NETWORKS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no ct_multitask-detection\.pth"):
        network.lesson.begin(network.lesson.build())
    taught = CtMultitask()
    torch.save({"net": taught.state_dict()}, tmp_path / "ct_multitask-detection.pth")
    net = network.lesson.begin(network.lesson.build())
    assert torch.equal(
        net.encoder.state_dict().popitem()[1], taught.encoder.state_dict().popitem()[1]
    )


def test_a_training_has_time_to_learn_who_fractures_and_not_only_how_many():
    draw = np.random.default_rng(5)
    # thin bones on the whole, as where patients are taken by their risk
    density = draw.normal(-0.7, 1, 400)
    years = draw.exponential(1 / (0.015 * np.exp(-0.9 * density)))
    time, event = (torch.tensor(one, dtype=torch.float32) for one in (years.clip(0, 5), years < 5))
    measured = torch.zeros(400, 3)
    measured[:, 0] = torch.tensor(density)
    net = CtMultitask()
    steps = recipe.SCHEDULE.epochs * 400 // recipe.SCHEDULE.batch_size
    rate = recipe.SCHEDULE.learning_rate
    optimiser = torch.optim.AdamW([net.risk.weight, net.yearly], rate)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps)
    for _ in range(steps):
        optimiser.zero_grad()
        hazards_loss(net.ahead(measured, torch.zeros(400, 1)), time, event).backward()
        optimiser.step()
        pace.step()
    with torch.no_grad():
        of_two = net.ahead(torch.tensor([[0.0, 0, 0], [-1.0, 0, 0]]), torch.zeros(2, 1))
        whole = 1 - fracture_free(net.ahead(measured, torch.zeros(400, 1)))[:, -1].mean()
    table = pandas.DataFrame({"density": density, "years": time, "event": event})
    fitted = CoxPHFitter().fit(table, "years", "event")
    # a ratio of odds in a year is a little above one of hazards
    assert of_two[1, 0] - of_two[0, 0] == pytest.approx(-fitted.params_["density"], abs=0.1)
    assert float(whole) == pytest.approx(float(event.mean()), abs=0.01)


def test_views_are_moved_a_little_and_some_are_left_out():
    one = batch(40)
    shown = recipe.augment(one, torch.Generator().manual_seed(3))
    lost = shown[SEEN] == 0
    assert 0 < lost.float().mean() < 0.15
    assert not shown[VIEWED][lost].any()
    assert shown[VIEWED].min() >= 0 and shown[VIEWED].max() <= 1
    assert (one[SEEN] == 1).all(), "what was given is left as it was"
