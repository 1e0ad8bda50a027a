"""Our name and version, as every object we write carries them and every gate looks for them."""

from importlib.metadata import PackageNotFoundError, version

PRODUCT = "osteoscreen"


def _version() -> str:
    try:
        return version(PRODUCT)
    except PackageNotFoundError:
        # a checkout that was never installed still runs, but cannot say which release it is
        return "0+unknown"


VERSION = _version()
