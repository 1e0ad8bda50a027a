"""Same seed, same bytes: ``python -m bench.samebytes`` images in processes that compute otherwise.

Each process has other vector instructions (NumPy, SciPy and OpenBLAS choose their code by what the
processor offers), another number of threads, another hash seed; one lives in another time zone and
language. ``--python PATH`` adds an interpreter with packages of its own, other versions of NumPy
and SciPy. What they write must be the same.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence

from processors import processors
from rich.console import Console
from rich.table import Table

from engines.exams import Exam
from engines.phantoms.dicom.files import file_bytes
from engines.phantoms.exams import Setting, images
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import HIP_CLINIC

#: Seeds that are imaged.
PERSONS = (5, 18)
SMALL = Setting(film_px=256, ct_px=128)


def digests(exams: Sequence[Exam], setting: Setting = SMALL) -> Iterator[tuple[str, str]]:
    """Image each exam of each person; yield what it was and a hash of all its files."""
    for exam in exams:
        for seed in PERSONS:
            person = draw_person(seed, HIP_CLINIC)
            digest = hashlib.sha256()
            for ds in images(person, exam, seed, setting):
                digest.update(file_bytes(ds))
            yield f"{exam} {seed}", digest.hexdigest()


def elsewhere(
    environment: dict[str, str], arguments: Sequence[str], python: str = sys.executable
) -> dict[str, str]:
    """Return the digests that a process with that environment comes to."""
    command = [python, "-m", "bench.samebytes", "--here", *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    said: dict[str, str] = json.loads(ran.stdout)
    return said


def environments() -> dict[str, dict[str, str]]:
    """Return processors by name, one of them abroad: a day ahead, and in Turkish."""
    abroad = {"TZ": "Pacific/Apia", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}
    names = list(found := processors())
    return found | {f"{names[1]}, abroad": found.pop(names[1]) | abroad}


def versions(python: str) -> str:
    """Name an interpreter and the packages that compute there."""
    asked = "import sys, numpy, scipy; v = sys.version_info; "
    asked += "print(f'Python {v[0]}.{v[1]}, NumPy {numpy.__version__}, SciPy {scipy.__version__}')"
    return subprocess.run([python, "-c", asked], capture_output=True, check=True, text=True).stdout


def show(found: dict[str, dict[str, str]]) -> Table:
    """Lay the first digits of all digests out: a row an image, a column an environment."""
    names = list(found)
    told = Table("images", *names, "")
    for what in found[names[0]]:
        each = [found[name][what] for name in names]
        told.add_row(what, *(one[:8] for one in each), "same" if len(set(each)) == 1 else "DIFFER")
    return told


def main() -> None:
    """Compare, or with ``--here`` print this process' own digests as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--exams", default=",".join(Exam))
    parser.add_argument("--film-px", type=int, default=SMALL.film_px)
    parser.add_argument("--ct-px", type=int, default=SMALL.ct_px)
    parser.add_argument("--here", action="store_true")
    parser.add_argument("--python", action="append", default=[], help="another interpreter")
    asked = parser.parse_args()
    if asked.here:
        setting = Setting(film_px=asked.film_px, ct_px=asked.ct_px)
        exams = [Exam(name) for name in asked.exams.split(",")]
        sys.stdout.write(json.dumps(dict(digests(exams, setting))))
        return
    arguments = [argument for argument in sys.argv[1:] if argument != "--here"]
    found = {name: elsewhere(env, arguments) for name, env in environments().items()}
    for python in asked.python:
        found[versions(python).strip()] = elsewhere(dict(os.environ), arguments, python)
    Console(width=120).print(show(found))
    sys.exit(
        any(len({one[what] for one in found.values()}) > 1 for what in found[next(iter(found))])
    )


if __name__ == "__main__":
    main()
