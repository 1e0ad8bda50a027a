"""Whole studies of full size, of each exam, maker and flaw, before dciodvfy and dcentvfy.

``python -m bench.studies`` counts files and what the judges say. The pixels of one body are imaged
once for each exam and written again for each maker and flaw, as headers are what is judged.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import typer
from rich.console import Console
from validators import dcentvfy, dciodvfy

from engines.exams import Exam
from engines.phantoms import filming, scanning
from engines.phantoms.body.build import Build
from engines.phantoms.dicom.files import file_bytes
from engines.phantoms.dicom.flaws import Flaw
from engines.phantoms.dicom.identity import Visit
from engines.phantoms.dicom.makers import MAKERS
from engines.phantoms.exams import Setting, study, visits
from engines.phantoms.mri.series import Filled, Hips
from engines.phantoms.nuisances import Nuisance
from engines.phantoms.people.draw import draw_person
from engines.phantoms.people.population import HIP_CLINIC

#: Their form is what is wrong with them.
OF_FORM = {Flaw.AGE_MALFORMED, Flaw.WRONG_CHARSET}
#: A woman with several visits.
SEED = 22


@dataclass(frozen=True)
class Judged:
    """What the judges say of one study: its files, and the complaints of each kind."""

    files: int
    errors: list[str]
    warnings: list[str]


@contextmanager
def imaged_once() -> Iterator[None]:
    """Take no picture twice, whatever header it gets."""
    with ExitStack() as stack:
        for module, name in (
            (filming.films, "take"),
            (scanning, "ct_volume"),
            (scanning, "fill"),
            (scanning, "mri_series"),
        ):
            stack.enter_context(mock.patch.object(module, name, _kept(getattr(module, name))))
        yield


def _kept(make: Callable[..., Any]) -> Callable[..., Any]:
    made: dict[tuple[str, ...], Any] = {}

    def once(*of: Any) -> Any:
        key = tuple(map(_said, of))
        if key not in made:
            made[key] = make(*of)
        return made[key]

    return once


def _said(one: Any) -> str:
    """Tell what differs between two arguments; the person is the same throughout."""
    if isinstance(one, Build):
        return str(one.extras)
    if isinstance(one, Hips):
        return f"{one.build.extras} {one.visit}"
    return "" if isinstance(one, Filled) else repr(one)


def written(visit: Visit, setting: Setting, folder: Path) -> list[Path]:
    """Write a study's files."""
    paths = []
    for number, ds in enumerate(study(visit, setting)):
        paths.append(folder / f"{number:05d}.dcm")
        paths[-1].write_bytes(file_bytes(ds))
    return paths


def judged(paths: list[Path]) -> Judged:
    """Return what dciodvfy says of each file and dcentvfy of all of them, each saying once."""
    with ThreadPoolExecutor(2) as pool:
        said = [line for lines in pool.map(dciodvfy, paths) for line in lines]
    said += dcentvfy(paths)
    warnings = sorted({line for line in said if line.startswith("Warning")})
    return Judged(len(paths), sorted(set(said) - set(warnings)), warnings)


def studies(exam: Exam, setting: Setting) -> Iterator[tuple[str, Visit, Setting]]:
    """Yield one study for each maker, each flaw and each nuisance."""
    person = draw_person(SEED, HIP_CLINIC)
    *_, last = visits(person, exam, SEED, setting)
    for maker in MAKERS:
        yield maker.name, replace(last, maker=maker), setting
    for number, flaw in enumerate(Flaw):
        maker = MAKERS[number % len(MAKERS)]
        yield flaw, replace(last, flaws=frozenset({flaw}), maker=maker), setting
    for number, nuisance in enumerate(Nuisance):
        maker = MAKERS[number % len(MAKERS)]
        # another body: fewer pixels, which no judge counts
        how = replace(setting, nuisances=frozenset({nuisance}), ct_px=min(setting.ct_px, 64))
        yield nuisance, replace(last, maker=maker), how


def main(
    exams: Annotated[str, typer.Option(help="Which, with commas.")] = ",".join(Exam),
    film_px: int = Setting().film_px,
    ct_px: int = Setting().ct_px,
) -> None:
    """Write all studies of full size and count what the judges say of them."""
    console, wrong = Console(width=150), False
    for exam in map(Exam, exams.split(",")):
        setting, files, found = Setting(film_px=film_px, ct_px=ct_px), 0, dict[str, Judged]()
        with imaged_once():
            for name, visit, how in studies(exam, setting):
                with tempfile.TemporaryDirectory() as folder:
                    found[name] = judged(written(visit, how, Path(folder)))
                files += found[name].files
                console.print(f"  {name}: {found[name].files} files", style="dim")
        wrong |= any(one.errors and name not in OF_FORM for name, one in found.items())
        console.print(f"[bold]{exam}[/]: {len(found)} studies, {files} files")
        for name, one in found.items():
            for line in one.errors:
                meant = " (on purpose)" if name in OF_FORM else ""
                console.print(f"  {name}{meant}: {line}", markup=False)
        said = Counter(line for one in found.values() for line in one.warnings)
        for line, count in said.most_common():
            console.print(f"  in {count} studies: {line}", markup=False)
    sys.exit(wrong)


if __name__ == "__main__":
    typer.run(main)
