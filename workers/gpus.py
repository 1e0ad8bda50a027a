"""What the GPUs of this host are at, as NVIDIA's own tool tells; nothing where there is none."""

import shutil
import subprocess

ASKED = "index,name,utilization.gpu,memory.used,memory.total,temperature.gpu"
KEYS = ("index", "name", "used_percent", "memory_used_mib", "memory_mib", "celsius")
LONGEST_S = 5.0


def gpus() -> list[dict[str, str | float]]:
    """Return one row a GPU: index, name, percent of time at work, memory in MiB, temperature.

    What a GPU does not tell is left out of its row.
    """
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    command = [tool, f"--query-gpu={ASKED}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        # a driver that does not answer: the engines' own checks say so
        return []
    return [_row(line.split(", ")) for line in told.splitlines()]


def _row(told: list[str]) -> dict[str, str | float]:
    row: dict[str, str | float] = {}
    for key, value in zip(KEYS, told, strict=False):
        try:
            row[key] = value if key in ("index", "name") else float(value)
        except ValueError:
            continue  # [N/A]
    return row
