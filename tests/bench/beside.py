"""What is a chest film's score worth beside what is known without it?

``python -m bench.beside FOLDER`` measures the reference weights on virtual patients that neither
training nor threshold has seen, and what age, sex and size, whole-film statistics and the bones'
true state reach on the same patients. Films are kept in FOLDER, as `osteoscreen-lab evaluate` does.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from bench.classifier import auc_spread, best_auc, predicted
from bench.seen import global_values, table
from rich.console import Console
from rich.table import Table

from engines.cards import read_weights
from engines.cxr_osporscreen import model, recipe
from engines.exams import Exam
from engines.lab.cohort import virtual_cohort
from engines.lab.seeing import Look, see
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.person import Person
from engines.runtime.loading import load

#: Persons who are drawn and not filmed: what the body tells is fitted on them.
DRAWN = range(900_000_000, 900_004_000)
BODY = ("sex", "height_m", "weight_kg")
BONES = ("trabecular_mg_cm3", "cortex")


def columns(people: list[Person], names: tuple[str, ...]) -> np.ndarray:
    """Return what is true of persons, squares and products too: shape (person, column)."""
    plain = np.array(
        [[p.sex == "F" if name == "sex" else getattr(p, name) for name in names] for p in people],
        float,
    )
    pairs = [plain[:, i] * plain[:, j] for i in range(len(names)) for j in range(i, len(names))]
    return np.column_stack([np.ones(len(people)), plain, *pairs])


def from_truth(people: list[Person], names: tuple[str, ...]) -> np.ndarray:
    """Return how low a T-score is expected from what is true of a person."""
    drawn = [draw_person(seed) for seed in DRAWN]
    lowest = np.array([person.t_lowest for person in drawn])
    weights = np.linalg.lstsq(columns(drawn, names), lowest, rcond=None)[0]
    return -columns(people, names) @ weights


def scored(inputs: np.ndarray) -> np.ndarray:
    weights = read_weights(model.CARD.model)
    engine = load(weights.folder / weights.engines[model.ENGINE][0])
    parts = [inputs[i : i + 16].astype(np.float32) for i in range(0, len(inputs), 16)]
    probability = model.PROBABILITY
    return np.concatenate([engine({model.FILM: part})[probability][:, 0] for part in parts])


def judge(people: list[Person], inputs: np.ndarray) -> Table:
    sick = np.array([person.osteoporosis for person in people])
    score = scored(inputs).astype(np.float64)
    logit = np.log(np.clip(score, 1e-6, 1 - 1e-6) / np.clip(1 - score, 1e-6, 1))
    told = Table("from", "AUC (95 %)")
    told.add_row("score", str(auc_spread(score, sick)))
    for sex, name in (("F", "score, women"), ("M", "score, men")):
        of = np.array([person.sex == sex for person in people])
        told.add_row(name, str(auc_spread(score[of], sick[of])))
    body = np.column_stack([columns(people, ("age_years", *BODY))[:, 1:5], logit])
    films, _ = table([global_values(film[0].astype(float), (0.0, 1.0)) for film in inputs])
    told.add_row("sex, height, weight", str(auc_spread(from_truth(people, BODY), sick)))
    known = from_truth(people, ("age_years", *BODY))
    told.add_row("age, sex, height, weight", str(auc_spread(known, sick)))
    told.add_row("these and the score", str(auc_spread(predicted(body, sick), sick)))
    told.add_row("statistics of the whole film", str(best_auc(films, sick)))
    told.add_row("L1 density and cortex, true", str(auc_spread(from_truth(people, BONES), sick)))
    return told


def main(
    folder: Annotated[Path, typer.Argument(help="Where films are kept.")],
    patients: Annotated[int, typer.Option(help="How many.")] = 300,
    seed: Annotated[int, typer.Option(help="Of the cohort.")] = 99,
) -> None:
    """Measure the score beside what is known without it."""
    console = Console()
    look = Look(Exam.CHEST_XRAY, recipe, read_weights(model.CARD.model).parameters, folder)
    seen = see(virtual_cohort(patients, seed), look, Console(stderr=True))
    people = [draw_person(each) for each in seen.rows["seed"]]
    console.print(judge(people, seen.arrays[model.FILM]))


if __name__ == "__main__":
    typer.run(main)
