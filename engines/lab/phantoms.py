"""Which exams `osteoscreen-lab phantom` is asked for."""

import typer

from engines.exams import Exam
from engines.phantoms.exams import offered


def wanted_exams(names: str) -> tuple[Exam, ...]:
    """Return the exams of a list with commas.

    Raises
    ------
    typer.BadParameter
        If there is none, one that is unknown, or one that is known and not made yet.
    """
    there = offered()
    asked = [name.strip() for name in names.split(",") if name.strip()]
    made = ", ".join(there)
    for name in asked:
        if name not in {*map(str, Exam)}:
            raise typer.BadParameter(f"no exam {name!r}; there are: {made}", param_hint="--exams")
        if name not in {*map(str, there)}:
            reason = f"virtual {name} images are not made yet; there are: {made}"
            raise typer.BadParameter(reason, param_hint="--exams")
    if not asked:
        raise typer.BadParameter(f"name at least one of: {made}", param_hint="--exams")
    return tuple(exam for exam in Exam if str(exam) in asked)
