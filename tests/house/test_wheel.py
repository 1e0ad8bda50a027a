"""What is installed without the source folder: the four rooms, the weights, the schema."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("daemon", "workers", "engines", "migrations")
METADATA = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Build the wheel from a copy, which building litters, and return its files' names."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for room in SOURCES:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in METADATA:
        shutil.copy(ROOT / file, source)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "-w", out, source], check=True)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_every_module_is_in_it(names):
    ours = {str(path.relative_to(ROOT)) for room in SOURCES for path in (ROOT / room).rglob("*.py")}
    assert ours <= names


def test_weights_tables_schema_and_licence_are_in_it(names):
    for wanted in (
        "engines/weights/cxr_osporscreen/manifest.json",
        "engines/weights/cxr_osporscreen/model.onnx",
        "engines/cxr_osporscreen/README.md",
        "engines/phantoms/tables/attenuation.csv",
        "engines/phantoms/tables/spectra.csv",
        "migrations/script.py.mako",
        "daemon/web/static/site.css",
        "daemon/web/templates/shell.html",
    ):
        assert wanted in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_nothing_of_tests_or_deploy_is_in_it(names):
    assert [name for name in names if name.startswith(("tests", "deploy", "docs"))] == []
