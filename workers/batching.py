"""The one thread that runs engines: cases that wait at the same moment share a batch.

A GPU wants one owner and full batches; many screening threads hand their arrays to this one and
wait. Each case keeps its own answer, its own error and its own deadline.
"""

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from engines.runtime import Arrays, Engine
from engines.runtime.gpu import GpuLost
from workers.progress import moved_on

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often a case that waits for its batch looks whether the engines get on."""

GPU_LOST: Final = 69
"""Exit status of a process whose GPU is gone: EX_UNAVAILABLE of sysexits(3)."""


@dataclass(frozen=True)
class Batching:
    """How cases share batches.

    Attributes
    ----------
    most : int
        Cases in a batch.
    wait_s : float
        How long the first of them waits for others; 0: it takes along who waits already.
    answer_s : float
        How long a case waits for its turn before it gives up.
    """

    most: int = 8
    wait_s: float = 0.0
    answer_s: float = 300.0


@dataclass(frozen=True)
class _Wish:
    work: Callable[[], Any] | None
    engine: Engine | None
    arrays: Arrays
    answer: "Future[Any]" = field(default_factory=Future)
    asked_at: float = field(default_factory=time.monotonic)

    def fits(self, other: "_Wish") -> bool:
        """Whether both can run as one batch."""
        return (
            self.engine is not None
            and self.engine is other.engine
            and {k: a.shape[1:] for k, a in self.arrays.items()}
            == {k: a.shape[1:] for k, a in other.arrays.items()}
        )


class Batcher:
    """Owns the engines' thread.

    Parameters
    ----------
    batching : Batching
        How cases share batches.
    """

    def __init__(self, batching: Batching | None = None) -> None:
        self._batching = batching or Batching()
        self._batches = 0
        self._wishes: queue.Queue[_Wish] = queue.Queue()
        # examples that an engine had memory for, where it once had not enough
        self._room: dict[int, int] = {}
        threading.Thread(target=self._work, name="engine", daemon=True).start()

    def ask(self, work: Callable[[], Any]) -> Any:
        """Do something on the engines' thread, between batches, however long it takes."""
        return self._fulfilled(_Wish(work, None, {}), None)

    def run(self, engine: Engine, arrays: Arrays) -> Arrays:
        """Run a case, perhaps in a batch with others.

        Raises
        ------
        TimeoutError
            If its turn did not come in time.
        MemoryError
            If there is not enough even for this case by itself.
        """
        answer: Arrays = self._fulfilled(_Wish(None, engine, arrays), self._batching.answer_s)
        return answer

    def _fulfilled(self, wish: _Wish, answer_s: float | None) -> Any:
        """Wait for an answer; a case behind many others gets on as long as the engines do."""
        moved_on("infer")
        batches = self._batches
        self._wishes.put(wish)
        look_s = LOOK_S if answer_s is None else min(LOOK_S, answer_s)
        while not wait([wish.answer], look_s).done:
            if self._batches != batches:
                batches = self._batches
                moved_on("infer")
            waited_s = time.monotonic() - wish.asked_at
            # what runs already is not called back: whether it hangs is the watch's to judge
            if answer_s is not None and waited_s >= answer_s and wish.answer.cancel():
                raise TimeoutError(f"its turn at the engines did not come in {answer_s:.0f} s")
        moved_on("prepare")
        return wish.answer.result()

    def _work(self) -> None:
        held: _Wish | None = None
        while True:
            batch, held = self._gathered(held or self._wishes.get())
            wanted = [wish for wish in batch if wish.answer.set_running_or_notify_cancel()]
            if wanted:
                self._fulfil(wanted)
            self._batches += 1

    def _gathered(self, first: _Wish) -> tuple[list[_Wish], _Wish | None]:
        """Return a batch, and the wish that did not fit into it."""
        batch = [first]
        # from when it asked: who has waited while others ran waits no more
        until = first.asked_at + self._batching.wait_s
        while first.engine is not None and len(batch) < self._batching.most:
            try:
                wish = self._wishes.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if not wish.fits(first):
                return batch, wish
            batch.append(wish)
        return batch, None

    def _fulfil(self, batch: list[_Wish]) -> None:
        """Run one batch; whatever goes wrong is the callers' to hear, not the end of this thread.

        Where several ran, nobody knows whose fault it was: each runs again alone.
        """
        try:
            answers = self._answers(batch)
        except GpuLost as error:
            _leave(error)
        except Exception as error:  # noqa: BLE001 - handed on to every caller
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return
            log.warning("event=batch-broke cases=%s error=%s", len(batch), type(error).__name__)
            for wish in batch:
                self._fulfil([wish])
        else:
            for wish, answer in zip(batch, answers, strict=True):
                wish.answer.set_result(answer)

    def _answers(self, batch: list[_Wish]) -> list[Any]:
        first = batch[0]
        if first.work is not None:
            return [first.work()]
        assert first.engine is not None
        if len(batch) == 1:
            return [self._in_pieces(first.engine, first.arrays)]
        joined = {k: np.concatenate([w.arrays[k] for w in batch]) for k in first.arrays}
        cuts = np.cumsum([_examples(wish.arrays) for wish in batch])[:-1]
        found = self._in_pieces(first.engine, joined)
        outputs = {k: np.split(array, cuts) for k, array in found.items()}
        return [{k: parts[i] for k, parts in outputs.items()} for i in range(len(batch))]

    def _in_pieces(self, engine: Engine, arrays: Arrays) -> Arrays:
        """Run a batch, in as many pieces as memory asks for: halved each time it is not enough."""
        examples = _examples(arrays)
        most = min(examples, self._room.get(id(engine), examples))
        try:
            parts = [
                engine({name: array[at : at + most] for name, array in arrays.items()})
                for at in range(0, examples, most)
            ]
        except MemoryError:
            if most == 1:
                raise
            self._room[id(engine)] = most // 2
            log.warning("event=batch-halved engine=%r examples=%s", engine.description, most // 2)
            return self._in_pieces(engine, arrays)
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _examples(arrays: Arrays) -> int:
    return len(next(iter(arrays.values())))


def _leave(error: GpuLost) -> None:
    """End this process: only a new one may use the GPU again; what it held is freed by the next."""
    log.critical("event=gpu-lost why=%r", str(error))
    logging.shutdown()
    os._exit(GPU_LOST)
