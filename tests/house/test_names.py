"""What the rooms and their modules are called, and that the names are really ours."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("daemon", "workers", "engines", "migrations")
SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "manager"}
# what we import and must never shadow: running a file puts its folder first on the path
LIBRARIES = {
    "alembic",
    "celery",
    "highdicom",
    "kombu",
    "numpy",
    "onnx",
    "onnxruntime",
    "PIL",
    "pg8000",
    "pydantic",
}
LIBRARIES |= {"cuda", "tensorrt_rtx"}
LIBRARIES |= {"argon2", "fastapi", "jinja2", "starlette", "uvicorn"}
LIBRARIES |= {"pydicom", "pynetdicom", "redis", "rich", "sqlalchemy", "tensorrt", "torch", "typer"}
# a folder of one machine, or an index of packages that only one network has
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.])/(work|Users|home/(?!osteoscreen)\w+)/|(extra-)?index-url|trusted-host"
)


def module_names() -> set[str]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    folders = {path.parent.name for path in paths}
    return {path.stem for path in paths} | folders


def tracked_texts() -> list[tuple[Path, str]]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of tracked files")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    here = [path for path in paths if path.is_file() and path != Path(__file__)]
    return [(path, path.read_bytes().decode("utf-8", errors="ignore")) for path in here]


@pytest.mark.parametrize("room", ROOMS)
def test_each_import_name_belongs_to_osteoscreen_alone(room):
    # python-daemon also installs a top-level `daemon`
    assert set(importlib.metadata.packages_distributions()[room]) == {"osteoscreen"}


def test_no_module_has_a_name_that_says_nothing():
    assert module_names() & SAY_NOTHING == set()


def test_no_module_is_named_like_the_standard_library_or_a_library_we_import():
    taken = set(sys.stdlib_module_names) | LIBRARIES
    assert module_names() & taken == set()


def test_no_tests_folder_hides_a_room():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_tracked_file_names_a_path_or_an_index_of_one_machine():
    found = [
        (path.relative_to(ROOT), hit[0])
        for path, text in tracked_texts()
        for hit in OF_ONE_MACHINE.finditer(text)
    ]
    assert found == []


def test_the_licence_lies_in_the_root():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (
        "Apache License" in text
        and "Version 2.0, January 2004" in text
        and "END OF TERMS AND CONDITIONS" in text
    )
