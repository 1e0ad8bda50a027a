"""What a body may hold beyond its own parts."""

from enum import StrEnum


class Extra(StrEnum):
    """A foreign body, or fluid where there is none else."""

    HIP_LEFT = "hip prosthesis left"
    HIP_RIGHT = "hip prosthesis right"
    NAIL_LEFT = "nail left"
    NAIL_RIGHT = "nail right"
    SCREWS = "pedicle screws"
    PACEMAKER = "pacemaker"
    CEMENT = "cement"
    EFFUSION = "effusion"
