"""Where a command writes: results to stdout, notes for people to stderr."""

from rich.console import Console

_WIDE = 140


def notes() -> Console:
    """Return the console for people; stdout belongs to results alone, so it writes to stderr."""
    return Console(stderr=True)


def results() -> Console:
    """Return the console for tables; wide where no terminal sets a width, as in a file."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)
