"""The engine room: loaded once, run by one thread, what waits together runs together."""

import hashlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

from engines.errors import EngineMismatch
from workers import room as rooms
from workers.room import EngineRoom

MODEL = SimpleNamespace(CARD=SimpleNamespace(model="toy"))


class Doubler:
    """An engine in numpy that notes its batches and the thread that runs it."""

    description = "numpy"

    def __init__(self, *_):
        self.batches, self.threads = [], set()

    def __call__(self, arrays, /):
        self.batches.append(len(arrays["x"]))
        self.threads.add(threading.current_thread().name)
        time.sleep(0.05)
        if np.isnan(arrays["x"]).any():
            raise ValueError("not a number")
        return {"y": 2 * arrays["x"]}


@pytest.fixture
def loaded(monkeypatch):
    engines = []

    def load(*_):
        engines.append(Doubler())
        return engines[-1]

    monkeypatch.setattr(rooms, "load", load)
    return engines


@pytest.fixture
def root(tmp_path):
    """Weights of the toy model, as a site would lay them out."""
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "toy.onnx").write_bytes(b"weights")
    manifest = {
        "model": "toy",
        "version": "1",
        "trained_on": "simulated patients",
        "training": "none",
        "operating_points": {},
        "engines": {"toy": {"file": "toy.onnx", "sha256": hashlib.sha256(b"weights").hexdigest()}},
        "parameters": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


@pytest.fixture
def seat(root, loaded):
    return EngineRoom(root, engine_threads=1).seat(MODEL)


def x(value, size=3):
    return {"x": np.full((1, size), value, np.float32)}


def test_each_caller_gets_its_own_answer_back(seat, loaded):
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda n: seat.run("toy", x(n))["y"][0, 0], range(32)))
    assert answers == [2.0 * n for n in range(32)]


def test_one_thread_runs_it_and_what_waits_runs_as_one_batch(seat, loaded):
    with ThreadPoolExecutor(16) as callers:
        list(callers.map(lambda n: seat.run("toy", x(n)), range(32)))
    assert loaded[0].threads == {"engine"}
    assert sum(loaded[0].batches) == 32
    assert max(loaded[0].batches) == rooms.LARGEST_BATCH


def test_arrays_of_another_shape_never_share_a_batch(seat, loaded):
    with ThreadPoolExecutor(8) as callers:
        shapes = list(callers.map(lambda n: seat.run("toy", x(n, 3 + n % 2))["y"].shape, range(16)))
    assert shapes == [(1, 3 + n % 2) for n in range(16)]


def test_an_error_reaches_its_caller_and_the_thread_goes_on(seat):
    with pytest.raises(ValueError, match="not a number"):
        seat.run("toy", x(np.nan))
    assert seat.run("toy", x(1))["y"][0, 0] == 2


def test_engines_are_loaded_once(root, loaded):
    room = EngineRoom(root, engine_threads=1)
    with ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda _: room.seat(MODEL), range(8)))
    assert len(loaded) == 1


def test_weights_that_are_not_the_released_ones_are_refused(root, loaded):
    (root / "toy" / "toy.onnx").write_bytes(b"other weights")
    with pytest.raises(EngineMismatch, match="sha256"):
        EngineRoom(root, engine_threads=1).seat(MODEL)
    assert loaded == []
