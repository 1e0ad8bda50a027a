"""What each process loads: no tensor library where none is needed, and torch nowhere."""

import subprocess
import sys

import pytest

HEAVY = "torch", "onnxruntime", "highdicom", "tensorrt", "onnx"
SITE = "fastapi", "starlette", "uvicorn", "jinja2", "argon2"


@pytest.mark.parametrize("module", ["daemon.scp", "daemon.intake", "daemon.cli", "workers.deliver"])
def test_importing_it_loads_nothing_heavy(module):
    asked = f"import sys, {module}; print(*sorted(set(sys.modules) & set({HEAVY + SITE!r})))"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_the_worker_needs_no_torch():
    asked = "import sys, workers.screen; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_a_listener_holds_no_pixel_library_and_still_serves():
    asked = (
        "import sys; from daemon import part; part._travel_light('numpy', *part.DECODERS); "
        "import daemon.scp; from daemon import rehearsal; "
        "print(rehearsal.problem(), [n for n in ('numpy', 'gdcm', 'PIL') if sys.modules.get(n)])"
    )
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "None []"


def test_the_supervisor_carries_neither_dicom_nor_pixels():
    asked = "import sys, daemon.cli, daemon.serve; print({'pydicom', 'numpy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_the_intake_carries_no_decoder():
    asked = (
        "import sys; from daemon import part; part._travel_light(*part.DECODERS); "
        "import daemon.intake; print(sys.modules['gdcm'])"
    )
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "None"
