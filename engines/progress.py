"""Say that a case gets on, to whoever watches over it: what stands still is taken for hung."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Hear = Callable[[str], None]

_hear: ContextVar[Hear | None] = ContextVar("hear", default=None)


def moved_on(stage: str) -> None:
    """Say that the case of this thread has reached a stage, or gets on in it."""
    if (hear := _hear.get()) is not None:
        hear(stage)


def hearer() -> Hear:
    """Return what hears of the case of this thread, for another thread that works for it."""
    return _hear.get() or (lambda _stage: None)


@contextmanager
def heard_by(hear: Hear) -> Iterator[None]:
    """Let someone hear of the case that this thread works on."""
    before = _hear.set(hear)
    try:
        yield
    finally:
        _hear.reset(before)
