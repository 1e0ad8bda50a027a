"""The engine room: loaded once, held against full precision, parked when it goes wrong."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from toys import lay_out, network

from engines import engine_records
from engines.candidates import REFERENCE, Candidate, Precision, Runtime
from engines.errors import EngineMismatch
from engines.runtime.choosing import Terms
from engines.runtime.ort import OrtEngine
from workers.room import EngineRoom, Upkeep

MODEL = SimpleNamespace(CARD=SimpleNamespace(model="toy", parity_tolerance=0.005))
HALF = Candidate(Runtime.ORT_CPU, Precision.FP16)


@pytest.fixture
def root(tmp_path):
    """Weights of the toy model, as a site would lay them out."""
    lay_out(tmp_path)
    return tmp_path


class Aging:
    """An engine of a real network that may go wrong while it serves."""

    def __init__(self, file):
        self._engine = OrtEngine(file, 1)
        self.description, self.drift = "ages", 0.0
        self.threads = set()

    def __call__(self, arrays, /):
        self.threads.add(threading.current_thread().name)
        return {k: v + np.float32(self.drift) for k, v in self._engine(arrays).items()}


def aging_room(root, tmp_path, upkeep):
    made = []

    def make(candidate, making):
        made.append(Aging(making.network))
        return made[-1]

    return EngineRoom(root, 1, Terms((HALF, REFERENCE), 1, make=make), upkeep), made


def test_engines_are_loaded_once_on_the_engines_thread(root, tmp_path):
    room, made = aging_room(root, tmp_path, Upkeep())
    with ThreadPoolExecutor(8) as callers:
        seats = list(callers.map(lambda _: room.seat(MODEL), range(8)))
    assert len(made) == 1 and all(seat is seats[0] for seat in seats)
    seats[0].run("toy", {"x": np.zeros((1, 4), np.float32)})
    assert made[0].threads == {"engine"}


def test_without_a_gpu_full_precision_serves_and_says_so(root):
    seat = EngineRoom(root, engine_threads=1).seat(MODEL)
    found = seat.run("toy", {"x": np.ones((1, 4), np.float32)})
    assert found["probability"][0, 0] == pytest.approx(0.7311, abs=1e-4)
    assert seat.runtime.startswith("ONNX Runtime ") and seat.runtime.endswith(" CPU FP32")


def test_weights_that_are_not_the_released_ones_are_refused(root):
    (root / "toy" / "toy.onnx").write_bytes(network(2.0))
    with pytest.raises(EngineMismatch, match="sha256"):
        EngineRoom(root, engine_threads=1).seat(MODEL)


def test_what_serves_is_written_down_with_its_parity(root, tmp_path):
    records = tmp_path / "engines"
    room, _ = aging_room(root, tmp_path, Upkeep(records=records))
    assert room.seat(MODEL).runtime == "ages (parity 0.0e+00)"
    (record,) = engine_records.read_records(records, "toy")
    assert record["networks"]["toy"]["serves"] == "onnxruntime-cpu:fp16"
    assert record["networks"]["toy"]["parity"]["accepted"] is True
    assert record["parked"] is None
    assert engine_records.runs_on([record]) == "ages"


def test_what_was_refused_is_in_the_provenance_and_in_the_record(root, tmp_path):
    def off(candidate, making):
        engine = Aging(making.network)
        engine.drift = 0.01
        return engine

    records = tmp_path / "engines"
    room = EngineRoom(root, 1, Terms((HALF, REFERENCE), 1, make=off), Upkeep(records=records))
    assert room.seat(MODEL).runtime.endswith("CPU FP32 (refused: onnxruntime-cpu:fp16)")
    (fault,) = engine_records.faults(engine_records.read_records(records, "toy"))
    assert "onnxruntime-cpu:fp16 refused for toy: at most" in fault


def test_an_engine_that_goes_wrong_while_it_serves_parks_its_model_not_the_worker(root, tmp_path):
    lay_out(root, model="other")
    records = tmp_path / "engines"
    room, made = aging_room(root, tmp_path, Upkeep(recheck_s=1e-9, records=records))
    room.seat(MODEL)
    assert room.seat(MODEL)
    made[0].drift = 0.01
    with pytest.raises(EngineMismatch, match="went wrong while it served"):
        room.seat(MODEL)
    made[0].drift = 0.0
    with pytest.raises(EngineMismatch, match="went wrong while it served"):
        room.seat(MODEL)
    (why,) = engine_records.parked(engine_records.read_records(records, "toy"))
    assert "went wrong while it served" in why
    other = SimpleNamespace(CARD=SimpleNamespace(model="other", parity_tolerance=0.005))
    assert room.seat(other).run("toy", {"x": np.zeros((1, 4), np.float32)})


def test_known_cases_run_again_no_sooner_than_they_are_to(root, tmp_path):
    room, made = aging_room(root, tmp_path, Upkeep(recheck_s=3600))
    room.seat(MODEL)
    made[0].drift = 0.01
    assert room.seat(MODEL)
