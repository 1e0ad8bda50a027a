"""TensorRT 10 or 11, or TensorRT for RTX: whichever is installed, imported at the first use.

Failures come back from it as None and a line in its log; here they become errors with that line as
words.
"""

import importlib
import logging
from functools import cache
from typing import Any, Final

from engines.errors import EngineMismatch
from engines.runtime.gpu import NotHere

log = logging.getLogger(__name__)

PACKAGES: Final = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT for RTX"}


@cache
def package() -> Any:
    """Return TensorRT, or TensorRT for RTX.

    Raises
    ------
    NotHere
        If neither can be imported.
    """
    why = []
    for name in PACKAGES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                why.append(f"{name}: {error}")
        except (ImportError, OSError, RuntimeError) as error:
            why.append(f"{name}: {error}")
    raise NotHere("; ".join(why) or "neither tensorrt nor tensorrt-rtx is installed")


def title() -> str:
    """Return name and version, for the provenance of a result: ``TensorRT for RTX 1.7.1.116``."""
    return f"{PACKAGES[package().__name__]} {package().__version__}"


@cache
def tensorrt_log() -> Any:
    """Return TensorRT's logger: one for the process, as it asks; its errors are kept as words."""
    trt = package()
    levels = {
        trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.Severity.ERROR: logging.ERROR,
        trt.ILogger.Severity.WARNING: logging.DEBUG,
    }

    class Log(trt.ILogger):  # type: ignore[misc, name-defined, unused-ignore]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, words: str) -> None:
            level = levels.get(severity)
            if level == logging.ERROR:
                self.errors.append(words)
            if level is not None:
                log.log(logging.DEBUG, "event=tensorrt said=%r", words)

    return Log()


def require(found: Any, what: str) -> Any:
    """Return what TensorRT made; or turn its None into an error with the words of its log."""
    said = "; ".join(tensorrt_log().errors) or "no reason given"
    tensorrt_log().errors.clear()
    if found is not None and found is not False:
        return found
    if "out of memory" in said.lower() or "outofmemory" in said.lower():
        raise MemoryError(f"{what}: {said}")
    raise EngineMismatch(f"{title()}: {what}: {said}")
