"""The revisions of the ledger: what this program needs, and which programs a change leaves behind.

A change of the schema is made in two steps, so that old and new versions run side by side (expand,
then contract). A revision that only adds breaks nobody. One that takes away says which programs it
leaves behind, ``breaks_before = "0007"``: those that do not know revision 0007 yet. It comes a
version later than the code that does without what goes, so the program that brings it works
before it and after it.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import migrations

SCRIPTS = Path(migrations.__file__).parent
BREAKS = re.compile(r'^breaks_before = "(\d{4})"', re.MULTILINE)


@dataclass(frozen=True)
class Revision:
    """One step of the schema.

    Attributes
    ----------
    number : str
        Four digits, in order.
    breaks_before : str, optional
        Programs that do not know this revision cannot work after it; None where it only adds.
    """

    number: str
    breaks_before: str | None


@cache
def revisions() -> tuple[Revision, ...]:
    """Return all that this program knows, the first one first."""
    # read as text: a process that only opens the ledger does without Alembic
    scripts = sorted((SCRIPTS / "versions").glob("[0-9]*.py"))
    broken = (BREAKS.search(script.read_text(encoding="utf-8")) for script in scripts)
    said = (found and found.group(1) for found in broken)
    return tuple(
        Revision(*both) for both in zip((one.name[:4] for one in scripts), said, strict=True)
    )


def newest() -> str:
    """Return the last revision that this program knows."""
    return revisions()[-1].number


def needed() -> str:
    """Return the revision without which this program cannot work: the last that adds."""
    return next(one.number for one in reversed(revisions()) if one.breaks_before is None)


def least(revision: str) -> str | None:
    """Return what programs have to know at a revision; None if any may work there."""
    left = [one.breaks_before for one in revisions() if one.number <= revision]
    return max((one for one in left if one is not None), default=None)
