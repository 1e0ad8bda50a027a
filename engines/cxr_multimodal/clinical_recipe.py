"""Train and cross-validate the clinical branch on real patients, whose table is not kept here.

Run ``python -m engines.cxr_multimodal.clinical_recipe BoneQuality.csv OUT``; it writes
``OUT/clinical_branch.onnx`` and prints what cross-validation found.

BoneQuality.csv: Kim KY, Kim KM 2022, PLOS ONE 17(1) e0260924, data CC BY 4.0: 969 South Koreans of
50 to 93 years with DXA. Two without a spine T-score are left out, as in
:mod:`engines.phantoms.people.fit`. Everything here but the data is ours.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.numpy_helper import to_array
from torch import Tensor, nn
from torch.nn import functional

from engines.cards import WEIGHTS
from engines.cxr_multimodal.card import CARD
from engines.cxr_multimodal.clinical_net import ClinicalBranch
from engines.cxr_multimodal.model import CLINICAL_BRANCH, LOG_ODDS, VALUES
from engines.lab.build import export
from engines.lab.figures import Figure, auc
from engines.lab.loop import Examples, Inputs, Lesson, Schedule, train
from engines.phantoms.people.fit import read_bone_quality
from engines.phantoms.people.person import OSTEOPOROSIS_T

#: Of the released branch, for the manifest.
ORIGIN: Final = "969 real Koreans, clinical branch only (Kim and Kim 2022, CC BY 4.0; 967 used)"
FOLDS: Final = 5
SCHEDULE: Final = Schedule(epochs=60, batch_size=64, learning_rate=1e-2, weight_decay=1e-2)
#: How often each value is hidden in training, so that the branch knows what to do without it.
_HIDDEN_SHARE: Final = 0.15
_FILE: Final = f"{CLINICAL_BRANCH}.onnx"


@dataclass(frozen=True)
class Validated:
    """AUC of each patient scored by a branch that never saw that patient, and of OSTA beside it."""

    patients: int
    ill: int
    branch: Figure
    women: Figure
    men: Figure
    age_and_sex: Figure
    osta: Figure

    def __str__(self) -> str:
        rows = [
            f"{self.patients} patients, {self.ill} with a lowest T-score of -2.5 or less",
            f"clinical branch, {FOLDS}-fold: AUC {self.branch}",
            f"  women alone: {self.women}",
            f"  men alone: {self.men}",
            f"  of all, height and weight hidden: {self.age_and_sex}",
            f"OSTA, (weight - age) x 0.2: AUC {self.osta}",
        ]
        return "\n".join(rows)


def patients(table: Path) -> Examples:
    """Read the real patients.

    Returns
    -------
    Examples
        ``values`` as :func:`engines.cxr_multimodal.clinical.encoded`, all known; ``labels`` 1 for
        a lowest T-score of spine, neck and hip of -2.5 or less, shape (967, 1).
    """
    read = read_bone_quality(table)
    there = ~np.isnan(read["t_spine"])
    lowest = np.minimum.reduce([read["t_spine"], read["t_neck"], read["t_hip"]])[there]
    values = [read["age"], read["sex"] == 2, read["height"] / 100, read["weight"]]
    given = np.column_stack([column[there] for column in values]).astype(np.float32)
    rows = np.hstack([given, np.ones_like(given)])
    return Examples({VALUES: rows}, (lowest <= OSTEOPOROSIS_T)[:, None].astype(np.float32))


def untrained() -> nn.Module:
    """Build the branch with weights drawn from torch's generator."""
    return ClinicalBranch()


def released() -> nn.Module:
    """Build the branch as it is in the reference weights."""
    net = ClinicalBranch()
    graph = onnx.load(WEIGHTS / CARD.model / _FILE).graph
    kept = {one.name: torch.tensor(to_array(one)) for one in graph.initializer}
    net.load_state_dict({name: kept[name] for name in net.state_dict()})
    return net


def hide(inputs: Inputs, draw: torch.Generator) -> Inputs:
    """Make each value missing now and then, with its flag."""
    values = inputs[VALUES]
    seen = torch.rand((len(values), values.shape[1] // 2), generator=draw) >= _HIDDEN_SHARE
    return {VALUES: values * seen.float().repeat(1, 2)}


def loss(net: nn.Module, inputs: Inputs, labels: Tensor) -> Tensor:
    """Cross-entropy of the label, the first column."""
    return functional.binary_cross_entropy_with_logits(net(inputs[VALUES]), labels[:, :1])


def validate(real: Examples, seed: int = 0) -> Validated:
    """Cross-validate: a row is a patient, so folds share nobody."""
    ill, values = real.labels[:, 0] > 0, np.asarray(real.arrays[VALUES], np.float32)
    bare = values.copy()
    bare[:, [2, 3, 6, 7]] = 0
    full, partly = np.zeros(len(ill)), np.zeros(len(ill))
    lesson = Lesson(untrained, hide, loss)
    for fold, test in enumerate(folds(ill, seed)):
        taught = Examples({VALUES: values[~test]}, real.labels[~test])
        net, _ = train(lesson, taught, replace(SCHEDULE, seed=seed + fold))
        full[test], partly[test] = scores(net, values[test]), scores(net, bare[test])
    woman = values[:, 1] > 0
    osta = 0.2 * (values[:, 0] - values[:, 3]).astype(np.float64)
    return Validated(
        patients=len(ill),
        ill=int(ill.sum()),
        branch=auc(full, ill),
        women=auc(full[woman], ill[woman]),
        men=auc(full[~woman], ill[~woman]),
        age_and_sex=auc(partly, ill),
        osta=auc(osta, ill),
    )


def folds(ill: NDArray[np.bool_], seed: int) -> list[NDArray[np.bool_]]:
    """Deal patients out, the ill and the others alike; each mask is the patients of one fold."""
    draw = np.random.default_rng(seed)
    fold = np.empty(len(ill), int)
    for label in (False, True):
        here = np.flatnonzero(ill == label)
        fold[draw.permutation(here)] = np.arange(len(here)) % FOLDS
    return [fold == number for number in range(FOLDS)]


def scores(net: nn.Module, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return log odds, float64, shape (patient,)."""
    with torch.no_grad():
        found = net(torch.from_numpy(values))[:, 0]
    return np.asarray(found.numpy(), np.float64)


def main() -> None:
    """Print what cross-validation found, and write the branch trained on all."""
    real, out = patients(Path(sys.argv[1])), Path(sys.argv[2])
    sys.stdout.write(f"{validate(real)}\n")
    net, _ = train(Lesson(untrained, hide, loss), real, SCHEDULE)
    example: Mapping[str, NDArray[np.float32]] = {
        VALUES: np.asarray(real.arrays[VALUES][:4], np.float32)
    }
    export(net, example, (LOG_ODDS,), out / _FILE)


if __name__ == "__main__":
    main()
