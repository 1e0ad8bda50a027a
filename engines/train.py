"""The one training loop: seeded, on the CPU, with a progress bar."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn


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
    inputs : ndarray
        float16 or float32, shape (example, channel, row, column).
    labels : ndarray
        float32, shape (example, label).
    """

    inputs: NDArray[np.floating]
    labels: NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """What a paper's recipe decides: the net, what is done to its inputs, and the loss.

    Attributes
    ----------
    build : callable
        Makes the net, its weights drawn from torch's generator.
    augment : callable
        (inputs, generator) -> inputs.
    loss : callable
        (net, inputs, labels) -> scalar.
    """

    build: Callable[[], nn.Module]
    augment: Callable[[Tensor, torch.Generator], Tensor]
    loss: Callable[[nn.Module, Tensor, Tensor], Tensor]


def train(
    lesson: Lesson, examples: Examples, schedule: Schedule, console: Console | None = None
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
    console : Console, optional
        Where the progress bar goes.

    Returns
    -------
    net : Module
        In evaluation mode.
    losses : list of float
        Mean training loss of each epoch.
    """
    torch.manual_seed(schedule.seed)
    draw = torch.Generator().manual_seed(schedule.seed)
    net = lesson.build()
    steps = schedule.epochs * -(-len(examples.labels) // schedule.batch_size)
    optimiser = torch.optim.AdamW(
        net.parameters(), schedule.learning_rate, weight_decay=schedule.weight_decay
    )
    pace = torch.optim.lr_scheduler.OneCycleLR(optimiser, schedule.learning_rate, steps)
    losses = []
    net.train()
    with _progress(console) as progress:
        bar = progress.add_task("training", total=steps, loss="")
        for _ in range(schedule.epochs):
            seen = []
            order = torch.randperm(len(examples.labels), generator=draw).numpy()
            for start in range(0, len(order), schedule.batch_size):
                chosen = order[start : start + schedule.batch_size]
                batch = torch.from_numpy(examples.inputs[chosen]).float()
                labels = torch.from_numpy(examples.labels[chosen])
                seen.append(_step(lesson, net, optimiser, (lesson.augment(batch, draw), labels)))
                pace.step()
                progress.update(bar, advance=1, loss=f"loss {np.mean(seen):.3f}")
            losses.append(float(np.mean(seen)))
    return net.eval(), losses


def _step(
    lesson: Lesson, net: nn.Module, optimiser: torch.optim.Optimizer, batch: tuple[Tensor, Tensor]
) -> float:
    optimiser.zero_grad()
    loss = lesson.loss(net, *batch)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(loss.detach())


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=console or Console(stderr=True),
        transient=True,
    )
