"""Labels that several papers share, from a row's DXA."""

from engines.lab.camera import known
from engines.lab.recipes import Row

_SITES = ("t_spine", "t_neck", "t_hip")
_UNKNOWN = float("nan")


def lowest_t_score(row: Row) -> float:
    """Return the lowest T-score of lumbar spine, femoral neck and total hip; NaN if unknown.

    Parameters
    ----------
    row : mapping
        With ``t_lowest``, or with ``t_spine``, ``t_neck``, ``t_hip``: the lowest of those that are
        there. A site that was not measured might have been lower; that is how clinics diagnose too.
    """
    if known(row, "t_lowest"):
        return float(row["t_lowest"])
    return min((float(row[site]) for site in _SITES if known(row, site)), default=_UNKNOWN)
