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

# of the program, not of an installation: PS3.10 7.1 and PS3.7 D.3.3.2 want one for all it says
IMPLEMENTATION_CLASS_UID = "2.25.188596659045398532818780672418459752965"
# an SH, so 16 characters at most
IMPLEMENTATION_VERSION_NAME = f"OSTEOSCREEN{VERSION}"[:16]
