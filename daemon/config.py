"""Settings: one frozen object, read once from ``osteoscreen.toml`` and the environment."""

import os
from pathlib import Path

from pydantic import ValidationError

from daemon import crossed
from daemon.errors import ConfigError
from daemon.settings import FILE, PREFIX, Settings

__all__ = ["FILE", "PREFIX", "Settings", "default_home", "load"]


def default_home() -> Path:
    """Return ``OSTEOSCREEN_HOME``, or ``.osteoscreen`` in the user's home folder."""
    return Path(os.environ.get(PREFIX + "HOME") or Path.home() / ".osteoscreen")


def load(home: Path | None = None) -> Settings:
    """Read the settings.

    Parameters
    ----------
    home : Path, optional
        Folder with ``osteoscreen.toml``; by default :func:`default_home`.

    Raises
    ------
    ConfigError
        For an unknown key, a value out of range, an unreadable file: one line that says which.
    """
    _refuse_unknown_environment()
    try:
        settings = Settings(home=(home or default_home()).expanduser().absolute())  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"setting {key!r}: {first['msg']} (osteoscreen.toml or {PREFIX}{key.upper()})"
        ) from None
    crossed.refuse(settings)
    return settings


def _refuse_unknown_environment() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {name + "_FILE" for name in known - {PREFIX + "HOME"}}
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ConfigError(
            f"unknown environment variable {unknown[0]}; known ones: osteoscreen.example.toml"
        )
