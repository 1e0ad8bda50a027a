"""Logs: one line an event, key=value, UIDs and AE titles only, never a patient."""

import ast
import json
import logging
import re
import sys
import traceback
import warnings
from datetime import UTC, datetime

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s %(message)s"
FACT = re.compile(r"""(\w+)=("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S*)""")


def set_up(level: str, style: str = "text") -> None:
    """Send the logs of all our rooms to standard error.

    pydicom and its friends quote header values in warnings and errors, so theirs are kept out.

    Parameters
    ----------
    level : str
        Of our own; others are heard from ``WARNING`` on.
    style : str
        ``text``, or ``json`` for one object a line.
    """
    logging.basicConfig(level="WARNING", format=FORMAT, stream=sys.stderr, force=True)
    if style == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())
    for room in ("daemon", "workers", "engines"):
        logging.getLogger(room).setLevel(level)
    for library in ("pydicom", "pynetdicom", "highdicom"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")


class JsonLines(logging.Formatter):
    """Each line a JSON object, with the keys of its event as they stand in the text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname, "process": record.process}
        line["logger"] = record.name
        text = record.getMessage()
        facts = {key: _plain(value) for key, value in FACT.findall(text)}
        line |= facts if "event" in facts else {"message": text}
        if record.exc_info and record.exc_info[1]:
            line["error"] = where(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _plain(value: str) -> str:
    """Take the quotes away that a value with blanks was written in."""
    try:
        return str(ast.literal_eval(value)) if value[:1] in ("'", '"') else value
    except (SyntaxError, ValueError):
        return value


def where(error: BaseException) -> str:
    """Name an error's type and place without its words, which may quote a header."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {place}"
