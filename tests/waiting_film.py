"""A model of one line that reads chest films and only waits, for tests of all that is around one.

It waits for WAITS_S seconds, and for as long as the file named by HOLD exists; by another file, of
that name with ``.held``, it says that it does.
"""

import json
import os
import time
from pathlib import Path

from engines.cards import Card, TrainedOn, Weights
from engines.cases import Case
from engines.eligibility import require_age
from engines.exams import Exam
from engines.findings import Measurement, Result
from engines.runtime import Run

NAME = "waiting_film"
CARD = Card(NAME, "Waits", Exam.CHEST_XRAY, "None.", (), ())
MANIFEST = {
    "model": NAME,
    "version": "1.0.0",
    "trained_on": TrainedOn.NOTHING,
    "training": "None.",
    "operating_points": {},
    "engines": {},
    "parameters": {},
}
HOOK = """
import sys
if {"intake", "screen", "alone"} & set(sys.orig_argv):
    import waiting_film
    from engines import catalog
    catalog.MODELS = (waiting_film,)
"""


def eligible(case: Case) -> None:
    require_age(case)


def screen(case: Case, run: Run, weights: Weights) -> Result:
    time.sleep(float(os.environ.get("WAITS_S", "0")))
    hold = Path(os.environ.get("HOLD", "/nonexistent"))
    while hold.exists():
        hold.with_suffix(".held").touch()
        time.sleep(0.05)
    found = Measurement("trabecular attenuation", "L1", 100.0 + len(case.images), "[hnsf'U]")
    return Result(NAME, weights.version, measurements=(found,))


def environment(folder: Path) -> dict[str, str]:
    """Return the environment in which the processes of a site have this model alone."""
    (folder / "hooks").mkdir(parents=True)
    (folder / "hooks" / "sitecustomize.py").write_text(HOOK)
    weights = folder / "weights"
    (weights / NAME).mkdir(parents=True)
    (weights / NAME / "manifest.json").write_text(json.dumps(MANIFEST))
    tests = Path(__file__).parent
    paths = [folder / "hooks", tests, tests.parent, os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(str(path) for path in paths if path),
        "OSTEOSCREEN_WEIGHTS": str(weights),
    }
