"""Work for many patients over all cores."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Of = TypeVar("Of")
T = TypeVar("T")

#: Read by the linear algebra library when it is first loaded, so it must be set for the child.
_THREADS = "OMP_NUM_THREADS"


def for_each_patient(
    work: Callable[[Of], T], seeds: Sequence[Of], what: str, console: Console
) -> Iterator[T]:
    """Do some work for each patient on all cores, with a progress bar.

    Parameters
    ----------
    work : callable
        Seed -> result; importable by name, for other processes run it.
    seeds : sequence
        Of the patients; or what else stands for them, e.g. rows of a table.
    what : str
        Said beside the bar.
    console : Console
        Where the bar goes.

    Yields
    ------
    object
        The results in the seeds' order.
    """
    cores = min(len(os.sched_getaffinity(0)), len(seeds))
    with _bar(console) as bar:
        task = bar.add_task(what, total=len(seeds))
        for result in _results(work, seeds, cores):
            bar.advance(task)
            yield result


def _results(work: Callable[[Of], T], seeds: Sequence[Of], cores: int) -> Iterator[T]:
    if cores < 2:
        yield from map(work, seeds)
        return
    # spawn: a forked child of a process that has used torch or ONNX Runtime may hang
    context = multiprocessing.get_context("spawn")
    with single_threaded_children(), ProcessPoolExecutor(cores, mp_context=context) as pool:
        # one at a time: a patient with a CT takes long, and a chunk would wait behind it
        yield from pool.map(work, seeds)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


@contextmanager
def single_threaded_children() -> Iterator[None]:
    """Keep each child's linear algebra to one core: the other children have the others."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before
