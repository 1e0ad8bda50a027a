"""Plans on disk: found by all they depend on, made once, whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace

import pytest

from engines.candidates import Candidate, Precision, Runtime
from engines.runtime.plans import Key, Plans

KEY = Key(
    model="toy",
    engine="toy",
    weights_sha256="a" * 64,
    onnx_sha256="b" * 64,
    candidate=Candidate(Runtime.TENSORRT, Precision.FP16),
    builder="TensorRT for RTX 1.7.1.116",
    gpu="NVIDIA H100 9.0",
    options="1,8,32",
)
OTHERS = {
    **{field.name: "another" for field in fields(KEY)},
    "candidate": Candidate(Runtime.TENSORRT, Precision.FP32),
}


def never():
    raise AssertionError("made again")


def test_what_is_there_is_not_made_again(tmp_path):
    first = Plans(tmp_path).get(KEY, lambda: b"plan")
    again = Plans(tmp_path).get(KEY, never)
    assert first.is_new and not again.is_new
    assert again.file.read_bytes() == b"plan"


@pytest.mark.parametrize("part", OTHERS)
def test_a_plan_that_differs_in_anything_is_another_one(tmp_path, part):
    Plans(tmp_path).get(KEY, lambda: b"plan")
    other = Plans(tmp_path).get(replace(KEY, **{part: OTHERS[part]}), lambda: b"other")
    assert other.is_new and other.file.read_bytes() == b"other"
    assert Plans(tmp_path).get(KEY, never).file.read_bytes() == b"plan"


def test_a_plan_that_was_changed_or_cut_short_is_made_anew(tmp_path):
    kept = Plans(tmp_path).get(KEY, lambda: b"a whole plan")
    kept.file.write_bytes(b"a whole")
    assert Plans(tmp_path).get(KEY, lambda: b"a whole plan").is_new
    assert kept.file.read_bytes() == b"a whole plan"


def test_the_plan_of_another_key_in_its_place_is_made_anew(tmp_path):
    ours = Plans(tmp_path).get(KEY, lambda: b"ours")
    foreign = Plans(tmp_path).get(replace(KEY, builder="another"), lambda: b"foreign")
    for suffix in (".plan", ".json"):
        os.replace(foreign.file.with_suffix(suffix), ours.file.with_suffix(suffix))
    assert Plans(tmp_path).get(KEY, lambda: b"ours").file.read_bytes() == b"ours"


def test_of_several_who_ask_at_once_one_builds(tmp_path):
    built = []

    def build():
        built.append(1)
        time.sleep(0.2)
        return b"plan"

    with ThreadPoolExecutor(4) as askers:
        kept = list(askers.map(lambda _: Plans(tmp_path).get(KEY, build), range(4)))
    assert len(built) == 1
    assert sorted(one.is_new for one in kept) == [False, False, False, True]


def test_a_build_that_fails_keeps_nothing(tmp_path):
    with pytest.raises(MemoryError):
        Plans(tmp_path).get(KEY, lambda: exec("raise MemoryError"))
    assert Plans(tmp_path).get(KEY, lambda: b"plan").is_new


KILLED = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from engines.runtime import plans
from test_plans import KEY

def write_half(file, data):
    file.with_name(file.name + ".part").write_bytes(data[: len(data) // 2])
    print("half", flush=True)
    time.sleep(60)

if {stage!r} == "write":
    plans._write = write_half
def make():
    if {stage!r} == "build":
        print("half", flush=True)
        time.sleep(60)
    return b"a whole plan"
plans.Plans(Path({root!r})).get(KEY, make)
"""


@pytest.mark.parametrize("stage", ["build", "write"])
def test_a_kill_leaves_no_half_file_and_no_lock(tmp_path, stage):
    program = KILLED.format(tests=os.path.dirname(__file__), root=str(tmp_path), stage=stage)
    builder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert builder.stdout.readline() == "half\n"
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    builder.stdout.close()
    assert not list(tmp_path.rglob("*.plan"))
    assert Plans(tmp_path).get(KEY, lambda: b"a whole plan").file.read_bytes() == b"a whole plan"
    assert not list(tmp_path.rglob("*.part"))
