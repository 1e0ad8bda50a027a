"""Weights that say they were trained on patients, and the report of an evaluation of them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from engines.cards import WEIGHTS, Weights, read_weights
from engines.validation import Validation, mark, thresholds_of

MODEL = "cxr_osporscreen"


def clinical_weights(folder: Path, model: str = MODEL) -> Weights:
    """Put a copy of the reference weights there that claims to have seen patients."""
    shutil.copytree(WEIGHTS / model, folder / model)
    manifest = folder / model / "manifest.json"
    told = json.loads(manifest.read_text()) | {"trained_on": "patients"}
    manifest.write_text(json.dumps(told))
    return read_weights(model, folder)


def evaluation_page(weights: Weights, **changed: object) -> str:
    """Return the page that an evaluation of weights on a site's own patients writes."""
    finding = {"finding": "osteoporosis", "patients": 412, "positive": 96}
    finding |= {"auc": "0.81 (0.77-0.85)", "sensitivity": "0.90", "specificity": "0.55"}
    told = Validation(
        model=weights.model,
        version=weights.version,
        weights_sha256=weights.sha256,
        thresholds=thresholds_of(weights),
        cohort="ours.csv 1a2b3c",
        simulated=False,
        patients=412,
        examples=430,
        findings=(finding,),
    )
    head = f'<!doctype html><html lang="en"><meta charset="utf-8">{mark(replace(told, **changed))}'
    return f"{head}<body><h1>evaluation</h1></body></html>\n"
