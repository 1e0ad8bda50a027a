"""The licences of all that an installed osteoscreen brings along."""

import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement

# names as packages write them, in SPDX or not
PERMISSIVE = re.compile(
    r"(0BSD|(New )?BSD( License|-[23]-Clause| 3-Clause License)?|3-Clause BSD License"
    r"|MIT(-0|-CMU| License)?"
    r"|Zlib|CC0-1\.0|ISC License( \(ISCL\))?|PSF-2\.0|Apache([- ]2\.0| Software License))"
)


def runtime_distributions() -> dict[str, importlib.metadata.Distribution]:
    """Follow install_requires to the end; extras only where one is asked for."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting, done = [Requirement("osteoscreen")], set()
    while waiting:
        wanted = waiting.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if (name, *sorted(wanted.extras)) in done:
            continue
        done.add((name, *sorted(wanted.extras)))
        found[name] = importlib.metadata.distribution(name)
        needs = map(Requirement, found[name].requires or ())
        waiting += [need for need in needs if applies(need, wanted.extras)]
    return found


def applies(need: Requirement, extras: set[str]) -> bool:
    asked = [{"extra": extra} for extra in ("", *extras)]
    return need.marker is None or any(map(need.marker.evaluate, asked))


def licence_names(distribution: importlib.metadata.Distribution) -> set[str]:
    """Read the names a package gives its licence; classifiers go before free text."""
    meta = distribution.metadata
    if expression := meta.get("License-Expression"):
        return set(re.split(r" (?:AND|OR) ", expression))
    classifiers = meta.get_all("Classifier") or []
    named = {line.split(" :: ")[-1] for line in classifiers if line.startswith("License :: ")} - {
        "OSI Approved"
    }
    return named or {meta.get("License", "not stated").strip()}


def test_every_runtime_dependency_is_permissive():
    licences = {name: licence_names(found) for name, found in runtime_distributions().items()}
    odd = {
        name: names for name, names in licences.items() if not all(map(PERMISSIVE.fullmatch, names))
    }
    assert odd == {}


def test_the_runtime_brings_no_torch_and_no_gpl_decoder():
    assert set(runtime_distributions()) & {"torch", "pylibjpeg-libjpeg", "scikit-survival"} == set()


@pytest.mark.parametrize(
    "name", ["GPL-3.0-only", "LGPL-3.0-only", "not stated", "EUPL 1.2", "Proprietary", ""]
)
def test_the_list_of_permissive_licences_accepts_no_other(name):
    assert PERMISSIVE.fullmatch(name) is None
