"""Cohorts of virtual patients: the seeds of who is in them."""

#: Seeds of one cohort are ``seed * BLOCK + 0, 1, 2 ...``: cohorts of different seeds share nobody.
BLOCK = 1_000_000


def seeds_of(cohort: int, patients: int) -> range:
    """Return the patients' seeds of a cohort; the first ones of a larger one are the same."""
    return range(cohort * BLOCK, cohort * BLOCK + patients)
