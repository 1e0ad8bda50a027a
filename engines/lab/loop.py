"""The one training loop: seeded, on CPU or GPU, with checkpoints, a log and a progress bar."""

import csv
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

#: A batch: tensors by name of the net's input.
Inputs = Mapping[str, Tensor]

_CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Schedule:
    """How long and how hard to train.

    Attributes
    ----------
    epochs, batch_size : int
        Passes over the examples; examples in a step.
    learning_rate, weight_decay : float
        Peak rate of the one-cycle schedule, and decay, both for AdamW.
    seed : int
        Of the initial weights, the order and the augmentation.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """What a net learns from.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        By name of the net's input; floating, shape (example, ...).
    labels : ndarray
        float32, shape (example, label); NaN is unknown.
    """

    arrays: Mapping[str, NDArray[np.floating]]
    labels: NDArray[np.float32]


def _as_built(net: nn.Module) -> nn.Module:
    return net


@dataclass(frozen=True)
class Lesson:
    """What a paper's recipe decides: the net, what is done to its inputs, and the loss.

    Attributes
    ----------
    build : callable
        Makes the net, its weights drawn from torch's generator.
    augment : callable
        (inputs, generator) -> inputs; on the CPU.
    loss : callable
        (net, inputs, labels) -> scalar.
    begin : callable
        net -> net, once before the training: gives a new net what another one has learned.
    """

    build: Callable[[], nn.Module]
    augment: Callable[[Inputs, torch.Generator], Inputs]
    loss: Callable[[nn.Module, Inputs, Tensor], Tensor]
    begin: Callable[[nn.Module], nn.Module] = field(default=_as_built)


@dataclass(frozen=True)
class Logbook:
    """Where a training is watched and kept.

    Attributes
    ----------
    console : Console
        Where the progress bar goes.
    folder : Path, optional
        Gets ``checkpoint.pt`` and ``log.csv`` after every epoch. A call that finds them goes on
        from there, and ends with the same net as one that was not broken off.
    """

    console: Console = field(default_factory=lambda: Console(stderr=True))
    folder: Path | None = None


def train(
    lesson: Lesson, examples: Examples, schedule: Schedule, logbook: Logbook | None = None
) -> tuple[nn.Module, list[float]]:
    """Train a net.

    Parameters
    ----------
    lesson : Lesson
        The paper's recipe.
    examples : Examples
        The training cohort.
    schedule : Schedule
        How long and how hard.
    logbook : Logbook, optional
        Where it is watched and kept; nothing is kept where not given.

    Returns
    -------
    net : Module
        On the CPU, in evaluation mode.
    losses : list of float
        Mean training loss of each epoch.
    """
    logbook = logbook or Logbook()
    course = _Course(lesson, examples, schedule)
    if logbook.folder:
        course.go_on_from(logbook.folder / _CHECKPOINT)
    with _progress(logbook.console) as progress:
        bar = progress.add_task("training", total=schedule.epochs * course.steps, loss="")
        progress.update(bar, completed=len(course.losses) * course.steps)
        while len(course.losses) < schedule.epochs:
            course.epoch(lambda loss: progress.update(bar, advance=1, loss=f"loss {loss:.3f}"))
            if logbook.folder:
                course.keep(logbook.folder)
    return course.net.cpu().eval(), course.losses


class _Course:
    """One training, between two of its epochs."""

    def __init__(self, lesson: Lesson, examples: Examples, schedule: Schedule) -> None:
        torch.manual_seed(schedule.seed)
        self._lesson, self._examples, self._schedule = lesson, examples, schedule
        self._draw = torch.Generator().manual_seed(schedule.seed)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = lesson.begin(lesson.build()).to(self._device)
        self.steps = -(-len(examples.labels) // schedule.batch_size)
        self._optimiser = torch.optim.AdamW(
            self.net.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self._pace = torch.optim.lr_scheduler.OneCycleLR(
            self._optimiser, schedule.learning_rate, schedule.epochs * self.steps
        )
        self.losses: list[float] = []

    def epoch(self, told: Callable[[float], None]) -> None:
        self.net.train()
        seen: list[float] = []
        order = torch.randperm(len(self._examples.labels), generator=self._draw).numpy()
        for start in range(0, len(order), self._schedule.batch_size):
            seen.append(self._step(order[start : start + self._schedule.batch_size]))
            self._pace.step()
            told(float(np.mean(seen)))
        self.losses.append(float(np.mean(seen)))

    def _step(self, chosen: NDArray[np.int64]) -> float:
        batch: Inputs = {
            name: torch.from_numpy(array[chosen]).float()
            for name, array in self._examples.arrays.items()
        }
        shown = self._lesson.augment(batch, self._draw)
        inputs = {name: tensor.to(self._device) for name, tensor in shown.items()}
        labels = torch.from_numpy(self._examples.labels[chosen]).to(self._device)
        self._optimiser.zero_grad()
        # bfloat16 has the exponents of float32, so losses need no scaling; the CPU stays exact
        with torch.autocast("cuda", torch.bfloat16, enabled=self._device.type == "cuda"):
            loss = self._lesson.loss(self.net, inputs, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return float(loss.detach())

    def go_on_from(self, file: Path) -> None:
        if not file.exists():
            return
        kept: dict[str, Any] = torch.load(file, map_location=self._device, weights_only=True)
        self.net.load_state_dict(kept["net"])
        self._optimiser.load_state_dict(kept["optimiser"])
        self._pace.load_state_dict(kept["pace"])
        self._draw.set_state(kept["draw"].cpu())
        torch.set_rng_state(kept["chance"].cpu())
        torch.cuda.set_rng_state_all([state.cpu() for state in kept["chance_cuda"]])
        self.losses = list(kept["losses"])

    def keep(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        state = {
            "net": self.net.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "pace": self._pace.state_dict(),
            "draw": self._draw.get_state(),
            "chance": torch.get_rng_state(),
            "chance_cuda": torch.cuda.get_rng_state_all(),
            "losses": self.losses,
        }
        # whole or not at all, should this end half way
        unfinished = folder / f"{_CHECKPOINT}.partial"
        torch.save(state, unfinished)
        os.replace(unfinished, folder / _CHECKPOINT)
        with (folder / "log.csv").open("w", newline="", encoding="utf-8") as stream:
            log = csv.writer(stream)
            log.writerow(["epoch", "loss"])
            log.writerows(enumerate(self.losses, start=1))


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
