"""Every import contract of setup.cfg bites: a line that breaks it is found.

`make check` sees that the contracts are kept; here each one meets its violation in a copy.
"""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("daemon", "workers", "engines", "migrations")
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg", encoding="utf-8")
PREFIX = "importlinter:contract:"
CONTRACTS = [name.removeprefix(PREFIX) for name in CONFIG.sections() if name.startswith(PREFIX)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__", "weights", "*.npy")
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def violation(contract: str) -> tuple[str, str]:
    """Name a module and what it must not import, read from the contract itself."""
    options = {
        key: value.split() for key, value in CONFIG[PREFIX + contract].items() if key != "name"
    }
    match options["type"]:
        case ["layers"]:
            return options["layers"][-1], options["layers"][0]
        case ["forbidden"]:
            return options["source_modules"][0], options["forbidden_modules"][-1]
        case ["protected"]:
            return "daemon", options["protected_modules"][-1]
    raise NotImplementedError(f"no violation is known for a contract of type {options['type']}")


def source_file(root: Path, module: str) -> Path:
    path = root.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def lint_imports(root: Path, contract: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--contract", contract, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_finds_the_line_that_breaks_it(copy, contract):
    importer, imported = violation(contract)
    with source_file(copy, importer).open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")
    said = lint_imports(copy, contract)
    assert said.returncode == 1, said.stdout + said.stderr
    assert f"{importer} -> {imported} (l." in said.stdout


def test_each_library_of_the_design_has_its_door():
    doors = {CONFIG[PREFIX + name]["protected_modules"] for name in CONTRACTS if "door" in name}
    named = {module for door in doors for module in door.split()}
    assert named >= {"pynetdicom", "celery", "sqlalchemy", "onnxruntime", "highdicom"}
