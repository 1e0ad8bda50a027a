"""Logs: one line an event, key=value, UIDs and AE titles only, never a patient."""

import logging
import sys
import traceback
import warnings

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"


def set_up(level: str) -> None:
    """Send the logs of all our rooms to standard error.

    pydicom and its friends quote header values in warnings and errors, so theirs are kept out.
    """
    logging.basicConfig(level="WARNING", format=FORMAT, stream=sys.stderr, force=True)
    for room in ("daemon", "workers", "engines"):
        logging.getLogger(room).setLevel(level)
    for library in ("pydicom", "pynetdicom", "highdicom"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")


def where(error: BaseException) -> str:
    """Name an error's type and place without its words, which may quote a header."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}"
